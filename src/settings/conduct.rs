//! Whether xassume becomes the command or stays, and how the session is delivered: the expiry and delivery flags.

use super::given::{Given, Words};
use crate::error::Error;
use crate::role::{Invalid, parse_duration};
use crate::supervise::policy::{OnExpiry, OnRefreshFailure, Policy, ProcessGroup, Reach};
use crate::supervise::schedule::Margin;
use crate::supervise::signal::Signal;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// What becomes of xassume once there is a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conduct {
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
    pub(crate) isolate: bool,
    /// What to tell of variables that a flag has put out of effect.
    pub(crate) notes: Vec<String>,
}

/// How the session reaches the command (`--via`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Via {
    Env,
    /// At the path of `--credentials-file`, else in a private folder.
    File {
        path: Option<PathBuf>,
        mode: u32,
    },
    Endpoint,
    Process,
}

const NAMES: &str = "`xassume --help` tells what they mean";

/// Reads both, since each default depends on the other.
///
/// # Errors
/// A bad value, or two flags that do not go together.
pub(super) fn conduct(words: &Words<'_>) -> Result<(Conduct, DeliverySettings), Error> {
    let (on_expiry, via, notes) = on_expiry_and_via(words)?;
    let reach = match via {
        Via::Env => Reach::AtStart,
        Via::File { .. } | Via::Endpoint | Via::Process => Reach::Live,
    };
    let policy = Policy {
        on_expiry,
        reach,
        margin: words.one("refresh-margin").map_or(Ok(Margin::Auto), |given| given.parse(margin))?,
        stop_signal: words.one("stop-signal").map_or(Ok(Signal::TERM), |given| given.parse(signal))?,
        stop_timeout: words
            .one("stop-timeout")
            .map_or(Ok(Duration::from_secs(10)), |given| given.parse(stop_timeout))?,
        on_refresh_failure: words.one("on-refresh-failure").map_or(Ok(OnRefreshFailure::Keep), |given| {
            given.parse(|text| match text {
                "keep" => Ok(OnRefreshFailure::Keep),
                "stop" => Ok(OnRefreshFailure::Stop),
                _ => Err(Invalid::new("is neither keep nor stop").hint(NAMES)),
            })
        })?,
        process_group: words.one("process-group").map_or(Ok(ProcessGroup::Auto), |given| {
            given.parse(|text| match text {
                "auto" => Ok(ProcessGroup::Auto),
                "same" => Ok(ProcessGroup::Same),
                "new" => Ok(ProcessGroup::New),
                _ => Err(Invalid::new("is none of auto, same and new").hint(NAMES)),
            })
        })?,
    };
    let conduct = match (&via, on_expiry) {
        (Via::Env, OnExpiry::None) => Conduct::Exec,
        _ => Conduct::Supervise(policy),
    };
    if conduct == Conduct::Exec {
        refuse_idle_flags(words)?;
    }
    let keep = words.many("keep-env").into_iter().map(|given| given.value).collect();
    Ok((conduct, DeliverySettings { via, keep, isolate: words.switch("isolate")?, notes }))
}

/// Both, where they go together. Of a flag and a variable the flag counts, and there is a note on the variable.
fn on_expiry_and_via(words: &Words<'_>) -> Result<(OnExpiry, Via, Vec<String>), Error> {
    let on_expiry = on_expiry(words)?;
    let chosen = words.one("via");
    let via = via(words, on_expiry, chosen.as_ref())?;
    let (name, action) = match (&via, on_expiry) {
        (Via::Env | Via::File { .. }, _) | (_, OnExpiry::None) => return Ok((on_expiry, via, Vec::new())),
        (Via::Endpoint | Via::Process, OnExpiry::Restart) => ("restart", "restarting"),
        (Via::Endpoint | Via::Process, OnExpiry::Signal(_)) => ("signal", "signalling"),
    };
    let road = if via == Via::Endpoint { "endpoint" } else { "process" };
    let note = |variable, flag: &str| vec![format!("{variable} is not heeded: it does not go with {flag}")];
    match (words.is_typed("via"), words.is_typed("on-expiry")) {
        (true, false) => Ok((OnExpiry::None, via, note("XASSUME_ON_EXPIRY", &format!("--via {road}")))),
        (false, true) => {
            let note = note("XASSUME_VIA", &format!("--on-expiry {name}"));
            Ok((on_expiry, self::via(words, on_expiry, None)?, note))
        }
        (true, true) | (false, false) => Err(Error::usage(
            format!(
                "--on-expiry {name} does not go with --via {road}: the command fetches each new session by itself, so \
                 {action} it would be for nothing"
            ),
            "leave out one of them",
        )),
    }
}

