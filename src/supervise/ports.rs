//! What a supervision needs of others: sessions, and a way to hand them on.

use crate::event::Problem;
use crate::session::Session;
use std::ffi::CString;
use std::pin::Pin;

/// Where sessions come from.
pub(crate) trait SessionSource {
    /// Obtains a session, with the source credentials resolved anew. A future that is dropped leaves nothing behind.
    async fn assume(&self) -> Result<Session, Problem>;
}

/// How sessions reach the command.
pub(crate) trait Deliver {
    /// The complete environment, `NAME=value`, of a start with this session.
    fn environment(&self, session: &Session) -> Vec<CString>;

    /// Puts a refreshed session where it reaches a running command; nothing to do when none can.
    fn publish(&mut self, session: &Session) -> Publishing;
}

/// Whether a session was put where it was to be, at once or later. On an error the one before it is still there. A
/// future that is dropped leaves the one or the other there.
pub(crate) enum Publishing {
    Done(Result<(), Problem>),
    Begun(Pin<Box<dyn Future<Output = Result<(), Problem>>>>),
}
