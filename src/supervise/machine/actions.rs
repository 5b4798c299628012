//! What the machine hears and what it asks for.

use crate::event::{Event, Problem};
use crate::process::signal::Signal;
use crate::process::{Arrival, ChildChange, End, Pid, Remaining, Target};
use crate::session::Validity;
use std::time::Duration;

/// Something happened.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    Command(CommandInput),
    Session(SessionInput),
    /// The deadline may have come; one that comes too early does no harm.
    Wake,
}

/// To the command, or to xassume in its place.
#[derive(Clone, Debug)]
pub(crate) enum CommandInput {
    /// The answer to [`Action::Spawn`]: a child runs the command. It may take its time.
    Started(Pid),
    /// The other answer: none does.
    NotStarted(Fault),
    /// The answer to [`Action::Stop`]: the signal was sent. The other answer is [`Self::Ended`]: the child had ended
    /// before, by itself.
    StopSent,
    /// The child ended; it is still to be reaped. Said once.
    Ended(End),
    /// While an ended child is not reaped: another of xassume's children ended and was reaped.
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

/// To the session.
#[derive(Clone, Debug)]
pub(crate) enum SessionInput {
    /// The answer to [`Action::Assume`].
    Obtained(Validity),
    /// The other answer.
    Refused(Problem),
    /// The answer to [`Action::Publish`].
    Published,
    /// The other answer: the session could not be delivered.
    Unpublished(Problem),
}

/// Why the command was not started: fork(2) or execve(2) failed with this error number; `text` is what it means.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Fault {
    pub(crate) errno: i32,
    pub(crate) text: String,
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
    Spawn,
    /// Kill and forget the child that is not the command yet.
    AbortStart,
    /// Unless the child has ended already: send the stop signal to it and its family in its group, then CONT, since a
    /// stopped process acts on nothing else.
    Stop(Signal),
    Signal(Target, Signal),
    /// Look who is left of the ended child's group and family.
    CheckRemaining,
    /// Kill what is left of the command's own group. Its leader is not reaped yet, so the id is still its own.
    KillGroup,
    /// Take the ended child off the process table; from here on its id means nothing.
    Reap,
    /// Put the terminal back as it was when xassume started, if it is still ours.
    RestoreTerminal,
    /// Stop xassume itself; it goes on when it is continued.
    Pause(Signal),
    Emit(Event),
    /// The end. Nothing follows, and no child is alive.
    Exit(Final),
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
    /// The program file was not read within [`START_LIMIT`].
    pub(super) fn late() -> Self {
        Self { errno: libc::ETIMEDOUT, text: format!("no answer within {}s", START_LIMIT.as_secs()) }
    }

    /// Whether another attempt may well succeed: out of processes or memory, the file is being written, or the file
    /// system gave no answer.
    pub(super) fn is_passing(&self) -> bool {
        [libc::EAGAIN, libc::ENOMEM, libc::ETXTBSY, libc::ETIMEDOUT].contains(&self.errno)
    }
}

/// How often, and how long after one another, a restart is tried that failed for a passing reason.
pub(crate) const START_RETRIES: u32 = 3;
pub(crate) const START_RETRY_IN: Duration = Duration::from_secs(1);
/// How long a child may take to be the command: its program file may be on a file system that gives no answer.
pub(crate) const START_LIMIT: Duration = Duration::from_secs(10);
/// The pause after the first look at what is left of a stopped command; each is twice the one before, up to the longest.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(10);
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// How long after the command's end a process of its group is named that is still there.
pub(crate) const NAMED_AFTER: Duration = Duration::from_secs(2);
/// How long after SIGKILL the command itself is killed once more, and what it left behind is no longer waited for.
pub(crate) const LINGER_LIMIT: Duration = Duration::from_secs(1);
