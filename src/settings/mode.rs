//! Whether xassume becomes the command or stays, and how the session is delivered: the expiry and delivery flags.

use crate::error::Error;
use crate::origin::Origin;
use crate::process::signal::Signal;
use crate::role::{Invalid, parse_duration};
use crate::settings::values::{FlagValue, FlagValues, SEE_HELP};
use crate::supervise::policy::{DeliveryTime, GroupPolicy, OnExpiry, OnRefreshFailure, Policy};
use crate::supervise::schedule::Margin;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// What becomes of xassume once there is a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It becomes the command.
    Exec,
    /// It stays beside the command and keeps its session fresh.
    Supervise(Policy),
}

/// What the command gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeliverySettings {
    pub(crate) via: Via,
    pub(crate) keep: Vec<OsString>,
    /// What names those.
    pub(crate) keep_by: Origin,
    pub(crate) isolate: bool,
}

/// How the session reaches the command (`--via`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Via {
    Env,
    /// At the path of `--credentials-file`, else in a private directory.
    File {
        path: Option<PathBuf>,
        mode: u32,
    },
    /// With the token at the path of `--endpoint-token-file` as well.
    Endpoint {
        token_file: Option<PathBuf>,
    },
    Process,
}

impl DeliverySettings {
    fn read(flags: &FlagValues<'_>, via: Via) -> Result<Self, Error> {
        let keep = flags.many("keep-env").into_iter().map(|given| given.value).collect();
        let keep_by = flags.origin("keep-env").unwrap_or(Origin::Flag("keep-env"));
        Ok(Self { via, keep, keep_by, isolate: flags.switch("isolate")? })
    }
}

/// What is printed has no command: it is exec's environment, and the flags about a command are dropped or refused.
///
/// # Errors
/// A switch whose variable is none.
pub(super) fn printed(flags: &FlagValues<'_>) -> Result<DeliverySettings, Error> {
    DeliverySettings::read(flags, Via::Env)
}

/// Reads both, since each default depends on the other.
///
/// # Errors
/// A bad value, or a flag without the one that it adds to.
pub(super) fn mode(flags: &FlagValues<'_>) -> Result<(Mode, DeliverySettings), Error> {
    let on_expiry = on_expiry(flags)?;
    let via = via(flags, on_expiry)?;
    // A variable may hold a default for other runs.
    if flags.is_typed("endpoint-token-file") && !matches!(via, Via::Endpoint { .. }) {
        let hint = "add --via endpoint, or remove --endpoint-token-file";
        return Err(Error::usage("--endpoint-token-file requires --via endpoint", hint));
    }
    let delivery_time = match via {
        Via::Env => DeliveryTime::AtStart,
        Via::File { .. } | Via::Endpoint { .. } | Via::Process => DeliveryTime::Live,
    };
    let usual = Policy::usual(on_expiry, delivery_time);
    let policy = Policy {
        margin: flags.one("refresh-margin").map_or(Ok(usual.margin), |given| given.parse(margin))?,
        stop_signal: flags.one("stop-signal").map_or(Ok(usual.stop_signal), |given| given.parse(signal))?,
        stop_timeout: flags.one("stop-timeout").map_or(Ok(usual.stop_timeout), |given| given.parse(stop_timeout))?,
        on_refresh_failure: flags.one("on-refresh-failure").map_or(Ok(usual.on_refresh_failure), |given| {
            given.parse(|text| match text {
                "keep" => Ok(OnRefreshFailure::Keep),
                "stop" => Ok(OnRefreshFailure::Stop),
                _ => Err(Invalid::not_one_of(["keep", "stop"]).hint(SEE_HELP)),
            })
        })?,
        process_group: flags.one("process-group").map_or(Ok(usual.process_group), |given| {
            given.parse(|text| match text {
                "auto" => Ok(GroupPolicy::Auto),
                "same" => Ok(GroupPolicy::Same),
                "new" => Ok(GroupPolicy::New),
                _ => Err(Invalid::not_one_of(["auto", "same", "new"]).hint(SEE_HELP)),
            })
        })?,
        ..usual
    };
    let mode = match (&via, on_expiry) {
        (Via::Env, OnExpiry::None) => Mode::Exec,
        _ => Mode::Supervise(policy),
    };
    if mode == Mode::Exec {
        refuse_idle_flags(flags)?;
    }
    Ok((mode, DeliverySettings::read(flags, via)?))
}

