//! The limits for getting a session.

use crate::origin::Origin;
use crate::sys::helper::ProgramLimit;
use std::time::{Duration, Instant};

/// The limits for getting the source credentials and for the calls of one session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The maximum number of attempts of one call. A call is tried again if it may succeed later.
    pub(crate) attempts: u32,
    /// The time limit for the source and all calls together. Waiting for the cache lock is not included.
    pub(crate) time: Duration,
    /// The value of `--sts-timeout`, and the flag or the variable that sets it. `None` if the user has not set it. If
    /// it is set, it also limits each program that xassume runs to get the session, such as a `credential_process`.
    pub(crate) program_timeout: Option<(Duration, Origin)>,
}

impl Limits {
    /// Returns the time limit for a program that xassume runs to get the session. `left` is the time that is left for
    /// the session.
    pub(super) fn of_program(self, left: Duration) -> ProgramLimit {
        self.program_timeout.map_or(ProgramLimit::OWN, |(of, by)| ProgramLimit { left, of, by: Some(by) })
    }

    /// Returns the deadline for the calls that follow a program that began at `begun` and has ended. It is later than
    /// `deadline` by the time that the program took, unless the user has set `--sts-timeout`.
    pub(super) fn deadline_after(self, begun: Instant, deadline: Instant) -> Instant {
        if self.program_timeout.is_some() { deadline } else { deadline + begun.elapsed() }
    }
}
