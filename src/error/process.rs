//! Errors of the programs that xassume runs, and of the web identity tokens that they print.

use super::text::{counted, reason_of};
use crate::origin::Origin;
use crate::process::End;
use std::io;
use std::time::Duration;
use thiserror::Error;

/// How a `credential_process` or another command that xassume runs failed.
#[derive(Debug, Error)]
pub(crate) enum ProcessFailure {
    #[error("could not be started: {0}")]
    CouldNotStart(String),
    /// The program did not exit with status 0. Its standard error has already been shown.
    #[error("{0}")]
    Ended(End),
    #[error("timed out after {}", humantime::format_duration(*.0))]
    TimedOut(Duration, Option<Origin>),
    #[error("printed more than {0} bytes")]
    TooMuchOutput(usize),
    #[error("printed an invalid response: {0}")]
    BadOutput(String),
    #[error("printed {0}")]
    BadToken(TokenFlaw),
    #[error("printed credentials that expired at {0}")]
    Expired(String),
}

impl From<io::Error> for ProcessFailure {
    fn from(error: io::Error) -> Self {
        Self::CouldNotStart(reason_of(&error))
    }
}

impl ProcessFailure {
    /// Returns the hint if the time limit was exceeded, or `None` for another failure. `name` is what the limit is for.
    pub(super) fn limit_hint(&self, name: &str) -> Option<String> {
        match self {
            Self::TimedOut(_, Some(origin)) => {
                Some(format!("{origin} sets the limit for {name}, whose default is 60s"))
            }
            Self::TimedOut(_, None) => Some(format!("raise the limit for {name} with --sts-timeout")),
            _ => None,
        }
    }
}

/// Why a text is not a web identity token. There is no field for the text, because it may be secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum TokenFlaw {
    #[error("nothing")]
    Empty,
    #[error("bytes that are not text")]
    NotText,
    /// The text begins like a JSON text or an object.
    #[error("JSON instead of a token")]
    Json,
    /// The number of words is not one.
    #[error("{} instead of one token", counted(*.0, "word"))]
    Words(u64),
    /// The number of bytes in the only word. STS does not accept tokens of this length.
    #[error("a word of {}, but STS accepts tokens of 4 to 20000 bytes", counted(*.0, "byte"))]
    Length(u64),
}
