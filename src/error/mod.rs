//! What can go wrong before or instead of the command.
//!
//! The kind of an error decides its exit status, its hint and whether an older session will do. Facts are fields, the
//! sentence is on the variant. No secret is a field.

mod assume;
mod command;
mod config;
mod denial;
mod mfa;
#[cfg(test)]
mod pages;
mod source;
mod text;

pub(crate) use assume::{AssumeError, AttemptsMade, Cause, LastAttempt, NetworkFailure, Refusal, StsCall};
pub(crate) use command::{CommandError, CommandFault};
pub(crate) use config::{ConfigError, DurationBy, Misplaced};
pub(crate) use denial::{PolicyDenial, PolicyEffect, PolicyKind};
pub(crate) use mfa::{CodeOrigin, MfaError, MfaFailure};
pub(crate) use source::{Answer, MetadataFailure, ProcessFailure, SourceError, StoredFile, TriedSources, is_passing};
pub(crate) use text::{deceives, one_line, plain_json, quoted, reason_of, shortened, without_number};

use crate::process::outcome::FAILED;
use crate::role::Invalid;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// The longest hint of one line, in characters.
const LONGEST_HINT: usize = 2048;

/// Why the command does not run with a session.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// Flags or variables that cannot be combined, or that are missing. The usage line follows.
    #[error("{message}")]
    Usage { message: String, hint: Option<String> },
    /// The value of a flag or a variable. It is empty where the flag as a whole is wrong.
    #[error("{}", invalid_value(.origin, .value, .invalid))]
    Value { origin: String, value: String, invalid: Invalid },
    /// A file that a flag or a variable names.
    #[error("cannot read {what} {}: {reason}", .path.display())]
    File { what: String, path: PathBuf, reason: String },
    /// The file of `--ca-bundle` has no usable certificates.
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
    /// Another xassume was getting the same session.
    #[error("timed out after {} waiting for another xassume to get the session for {role}", humantime::format_duration(*.limit))]
    Waited { role: String, limit: Duration },
    /// `--expect-account`.
    #[error("wrong account: expected {expected}, but the session is {arn}")]
    WrongAccount { expected: String, arn: String },
    /// A file of a flag that is to be written.
    #[error("cannot write {what} to {}: {reason}", .path.display())]
    Place { what: &'static str, flag: &'static str, path: PathBuf, reason: String, hint: Option<String> },
    /// The session cannot be served to the command.
    #[error("cannot {what}: {reason}")]
    Serve { what: &'static str, reason: String, hint: &'static str },
    /// The format of `--print` cannot represent the value of a variable.
    #[error("cannot print {name} as {format}: it {reason}")]
    Unprintable { name: String, format: &'static str, reason: &'static str },
    #[error("cannot clear the cache in {}: {reason}", .directory.display())]
    Cache { directory: PathBuf, reason: String },
    #[error("cannot write to standard output: {}", reason_of(.0))]
    Output(io::Error),
    #[error("standard output is closed")]
    OutputClosed,
    /// With `--on-refresh-failure stop`.
    #[error("the session expired and could not be refreshed; the command was stopped")]
    Lapsed,
    #[error(transparent)]
    Command(#[from] CommandError),
    /// Something that xassume needs is missing.
    #[error("cannot {what}: {reason}")]
    Missing { what: &'static str, reason: String, hint: &'static str },
    /// A limit of the operating system.
    #[error("cannot {what}: {reason}")]
    Exhausted { what: &'static str, reason: String },
    /// The operating system rejected something that xassume needs.
    #[error("cannot {what}: {reason}")]
    System { what: &'static str, reason: String },
}

fn invalid_value(origin: &str, value: &str, invalid: &Invalid) -> String {
    if value.is_empty() {
        format!("{origin}{invalid}")
    } else {
        format!("invalid value {} for '{origin}'{invalid}", quoted(value))
    }
}

impl Error {
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    /// The exit status.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Command(error) => error.status(),
            _ => FAILED,
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            // Only denials have hints of several lines. The others quote names from files, which may have line breaks.
            Self::Assume(error) => return Some(error.hint()),
            Self::Usage { hint, .. } | Self::Place { hint: hint @ Some(_), .. } => hint.clone()?,
            Self::Value { invalid, .. } => invalid.hint.clone()?,
            Self::Config(error) => error.hint()?,
            Self::Source(error) => error.hint(),
            Self::Mfa(error) => error.hint().to_owned(),
            Self::Command(error) => error.hint()?,
            Self::File { path, .. } => format!("{} must be a readable file", path.display()),
            Self::Certificates { path, .. } => {
                let path = path.display();
                format!("convert DER to PEM with: openssl x509 -inform der -in {path} -out ca.pem")
            }
            Self::Waited { .. } => "raise --sts-timeout, or use --no-cache".to_owned(),
            Self::WrongAccount { .. } => "check the role ARN or the profile".to_owned(),
            Self::Place { flag, .. } => format!("use a path in a directory that you own, or omit {flag}"),
            Self::Serve { hint, .. } | Self::Missing { hint, .. } => (*hint).to_owned(),
            Self::Unprintable { .. } => "use --print export, fish or powershell".to_owned(),
            Self::Cache { directory, .. } => format!("remove the directory manually: {}", directory.display()),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                "the reader closed the pipe: see its own message".to_owned()
            }
            Self::Output(_) => "free disk space or redirect the output".to_owned(),
            Self::OutputClosed => "redirect it to a file or a pipe".to_owned(),
            Self::Lapsed => "use --on-refresh-failure keep to keep it running".to_owned(),
            Self::Exhausted { .. } => {
                "check `ulimit -a` and the limits of the container or unit: processes, memory, open files".to_owned()
            }
            Self::System { .. } => return None,
        };
        Some(one_line(&hint, LONGEST_HINT))
    }

    /// Whether STS or the source did not answer, so that an older session is better than none. A refusal is an answer.
    pub(crate) fn is_outage(&self) -> bool {
        match self {
            Self::Waited { .. } => true,
            Self::Source(error) => error.is_outage(),
            Self::Assume(error) => error.is_outage(),
            _ => false,
        }
    }

    /// Whether the usage line follows.
    pub(crate) fn shows_usage(&self) -> bool {
        matches!(self, Self::Usage { .. })
    }
}

/// Why a supervised command did not start. `gone`: the file was removed after it was found. Without a process, memory or
/// a descriptor to spare, or with a file system that does not answer, nothing is wrong with the command: status 125.
pub(crate) fn not_started(name: String, errno: i32, gone: bool, limit: Duration) -> Error {
    match errno {
        libc::ENOENT if gone => CommandError { name, fault: CommandFault::NotFound }.into(),
        libc::ETIMEDOUT => Error::Missing {
            what: "start the command",
            reason: format!("its file was not read within {}s", limit.as_secs()),
            hint: "check the file system that contains it",
        },
        libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE => {
            Error::Exhausted { what: "start the command", reason: command::text(errno) }
        }
        errno => CommandError { name, fault: CommandFault::of_execve(errno) }.into(),
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
        let command = |fault| Error::from(CommandError { name: "x".into(), fault });
        let (not_found, not_runnable) = (command(CommandFault::NotFound), command(CommandFault::Directory));
        let usage = Error::usage("no", "hint");
        assert_eq!((not_found.status(), not_runnable.status(), usage.status()), (127, 126, 125));
    }
}
