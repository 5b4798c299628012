//! The flags about the refresh hook: `--refresh-hook` and `--refresh-hook-timeout`.

use super::values::{FlagValues, refuse_typed};
use crate::error::Error;
use crate::flags::{REFRESH_HOOK, REFRESH_HOOK_TIMEOUT};
use crate::role::{Invalid, duration_within};
use crate::supervise::hook::HookSettings;
use std::time::Duration;

/// Reads the settings of the refresh hook. Returns `None` if there is no hook.
///
/// # Errors
/// Fails if a value is invalid, or if `--refresh-hook-timeout` is on the command line but there is no hook.
pub(super) fn hook(flags: &FlagValues) -> Result<Option<HookSettings>, Error> {
    let timeout = flags.parsed(&REFRESH_HOOK_TIMEOUT, hook_timeout)?.unwrap_or(Duration::from_mins(1));
    let Some(command) = flags.one(&REFRESH_HOOK) else {
        return refuse_typed(flags, &REFRESH_HOOK_TIMEOUT, "--refresh-hook").map(|()| None);
    };
    Ok(Some(HookSettings { command: command.text()?.to_owned(), timeout }))
}

fn hook_timeout(text: &str) -> Result<Duration, Invalid> {
    let limits = Duration::from_millis(1)..=Duration::from_hours(1);
    duration_within(text, limits, "must be between 1ms and 1h", "for example 30s or 2m")
}

#[cfg(test)]
mod tests {
    use super::super::tests::values;
    use super::*;

    #[test]
    fn a_hook_has_a_minute_unless_another_limit_is_set() {
        let of = |line: &str, vars: &[(&str, &str)]| hook(&values(line, vars)).expect(line);
        let settings = |seconds| Some(HookSettings { command: "a".into(), timeout: Duration::from_secs(seconds) });
        assert_eq!(of("", &[("XASSUME_REFRESH_HOOK_TIMEOUT", "5s")]), None);
        assert_eq!(of("--refresh-hook a", &[]), settings(60));
        assert_eq!(of("--refresh-hook-timeout 5s", &[("XASSUME_REFRESH_HOOK", "a")]), settings(5));
    }
}
