//! The flags about expiry and delivery. They decide whether xassume supervises the command, and how the command gets
//! the session.

use super::handover;
use super::hook::hook;
use super::serve::{endpoint_address, refuse_unreachable};
use super::signal::{on_expiry, signal, signal_target};
use super::values::{FlagValues, refuse_typed};
use crate::deliver::{DeliverySettings, Via};
use crate::error::Error;
use crate::flags::{
    ALSO, CREDENTIALS_FILE, ENDPOINT_ADDRESS, ENDPOINT_TOKEN_FILE, ENV_FILE, FILE_MODE, Flag, ISOLATE, KEEP_ENV,
    ON_REFRESH_FAILURE, PROCESS_GROUP, READY, READY_TIMEOUT, REFRESH_HOOK, REFRESH_HOOK_TIMEOUT, REFRESH_MARGIN,
    RESTART_ORDER, SERVE, STOP_SIGNAL, STOP_TIMEOUT, VIA,
};
use crate::origin::Origin;
use crate::role::{Invalid, duration_within, one_of};
use crate::supervise::policy::{DeliveryTime, GroupPolicy, Margin, OnExpiry, OnRefreshFailure, Policy};
use crate::vars::Vars;
use std::path::PathBuf;
use std::time::Duration;

/// What xassume does after it has a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// xassume replaces itself with the command.
    Exec,
    /// xassume supervises the command and refreshes the session.
    Supervise(Policy),
    /// xassume refreshes the session for other programs, without a command.
    Serve(Policy),
}

impl Mode {
    /// Returns the policy for refreshes, or `None` if the session is not refreshed.
    pub(crate) fn policy(self) -> Option<Policy> {
        match self {
            Self::Exec => None,
            Self::Supervise(policy) | Self::Serve(policy) => Some(policy),
        }
    }
}

/// Reads the flags about delivery, except `--via`.
///
/// # Errors
/// Fails if an environment variable for `--isolate` has an invalid value.
pub(super) fn delivery(flags: &FlagValues, via: Via) -> Result<DeliverySettings, Error> {
    let keep = flags.many(&KEEP_ENV).iter().map(|given| given.value.clone()).collect();
    let keep_by = flags.origin(&KEEP_ENV).unwrap_or(Origin::Flag(&KEEP_ENV));
    let env_file = flags.one(&ENV_FILE).map(|given| PathBuf::from(&given.value));
    Ok(DeliverySettings { via, env_file, keep, keep_by, isolate: flags.switch(&ISOLATE)? })
}

/// Reads the mode and the delivery together, because the default of each depends on the other.
///
/// # Errors
/// Fails if a value is invalid, or if a flag is set without another flag that the first one requires.
pub(super) fn mode(flags: &FlagValues, vars: &Vars) -> Result<(Mode, DeliverySettings), Error> {
    let on_expiry = on_expiry(flags)?;
    let via = via(flags, on_expiry)?;
    let serves = flags.switch(&SERVE)?;
    if !matches!(via, Via::Endpoint { .. }) {
        refuse_typed(flags, &ENDPOINT_ADDRESS, "--via endpoint")?;
        refuse_typed(flags, &ENDPOINT_TOKEN_FILE, "--via endpoint")?;
        if !serves {
            refuse_typed(flags, &ENV_FILE, "--via endpoint or --serve")?;
        }
    }
    let delivery_time = if via == Via::Env { DeliveryTime::AtStart } else { DeliveryTime::Live };
    let usual = Policy::usual(on_expiry, delivery_time);
    let policy = Policy {
        signal_target: signal_target(flags, on_expiry)?,
        margin: flags.parsed(&REFRESH_MARGIN, margin)?.unwrap_or(usual.margin),
        stop_signal: flags.parsed(&STOP_SIGNAL, signal)?.unwrap_or(usual.stop_signal),
        stop_timeout: flags.parsed(&STOP_TIMEOUT, stop_timeout)?.unwrap_or(usual.stop_timeout),
        on_refresh_failure: flags
            .parsed(&ON_REFRESH_FAILURE, |text| one_of(&ON_FAILURE, text))?
            .unwrap_or(usual.on_refresh_failure),
        process_group: flags.parsed(&PROCESS_GROUP, |text| one_of(&GROUPS, text))?.unwrap_or(usual.process_group),
        has_hook: hook(flags)?.is_some(),
        ..handover::policy(flags, usual, vars)?
    };
    if serves {
        let delivery = delivery(flags, via)?;
        refuse_unreachable(&delivery)?;
        return Ok((Mode::Serve(policy), delivery));
    }
    if (&via, on_expiry) != (&Via::Env, OnExpiry::None) {
        return Ok((Mode::Supervise(policy), delivery(flags, via)?));
    }
    // On the command line, a flag that has no effect is an error. A variable is not, because it may be a default for
    // other runs.
    if let Some(flag) = SUPERVISION.into_iter().find(|flag| flags.is_typed(flag)) {
        return Err(Error::usage(
            format!("--{} has no effect without supervision", flag.long),
            "add --on-expiry restart, --on-expiry signal, or --via file, endpoint or process",
        ));
    }
    Ok((Mode::Exec, delivery(flags, via)?))
}

