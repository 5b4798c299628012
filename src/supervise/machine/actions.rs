//! The inputs and actions of the machine.

use crate::event::{Event, Problem};
use crate::process::signal::Signal;
use crate::process::{Arrival, ChildChange, End, Pid, Remaining, Target};
use crate::session::Validity;
use crate::supervise::ports::SessionId;
use std::os::fd::RawFd;
use std::time::Duration;

#[derive(Clone, Debug)]
pub(crate) enum Input {
    Command(CommandInput),
    Session(SessionId, SessionInput),
    /// The answer to [`Action::SignalNamed`]: the process that got the signal, or why no process did.
    NamedSignaled(Result<Pid, Problem>),
    /// The deadline ([`super::Machine::deadline`]) may have passed. An early wake-up is harmless.
    Wake,
}

/// An input about the command, or a signal that xassume received. The process ID is that of the command's own process,
/// because a handover has two generations of the command.
#[derive(Clone, Debug)]
pub(crate) enum CommandInput {
    /// The answer to [`Action::Spawn`]: the child that runs the command, or why the start failed. The answer comes after
    /// execve(2), which may take a long time.
    Started(Result<Pid, Fault>),
    /// The answer to [`Action::Stop`] if the signal was sent. If the child had already exited, the answer is
    /// [`ChildChange::Ended`] instead.
    StopSent(Pid),
    /// The child exited or was stopped by a signal. The exit comes only once for each child.
    Changed(Pid, ChildChange),
    /// Another child of xassume exited and was reaped, while the command's child had exited but was not reaped yet.
    OrphanReaped,
    /// The answer to [`Action::CheckRemaining`].
    Remaining(Pid, Remaining),
    /// The generation has shown that it is ready (`--ready`).
    Ready(Pid),
    /// The generation will never show that it is ready, because it has closed its descriptor of `--ready fd:N`.
    ReadyClosed(Pid, RawFd),
    /// xassume received a signal.
    Signal(Arrival),
    /// The current generation announced to the service manager that it is about to exit (`STOPPING=1`).
    EndAnnounced,
}

/// An input about the session.
#[derive(Clone, Debug)]
pub(crate) enum SessionInput {
    /// The answer to [`Action::Assume`]: the validity of the new session, or why the call failed.
    Assumed(Result<Validity, Problem>),
    /// The answer to [`Action::Assume`] if the source returned the credentials that the command already has.
    Unchanged,
    /// The answer to [`Action::Publish`].
    Published(Result<(), Problem>),
}

/// Why the command could not be started: the error number of fork(2) or execve(2), and its description.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Fault {
    pub(crate) errno: i32,
    pub(crate) text: String,
}

/// An action that the driver must perform. The driver performs actions in the order in which the machine returns them.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Action {
    /// Start an STS call that gets a new session.
    Assume(SessionId),
    /// The same, but the cache is not used.
    AssumeNew(SessionId),
    /// Drop the STS call or the delivery that is in progress for this session.
    Abandon(SessionId),
    /// Deliver the new session with this ID.
    Publish(SessionId),
    /// Start the command with the newest session.
    Spawn,
    /// Kill a child that has been forked but does not run the command yet.
    AbortStart,
    /// Send the stop signal to the child and to the members of its family that are in its group, unless the child has
    /// exited. Then send CONT, because a stopped process does not handle other signals.
    Stop(Pid, Signal),
    Signal(Pid, Target, Signal),
    /// Send the signal to the process that the file of `--signal-pid-file` names. If an attempt is in progress, drop it.
    SignalNamed(Signal),
    /// Check which processes of this generation's group and family remain.
    CheckRemaining(Pid),
    /// Kill the remaining processes of the command's own group. The group leader has not been reaped yet, so the group
    /// ID has not been reused.
    KillGroup(Pid),
    /// Reap the child. Its process ID may be reused afterwards.
    Reap(Pid),
    /// The current generation has become ready (`--ready fd:N` or a time). Report this to the service manager.
    ReportReady,
    /// The new generation is ready, and is the current one from now on. The previous one is stopped next.
    HandOver,
    /// Run the refresh hook, because the newest session with this ID was handed over.
    RunHook(SessionId),
    /// Restore the settings that the terminal had when xassume was started, if xassume is in the foreground.
    RestoreTerminal,
    /// Stop xassume itself until it is continued.
    Pause(Signal),
    Emit(Event),
    /// End the supervision. This is the last action, and no child is alive.
    Exit(Final),
}

/// How a supervision ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Final {
    /// The command ended in this way.
    Ended(End),
    /// The command could not be started. `errno` is the error number of fork(2) or execve(2).
    NotStarted { errno: i32 },
    /// The session expired before a refresh succeeded, so the command was stopped or was not started again.
    Lapsed,
}

impl Fault {
    /// Returns the error for a program file that could not be read within [`START_LIMIT`].
    pub(super) fn late() -> Self {
        Self { errno: libc::ETIMEDOUT, text: format!("no answer within {}s", START_LIMIT.as_secs()) }
    }

    /// Checks whether a later attempt may succeed. This is so if there were too few processes or file descriptors or too
    /// little memory, if the file was being written, or if the file system failed or did not respond. `ENOSPC` means that
    /// the user has no epoll watches left, see `epoll_ctl(2)`.
    pub(super) fn is_passing(&self) -> bool {
        use libc::{EAGAIN, EIO, EMFILE, ENFILE, ENOMEM, ENOSPC, ETIMEDOUT, ETXTBSY};
        [EAGAIN, ENOMEM, EMFILE, ENFILE, ENOSPC, ETXTBSY, EIO, ETIMEDOUT].contains(&self.errno)
    }
}

/// How many times a failed restart is retried. The pause before each retry is [`START_RETRY_IN`].
pub(crate) const START_RETRIES: u32 = 3;
pub(crate) const START_RETRY_IN: Duration = Duration::from_secs(1);
/// How long a child's execve(2) may take. There is a limit because the program file may be on a file system that does
/// not respond.
pub(crate) const START_LIMIT: Duration = Duration::from_secs(10);
/// The pause after the first check for remaining processes. The pause doubles after each check, up to
/// [`LONGEST_PAUSE`].
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(10);
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// A remaining process is named in a message if it is still there this long after the command's exit.
pub(crate) const NAMED_AFTER: Duration = Duration::from_secs(2);
/// How long xassume waits after SIGKILL. If the command's own process still runs after this time, it gets SIGKILL once
/// more. If other processes of its group or family remain, xassume stops waiting for them when this time has passed
/// both since SIGKILL and since the exit of the command's own process.
pub(crate) const LINGER_LIMIT: Duration = Duration::from_secs(1);
