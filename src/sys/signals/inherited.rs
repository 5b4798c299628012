//! The signal state that xassume was started with, which of the descriptors 0 to 2 were closed then, and how to restore
//! both for a program.
//!
//! The loader calls `record` before `main`, because Rust's runtime ignores SIGPIPE and opens closed descriptors 0 to 2
//! before other code of xassume runs.

use super::{disposition, set_disposition, set_mask};
use crate::process::signal::{Signal, SignalSet};
use crate::sys::limits;
use std::os::fd::RawFd;
use std::sync::OnceLock;

/// The inherited state, which [`record`] sets.
static STATE: OnceLock<InheritedState> = OnceLock::new();

// SAFETY: the loader calls every pointer in this section once, before `main`, while there is only one thread. The
// function has the C calling convention, and ignores the arguments that glibc passes.
#[used]
#[unsafe(link_section = ".init_array")]
static RECORD: extern "C" fn() = record;

/// The signals whose disposition Rust's runtime or xassume changes before execve(2). All other signals keep their
/// inherited disposition, except that a signal that was not ignored may get a handler, which execve(2) resets.
const CHANGED: [Signal; 2] = [Signal::PIPE, Signal::CHLD];

/// Records the inherited state. This function may use only system calls and atomics, because Rust's runtime and its
/// allocator are not initialized yet. Setting a `OnceLock` for which no thread waits takes only atomics.
extern "C" fn record() {
    let ignored = CHANGED.into_iter().filter(|signal| is_set_to_ignore(*signal)).collect();
    let mut closed = 0;
    for fd in 0..3 {
        // SAFETY: F_GETFD reads only the flags of a descriptor. If the descriptor is closed, the call just fails.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1 {
            closed |= 1 << fd;
        }
    }
    STATE.get_or_init(|| InheritedState { ignored, mask: super::block(SignalSet::default()), closed });
}

/// The state that xassume was started with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct InheritedState {
    /// Those of the signals in [`CHANGED`] that were ignored when xassume was started.
    ignored: SignalSet,
    mask: SignalSet,
    /// A bit set of those of the descriptors 0 to 2 that were closed when xassume was started. Bit `n` is for
    /// descriptor `n`.
    closed: u8,
}

pub(crate) fn inherited() -> InheritedState {
    STATE.get().copied().unwrap_or_default()
}

impl InheritedState {
    /// Returns whether xassume was started with this signal ignored. Must be called before `signal` gets a handler.
    pub(crate) fn ignores(&self, signal: Signal) -> bool {
        if CHANGED.contains(&signal) { self.ignored.contains(signal) } else { is_set_to_ignore(signal) }
    }

    /// Returns whether descriptor `fd`, from 0 to 2, was closed when xassume was started. Rust's runtime has opened
    /// such a descriptor on /dev/null.
    pub(crate) fn lacks(&self, fd: RawFd) -> bool {
        self.closed & (1 << fd) != 0
    }

    /// Restores this state. Must be called immediately before execve(2). The mask is restored last, so that a signal
    /// that becomes unblocked takes effect with the restored disposition. Async-signal-safe, so it may be called in a
    /// forked child.
    ///
    /// Only the dispositions of [`CHANGED`] have to be restored, because execve(2) itself resets handlers.
    pub(crate) fn restore(&self) {
        for signal in CHANGED {
            let ignored = self.ignored.contains(signal);
            set_disposition(signal, if ignored { libc::SIG_IGN } else { libc::SIG_DFL });
        }
        self.close_what_was_closed();
        limits::restore_files();
        set_mask(self.mask);
    }

    /// Makes execve(2) close the descriptors that were closed when xassume was started. They are not closed here,
    /// because xassume's own messages need /dev/null there.
    fn close_what_was_closed(&self) {
        for fd in 0..3 as RawFd {
            if self.lacks(fd) {
                // SAFETY: this sets a flag of a descriptor that Rust's runtime opened on /dev/null and that nothing
                // closes.
                unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
            }
        }
    }
}

/// Returns whether this process ignores the signal now.
fn is_set_to_ignore(signal: Signal) -> bool {
    disposition(signal) == libc::SIG_IGN
}

/// Makes the kernel keep the status of exited children. If SIGCHLD was inherited as ignored, the kernel would reap them
/// itself, and waitid(2) would fail. Must be called before the first child is started. [`InheritedState::restore`]
/// restores the inherited disposition for programs.
pub(crate) fn keep_child_statuses() {
    set_disposition(Signal::CHLD, libc::SIG_DFL);
}
