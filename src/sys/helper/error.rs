//! Why a helper gave no output.

use crate::process::End;
use std::fmt;
use std::io;
use std::time::Duration;

/// Why a helper gave no answer.
#[derive(Debug)]
pub(crate) enum HelperError {
    /// It could not be started, or its output could not be read.
    Spawn(io::Error),
    /// Its status was not 0.
    Failed(End),
    /// It was killed at the end of this limit.
    TimedOut(Duration),
    /// It wrote more than this many bytes, and was killed.
    TooLarge(usize),
}

impl fmt::Display for HelperError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spawn(error) => write!(f, "could not be started: {error}"),
            Self::Failed(end) => end.fmt(f),
            Self::TimedOut(limit) => write!(f, "timed out after {}", humantime::format_duration(*limit)),
            Self::TooLarge(limit) => write!(f, "printed more than {limit} bytes"),
        }
    }
}

impl std::error::Error for HelperError {}
