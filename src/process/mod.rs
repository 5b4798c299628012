//! Words about processes: who sent a signal, whom it reaches, how a process ended.
//!
//! Facts that were read at the edge (`sys`) and are handed to the rules; nothing here asks the system anything.

pub mod outcome;
pub(crate) mod signal;

use crate::process::signal::Signal;
use std::fmt;

/// A process id; of a process group, the id of its leader.
pub(crate) type Pid = i32;

/// Whose process group the command runs in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum ProcessGroup {
    /// xassume's own, as a shell made it: the terminal signals both, and nobody may be killed by group.
    Shared,
    /// One made for the command: a signal to it reaches whatever the command started.
    Own,
}

/// Whom a signal goes to. The command's *family* is its process and the descendants of that, those included that lost
/// their parent, as far as they are in the session (setsid(2)) that xassume is in, or in one that the command has made.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Target {
    /// The command alone.
    Process,
    /// The command's own process group.
    Group,
    /// The family outside the command's group, such as the jobs of a shell with job control.
    Strays,
    /// The group, if it is the command's own, and the family wherever it is.
    Family,
}

/// A process, for a message.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Member {
    pub(crate) pid: Pid,
    pub(crate) name: String,
}

/// Who lives on after the command's process has ended: one of each. Zombies do not live.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) struct Remaining {
    /// In the command's own group; in a group that is shared, the family alone.
    pub(crate) in_group: Option<Member>,
    /// The family outside that group.
    pub(crate) stray: Option<Member>,
}

/// How a process ended, as waitid(2) tells it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum End {
    Exited(u8),
    Killed(Signal),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Exited(status) => write!(f, "exited with status {status}"),
            End::Killed(signal) => write!(f, "was killed by {signal}"),
        }
    }
}

/// What became of a child since it was last asked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum ChildChange {
    /// It ended, and is still to be reaped: its id cannot be given to another process yet.
    Ended(End),
    /// It was stopped by this signal.
    Paused(Signal),
}

/// Who sent a signal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Sender {
    /// The kernel: a key at the terminal, a hang-up, a limit.
    Kernel,
    /// A process that this pid namespace does not show, as `docker stop` is.
    OutsideNamespace,
    /// A process; its group is unknown when it was gone before it could be asked.
    Process { pid: Pid, group: Option<Pid> },
}

/// A signal that xassume received.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Arrival {
    pub(crate) signal: Signal,
    pub(crate) sender: Sender,
}
