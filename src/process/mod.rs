//! Types about processes: who sends and gets signals, process groups, and how processes end.
//!
//! The module `sys` creates these values from what the system reports, and the rules of `supervise` use them. Nothing
//! here calls the system.

pub(crate) mod listen_address;
pub mod outcome;
pub(crate) mod pid_file;
pub(crate) mod signal;

use crate::process::signal::Signal;
use std::fmt;

/// A process ID. The ID of a process group is the process ID of its leader.
pub(crate) type Pid = i32;

/// The process group that the command runs in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum ProcessGroup {
    /// The process group of xassume, which the shell created. The terminal sends its signals to the command and to
    /// xassume, and xassume must not kill the whole group.
    Shared,
    /// A new process group, which the command leads. A signal to the group reaches all processes in it.
    Own,
}

/// The target of a signal. The command's *family* is the command's own process and those of its descendants that are in
/// xassume's session (setsid(2)) or in a session that the command's own process created. A descendant still belongs to
/// the family after its parent has exited.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Target {
    /// Only the command's own process.
    Process,
    /// The command's process group. If the command shares xassume's group, only the command's own process.
    Group,
    /// The members of the family that are outside the command's group, for example the jobs of an interactive shell.
    Strays,
    /// The whole family, and all processes of the command's group unless that group is xassume's.
    Family,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Member {
    pub(crate) pid: Pid,
    pub(crate) name: String,
}

/// The processes that are left after the command's process has exited. Each field contains one of them as an example.
/// Zombies do not count.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) struct Remaining {
    /// A process in the command's group. If the command shares xassume's group, only members of the family count.
    pub(crate) in_group: Option<Member>,
    /// A member of the family that is outside the command's group.
    pub(crate) stray: Option<Member>,
}

/// How a process ended; see waitid(2).
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

/// A change in the state of a child.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum ChildChange {
    /// The child exited. It is not reaped yet, so its process ID is not reused.
    Ended(End),
    /// The child was stopped by this signal.
    Paused(Signal),
}

/// The sender of a signal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Sender {
    /// The kernel, because of a key on the terminal, a hang-up or a limit.
    Kernel,
    /// A process that is not visible in this PID namespace, for example the one that sends the signal of `docker stop`.
    OutsideNamespace,
    /// A process. Its group is `None` if the process has already exited.
    Process { pid: Pid, group: Option<Pid> },
}

/// A signal that xassume received.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Arrival {
    pub(crate) signal: Signal,
    pub(crate) sender: Sender,
}

/// The process that sent a datagram, as the kernel reports it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Peer {
    pub(crate) uid: u32,
    pub(crate) pid: Pid,
}

impl Peer {
    /// Checks whether notifications of this process are accepted: it runs as root or as xassume's user `me`, or it
    /// belongs to the command.
    pub(crate) fn is_accepted(self, me: u32, belongs_to_command: impl FnOnce(Pid) -> bool) -> bool {
        self.uid == 0 || self.uid == me || belongs_to_command(self.pid)
    }
}