/// Reads `--via` and the flags that depend on it.
///
/// # Errors
/// Fails if a value is invalid, or if a flag is set without another flag that the first one requires.
pub(super) fn via(flags: &FlagValues, on_expiry: OnExpiry) -> Result<Via, Error> {
    let Some(chosen) = flags.one(&VIA) else {
        if matches!(on_expiry, OnExpiry::Signal(_)) || flags.one(&CREDENTIALS_FILE).is_some() {
            return file(flags);
        }
        refuse_typed(flags, &FILE_MODE, "--via file")?;
        if flags.one(&ALSO).is_some() {
            return Ok(Via::Process);
        }
        return if flags.switch(&SERVE)? { endpoint(flags) } else { Ok(Via::Env) };
    };
    match chosen.text()? {
        "file" => file(flags),
        "env" => Ok(Via::Env),
        "endpoint" => endpoint(flags),
        "process" => Ok(Via::Process),
        _ => Err(chosen.invalid(Invalid::not_one_of(["env", "file", "endpoint", "process"]))),
    }
}

fn file(flags: &FlagValues) -> Result<Via, Error> {
    let path = flags.one(&CREDENTIALS_FILE).map(|given| PathBuf::from(&given.value));
    Ok(Via::File { path, mode: flags.parsed(&FILE_MODE, file_mode)?.unwrap_or(0o600) })
}

fn endpoint(flags: &FlagValues) -> Result<Via, Error> {
    let token_file = flags.one(&ENDPOINT_TOKEN_FILE).map(|given| PathBuf::from(&given.value));
    Ok(Via::Endpoint { address: endpoint_address(flags)?, token_file })
}

const ON_FAILURE: [(&str, OnRefreshFailure); 2] = [("keep", OnRefreshFailure::Keep), ("stop", OnRefreshFailure::Stop)];
const GROUPS: [(&str, GroupPolicy); 3] =
    [("auto", GroupPolicy::Auto), ("same", GroupPolicy::Same), ("new", GroupPolicy::New)];

/// The flags that have no effect in exec mode.
const SUPERVISION: [&Flag; 10] = [
    &REFRESH_MARGIN,
    &STOP_SIGNAL,
    &STOP_TIMEOUT,
    &ON_REFRESH_FAILURE,
    &PROCESS_GROUP,
    &RESTART_ORDER,
    &READY,
    &READY_TIMEOUT,
    &REFRESH_HOOK,
    &REFRESH_HOOK_TIMEOUT,
];

fn margin(text: &str) -> Result<Margin, Invalid> {
    let hint = "for example 5m; the default is a tenth of the lifetime";
    duration_within(text, Duration::from_nanos(1)..=Duration::MAX, "must be greater than zero", hint).map(Margin::Fixed)
}

fn stop_timeout(text: &str) -> Result<Duration, Invalid> {
    duration_within(text, Duration::ZERO..=Duration::from_hours(1), "must be at most 1h", "for example 30s or 10m")
}

