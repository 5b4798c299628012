//! What the machine hears and what it asks for.

use crate::session::Validity;
use crate::supervise::happening::{Happening, Problem};
use crate::supervise::process::{Arrival, End, Pid, Target};
use crate::supervise::signal::Signal;
use std::time::Duration;

/// Something happened.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Command(CommandEvent),
    Session(SessionEvent),
    /// The deadline may have come; one that comes too early does no harm.
    Wake,
}

/// To the command, or to xassume in its place.
#[derive(Clone, Debug)]
pub(crate) enum CommandEvent {
    /// The answer to [`Action::Spawn`]: a child runs the command.
    Started(Pid),
    /// The other answer: none does.
    NotStarted(Fault),
    /// The child ended; it is still to be reaped.
    Ended(End),
    /// The child was stopped by a signal.
    Paused(Signal),
    /// xassume received a signal.
    Signal(Arrival),
}

/// To the session.
#[derive(Clone, Debug)]
pub(crate) enum SessionEvent {
    /// The answer to [`Action::Assume`].
    Obtained(Validity),
    /// The other answer.
    Refused(Problem),
    /// The answer to [`Action::Publish`].
    Published,
    /// The other answer: the session could not be delivered.
    Unpublished(Problem),
}

/// Why the command was not started.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Fault {
    /// What the command before it had started has not yet died of its SIGKILL.
    Lingering,
    /// fork(2) or execve(2) failed with this error number; `text` is what it means.
    Failed { errno: i32, text: String },
}

/// What the driver is to do, in the order given.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Action {
    /// Begin to obtain a session.
    Assume,
    /// Drop the attempt, or the delivery of what it gave.
    Abandon,
    /// Hand the session that was obtained to those who can have it now.
    Publish,
    /// Start the command with the newest session.
    Spawn(Remains),
    Signal(Target, Signal),
    /// Kill what is left of the command's own group. Its leader is not reaped yet, so the id is still its own.
    Sweep,
    /// Take the ended child off the process table; from here on its id means nothing.
    Reap,
    /// Put the terminal back as it was when xassume started, if it is still ours.
    RestoreTerminal,
    /// Stop xassume itself; it goes on when it is continued.
    Pause(Signal),
    Tell(Happening),
    /// The end. Nothing follows, and no child is alive.
    Exit(Final),
}

/// What a start does when members of the command's old group are still dying.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Remains {
    /// Answer [`Fault::Lingering`].
    Await,
    Ignore,
}

/// How the supervision ended.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Final {
    /// As the command did.
    Ended(End),
    /// The command could not be started: the error number of fork(2) or execve(2).
    NotStarted { errno: i32 },
    /// The command was stopped, because its session expired and could not be refreshed.
    Lapsed,
}

impl Fault {
    /// Whether another attempt may well succeed: out of processes or memory, or the file is being written.
    pub(crate) fn is_passing(errno: i32) -> bool {
        [libc::EAGAIN, libc::ENOMEM, libc::ETXTBSY].contains(&errno)
    }
}

/// How often, and how long after one another, a restart is tried that failed for a passing reason.
pub(crate) const START_RETRIES: u32 = 3;
pub(crate) const START_RETRY_IN: Duration = Duration::from_secs(1);
/// How often a restart looks whether the old group is gone, and when it stops looking.
pub(crate) const LINGER_POLL: Duration = Duration::from_millis(10);
pub(crate) const LINGER_LIMIT: Duration = Duration::from_secs(1);
