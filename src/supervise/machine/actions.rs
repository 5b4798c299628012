//! The inputs and actions of the machine.

use crate::event::{Event, Problem};
use crate::process::signal::Signal;
use crate::process::{Arrival, ChildChange, End, Pid, Remaining, Target};
use crate::session::Validity;
use std::time::Duration;

#[derive(Clone, Debug)]
pub(crate) enum Input {
    Command(CommandInput),
    Session(SessionInput),
    /// The deadline may have passed; a wake-up that comes too early is harmless.
    Wake,
}

/// About the command, or a signal to xassume.
#[derive(Clone, Debug)]
pub(crate) enum CommandInput {
    /// Answer to [`Action::Spawn`], possibly late: a child runs the command.
    Started(Pid),
    /// The other answer to [`Action::Spawn`].
    NotStarted(Fault),
    /// Answer to [`Action::Stop`]: the signal was sent. The other answer is [`Self::Ended`]: the child had exited
    /// before.
    StopSent,
    /// The child exited, and is not reaped yet. Comes once.
    Ended(End),
    /// Before the exited child is reaped: another child of xassume exited and was reaped.
    OrphanReaped,
    /// The answer to [`Action::CheckRemaining`].
    Remaining(Remaining),
    /// The child was stopped by a signal.
    Paused(Signal),
    /// xassume received a signal.
    Signal(Arrival),
}

impl From<ChildChange> for CommandInput {
    fn from(change: ChildChange) -> Self {
        match change {
            ChildChange::Ended(end) => Self::Ended(end),
            ChildChange::Paused(signal) => Self::Paused(signal),
        }
    }
}

/// About the session.
#[derive(Clone, Debug)]
pub(crate) enum SessionInput {
    /// Answer to [`Action::Assume`].
    Assumed(Validity),
    /// The other answer to [`Action::Assume`].
    Refused(Problem),
    /// Answer to [`Action::Publish`].
    Published,
    /// The other answer to [`Action::Publish`].
    Unpublished(Problem),
}

/// Why the command was not started: the error number of fork(2) or execve(2), and its text.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Fault {
    pub(crate) errno: i32,
    pub(crate) text: String,
}

/// What the driver has to do, in this order.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Action {
    /// Start a call for a new session.
    Assume,
    /// Drop the call or the delivery in progress.
    Abandon,
    /// Deliver the new session.
    Publish,
    /// Start the command with the newest session.
    Spawn,
    /// Kill the child that does not run the command yet.
    AbortStart,
    /// Unless the child has exited: send the stop signal to it and to the family in its group, then CONT, since a
    /// stopped process handles no other signal.
    Stop(Signal),
    Signal(Target, Signal),
    /// Check which processes of the group and the family remain.
    CheckRemaining,
    /// Kill the rest of the command's own group. Its leader is not reaped yet, so the ID is still its own.
    KillGroup,
    /// Reap the child; its process ID may be reused from here on.
    Reap,
    /// Restore the terminal settings of the start, if xassume is in the foreground.
    RestoreTerminal,
    /// Stop xassume itself until it is continued.
    Pause(Signal),
    Emit(Event),
    /// The last action; no child is alive.
    Exit(Final),
}

/// How the supervision ended.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Final {
    /// As the command ended.
    Ended(End),
    /// The error number of fork(2) or execve(2).
    NotStarted { errno: i32 },
    /// The session expired without a refresh, and the command was stopped.
    Lapsed,
}

impl Fault {
    /// The program file could not be read within [`START_LIMIT`].
    pub(super) fn late() -> Self {
        Self { errno: libc::ETIMEDOUT, text: format!("no answer within {}s", START_LIMIT.as_secs()) }
    }

    /// Whether a later attempt may succeed: no processes or memory, the file is being written, or the file system does
    /// not answer.
    pub(super) fn is_passing(&self) -> bool {
        [libc::EAGAIN, libc::ENOMEM, libc::ETXTBSY, libc::ETIMEDOUT].contains(&self.errno)
    }
}

/// How often a failed restart is retried, and after which pause.
pub(crate) const START_RETRIES: u32 = 3;
pub(crate) const START_RETRY_IN: Duration = Duration::from_secs(1);
/// How long the execve(2) of a child may take: the program file may be on a file system that does not answer.
pub(crate) const START_LIMIT: Duration = Duration::from_secs(10);
/// The pause after the first check for remaining processes; it doubles up to the longest.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(10);
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// A process that remains in the group this long after the exit is named in a message.
pub(crate) const NAMED_AFTER: Duration = Duration::from_secs(2);
/// How long after SIGKILL it is sent to the command once more, and remaining processes are no longer waited for.
pub(crate) const LINGER_LIMIT: Duration = Duration::from_secs(1);
