//! What can go wrong before or instead of the command, as facts.
//!
//! A kind decides the exit status and the hint. `Display` is one line: what could not be done, and why.
//! No secret is ever a fact of an error.

mod assume;
mod command;
mod config;
mod denial;
mod mfa;
mod source;
mod text;

pub(crate) use assume::{AssumeError, Cause, Effort, LastTry, NetworkFailure, Refusal, StsCall};
pub(crate) use command::NotRunnable;
pub(crate) use config::{ConfigError, DurationBy, Misplaced};
pub(crate) use denial::{Blame, Lack, PolicyKind};
pub(crate) use mfa::{CodeOrigin, MfaError, MfaFailure};
pub(crate) use source::{Answer, LookedAt, MetadataFailure, ProcessFailure, SourceError, StoredFile, is_passing};
pub(crate) use text::{deceives, one_line, plain_json, shortened};

use crate::process::outcome::{FAILED, NOT_FOUND, NOT_RUNNABLE};
use crate::role::Invalid;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// The longest hint of one line, in characters.
const LONGEST_HINT: usize = 2048;

/// Why there is no command with a session.
#[derive(Debug)]
pub(crate) enum Error {
    /// The words do not go together; the usage line follows.
    Usage { message: String, hint: Option<String> },
    /// A flag's or a variable's value is outside its limits.
    Value { origin: String, value: String, invalid: Invalid },
    /// A file that a flag names cannot be read.
    File { what: String, path: PathBuf, reason: String },
    /// The file of `--ca-bundle` is there, but does not hold certificates as it must.
    Certificates { path: PathBuf, reason: String },
    /// The shared config files do not lead to a role.
    Config(Box<ConfigError>),
    /// There are no source credentials.
    Source(SourceError),
    /// There is no MFA code to send.
    Mfa(MfaError),
    /// STS did not give a session.
    Assume(Box<AssumeError>),
    /// Another xassume was asking for the same session and had no answer in time.
    Waited { role: String, limit: Duration },
    /// The session is in another account than `--expect-account` says.
    WrongAccount { expected: String, arn: String },
    /// A file that is to be written cannot be where its flag asks for it.
    Place { what: &'static str, flag: &'static str, path: PathBuf, reason: String, hint: Option<String> },
    /// The session cannot be served to the command.
    Serve { what: &'static str, reason: String, hint: &'static str },
    /// The format of `--print` has no way to write a variable's value; `reason` ends a sentence that begins with it.
    Unprintable { name: String, format: &'static str, reason: &'static str },
    /// A cached session cannot be removed.
    Cache { directory: PathBuf, reason: String },
    /// Standard output took nothing, or not all.
    Output(io::Error),
    /// There is no standard output.
    OutputClosed,
    /// The session expired, was not refreshed, and `--on-refresh-failure stop` was asked for.
    Lapsed,
    /// The command is nowhere in `PATH`, or its path does not exist.
    CommandNotFound { name: String },
    /// The command is there, but cannot be run.
    CommandNotRunnable { name: String, cause: NotRunnable },
    /// Something is missing that xassume needs.
    Missing { what: &'static str, reason: String, hint: &'static str },
    /// The operating system has too little of something that xassume itself needs.
    Exhausted { what: &'static str, reason: String },
    /// The operating system refused something that xassume itself needs.
    System { what: &'static str, reason: String },
}

impl Error {
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    /// The exit status that the error ends xassume with.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::CommandNotFound { .. } => NOT_FOUND,
            Self::CommandNotRunnable { .. } => NOT_RUNNABLE,
            Self::Usage { .. }
            | Self::Value { .. }
            | Self::File { .. }
            | Self::Certificates { .. }
            | Self::Config(_)
            | Self::Source(_)
            | Self::Mfa(_)
            | Self::Assume(_)
            | Self::Waited { .. }
            | Self::WrongAccount { .. }
            | Self::Place { .. }
            | Self::Serve { .. }
            | Self::Unprintable { .. }
            | Self::Cache { .. }
            | Self::Output(_)
            | Self::OutputClosed
            | Self::Lapsed
            | Self::Missing { .. }
            | Self::Exhausted { .. }
            | Self::System { .. } => FAILED,
        }
    }

