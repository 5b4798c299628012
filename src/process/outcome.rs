//! How a run ends, and the exit statuses that are xassume's own.
//!
//! The statuses are those of env(1), timeout(1) and nohup(1): POSIX gives 126 and 127 their meaning for utilities
//! that run another.

use crate::process::signal::Signal;

/// xassume itself failed, or was used wrongly; the command did not start (or was stopped for want of a session).
pub const FAILED: u8 = 125;
/// The command was found but could not be run.
pub const NOT_RUNNABLE: u8 = 126;
/// The command was not found.
pub const NOT_FOUND: u8 = 127;

/// What the end of the command means for xassume's own end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Exit with this status.
    Exited(u8),
    /// Die of this signal, as the command did.
    Killed(Signal),
}
