//! The flags about the action before the expiry: `--on-expiry`, `--signal` and `--signal-pid-file`.

use super::values::{FlagValues, refuse_typed};
use crate::error::Error;
use crate::flags::{ON_EXPIRY, SERVE, SIGNAL, SIGNAL_PID_FILE};
use crate::process::signal::Signal;
use crate::role::{Invalid, one_of};
use crate::supervise::policy::{OnExpiry, SignalTarget};

pub(super) fn on_expiry(flags: &FlagValues) -> Result<OnExpiry, Error> {
    let values = [("none", OnExpiry::None), ("restart", OnExpiry::Restart), ("signal", OnExpiry::Signal(Signal::HUP))];
    let on_expiry = flags.parsed(&ON_EXPIRY, |text| one_of(&values, text))?;
    // Without a command, only the process of a pid file can be signaled.
    let names_process = flags.switch(&SERVE)? && flags.one(&SIGNAL_PID_FILE).is_some();
    let default = if names_process { OnExpiry::Signal(Signal::HUP) } else { OnExpiry::None };
    match on_expiry.unwrap_or(default) {
        OnExpiry::Signal(default) => Ok(OnExpiry::Signal(flags.parsed(&SIGNAL, signal)?.unwrap_or(default))),
        other => refuse_typed(flags, &SIGNAL, "--on-expiry signal").map(|()| other),
    }
}

/// Returns which process gets the signal. The rules have already rejected a pid file with a delivery that does not
/// replace a credentials file.
///
/// # Errors
/// Fails if `--signal-pid-file` is on the command line without `--on-expiry signal`.
pub(super) fn signal_target(flags: &FlagValues, on_expiry: OnExpiry) -> Result<SignalTarget, Error> {
    match on_expiry {
        OnExpiry::Signal(_) if flags.one(&SIGNAL_PID_FILE).is_some() => return Ok(SignalTarget::PidFile),
        OnExpiry::Signal(_) => {}
        OnExpiry::None | OnExpiry::Restart => refuse_typed(flags, &SIGNAL_PID_FILE, "--on-expiry signal")?,
    }
    Ok(SignalTarget::Command)
}

pub(super) fn signal(text: &str) -> Result<Signal, Invalid> {
    text.parse().map_err(|_| {
        Invalid::new("unknown signal").hint("for example HUP, SIGUSR1, 10 or RTMIN+3; `kill -l` lists all")
    })
}
