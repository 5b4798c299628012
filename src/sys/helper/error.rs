//! Why a helper gave no output.

use crate::process::End;
use humantime::format_duration;
use std::io;
use std::time::Duration;

/// Why a helper gave no output.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HelperError {
    #[error("could not be started: {0}")]
    Spawn(io::Error),
    /// Its status was not 0.
    #[error("{0}")]
    Failed(End),
    /// It was killed at the end of this limit.
    #[error("timed out after {}", format_duration(*.0))]
    TimedOut(Duration),
    /// It wrote more than this number of bytes, and was killed.
    #[error("printed more than {0} bytes")]
    TooLarge(usize),
}
