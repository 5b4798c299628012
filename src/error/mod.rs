//! The errors with which a run of xassume ends.
//!
//! The kind of an error decides its exit status, its reason, its hint, and whether an older session may be used instead
//! of a new one. The fields contain the facts, and the `error` attribute of a variant contains the sentence. No field
//! contains a secret.

mod answer;
mod assume;
mod command;
mod config;
mod denial;
mod github;
mod listen;
mod mfa;
mod network;
#[cfg(test)]
mod pages;
mod process;
mod reason;
mod sign_in;
mod source;
mod text;
mod token_source;
pub(crate) mod web_identity;

pub(crate) use answer::{Answer, is_passing};
pub(crate) use assume::{AssumeError, AttemptsMade, Cause, Refusal, StsCall};
pub(crate) use command::{CommandError, CommandFault};
pub(crate) use config::{ConfigError, DurationBy, Misplaced};
pub(crate) use denial::{PolicyDenial, PolicyEffect, PolicyKind};
pub(crate) use github::GitHubFailure;
pub(crate) use listen::{ListenError, SocketRefusal};
pub(crate) use mfa::{CodeOrigin, MfaError, MfaFailure};
pub(crate) use network::NetworkFailure;
pub(crate) use process::{ProcessFailure, TokenFlaw};
pub(crate) use reason::Reason;
pub(crate) use sign_in::{SignInFailure, TokenId};
pub(crate) use source::{MetadataFailure, SourceError, TriedSources};
pub(crate) use text::{
    CHECK_LIMITS, counted, deceives, one_line, plain_json, quoted, reason_of, shortened, without_number,
};
pub(crate) use web_identity::{TokenPlace, TokenRefusal};

use crate::process::outcome::FAILED;
use crate::role::Invalid;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use text::TRY_LATER;
use thiserror::Error;

/// A hint of one line that has more characters than this is cut.
const LONGEST_HINT: usize = 2048;

