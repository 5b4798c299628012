//! The settings of a run that needs a session.

use super::also::{Named, accounts, also};
use super::cache::cache;
use super::hook::hook;
use super::lints;
use super::mode::Mode;
use super::request::request;
use super::session_name::Host;
use super::shell;
use super::values::FlagValues;
use crate::cache::CacheSettings;
use crate::deliver::DeliverySettings;
use crate::error::Error;
use crate::event::Ignored;
use crate::flags::{
    CA_BUNDLE, LISTEN, MFA_COMMAND, MFA_SESSION_DURATION, MFA_TOKEN, NO_LOGIN, ON_EXPIRY, QUIET, SIGNAL_PID_FILE,
    STS_ENDPOINT, STS_TIMEOUT,
};
use crate::mfa::{CodeSource, MfaSettings};
use crate::origin::Origin;
use crate::process::listen_address::ListenAddress;
use crate::profile::{AlsoRole, Request, endpoint};
use crate::role::{HopOptions, Invalid, MFA_SESSION, MfaCode, duration_within, parse_mfa_session};
use crate::session::Session;
use crate::supervise::hook::HookSettings;
use crate::supervise::policy::SignalTarget;
use crate::vars::Vars;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// All settings of a run.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) request: Request,
    /// The sessions of `--also`.
    pub(crate) also: Vec<Also>,
    pub(crate) mfa: MfaSettings,
    pub(crate) sts: StsSettings,
    pub(crate) cache: CacheSettings,
    pub(crate) mode: Mode,
    /// The file that names the process which gets the signal after a refresh. `None` if the command gets it, or if there is
    /// no signal.
    pub(crate) signal_pid_file: Option<PathBuf>,
    pub(crate) delivery: DeliverySettings,
    /// The refresh hook. `None` if there is none.
    pub(crate) hook: Option<HookSettings>,
    /// The addresses on which xassume listens for the command.
    pub(crate) listen: Vec<ListenAddress>,
    pub(crate) expect_account: Option<String>,
    /// Why the user is not asked to sign in to IAM Identity Center. `None` if the user may be asked at a terminal.
    pub(crate) no_sign_in: Option<&'static str>,
    /// The command and its arguments, as they are on the command line. Empty only if this run has no command.
    pub(crate) command: Vec<OsString>,
    /// Whether the command is a shell that is interactive on a terminal.
    pub(crate) is_shell: bool,
    /// `--on-expiry restart` or its variable, as the user wrote it. `None` if the command is not to be restarted.
    pub(crate) restart: Option<String>,
    /// Warnings about probable mistakes in the command line.
    pub(crate) warnings: Vec<String>,
    /// The ignored settings, each with the reason. `-v` logs them.
    pub(crate) notes: Vec<Ignored>,
}

/// A session of `--also`.
#[derive(Debug, Clone)]
pub(crate) struct Also {
    /// The name of the command's profile for this session.
    pub(crate) profile: &'static str,
    /// The settings of a run in which this session is the default one.
    pub(crate) settings: Settings,
}

impl Settings {
    /// Checks that the session is in the account of `--expect-account`, if this flag is set.
    ///
    /// # Errors
    /// Fails if the session is in another account.
    pub(crate) fn check_account(&self, session: &Session) -> Result<(), Error> {
        match &self.expect_account {
            Some(expected) if session.account() != Some(expected) => {
                let account = || format!("in account {}", session.account().unwrap_or("unknown"));
                let session = session.assumed_role_arn.clone().unwrap_or_else(account);
                Err(Error::WrongAccount { expected: expected.clone(), session })
            }
            _ => Ok(()),
        }
    }

    /// Returns the settings for a session of `--also`. They are those of the default session, with another role, its
    /// options and its account, and without what is only for the default session.
    pub(super) fn of_also(&self, (profile, role): Named, expect_account: Option<String>) -> Also {
        // The name is needed until xassume ends, and reports with it are copied.
        let profile = profile.leak();
        let request = match role {
            AlsoRole::Given(_) => Request { also: Some(role), needs_expiry: None, ..self.request.clone() },
            AlsoRole::OfProfile => Request {
                roles: Vec::new(),
                profile: Some(profile.to_owned()),
                session_name: None,
                options: HopOptions::default(),
                web_identity: None,
                also: Some(role),
                origins: Vec::new(),
                needs_expiry: None,
                ..self.request.clone()
            },
        };
        let mut settings = Self { request, expect_account, also: Vec::new(), is_shell: false, ..self.clone() };
        // The code of `--mfa-token` is for the default session.
        if let CodeSource::Typed(_) | CodeSource::StandardInput = settings.mfa.code {
            settings.mfa.code = CodeSource::Prompt;
        }
        (settings.notes, settings.warnings) = (Vec::new(), Vec::new());
        Also { profile, settings }
    }
}

/// The flags about the connection to STS.
#[derive(Debug, Clone)]
pub(crate) struct StsSettings {
    pub(crate) endpoint: Option<String>,
    pub(crate) ca_bundle: Option<PathBuf>,
    /// The time limit for fetching the source credentials and for all calls of one session, including retries.
    pub(crate) timeout: Duration,
    /// The flag or the variable with which the user set the timeout. `None` if the timeout is the default. Only a
    /// timeout that the user set also limits the programs that xassume runs to get a session.
    pub(crate) timeout_by: Option<Origin>,
}

