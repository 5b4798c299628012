//! What the flags mean: from the command line and the variables to checked settings.
//!
//! Pure but for `read`, which is handed in for `--policy file://…`. Every limit that AWS documents is checked here,
//! so that a bad value costs no call. Which role comes out of it is decided in `profile::plan`.

mod cache;
mod conflicts;
mod lints;
mod mfa;
mod mode;
mod request;
mod session_name;
mod task;
mod values;

pub(crate) use cache::{CacheMode, CacheSettings};
pub(crate) use mode::{DeliverySettings, Mode, Via};

use crate::cli;
use crate::deliver::environment::{CommandCredentials, check_keep};
use crate::error::Error;
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
pub(crate) use task::{Task, task};
use values::FlagValues;

/// Everything that was asked for.
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
    /// What will probably not do what is meant.
    pub(crate) warnings: Vec<String>,
    /// What was passed over, and why; said by `-v`.
    pub(crate) notes: Vec<String>,
}

impl Settings {
    /// Refuses to keep a variable that xassume sets itself.
    ///
    /// # Errors
    /// The first such name.
    pub(crate) fn check_keep(&self) -> Result<(), Error> {
        let (config_file, credentials_file) = (Path::new(""), Path::new(""));
        let delivery = match self.delivery.via {
            Via::Env if self.delivery.isolate => CommandCredentials::EnvIsolated { config_file },
            Via::Env => CommandCredentials::Env,
            Via::File { .. } => CommandCredentials::File { credentials_file, config_file },
            Via::Endpoint { .. } => CommandCredentials::Endpoint {
                url: "",
                token: "",
                token_file: None,
                empty_credentials_file: credentials_file,
                config_file,
            },
            Via::Process => CommandCredentials::Process { credentials_file, config_file },
        };
        check_keep(&self.delivery.keep, &delivery).map_err(|(name, invalid)| Error::Value {
            origin: self.delivery.keep_by.to_string(),
            value: name.to_string_lossy().into_owned(),
            invalid,
        })
    }

    /// Holds a session against `--expect-account`.
    ///
    /// # Errors
    /// When it is in another account.
    pub(crate) fn check_account(&self, session: &Session) -> Result<(), Error> {
        let Some(expected) = &self.expect_account else { return Ok(()) };
        if session.account() == Some(expected) {
            return Ok(());
        }
        Err(Error::WrongAccount { expected: expected.clone(), arn: session.role_arn().to_owned() })
    }
}

/// How STS is reached, as far as the flags say.
#[derive(Debug, Clone)]
pub(crate) struct StsSettings {
    pub(crate) endpoint: Option<String>,
    pub(crate) ca_bundle: Option<PathBuf>,
    /// For the source, all calls of one session and their retries.
    pub(crate) timeout: Duration,
    /// Whether the timeout was asked for: then it is also for the programs that are run for the session.
    pub(crate) timeout_given: bool,
}

/// What is known of the machine, for the default session name.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    pub(crate) uid: u32,
    pub(crate) host: String,
}

/// Parses the command line.
///
/// # Errors
/// clap's own: a usage error, or the text of `--help` and `--version`.
pub(crate) fn parse(arguments: &[OsString]) -> Result<ArgMatches, clap::Error> {
    cli::command().try_get_matches_from(arguments)
}

/// Reads how to speak; the first thing that is needed of the settings.
///
/// # Errors
/// When a flag or a variable holds no such value, or both `-v` and `-q` were typed.
pub(crate) fn log_options(matches: &ArgMatches, vars: &Vars) -> Result<LogOptions, Error> {
    let mut flags = FlagValues::new(matches, vars);
    conflicts::settle(&mut flags, conflicts::SPEECH, &mut Vec::new())?;
    let verbosity = match flags.count("verbose")? {
        _ if flags.switch("quiet")? => Verbosity::Quiet,
        0 => Verbosity::Normal,
        1 => Verbosity::Verbose,
        _ => Verbosity::Everything,
    };
    let format = flags.one_that_is_not_empty("log-format")?.map_or(Ok(LogFormat::Text), |given| {
        given.parse(|text| match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err(Invalid::not_one_of(["text", "json"]).hint("json has one object per line")),
        })
    })?;
    Ok(LogOptions { verbosity, format, screen: Screen::of(vars) })
}

/// What a session is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Run,
    Print,
}

/// Gives the flags their meaning.
///
/// # Errors
/// The first word that does not keep its limits, or that does not go with another.
fn settings(
    flags: &FlagValues<'_>,
    mut notes: Vec<String>,
    purpose: Purpose,
    vars: &Vars,
    machine: &Host,
    read: &dyn Fn(&Path) -> std::io::Result<String>,
) -> Result<Settings, Error> {
    let command = flags.command();
    notes.extend(flags.notes());
    let (mode, delivery) = match purpose {
        Purpose::Run => mode::mode(flags)?,
        Purpose::Print => (Mode::Exec, mode::printed(flags)?),
    };
    let mfa = mfa::mfa(flags, vars, &mut notes)?;
    let warnings = lints::own_profile(&command, &delivery).into_iter().collect();
    notes.extend(lints::kept_for_nothing(&delivery.keep, vars));
    Ok(Settings {
        cache: CacheSettings::read(flags)?,
        request: request::request(flags, vars, machine, read, &mut notes)?,
        mfa,
        sts: sts(flags)?,
        mode,
        delivery,
        expect_account: flags.one("expect-account").map(|given| given.parse(account)).transpose()?,
        command,
        warnings,
        notes,
    })
}

fn sts(flags: &FlagValues<'_>) -> Result<StsSettings, Error> {
    let timeout = flags.one("sts-timeout").map(|given| given.parse(timeout)).transpose()?;
    Ok(StsSettings {
        endpoint: flags.one("sts-endpoint").map(|given| given.parse(endpoint)).transpose()?,
        ca_bundle: flags.one("ca-bundle").map(|given| PathBuf::from(given.value)),
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
