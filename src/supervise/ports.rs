//! What a supervision needs from outside: sessions, a way to deliver them to the command, and one to signal another
//! process.

use crate::event::Problem;
use crate::process::Pid;
use crate::process::signal::Signal;
use crate::session::Session;
use std::ffi::CString;
use std::pin::Pin;

/// One of the sessions of a run: the default session, or one of those of `--also`, in their order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct SessionId(pub(crate) usize);

impl SessionId {
    pub(crate) const DEFAULT: Self = Self(0);
}

/// Whether a refresh may use a cached session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CacheUse {
    Allowed,
    /// Only a session that was requested after the refresh began may be used.
    Skipped,
}

/// A source of sessions.
pub(crate) trait SessionSource {
    /// Gets a session. Reads the source credentials again each time. If the future is dropped, the request for the
    /// session is abandoned.
    async fn assume(&self, id: SessionId, cache: CacheUse) -> Result<Session, Problem>;
}

/// Delivers sessions to the command.
pub(crate) trait Deliver {
    /// Returns the complete environment, as `NAME=value`, for starting the command with this session.
    fn environment(&self, session: &Session) -> Vec<CString>;

    /// Returns the complete environment of the refresh hook for this session. `number` is 0 for the first session with
    /// this ID.
    fn hook_environment(&self, id: SessionId, session: &Session, number: u32) -> Vec<CString>;

    /// Delivers the sessions to the running command. They are in the order of their IDs, and `new` has the IDs of those that
    /// were refreshed. Returns the delivery in progress, or `None` if the delivery is already complete or if this kind of delivery
    /// cannot reach a running command. Must not be called while a delivery is in progress.
    fn publish(&mut self, sessions: &[&Session], new: &[SessionId]) -> Option<Publishing>;
}

/// A delivery in progress. If it fails, the command still has the previous sessions. If the future is dropped, the
/// command has either the previous or the new session.
pub(crate) type Publishing = Pin<Box<dyn Future<Output = Result<(), Problem>>>>;

/// Signals the process that a pid file names.
pub(crate) trait SignalNamed {
    /// Reads the file, and then signals the process. Returns the process that got the signal, or why no process did. If
    /// the future is dropped, the signal may have been sent.
    fn send(&self, signal: Signal) -> Signaling<'_>;
}

/// A signal in progress.
pub(crate) type Signaling<'a> = Pin<Box<dyn Future<Output = Result<Pid, Problem>> + 'a>>;
