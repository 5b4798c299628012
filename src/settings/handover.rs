//! The flags about a restart without a gap: `--restart-order`, `--ready` and `--ready-timeout`.

use super::values::{FlagValues, refuse_typed};
use crate::error::Error;
use crate::flags::{READY, READY_TIMEOUT, RESTART_ORDER};
use crate::origin::Origin;
use crate::role::{Invalid, duration_within, one_of};
use crate::supervise::policy::{OnExpiry, Policy, ReadySign, RestartOrder};
use crate::vars::Vars;
use std::time::Duration;

const ORDERS: [(&str, RestartOrder); 2] =
    [("stop-first", RestartOrder::StopFirst), ("start-first", RestartOrder::StartFirst)];

/// Reads the flags about the order of a restart, and adds them to the policy.
///
/// # Errors
/// Fails if a value is invalid, or if a flag is set without another flag that the first one requires.
pub(super) fn policy(flags: &FlagValues, policy: Policy, vars: &Vars) -> Result<Policy, Error> {
    let restarts = policy.on_expiry == OnExpiry::Restart;
    if !restarts && flags.is_typed(&RESTART_ORDER) {
        return refuse_typed(flags, &RESTART_ORDER, "--on-expiry restart").map(|()| policy);
    }
    let order = flags.parsed(&RESTART_ORDER, |text| one_of(&ORDERS, text))?.filter(|_| restarts);
    let ready = flags.parsed(&READY, ready)?;
    let is_notified = vars.nonempty("NOTIFY_SOCKET").is_some();
    if order != Some(RestartOrder::StartFirst) {
        if !is_notified {
            refuse_typed(flags, &READY, "--restart-order start-first")?;
        }
        refuse_typed(flags, &READY_TIMEOUT, "--restart-order start-first")?;
        return Ok(Policy { ready: ready.filter(|_| is_notified), ..policy });
    }
    let ready = ready.unwrap_or(ReadySign::RunsFor(Duration::from_secs(5)));
    let ready_timeout = flags.parsed(&READY_TIMEOUT, ready_timeout)?.unwrap_or(policy.ready_timeout);
    if let ReadySign::RunsFor(time) = ready
        && time >= ready_timeout
    {
        let origin = flags.origin(&READY_TIMEOUT).or(flags.origin(&READY)).unwrap_or(Origin::Flag(&READY_TIMEOUT));
        let invalid = Invalid::new("the time of --ready must be shorter than --ready-timeout");
        let value = flags.one(origin.flag()).map(|given| given.value.to_string_lossy().into_owned());
        return Err(Error::Value {
            origin: origin.to_string(),
            value,
            invalid: invalid.hint("set a longer --ready-timeout"),
        });
    }
    Ok(Policy { restart_order: RestartOrder::StartFirst, ready: Some(ready), ready_timeout, ..policy })
}

fn ready(text: &str) -> Result<ReadySign, Invalid> {
    if text == "notify" {
        return Ok(ReadySign::Notification);
    }
    if let Some(number) = text.strip_prefix("fd:") {
        let number = number.parse().ok().filter(|number| (3..=1023).contains(number));
        let invalid = || Invalid::new("the descriptor must be a number from 3 to 1023").hint("for example fd:5");
        return number.map(ReadySign::Newline).ok_or_else(invalid);
    }
    let hint = "notify, fd:N, or a time such as 5s";
    duration_within(text, Duration::ZERO..=Duration::from_hours(1), "must be at most 1h", hint).map(ReadySign::RunsFor)
}

fn ready_timeout(text: &str) -> Result<Duration, Invalid> {
    let limits = Duration::from_millis(1)..=Duration::from_hours(1);
    duration_within(text, limits, "must be between 1ms and 1h", "for example 30s or 2m")
}

#[cfg(test)]
mod tests {
    use super::super::mode::{Mode, mode};
    use super::super::tests::values;
    use super::*;

    fn found(line: &str, pairs: &[(&str, &str)]) -> Policy {
        let vars: Vars = pairs.iter().copied().collect();
        match mode(&values(line, pairs), &vars) {
            Ok((Mode::Supervise(policy), _)) => policy,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_flags_of_a_handover_make_its_policy() {
        let start_first = |rest: &str| found(&format!("--on-expiry restart --restart-order start-first {rest}"), &[]);
        let five = ReadySign::RunsFor(Duration::from_secs(5));
        let minute = Duration::from_mins(1);
        let of = |policy: Policy| (policy.restart_order, policy.ready, policy.ready_timeout);
        assert_eq!(of(start_first("")), (RestartOrder::StartFirst, Some(five), minute));
        assert_eq!(start_first("--ready notify").ready, Some(ReadySign::Notification));
        assert_eq!(start_first("--ready fd:1023").ready_descriptor(), Some(1023));
        let long = start_first("--ready 2m --ready-timeout 3m");
        assert_eq!((long.ready, long.ready_timeout), (Some(ReadySign::RunsFor(2 * minute)), 3 * minute));
        assert_eq!(of(found("--on-expiry restart", &[])), (RestartOrder::StopFirst, None, minute));
        // Readiness matters without a handover too if a service manager waits for it.
        let vars = [("NOTIFY_SOCKET", "/run/notify"), ("XASSUME_RESTART_ORDER", "start-first")];
        let signaled = found("--on-expiry signal --ready 5s", &vars);
        assert_eq!(of(signaled), (RestartOrder::StopFirst, Some(five), minute));
    }
}
