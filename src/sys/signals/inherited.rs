//! The signal state and the descriptors that xassume was started with, and how to restore them for a program.
//!
//! The loader calls `record` before `main`: Rust's runtime ignores SIGPIPE and opens closed descriptors 0 to 2 before
//! any other code of ours runs.

use super::{disposition, set_disposition, set_mask};
use crate::process::signal::{Signal, SignalSet};
use crate::sys::limits;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, Ordering};

static IGNORED: AtomicU64 = AtomicU64::new(0);
static MASK: AtomicU64 = AtomicU64::new(0);
/// Bit `n` for descriptor `n` of 0 to 2.
static CLOSED: AtomicU64 = AtomicU64::new(0);

// SAFETY: the loader calls every pointer in this section once, before `main` and on the only thread there is; the
// function fits the C calling convention and takes none of the arguments that glibc passes.
#[used]
#[unsafe(link_section = ".init_array")]
static RECORD: extern "C" fn() = record;

/// The signals whose disposition Rust's runtime or xassume changes before execve(2). The others are as inherited.
const CHANGED: [Signal; 2] = [Signal::PIPE, Signal::CHLD];

/// Only system calls and atomics: Rust's runtime and its allocator are not initialized.
extern "C" fn record() {
    let ignored: SignalSet = CHANGED.into_iter().filter(|signal| is_set_to_ignore(*signal)).collect();
    let mut closed = 0_u64;
    for fd in 0..3 {
        // SAFETY: asking for the flags of a descriptor that may be closed is what F_GETFD is safe for.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1 {
            closed |= 1 << fd;
        }
    }
    IGNORED.store(ignored.bits(), Ordering::Relaxed);
    MASK.store(super::block(SignalSet::default()).bits(), Ordering::Relaxed);
    CLOSED.store(closed, Ordering::Relaxed);
}

/// What xassume was started with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct InheritedState {
    /// Only of [`CHANGED`].
    ignored: SignalSet,
    mask: SignalSet,
    closed: u64,
}

pub(crate) fn inherited() -> InheritedState {
    InheritedState {
        ignored: SignalSet::from_bits(IGNORED.load(Ordering::Relaxed)),
        mask: SignalSet::from_bits(MASK.load(Ordering::Relaxed)),
        closed: CLOSED.load(Ordering::Relaxed),
    }
}

impl InheritedState {
    /// Whether xassume was started with this signal ignored. Valid until `signal` gets a handler.
    pub(crate) fn ignores(&self, signal: Signal) -> bool {
        if CHANGED.contains(&signal) { self.ignored.contains(signal) } else { is_set_to_ignore(signal) }
    }

    /// Whether xassume was started with this descriptor, 0 to 2, closed. It is on /dev/null now.
    pub(crate) fn lacks(&self, fd: RawFd) -> bool {
        self.closed & (1 << fd) != 0
    }

    /// Restores everything, right before execve(2). The mask comes last: a pending signal then acts on the program.
    /// Async-signal-safe, for a forked child.
    ///
    /// Only [`CHANGED`] differ: execve(2) itself resets handlers.
    pub(crate) fn restore(&self) {
        for signal in CHANGED {
            let ignored = self.ignored.contains(signal);
            set_disposition(signal, if ignored { libc::SIG_IGN } else { libc::SIG_DFL });
        }
        self.close_what_was_closed();
        limits::restore_files();
        set_mask(self.mask);
    }

    /// Descriptors that were closed are closed for the program too; xassume's own messages need /dev/null there.
    fn close_what_was_closed(&self) {
        for fd in 0..3 as RawFd {
            if self.lacks(fd) {
                // SAFETY: sets a flag of a descriptor that the runtime opened on /dev/null and nothing closes.
                unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
            }
        }
    }
}

/// Whether this process ignores the signal now.
fn is_set_to_ignore(signal: Signal) -> bool {
    disposition(signal) == libc::SIG_IGN
}

/// Makes the kernel keep the status of exited children: if SIGCHLD was inherited as ignored, it would reap them itself,
/// and waitid(2) would fail. To be called before the first child; [`InheritedState::restore`] undoes it for programs.
pub(crate) fn keep_child_statuses() {
    set_disposition(Signal::CHLD, libc::SIG_DFL);
}