/// Parses an octal file mode. It must allow the owner to read and write. It must not allow other users to write, except
/// those in the file's group.
fn file_mode(text: &str) -> Result<u32, Invalid> {
    let mode = u32::from_str_radix(text, 8).ok();
    mode.filter(|mode| mode & !0o664 == 0 && mode & 0o600 == 0o600)
        .ok_or_else(|| Invalid::new("invalid file mode").hint("use 0600, 0640, 0660 or 0644"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::values;
    use super::*;
    use crate::process::signal::Signal;
    use crate::supervise::policy::SignalTarget;
    use std::net::Ipv6Addr;

    fn found(line: &str, pairs: &[(&str, &str)]) -> Result<(Mode, Via), String> {
        let vars: Vars = pairs.iter().copied().collect();
        mode(&values(line, pairs), &vars)
            .map(|(mode, delivery)| (mode, delivery.via))
            .map_err(|error| error.to_string())
    }

    fn policy(line: &str) -> Policy {
        match found(line, &[]) {
            Ok((Mode::Supervise(policy), _)) => policy,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_default_is_exec_with_the_session_in_the_environment() {
        for (line, vars) in [
            ("", &[][..]),
            ("--via env --on-expiry none", &[]),
            ("", &[("XASSUME_SIGNAL", "USR1"), ("XASSUME_FILE_MODE", "0640"), ("XASSUME_STOP_TIMEOUT", "1m")]),
        ] {
            assert_eq!(found(line, vars), Ok((Mode::Exec, Via::Env)), "{line}");
        }
    }

    #[test]
    fn other_deliveries_and_actions_at_the_expiry_need_supervision() {
        let private = Via::File { path: None, mode: 0o600 };
        for (line, via) in [
            ("--on-expiry restart", Via::Env),
            ("--on-expiry signal", private.clone()),
            ("--via file", private),
            ("--credentials-file x --file-mode 0640", Via::File { path: Some("x".into()), mode: 0o640 }),
            ("--via endpoint", Via::Endpoint { address: None, token_file: None }),
            ("--via endpoint --endpoint-token-file t", Via::Endpoint { address: None, token_file: Some("t".into()) }),
            (
                "--via endpoint --endpoint-address [::1]:99",
                Via::Endpoint { address: Some((Ipv6Addr::LOCALHOST, 99).into()), token_file: None },
            ),
            ("--via process", Via::Process),
        ] {
            let (mode, found) = found(line, &[]).expect(line);
            assert!(matches!(mode, Mode::Supervise(_)) && found == via, "{line}: {found:?}");
        }
    }

    #[test]
    fn the_flags_of_the_supervision_make_its_policy() {
        let found =
            policy("--on-expiry signal --signal USR1 --refresh-margin 5m --stop-timeout 0s --on-refresh-failure stop");
        let usr1: Signal = "USR1".parse().expect("signal");
        assert_eq!((found.on_expiry, found.stop_timeout), (OnExpiry::Signal(usr1), Duration::ZERO));
        assert_eq!(found.margin, Margin::Fixed(Duration::from_mins(5)));
        assert_eq!(found.on_refresh_failure, OnRefreshFailure::Stop);
        assert_eq!(found.signal_target, SignalTarget::Command);
        assert_eq!(policy("--on-expiry signal --signal-pid-file p").signal_target, SignalTarget::PidFile);
        let found = policy("--on-expiry restart --process-group new --stop-signal USR1");
        assert_eq!((found.process_group, found.stop_signal), (GroupPolicy::New, usr1));
        let times = ["--on-expiry restart", "--via file"].map(|line| policy(line).delivery_time);
        assert_eq!(times, [DeliveryTime::AtStart, DeliveryTime::Live]);
    }

    #[test]
    fn a_typed_flag_without_effect_is_an_error() {
        for (line, expected) in [
            ("--stop-timeout 1m", "--stop-timeout has no effect"),
            ("--via env --process-group new", "--process-group has no effect"),
            ("--signal HUP", "--signal requires --on-expiry signal"),
            ("--signal-pid-file p", "--signal-pid-file requires --on-expiry signal"),
            ("--via endpoint --signal-pid-file p", "--signal-pid-file requires --on-expiry signal"),
            ("--file-mode 0640", "--file-mode requires --via file"),
            ("--via file --restart-order start-first", "--restart-order requires --on-expiry restart"),
            ("--on-expiry restart --ready 5s", "--ready requires --restart-order start-first"),
            ("--on-expiry restart --ready-timeout 5s", "--ready-timeout requires --restart-order start-first"),
            ("--via file --endpoint-token-file t", "--endpoint-token-file requires --via endpoint"),
            ("--endpoint-address 127.0.0.1:1", "--endpoint-address requires --via endpoint"),
            ("--via file --env-file e", "--env-file requires --via endpoint or --serve"),
            ("--refresh-hook true", "--refresh-hook has no effect"),
            ("--via file --refresh-hook-timeout 5s", "--refresh-hook-timeout requires --refresh-hook"),
        ] {
            let error = found(line, &[]).expect_err(line);
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn the_policy_says_whether_there_is_a_hook() {
        assert!(policy("--via file --refresh-hook a").has_hook && !policy("--via file").has_hook);
    }

    #[test]
    fn values_outside_their_limits_are_errors() {
        for line in [
            "--on-expiry x",
            "--via x",
            "--on-expiry signal --signal x",
            "--via file --file-mode 0666",
            "--via file --file-mode 0400",
            "--via file --file-mode 9",
            "--on-expiry restart --refresh-margin 0s",
            "--on-expiry restart --stop-timeout 61m",
            "--on-expiry restart --on-refresh-failure x",
            "--on-expiry restart --process-group x",
            "--on-expiry restart --restart-order x",
            "--on-expiry restart --restart-order start-first --ready x",
            "--on-expiry restart --restart-order start-first --ready fd:2",
            "--on-expiry restart --restart-order start-first --ready fd:1024",
            "--on-expiry restart --restart-order start-first --ready 61m",
            "--on-expiry restart --restart-order start-first --ready 60s",
            "--on-expiry restart --restart-order start-first --ready-timeout 0s",
            "--on-expiry restart --restart-order start-first --ready-timeout 61m",
            "--via file --refresh-hook true --refresh-hook-timeout 0s",
            "--via file --refresh-hook true --refresh-hook-timeout 61m",
        ] {
            assert!(found(line, &[]).is_err(), "{line}");
        }
    }
}
