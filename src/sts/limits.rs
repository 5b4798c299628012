//! The limits of a session's calls.

use crate::sys::helper::ProgramLimit;
use std::time::Duration;

/// How long the way to a session may take, and how often it is tried.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Attempts of one call, when they fail for a passing reason.
    pub(crate) attempts: u32,
    /// For the source and all calls, without the time that a lock was waited for.
    pub(crate) time: Duration,
    /// `--sts-timeout`, if it is set: then it also limits the programs that are run for the session.
    pub(crate) program_timeout: Option<Duration>,
}

impl Limits {
    /// The limit of a program when so much time is left.
    pub(super) fn of_program(self, left: Duration) -> ProgramLimit {
        self.program_timeout.map_or(ProgramLimit::OWN, |of| ProgramLimit { left, of })
    }
}
