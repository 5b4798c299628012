//! MFA for a session.

use crate::mfa::{Codes, MfaSessions};
use std::fmt;
use std::time::Duration;

/// What is needed to use an MFA device.
#[derive(Clone, Copy)]
pub(crate) struct Mfa<'a> {
    pub(crate) codes: &'a Codes<'a>,
    /// Keeps MFA sessions, for the life of the process or longer.
    pub(crate) sessions: &'a dyn MfaSessions,
    /// The duration to request for a new MFA session.
    pub(crate) session_duration: Duration,
}

impl fmt::Debug for Mfa<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mfa").field("session_duration", &self.session_duration).finish_non_exhaustive()
    }
}