/// An error with which a run of xassume ends.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// Something is missing on the command line, or the command line has something that xassume does not know. The
    /// usage line follows the message.
    #[error("{message}")]
    Usage { message: String, hint: Option<String> },
    /// Flags or variables cannot be combined with each other or with a command. The usage line is not shown, because it
    /// does not say what can be combined.
    #[error("{message}")]
    Conflict { message: String, hint: String },
    /// A value of a flag or a variable is invalid. `value` is `None` if the message does not quote a value.
    #[error("{}", invalid_value(.origin, .value.as_deref(), .invalid))]
    Value { origin: String, value: Option<String>, invalid: Invalid },
    /// A file that a flag or a variable names cannot be read.
    #[error("cannot read {what} {}: {reason}", .path.display())]
    File { what: String, path: PathBuf, reason: String },
    /// The file of `--ca-bundle` contains no usable certificates.
    #[error("cannot use the CA certificates in {}: {reason}", .path.display())]
    Certificates { path: PathBuf, reason: String },
    #[error(transparent)]
    Config(Box<ConfigError>),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Mfa(#[from] MfaError),
    #[error(transparent)]
    Assume(#[from] Box<AssumeError>),
    /// Another xassume process was requesting the same session, and did not finish within the limit.
    #[error("timed out after {} waiting for another xassume to get the session for {session}", humantime::format_duration(*.limit))]
    Waited { session: String, limit: Duration },
    /// The session is not in the account of `--expect-account`.
    #[error("wrong account: expected {expected}, but the session is {session}")]
    WrongAccount { expected: String, session: String },
    /// A file that a flag names cannot be written.
    #[error("cannot write {what} to {}: {reason}", .path.display())]
    Place { what: &'static str, flag: &'static str, path: PathBuf, reason: String, hint: Option<String> },
    /// The format of `--print` cannot represent the value of a variable.
    #[error("cannot print {name} in the {format} format: its value {reason}")]
    Unprintable { name: String, format: &'static str, reason: &'static str },
    #[error("cannot {what} the cache in {}: {reason}", .directory.display())]
    Cache { what: &'static str, directory: PathBuf, reason: String, hint: String },
    #[error("cannot write to standard output: {}", reason_of(.0))]
    Output(io::Error),
    #[error("standard output is closed")]
    OutputClosed,
    /// The session expired without a successful refresh. With `--on-refresh-failure stop`, the command was then
    /// stopped.
    #[error("the session expired before the command had a new one; the command was stopped")]
    Lapsed,
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Something that xassume needs is missing, or the operating system rejected an operation that xassume needs.
    #[error("cannot {what}: {reason}")]
    Cannot { what: &'static str, reason: String, hint: Option<&'static str> },
    /// The session of a profile of `--also` is not available.
    #[error("{profile}: {error}")]
    OfProfile { profile: &'static str, error: Box<Error> },
}

/// Returns the hint for a session of `--also`. Some flags apply only to the default session.
fn of_profile(profile: &str, error: &Error) -> Option<String> {
    let hint = error.hint()?;
    if let Error::Mfa(MfaError { kind: MfaFailure::NoTerminal { .. }, .. }) = error {
        return Some("use --mfa-command, or mfa_process in the profile".to_owned());
    }
    let is_of_first = ["--external-id", "--mfa-serial"].iter().any(|flag| hint.contains(flag));
    let settings = "external_id and mfa_serial";
    Some(if is_of_first {
        format!(
            "{hint}\n  these flags apply to the first role only; here, use --also {profile} and a profile with {settings}"
        )
    } else {
        hint
    })
}

fn invalid_value(origin: &str, value: Option<&str>, invalid: &Invalid) -> String {
    match value {
        Some(value) => format!("invalid value {} for '{origin}'{invalid}", quoted(value)),
        None => format!("{origin}{invalid}"),
    }
}

impl Error {
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    /// Returns the error for an operation that the operating system rejected.
    pub(crate) fn cannot(what: &'static str, error: &io::Error, hint: &'static str) -> Self {
        Self::Cannot { what, reason: reason_of(error), hint: Some(hint) }
    }

    /// Returns the exit status of xassume.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Command(error) => error.status(),
            Self::OfProfile { error, .. } => error.status(),
            _ => FAILED,
        }
    }

    /// Returns what the user can do about the error, or `None` if there is nothing to suggest.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            // Only hints about denied calls have several lines. All other hints become one line, because the names that
            // they quote from files may contain line breaks.
            Self::Assume(error) => return Some(error.hint()),
            Self::OfProfile { profile, error } => return of_profile(profile, error),
            Self::Usage { hint, .. } | Self::Place { hint: hint @ Some(_), .. } => hint.clone()?,
            Self::Conflict { hint, .. } | Self::Cache { hint, .. } => hint.clone(),
            Self::Value { invalid, .. } => invalid.hint.clone()?,
            Self::Config(error) => error.hint()?,
            Self::Source(error) => error.hint(),
            Self::Mfa(error) => error.hint().to_owned(),
            Self::Command(error) => error.hint(),
            Self::Listen(error) => error.hint().to_owned(),
            Self::File { path, .. } => format!("{} must be a readable file", path.display()),
            Self::Certificates { path, .. } => {
                let path = path.display();
                format!("convert DER to PEM with: openssl x509 -inform der -in {path} -out ca.pem")
            }
            Self::Waited { .. } => {
                "raise the limit (--sts-timeout or XASSUME_STS_TIMEOUT), or use --no-cache".to_owned()
            }
            Self::WrongAccount { .. } => "check the role ARN or the profile".to_owned(),
            Self::Place { flag, .. } => format!("use a path in an existing directory that you own, or omit {flag}"),
            Self::Cannot { hint, .. } => (*hint)?.to_owned(),
            Self::Unprintable { .. } => "use --print export, fish or powershell".to_owned(),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                "the program that reads the pipe closed it; see the messages of that program".to_owned()
            }
            Self::Output(_) => "free disk space or redirect the output".to_owned(),
            Self::OutputClosed => "redirect standard output to a file or a pipe".to_owned(),
            Self::Lapsed => "use --on-refresh-failure keep to keep the command running".to_owned(),
        };
        Some(one_line(&hint, LONGEST_HINT))
    }

    /// Returns the hint for a failed call that xassume itself repeats, so it does not say to try again.
    pub(crate) fn hint_while_retrying(&self) -> Option<String> {
        let mut hint = self.hint()?;
        if let Some(rest) = hint.strip_suffix(TRY_LATER) {
            hint.truncate(rest.trim_end_matches("; ").len());
        }
        (!hint.is_empty()).then_some(hint)
    }

    /// Checks whether STS, the source of the credentials, or another xassume gave no answer, or failed in a way that
    /// may pass. Then an older session may be used. No older session is used if the request was refused.
    pub(crate) fn is_outage(&self) -> bool {
        match self {
            Self::Waited { .. } => true,
            Self::Source(error) => error.is_outage(),
            Self::Assume(error) => error.is_outage(),
            Self::OfProfile { error, .. } => error.is_outage(),
            _ => false,
        }
    }
}

/// Returns the error for a supervised command that did not start. `gone` means that the file was found and later
/// removed. The exit status is 125 if the command is not the cause, that is, if processes, memory or file descriptors
/// have run out, or if the file system did not answer within `limit`.
pub(crate) fn not_started(name: String, errno: i32, gone: bool, limit: Duration) -> Error {
    match errno {
        libc::ENOENT if gone => CommandError::new(name, CommandFault::NotFound).into(),
        libc::ETIMEDOUT => Error::Cannot {
            what: "start the command",
            reason: format!("its file was not read within {}s", limit.as_secs()),
            hint: Some("check the file system that contains it"),
        },
        libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE | libc::ENOSPC => {
            Error::cannot("start the command", &io::Error::from_raw_os_error(errno), CHECK_LIMITS)
        }
        errno => CommandError::new(name, CommandFault::of_execve(errno)).into(),
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::Config(Box::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_follow_env_and_timeout() {
        let command = |fault| Error::from(CommandError::new("x".into(), fault));
        let (not_found, not_runnable) = (command(CommandFault::NotFound), command(CommandFault::Directory));
        let usage = Error::usage("no", "hint");
        assert_eq!((not_found.status(), not_runnable.status(), usage.status()), (127, 126, 125));
        // Without epoll watches, the command is not the cause.
        let start = |errno| not_started("x".into(), errno, false, Duration::ZERO).status();
        assert_eq!([libc::ENOSPC, libc::EMFILE, libc::EACCES].map(start), [125, 125, 126]);
    }
}
