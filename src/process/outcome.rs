//! The exit statuses of xassume itself, which are the same as those of env(1), timeout(1) and nohup(1). POSIX defines
//! 126 and 127 for utilities that run another utility.

/// xassume failed or was used incorrectly. The command was not started, or it was stopped because its session expired.
pub const FAILED: u8 = 125;
/// The command was found, but it cannot be run.
pub const NOT_RUNNABLE: u8 = 126;
/// The command was not found.
pub const NOT_FOUND: u8 = 127;
