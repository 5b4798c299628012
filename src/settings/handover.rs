//! The flags about a restart without a gap: `--restart-order`, `--ready` and `--ready-timeout`.

use super::values::{FlagValues, refuse_typed};
use crate::error::Error;
use crate::flags::{READY, READY_TIMEOUT, RESTART_ORDER};
use crate::origin::Origin;
use crate::role::{Invalid, duration_within, one_of};
use crate::supervise::policy::{OnExpiry, Policy, ReadySign, RestartOrder};
use crate::sys::notify::ManagerSocket;
use crate::vars::Vars;
use humantime::format_duration;
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
    let ready_timeout = flags.parsed(&READY_TIMEOUT, ready_timeout)?.unwrap_or(policy.ready_timeout);
    let is_notified = vars.get("NOTIFY_SOCKET").is_some_and(|address| ManagerSocket::at(address).is_some());
    if order != Some(RestartOrder::StartFirst) {
        if !is_notified {
            refuse_typed(flags, &READY, "--restart-order start-first")?;
        }
        refuse_typed(flags, &READY_TIMEOUT, "--restart-order start-first")?;
        return Ok(Policy { ready: ready.filter(|_| is_notified), ..policy });
    }
    let ready = ready.unwrap_or(ReadySign::RunsFor(Duration::from_secs(5)));
    if let ReadySign::RunsFor(time) = ready
        && time >= ready_timeout
    {
        let origin = flags.origin(&READY_TIMEOUT).or(flags.origin(&READY)).unwrap_or(Origin::Flag(&READY_TIMEOUT));
        let [time, limit] = [time, ready_timeout].map(format_duration);
        let reason = format!("the time of --ready ({time}) must be shorter than --ready-timeout ({limit})");
        let value = flags.one(origin.flag()).map(|given| given.value.to_string_lossy().into_owned());
        return Err(Error::Value {
            origin: origin.to_string(),
            value,
            invalid: Invalid::new(reason).hint("set a longer --ready-timeout"),
        });
    }
    Ok(Policy { restart_order: RestartOrder::StartFirst, ready: Some(ready), ready_timeout, ..policy })
}

fn ready(text: &str) -> Result<ReadySign, Invalid> {
    if text == "notify" {
        return Ok(ReadySign::Notification);
    }
    if let Some(number) = text.strip_prefix("fd:") {
        let is_plain = number.starts_with(|first: char| matches!(first, '1'..='9'));
        let number = number.parse().ok().filter(|number| is_plain && (3..=1023).contains(number));
        let invalid = || Invalid::new("the descriptor must be a number from 3 to 1023").hint("for example fd:5");
        return number.map(ReadySign::Newline).ok_or_else(invalid);
    }
    let limits = Duration::from_millis(1)..=Duration::from_hours(1);
    let time = duration_within(text, limits, "must be between 1ms and 1h", "");
    time.map(ReadySign::RunsFor).map_err(|invalid| invalid.hint("notify, fd:N, or a time such as 5s"))
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
        // xassume cannot send to such an address.
        let vars = [("NOTIFY_SOCKET", "vsock:2:9"), ("XASSUME_READY", "5s")];
        assert_eq!(of(found("--on-expiry signal", &vars)), (RestartOrder::StopFirst, None, minute));
    }

    fn refused(line: &str, pairs: &[(&str, &str)]) -> String {
        let vars: Vars = pairs.iter().copied().collect();
        match mode(&values(line, pairs), &vars) {
            Ok(_) => panic!("{line} is accepted"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn invalid_values_are_refused() {
        let start_first = |rest: &str| refused(&format!("--on-expiry restart --restart-order start-first {rest}"), &[]);
        for (value, reason) in [
            ("0s", "must be between 1ms and 1h"),
            ("2h", "must be between 1ms and 1h"),
            ("Notify", "not a duration"),
            ("fd:2", "the descriptor must be a number from 3 to 1023"),
            ("fd:+5", "the descriptor must be a number from 3 to 1023"),
            ("fd:05", "the descriptor must be a number from 3 to 1023"),
        ] {
            let said = start_first(&format!("--ready {value}"));
            assert!(said.contains(reason), "{said}");
        }
        let hint = ready("Notify").map_err(|invalid| invalid.hint);
        assert_eq!(hint, Err(Some("notify, fd:N, or a time such as 5s".to_owned())));
        let said = start_first("--ready-timeout 4s");
        assert!(said.contains("the time of --ready (5s) must be shorter than --ready-timeout (4s)"), "{said}");
        let said = start_first("--ready 60s");
        assert!(said.contains("the time of --ready (1m) must be shorter than --ready-timeout (1m)"), "{said}");
        let said = refused("--on-expiry restart", &[("XASSUME_READY_TIMEOUT", "bogus")]);
        assert!(said.contains("XASSUME_READY_TIMEOUT"), "{said}");
    }
}
