//! Reads signals and their senders, through signalfd(2) in the Tokio runtime.
//!
//! The signals have to be blocked in every thread. So the reader must be created on the main thread before any other
//! thread is started. A forked child restores the inherited mask (`InheritedState::restore`).

use super::{SET_SIZE, block, group_of, inherited, keep_child_statuses};
use crate::process::signal::{Signal, SignalSet};
use crate::process::{Arrival, Pid, Sender};
use crate::sys::poll::{polled, read_when_ready};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use tokio::io::unix::AsyncFd;

#[derive(Debug)]
pub(crate) struct SignalReader {
    fd: AsyncFd<OwnedFd>,
}

impl SignalReader {
    /// Begins to read SIGCHLD and the signals that `captures` selects. A signal that xassume inherited as ignored is
    /// not read, because Linux would queue it for the descriptor although xassume and the command have to ignore it.
    ///
    /// # Errors
    /// Fails if no file descriptor is available.
    pub(crate) fn install(captures: impl Fn(Signal) -> bool) -> io::Result<Self> {
        keep_child_statuses();
        let inherited = inherited();
        let wanted = |signal: &Signal| *signal == Signal::CHLD || captures(*signal) && !inherited.ignores(*signal);
        let set: SignalSet = Signal::all().filter(wanted).collect();
        let bits = set.bits();
        block(set);
        let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
        // SAFETY: the pointer is to a set of `SET_SIZE` bytes, and -1 requests a new descriptor.
        let fd = unsafe { libc::syscall(libc::SYS_signalfd4, -1, &raw const bits, SET_SIZE, flags) };
        let Ok(fd @ 0..) = i32::try_from(fd) else {
            return Err(io::Error::last_os_error());
        };
        // SAFETY: the kernel has just returned this descriptor, and nothing else owns it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self { fd: polled(fd)? })
    }

    /// Waits for the next signal. No signal is lost if the future is dropped. If a signal is already pending, it is
    /// returned at once, without waiting until the runtime notices it. Otherwise the command could be started before
    /// that signal is handled.
    ///
    /// # Errors
    /// Fails if the descriptor can no longer be read.
    pub(crate) async fn next(&self) -> io::Result<Arrival> {
        read_when_ready(&self.fd, read).await
    }
}

fn read(fd: &OwnedFd) -> io::Result<Arrival> {
    let mut info = MaybeUninit::<libc::signalfd_siginfo>::uninit();
    let size = size_of::<libc::signalfd_siginfo>();
    // SAFETY: `info` is writable and has `size` bytes.
    let read = unsafe { libc::read(fd.as_raw_fd(), info.as_mut_ptr().cast(), size) };
    match usize::try_from(read) {
        Err(_) => Err(io::Error::last_os_error()),
        // signalfd(2) returns only whole structures. SAFETY: so the whole of `info` was written.
        Ok(got) if got == size => Ok(arrival(unsafe { info.assume_init_ref() })),
        Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Determines the sender from `si_code`; see sigaction(2). A positive code means that the kernel sent the signal.
/// Signals from kill(2), sigqueue(3) and tgkill(2) have a process ID, which is zero if the sender is not visible in
/// this PID namespace.
fn arrival(info: &libc::signalfd_siginfo) -> Arrival {
    let pid = Pid::try_from(info.ssi_pid).unwrap_or_default();
    let sender = match info.ssi_code {
        libc::SI_USER | libc::SI_QUEUE | libc::SI_TKILL if pid == 0 => Sender::OutsideNamespace,
        libc::SI_USER | libc::SI_QUEUE | libc::SI_TKILL => Sender::Process { pid, group: group_of(pid) },
        _ => Sender::Kernel,
    };
    // The default values are never used, because only signals of the requested set are read, and all of them are valid.
    let number = i32::try_from(info.ssi_signo).unwrap_or_default();
    Arrival { signal: Signal::from_number(number).unwrap_or(Signal::CHLD), sender }
}
