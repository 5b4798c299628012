//! What a supervision needs from outside: sessions, a way to deliver them to the command, and one to signal another
//! process.

use crate::event::Problem;
use crate::process::Pid;
use crate::process::signal::Signal;
use crate::session::Session;
use std::ffi::CString;
use std::pin::Pin;

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
    async fn assume(&self, cache: CacheUse) -> Result<Session, Problem>;
}

/// Delivers sessions to the command.
pub(crate) trait Deliver {
    /// Returns the complete environment, as `NAME=value`, for starting the command with this session.
    fn environment(&self, session: &Session) -> Vec<CString>;

    /// Returns the complete environment of the refresh hook for this session. `number` is 0 for the first session.
    fn hook_environment(&self, session: &Session, number: u32) -> Vec<CString>;

    /// Delivers a refreshed session to the running command. Returns the delivery in progress, or `None` if the delivery
    /// is already complete or if this kind of delivery cannot reach a running command.
    fn publish(&mut self, session: &Session) -> Option<Publishing>;
}

/// A delivery in progress. If it fails, the command still has the previous session. If the future is dropped, the
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