fn on_expiry(flags: &FlagValues<'_>) -> Result<OnExpiry, Error> {
    let asked = flags.one("on-expiry").map(|given| {
        given.parse(|text| match text {
            "none" => Ok(OnExpiry::None),
            "restart" => Ok(OnExpiry::Restart),
            "signal" => Ok(OnExpiry::Signal(Signal::HUP)),
            _ => Err(Invalid::not_one_of(["none", "restart", "signal"]).hint(SEE_HELP)),
        })
    });
    let asked = asked.transpose()?.unwrap_or(OnExpiry::None);
    match (asked, flags.one("signal")) {
        (OnExpiry::Signal(_), Some(given)) => given.parse(signal).map(OnExpiry::Signal),
        // A variable may hold a default for other runs.
        (_, Some(given)) if given.origin.is_typed() => {
            Err(Error::usage("--signal requires --on-expiry signal", "add --on-expiry signal, or remove --signal"))
        }
        _ => Ok(asked),
    }
}

fn via(flags: &FlagValues<'_>, on_expiry: OnExpiry) -> Result<Via, Error> {
    let (path, mode) = (flags.one("credentials-file"), flags.one("file-mode"));
    let Some(chosen) = flags.one("via") else {
        return match (on_expiry, &path) {
            (OnExpiry::Signal(_), _) | (_, Some(_)) => file(path, mode),
            // A variable may hold a default for other runs.
            (OnExpiry::None | OnExpiry::Restart, None) if flags.is_typed("file-mode") => {
                Err(Error::usage("--file-mode requires --via file", "add --via file, or remove --file-mode"))
            }
            (OnExpiry::None | OnExpiry::Restart, None) => Ok(Via::Env),
        };
    };
    match chosen.text()? {
        "file" => file(path, mode),
        "env" => Ok(Via::Env),
        "endpoint" => {
            let token_file = flags.one("endpoint-token-file").map(|given| PathBuf::from(given.value));
            Ok(Via::Endpoint { token_file })
        }
        "process" => Ok(Via::Process),
        _ => Err(chosen.invalid(Invalid::not_one_of(["env", "file", "endpoint", "process"]).hint(SEE_HELP))),
    }
}

fn file(path: Option<FlagValue>, mode: Option<FlagValue>) -> Result<Via, Error> {
    let path = path.map(|given| PathBuf::from(given.value));
    Ok(Via::File { path, mode: mode.map_or(Ok(0o600), |given| given.parse(file_mode))? })
}

/// Flags of the supervision would be silently without effect on a command that xassume becomes.
fn refuse_idle_flags(flags: &FlagValues<'_>) -> Result<(), Error> {
    let idle = ["refresh-margin", "stop-signal", "stop-timeout", "on-refresh-failure", "process-group"];
    match idle.into_iter().find(|flag| flags.is_typed(flag)) {
        Some(flag) => Err(Error::usage(
            format!("--{flag} has no effect without supervision"),
            "add --on-expiry restart, --on-expiry signal, or --via file, endpoint or process",
        )),
        None => Ok(()),
    }
}

fn signal(text: &str) -> Result<Signal, Invalid> {
    text.parse().map_err(|_| {
        Invalid::new("unknown signal").hint("for example HUP, SIGUSR1, 10 or RTMIN+3; `kill -l` lists all")
    })
}

fn margin(text: &str) -> Result<Margin, Invalid> {
    match parse_duration(text)? {
        Duration::ZERO => {
            Err(Invalid::new("must be greater than zero")
                .hint("for example 5m; the default is a tenth of the lifetime"))
        }
        margin => Ok(Margin::Fixed(margin)),
    }
}

fn stop_timeout(text: &str) -> Result<Duration, Invalid> {
    let duration = parse_duration(text)?;
    if duration <= Duration::from_hours(1) {
        Ok(duration)
    } else {
        Err(Invalid::new("must be at most 1h").hint("for example 30s or 10m"))
    }
}

/// Octal, readable and writable for the owner, never writable for all.
fn file_mode(text: &str) -> Result<u32, Invalid> {
    let mode = u32::from_str_radix(text, 8).ok();
    mode.filter(|mode| mode & !0o664 == 0 && mode & 0o600 == 0o600)
        .ok_or_else(|| Invalid::new("invalid file mode").hint("use 0600, 0640, 0660 or 0644"))
}
