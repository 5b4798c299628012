//! xassume's own exit statuses: those of env(1), timeout(1) and nohup(1). POSIX defines 126 and 127 for utilities that
//! run another one.

/// xassume itself failed or was used wrongly; the command did not start, or was stopped because its session expired.
pub const FAILED: u8 = 125;
/// The command was found but could not be run.
pub const NOT_RUNNABLE: u8 = 126;
/// The command was not found.
pub const NOT_FOUND: u8 = 127;