/// Reads all settings of a run.
///
/// # Errors
/// Fails at the first invalid value.
pub(super) fn settings(
    flags: &FlagValues,
    mut notes: Vec<Ignored>,
    (mode, delivery): (Mode, DeliverySettings),
    vars: &Vars,
    host: &Host,
    read: &dyn Fn(&Path) -> std::io::Result<String>,
) -> Result<Settings, Error> {
    let command = flags.command.clone();
    notes.extend_from_slice(&flags.notes);
    let listen = listen(flags)?;
    let gets_sockets = !listen.is_empty() || vars.has_sockets_for(std::process::id());
    let sockets = gets_sockets.then(|| lints::sockets_for_a_shell(&command)).flatten();
    let also = also(flags)?;
    let mut warnings: Vec<_> = lints::own_profile(&command, &delivery, &also).into_iter().chain(sockets).collect();
    notes.extend(lints::kept_for_nothing(&delivery.keep, vars));
    let names_process = mode.policy().is_some_and(|policy| policy.signal_target == SignalTarget::PidFile);
    let signal_pid_file = flags.one(&SIGNAL_PID_FILE).filter(|_| names_process);
    let signal_pid_file = signal_pid_file.map(|given| PathBuf::from(&given.value));
    let mut accounts = accounts(flags, &also, (&mut notes, &mut warnings))?;
    let mut settings = Settings {
        cache: cache(flags)?,
        also: Vec::new(),
        request: request(flags, vars, host, read)?,
        mfa: mfa(flags)?,
        sts: sts(flags)?,
        mode,
        signal_pid_file,
        delivery,
        hook: hook(flags)?,
        listen,
        expect_account: accounts.remove(&None),
        no_sign_in: no_sign_in(flags, vars)?,
        is_shell: shell::is_shell(&command),
        restart: flags.given_as(&ON_EXPIRY, |text| text == "restart").map(|given| given.shown),
        command,
        warnings,
        notes,
    };
    settings.delivery.check_keep()?;
    let others = also.into_iter().map(|named| {
        let account = accounts.remove(&Some(named.0.clone()));
        settings.of_also(named, account)
    });
    settings.also = others.collect();
    Ok(settings)
}

/// Reads the addresses of `--listen`.
///
/// # Errors
/// An address is invalid or repeated.
fn listen(flags: &FlagValues) -> Result<Vec<ListenAddress>, Error> {
    let mut addresses = Vec::new();
    for given in flags.many(&LISTEN) {
        let address = given.parse(ListenAddress::parse)?;
        if address.is_repeated(&addresses) {
            return Err(given.invalid(Invalid::new("the address is repeated").hint("pass each address once")));
        }
        addresses.push(address);
    }
    Ok(addresses)
}

/// Returns why the user is not asked to sign in, or `None` if the user may be asked. The user is not asked if an SDK runs
/// xassume, or in a CI job, because no user would answer.
///
/// # Errors
/// Fails if the value of a switch is invalid.
fn no_sign_in(flags: &FlagValues, vars: &Vars) -> Result<Option<&'static str>, Error> {
    let ci = vars.ci();
    let reasons = [
        (flags.switch(&NO_LOGIN)?, "--no-login or XASSUME_NO_LOGIN is set"),
        (flags.switch(&QUIET)?, "-q or XASSUME_QUIET is set"),
        (flags.are_for_an_sdk(), "--print credential-process is for programs"),
        (ci == Some("CI"), "CI is set"),
        (ci == Some("JENKINS_URL"), "JENKINS_URL is set"),
    ];
    Ok(reasons.into_iter().find_map(|(applies, reason)| applies.then_some(reason)))
}

/// Reads the flags about MFA.
///
/// # Errors
/// Fails if the code or the duration is invalid.
fn mfa(flags: &FlagValues) -> Result<MfaSettings, Error> {
    let code = match (flags.one(&MFA_TOKEN), flags.one(&MFA_COMMAND)) {
        (Some(token), _) => match token.text()? {
            "-" => CodeSource::StandardInput,
            // The error does not contain the value, because a mistyped code is similar to the code that is valid now.
            code => CodeSource::Typed(MfaCode::parse(code).map_err(|invalid| Error::Value {
                origin: token.origin.to_string(),
                value: None,
                invalid: invalid.hint("pass the digits that the device shows, or `-` to read them from standard input"),
            })?),
        },
        (None, Some(command)) => CodeSource::Command(command.text()?.to_owned()),
        (None, None) => CodeSource::Prompt,
    };
    let session_duration = flags.parsed(&MFA_SESSION_DURATION, parse_mfa_session)?.unwrap_or(MFA_SESSION);
    Ok(MfaSettings { code, session_duration })
}

fn sts(flags: &FlagValues) -> Result<StsSettings, Error> {
    let timeout = flags.parsed(&STS_TIMEOUT, timeout)?;
    Ok(StsSettings {
        endpoint: flags.parsed(&STS_ENDPOINT, endpoint)?,
        ca_bundle: flags.one(&CA_BUNDLE).map(|given| PathBuf::from(&given.value)),
        timeout: timeout.unwrap_or(Duration::from_secs(30)),
        timeout_by: timeout.and(flags.origin(&STS_TIMEOUT)),
    })
}

fn timeout(text: &str) -> Result<Duration, Invalid> {
    let limits = Duration::from_millis(100)..=Duration::from_hours(1);
    duration_within(text, limits, "must be between 100ms and 1h", "for example 30s or 2m")
}