fn on_expiry(words: &Words<'_>) -> Result<OnExpiry, Error> {
    let asked = words.one("on-expiry").map(|given| {
        given.parse(|text| match text {
            "none" => Ok(OnExpiry::None),
            "restart" => Ok(OnExpiry::Restart),
            "signal" => Ok(OnExpiry::Signal(Signal::HUP)),
            _ => Err(Invalid::new("is none of none, restart and signal").hint(NAMES)),
        })
    });
    let asked = asked.transpose()?.unwrap_or(OnExpiry::None);
    match (asked, words.one("signal")) {
        (OnExpiry::Signal(_), Some(given)) => given.parse(signal).map(OnExpiry::Signal),
        // A variable may hold a default for other runs.
        (_, Some(given)) if given.typed => {
            Err(Error::usage("--signal needs --on-expiry signal", "add --on-expiry signal, or leave --signal out"))
        }
        _ => Ok(asked),
    }
}

fn via(words: &Words<'_>, on_expiry: OnExpiry, chosen: Option<&Given>) -> Result<Via, Error> {
    let path = words.one("credentials-file");
    let mode = words.one("file-mode");
    let by_default = match (on_expiry, &path) {
        (OnExpiry::Signal(_), _) | (_, Some(_)) => "file",
        (OnExpiry::None | OnExpiry::Restart, None) => "env",
    };
    let text = chosen.map(Given::text).transpose()?;
    match text.unwrap_or(by_default) {
        "file" => Ok(Via::File {
            path: path.map(|given| PathBuf::from(given.value)),
            mode: mode.map_or(Ok(0o600), |given| given.parse(file_mode))?,
        }),
        other => {
            if let Some(flag) = ["credentials-file", "file-mode"].into_iter().find(|flag| words.is_typed(flag)) {
                return Err(Error::usage(
                    format!("--{flag} needs --via file"),
                    format!("add --via file, or leave --{flag} out"),
                ));
            }
            match other {
                "env" => Ok(Via::Env),
                "endpoint" => Ok(Via::Endpoint),
                "process" => Ok(Via::Process),
                _ => Err(Error::Value {
                    origin: chosen.map_or_else(|| "--via".to_owned(), |given| given.origin.clone()),
                    value: other.to_owned(),
                    invalid: Invalid::new("is none of env, file, endpoint and process").hint(NAMES),
                }),
            }
        }
    }
}

/// Flags of the supervision would be silently without effect on a command that xassume becomes.
fn refuse_idle_flags(words: &Words<'_>) -> Result<(), Error> {
    let idle = ["refresh-margin", "stop-signal", "stop-timeout", "on-refresh-failure", "process-group"];
    match idle.into_iter().find(|flag| words.is_typed(flag)) {
        Some(flag) => Err(Error::usage(
            format!("--{flag} has no effect: xassume becomes the command and does not stay"),
            "add --on-expiry restart, --on-expiry signal, or --via file, endpoint or process",
        )),
        None => Ok(()),
    }
}

fn signal(text: &str) -> Result<Signal, Invalid> {
    text.parse().map_err(|_| {
        Invalid::new("is no signal").hint("signals are HUP, SIGHUP, 1, RTMIN+3 and their like; `kill -l` lists them")
    })
}

fn margin(text: &str) -> Result<Margin, Invalid> {
    match parse_duration(text)? {
        Duration::ZERO => {
            Err(Invalid::new("must be more than nothing").hint("for example 5m; without it, a tenth of the lifetime"))
        }
        margin => Ok(Margin::Fixed(margin)),
    }
}

fn stop_timeout(text: &str) -> Result<Duration, Invalid> {
    let duration = parse_duration(text)?;
    if duration <= Duration::from_hours(1) {
        Ok(duration)
    } else {
        Err(Invalid::new("is longer than an hour").hint("for example 30s or 10m"))
    }
}

/// Octal, readable and writable for the owner, never writable for all.
fn file_mode(text: &str) -> Result<u32, Invalid> {
    let mode = u32::from_str_radix(text, 8).ok();
    mode.filter(|mode| mode & !0o664 == 0 && mode & 0o600 == 0o600)
        .ok_or_else(|| Invalid::new("is no mode for this file").hint("use 0600, 0640, 0660 or 0644"))
}
