//! Types about processes: senders and targets of signals, process groups, exits.
//!
//! Facts that `sys` reads and the rules use; nothing here calls the system.

pub mod outcome;
pub(crate) mod signal;

use crate::process::signal::Signal;
use std::fmt;

/// A process ID; for a process group, that of its leader.
pub(crate) type Pid = i32;

/// The process group that the command runs in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum ProcessGroup {
    /// xassume's group, as the shell created it: the terminal signals both, and xassume must not kill the group.
    Shared,
    /// A new group: a signal to it reaches all processes in it.
    Own,
}

/// The target of a signal. The command's *family* is its process and all descendants, including those whose parent has
/// exited, that are in xassume's session (setsid(2)) or in one that the command created.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Target {
    /// Only the command.
    Process,
    /// The command's own process group.
    Group,
    /// The family outside the command's group, for example the jobs of an interactive shell.
    Strays,
    /// The group, if it is the command's own, and the whole family.
    Family,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Member {
    pub(crate) pid: Pid,
    pub(crate) name: String,
}

/// One process of each kind that is left after the command's process has exited. Zombies do not count.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) struct Remaining {
    /// In the command's own group; in a shared group, only of the family.
    pub(crate) in_group: Option<Member>,
    /// Of the family, outside that group.
    pub(crate) stray: Option<Member>,
}

/// How a process ended: see waitid(2).
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

/// A change of a child.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum ChildChange {
    /// It exited, and is not reaped yet, so its process ID is not reused.
    Ended(End),
    /// It was stopped by this signal.
    Paused(Signal),
}

/// The sender of a signal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Sender {
    /// The kernel: a key on the terminal, a hang-up, a limit.
    Kernel,
    /// A process that is not visible in this PID namespace, as `docker stop`.
    OutsideNamespace,
    /// A process; its group is unknown if it has exited.
    Process { pid: Pid, group: Option<Pid> },
}

/// A signal that xassume received.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Arrival {
    pub(crate) signal: Signal,
    pub(crate) sender: Sender,
}
