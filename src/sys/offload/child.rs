//! The child's side: its setup before the work, and its end.

use crate::process::Pid;
use crate::process::outcome::FAILED;
use crate::process::signal::{Signal, SignalSet};
use crate::sys::panics::caught;
use crate::sys::signals::{self, separate_notice};
use std::fs::File;
use std::os::fd::RawFd;

/// Whether a child ends with xassume.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Life {
    /// It does.
    Bound,
    /// It may outlive xassume. It keeps the [`super::Job::descriptor`] of another job.
    Free(Option<RawFd>),
}

/// What the child needs to know.
pub(super) struct Setup {
    pub(super) parent: Pid,
    pub(super) life: Life,
    /// The write end of the answer.
    pub(super) answer: RawFd,
    /// Its standard error.
    pub(super) messages: RawFd,
}

/// Does the work and exits, without destructors and flushes: the rest of the memory is the parent's.
pub(super) fn run(setup: &Setup, in_child: fn(), mut answer: File, work: impl FnOnce(&mut File)) -> ! {
    enter(setup);
    let done = caught(|| {
        in_child();
        work(&mut answer);
    });
    let status = if done.is_some() { 0 } else { FAILED };
    // SAFETY: `_exit` ends the process.
    unsafe { libc::_exit(status.into()) }
}

/// Leaves xassume's session and closes its descriptors.
fn enter(setup: &Setup) {
    // SAFETY: setsid(2) touches no memory. It cannot fail: a new child leads no group.
    unsafe { libc::setsid() };
    let reads = match setup.life {
        Life::Bound => {
            end_with_parent(setup.parent);
            None
        }
        Life::Free(reads) => reads,
    };
    let notice = separate_notice();
    // SAFETY: system calls on descriptors of this process only.
    unsafe {
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
        // Without /dev: writing is harmless, and reading fails.
        let null = if null == -1 { setup.messages } else { null };
        for (from, to) in [(null, libc::STDIN_FILENO), (null, libc::STDOUT_FILENO), (setup.messages, 2)] {
            libc::dup2(from, to);
        }
    }
    let kept = notice.into_iter().flatten().chain([setup.answer]).chain(reads);
    close_all_but(kept.collect());
    // TERM is not blocked in the child, whatever the inherited mask; the child's programs get that mask back.
    signals::set_mask(SignalSet::default());
}

fn end_with_parent(parent: Pid) {
    let signal = libc::c_ulong::from(ending_signal().number().unsigned_abs());
    // SAFETY: neither call touches memory; `_exit` ends the process.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, signal, 0, 0, 0);
        // The parent may have exited before that call. It is 0 if it is not visible in this namespace.
        let now = libc::getppid();
        if now != parent && now != 0 {
            libc::_exit(FAILED.into());
        }
    }
}

/// The signal that ends a child after its programs: the first that xassume was not started to ignore.
pub(super) fn ending_signal() -> Signal {
    let heard = [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT];
    heard.into_iter().find(|signal| !signals::inherited().ignores(*signal)).unwrap_or(Signal::KILL)
}

/// Closes all descriptors above 2 except these.
fn close_all_but(mut kept: Vec<RawFd>) {
    kept.sort_unstable();
    let mut first = 3;
    for fd in kept.into_iter().filter(|fd| *fd > 2).chain([RawFd::MAX]) {
        if first < fd {
            close_range(first, fd - 1);
        }
        first = fd.saturating_add(1);
    }
}

fn close_range(first: RawFd, last: RawFd) {
    // SAFETY: nothing in this process uses these descriptors any more; values that own them are never dropped.
    if unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } == 0 {
        return;
    }
    // Before Linux 5.9, or with a seccomp filter that blocks the call.
    for fd in open_descriptors().into_iter().filter(|fd| (first..=last).contains(fd)) {
        // SAFETY: as above.
        unsafe { libc::close(fd) };
    }
}

/// The descriptors in `/proc`; without it, all possible ones.
fn open_descriptors() -> Vec<RawFd> {
    const MOST: RawFd = 1 << 16;
    match std::fs::read_dir("/proc/self/fd") {
        Ok(entries) => entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect(),
        Err(_) => (3..MOST).collect(),
    }
}
