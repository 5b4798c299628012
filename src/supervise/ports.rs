//! What a supervision needs of others: sessions, and a way to hand them on.

use super::happening::Problem;
use crate::session::Session;
use std::ffi::CString;

/// Where sessions come from.
pub(crate) trait SessionSource {
    /// Obtains a session, with the source credentials resolved anew. A future that is dropped leaves nothing behind.
    async fn assume(&self) -> Result<Session, Problem>;
}

/// How sessions reach the command.
pub(crate) trait Delivery {
    /// The complete environment, `NAME=value`, of a start with this session.
    fn environment(&self, session: &Session) -> Vec<CString>;

    /// Puts a refreshed session where it reaches a running command; nothing to do when none can.
    ///
    /// # Errors
    /// The session could not be put there; the one before it still is.
    fn publish(&mut self, session: &Session) -> Result<(), Problem>;
}
