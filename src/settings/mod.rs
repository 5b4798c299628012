//! What the flags mean: from the command line and the variables to checked settings.
//!
//! Pure: `--policy file://…` is read by a function of the caller's. Every limit that AWS documents is checked here, so
//! an invalid value costs no call. Which role results is decided in `profile::plan`.

mod cache;
mod conflicts;
mod lints;
mod mfa;
mod mode;
mod request;
mod session_name;
mod task;
mod values;

pub(crate) use mode::Mode;
pub(crate) use task::{Task, task};

use crate::cache::CacheSettings;
use crate::cli;
use crate::deliver::DeliverySettings;
use crate::error::Error;
use crate::flags::{CA_BUNDLE, EXPECT_ACCOUNT, LOG_FORMAT, QUIET, STS_ENDPOINT, STS_TIMEOUT, VERBOSE};
use crate::log_options::{LogFormat, LogOptions, Verbosity};
use crate::mfa::MfaSettings;
use crate::profile::{Request, endpoint};
use crate::role::{Invalid, is_account, parse_duration};
use crate::session::Session;
use crate::terminal::Screen;
use crate::vars::Vars;
use clap::ArgMatches;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;
use values::FlagValues;

/// All settings of a run.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) request: Request,
    pub(crate) mfa: MfaSettings,
    pub(crate) sts: StsSettings,
    pub(crate) cache: CacheSettings,
    pub(crate) mode: Mode,
    pub(crate) delivery: DeliverySettings,
    pub(crate) expect_account: Option<String>,
    /// The command and its arguments, as typed; empty only where there is none to run.
    pub(crate) command: Vec<OsString>,
    /// What probably does not do what is meant.
    pub(crate) warnings: Vec<String>,
    /// What is ignored, and why; logged by `-v`.
    pub(crate) notes: Vec<String>,
}

impl Settings {
    /// # Errors
    /// The first variable to keep that xassume sets itself.
    pub(crate) fn check_keep(&self) -> Result<(), Error> {
        self.delivery.check_keep()
    }

    /// # Errors
    /// When the session is not in the account of `--expect-account`.
    pub(crate) fn check_account(&self, session: &Session) -> Result<(), Error> {
        let Some(expected) = &self.expect_account else { return Ok(()) };
        if session.account() == Some(expected) {
            return Ok(());
        }
        Err(Error::WrongAccount { expected: expected.clone(), arn: session.role_arn().to_owned() })
    }
}

/// The flags about the connection to STS.
#[derive(Debug, Clone)]
pub(crate) struct StsSettings {
    pub(crate) endpoint: Option<String>,
    pub(crate) ca_bundle: Option<PathBuf>,
    /// The limit for the source and all calls of one session, with their retries.
    pub(crate) timeout: Duration,
    /// Whether the timeout is set: then it also limits the programs that are run for the session.
    pub(crate) timeout_given: bool,
}

/// The user and the host, for the default session name.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    pub(crate) uid: u32,
    pub(crate) host: String,
}

/// Parses the command line.
///
/// # Errors
/// clap's: a usage error, or the text of `--help` or `--version`.
pub(crate) fn parse(arguments: &[OsString]) -> Result<ArgMatches, clap::Error> {
    cli::command().try_get_matches_from(arguments)
}

/// Reads the flags about messages, which are needed before all others.
///
/// # Errors
/// An invalid value, or both `-v` and `-q` on the command line.
pub(crate) fn log_options(matches: &ArgMatches, vars: &Vars) -> Result<LogOptions, Error> {
    let mut flags = FlagValues::new(matches, vars);
    conflicts::settle(&mut flags, conflicts::MESSAGES, &mut Vec::new())?;
    let verbosity = match flags.count(&VERBOSE)? {
        _ if flags.switch(&QUIET)? => Verbosity::Quiet,
        0 => Verbosity::Normal,
        1 => Verbosity::Verbose,
        _ => Verbosity::Everything,
    };
    flags.refuse_empty(&LOG_FORMAT)?;
    let format = flags.parsed(&LOG_FORMAT, |text| match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(Invalid::not_one_of(["text", "json"]).hint("json has one object per line")),
    })?;
    Ok(LogOptions { verbosity, format: format.unwrap_or(LogFormat::Text), screen: Screen::of(vars) })
}

/// What the session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Run,
    Print,
}

/// # Errors
/// The first invalid value, or the first flag without the one that it needs.
fn settings(
    flags: &FlagValues,
    mut notes: Vec<String>,
    purpose: Purpose,
    vars: &Vars,
    host: &Host,
    read: &dyn Fn(&Path) -> std::io::Result<String>,
) -> Result<Settings, Error> {
    let command = flags.command.clone();
    notes.extend_from_slice(&flags.notes);
    let (mode, delivery) = match purpose {
        Purpose::Run => mode::mode(flags)?,
        Purpose::Print => (Mode::Exec, mode::printed(flags)?),
    };
    let mfa = mfa::mfa(flags, vars, &mut notes)?;
    let warnings = lints::own_profile(&command, &delivery).into_iter().collect();
    notes.extend(lints::kept_for_nothing(&delivery.keep, vars));
    Ok(Settings {
        cache: cache::cache(flags)?,
        request: request::request(flags, vars, host, read)?,
        mfa,
        sts: sts(flags)?,
        mode,
        delivery,
        expect_account: flags.parsed(&EXPECT_ACCOUNT, account)?,
        command,
        warnings,
        notes,
    })
}

fn sts(flags: &FlagValues) -> Result<StsSettings, Error> {
    let timeout = flags.parsed(&STS_TIMEOUT, timeout)?;
    Ok(StsSettings {
        endpoint: flags.parsed(&STS_ENDPOINT, endpoint)?,
        ca_bundle: flags.one(&CA_BUNDLE).map(|given| PathBuf::from(&given.value)),
        timeout: timeout.unwrap_or(Duration::from_secs(30)),
        timeout_given: timeout.is_some(),
    })
}

fn timeout(text: &str) -> Result<Duration, Invalid> {
    let limits = Duration::from_millis(100)..=Duration::from_hours(1);
    let duration = parse_duration(text)?;
    if limits.contains(&duration) {
        Ok(duration)
    } else {
        Err(Invalid::new("must be between 100ms and 1h").hint("for example 30s or 2m"))
    }
}

fn account(text: &str) -> Result<String, Invalid> {
    if is_account(text) {
        Ok(text.to_owned())
    } else {
        Err(Invalid::new("not an account ID").hint("an account ID has 12 digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::values::FlagValues;
    use std::ffi::OsString;

    /// The values of a command line, whose words are separated by spaces, and of variables.
    pub(super) fn values(line: &str, vars: &[(&str, &str)]) -> FlagValues {
        let words: Vec<OsString> = std::iter::once("xassume").chain(line.split_whitespace()).map(Into::into).collect();
        FlagValues::new(&super::parse(&words).expect(line), &vars.iter().copied().collect())
    }
}
