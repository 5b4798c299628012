//! What a supervision needs from outside: sessions, and their delivery.

use crate::event::Problem;
use crate::session::Session;
use std::ffi::CString;
use std::pin::Pin;

/// Where sessions come from.
pub(crate) trait SessionSource {
    /// Gets a session, with the source credentials read again. If the future is dropped, nothing is left running.
    async fn assume(&self) -> Result<Session, Problem>;
}

/// How sessions reach the command.
pub(crate) trait Deliver {
    /// The complete environment, `NAME=value`, for a start with this session.
    fn environment(&self, session: &Session) -> Vec<CString>;

    /// Hands a refreshed session to a running command, if the delivery can. `None`: it is done.
    fn publish(&mut self, session: &Session) -> Option<Publishing>;
}

/// A delivery that has begun. On an error the session before is still in effect. If the future is dropped, either may
/// be.
pub(crate) type Publishing = Pin<Box<dyn Future<Output = Result<(), Problem>>>>;