    /// The one thing to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = self.own_hint()?;
        // Only denials have hints of several lines. The others quote names out of files, which may hold line breaks.
        Some(if matches!(self, Self::Assume(_)) { hint } else { one_line(&hint, LONGEST_HINT) })
    }

    fn own_hint(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. } => hint.clone(),
            Self::CommandNotRunnable { cause, .. } => cause.hint().map(str::to_owned),
            Self::Value { invalid, .. } => invalid.hint.clone(),
            Self::File { path, .. } => Some(format!("check that {} exists and can be read", path.display())),
            Self::Certificates { path, .. } => {
                let path = path.display();
                Some(format!("it must be PEM; make PEM of DER with: openssl x509 -inform der -in {path} -out ca.pem"))
            }
            Self::Config(error) => error.hint(),
            Self::Source(error) => Some(error.hint()),
            Self::Mfa(error) => Some(error.hint()),
            Self::Assume(error) => Some(error.hint()),
            Self::Waited { .. } => {
                Some("STS or the source is slow; --sts-timeout sets the limit, --no-cache asks without waiting".into())
            }
            Self::WrongAccount { .. } => {
                Some("the role's ARN or the profile names another account than expected".into())
            }
            Self::CommandNotFound { name } => Some(if name.is_empty() {
                "the first word of the command is empty: is a variable in it not set?".to_owned()
            } else if name.contains(char::is_whitespace) {
                "the command is not run by a shell: pass its words one by one, or use sh -c '…'".into()
            } else if name.contains('/') {
                "check the path; a script's interpreter must exist too".into()
            } else {
                "check PATH; an alias or a shell function needs $SHELL -ic '…'".into()
            }),
            Self::Place { hint: Some(hint), .. } => Some(hint.clone()),
            Self::Place { flag, .. } => Some(format!("name a file in a directory of your own, or leave {flag} out")),
            Self::Serve { hint, .. } | Self::Missing { hint, .. } => Some((*hint).to_owned()),
            Self::Unprintable { .. } => Some("the formats for shells carry any value: export, fish, powershell".into()),
            Self::Cache { directory, .. } => Some(format!("remove the folder by hand: {}", directory.display())),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                Some("what reads standard output ended before it had all: see its own message".into())
            }
            Self::Output(_) => Some("make room where standard output goes, or send it elsewhere".into()),
            Self::OutputClosed => {
                Some("it was closed at the start, as by `>&-`: send it to a file or a program".into())
            }
            Self::Lapsed => Some("`--on-refresh-failure keep` lets the command run on".into()),
            Self::Exhausted { .. } => Some(
                "look at `ulimit -a`, and at the limits of the container or the unit: processes, memory, open files"
                    .into(),
            ),
            Self::System { .. } => None,
        }
    }

    /// Whether STS, or the source, was not to be had, in which case an older session is better than none. A refusal is
    /// an answer.
    pub(crate) fn is_outage(&self) -> bool {
        match self {
            Self::Waited { .. } => true,
            Self::Source(error) => error.is_outage(),
            Self::Assume(error) => error.is_outage(),
            _ => false,
        }
    }

    /// Whether the usage line helps.
    pub(crate) fn shows_usage(&self) -> bool {
        matches!(self, Self::Usage { .. })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage { message, .. } => f.write_str(message),
            Self::Value { origin, value, invalid } if value.is_empty() => write!(f, "{origin} {invalid}"),
            Self::Value { origin, value, invalid } => write!(f, "{origin} `{}` {invalid}", shortened(value)),
            Self::File { what, path, reason } => write!(f, "cannot read {what} {}: {reason}", path.display()),
            Self::Certificates { path, reason } => {
                write!(f, "cannot use the certificates in {}: {reason}", path.display())
            }
            Self::Config(error) => error.fmt(f),
            Self::Source(error) => error.fmt(f),
            Self::Mfa(error) => error.fmt(f),
            Self::Assume(error) => error.fmt(f),
            Self::Waited { role, limit } => {
                let limit = humantime::format_duration(*limit);
                write!(
                    f,
                    "cannot assume {role}: another xassume has asked for this session and got none within {limit}"
                )
            }
            Self::WrongAccount { expected, arn } => {
                write!(f, "the session {arn} is not in account {expected}, as --expect-account asks")
            }
            Self::Place { what, path, reason, .. } => {
                write!(f, "cannot keep {what} in {}: {reason}", path.display())
            }
            Self::Serve { what, reason, .. } => write!(f, "cannot serve the session {what}: {reason}"),
            Self::Unprintable { name, format, reason } => write!(f, "cannot print {name} as {format}: it {reason}"),
            Self::Cache { directory, reason } => {
                write!(f, "cannot clear the cache in {}: {reason}", directory.display())
            }
            Self::Output(error) => write!(f, "cannot write to standard output: {}", reason_of(error)),
            Self::OutputClosed => f.write_str("cannot write to standard output: there is none"),
            Self::Lapsed => f.write_str("the session expired and could not be refreshed; the command was stopped"),
            Self::CommandNotFound { name } => write!(f, "cannot run `{name}`: command not found"),
            Self::CommandNotRunnable { name, cause } => write!(f, "cannot run `{name}`: {}", cause.reason()),
            Self::Missing { what, reason, .. } | Self::Exhausted { what, reason } | Self::System { what, reason } => {
                write!(f, "cannot {what}: {reason}")
            }
        }
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::Config(Box::new(error))
    }
}

impl From<SourceError> for Error {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl From<MfaError> for Error {
    fn from(error: MfaError) -> Self {
        Self::Mfa(error)
    }
}

impl From<Box<AssumeError>> for Error {
    fn from(error: Box<AssumeError>) -> Self {
        Self::Assume(error)
    }
}

/// What the system says went wrong, without the number that Rust adds.
pub(crate) fn reason_of(error: &std::io::Error) -> String {
    without_number(&error.to_string()).to_owned()
}

/// A text of the system's, without its error number.
pub(crate) fn without_number(text: &str) -> &str {
    text.split(" (os error ").next().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_follow_env_and_timeout() {
        let not_found = Error::CommandNotFound { name: "x".into() };
        let not_runnable = Error::CommandNotRunnable { name: "x".into(), cause: NotRunnable::Directory };
        let usage = Error::usage("no", "hint");
        assert_eq!((not_found.status(), not_runnable.status(), usage.status()), (127, 126, 125));
    }

    #[test]
    fn numbers_of_the_system_are_left_out() {
        assert_eq!(reason_of(&std::io::Error::from_raw_os_error(2)), "No such file or directory");
        assert_eq!(reason_of(&std::io::Error::other("no")), "no");
    }
}
