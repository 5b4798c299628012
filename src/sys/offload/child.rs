//! The code that runs in the forked child: its setup, its work and its exit.

use crate::process::Pid;
use crate::process::outcome::FAILED;
use crate::process::signal::{Signal, SignalSet};
use crate::sys::child::{end_with_parent, open_descriptors};
use crate::sys::panics::caught;
use crate::sys::signals::{self, separate_notice};
use std::fs::File;
use std::os::fd::{AsRawFd as _, RawFd};

/// Whether a child ends when xassume ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Life {
    /// The child ends when xassume ends.
    Bound,
    /// The child may outlive xassume. If a descriptor is given, it is the [`super::Job::descriptor`] of another job.
    /// The child keeps that descriptor open, so that the child can read the other job's answer.
    Free(Option<RawFd>),
}

/// What the child needs for its setup.
pub(super) struct Setup {
    pub(super) parent: Pid,
    pub(super) life: Life,
    /// The descriptor that becomes the child's standard error.
    pub(super) messages: RawFd,
}

/// Does the work and exits. Runs no destructors and flushes no buffers, because the values in memory are copies of
/// those of the parent, which drops and flushes them itself.
pub(super) fn run(setup: &Setup, in_child: fn(), mut answer: File, work: impl FnOnce(&mut File)) -> ! {
    enter(setup, answer.as_raw_fd());
    let done = caught(|| {
        in_child();
        work(&mut answer);
    });
    let status = if done.is_some() { 0 } else { FAILED };
    // SAFETY: `_exit` ends the process.
    unsafe { libc::_exit(status.into()) }
}

/// Leaves xassume's session, and closes xassume's descriptors.
fn enter(setup: &Setup, answer: RawFd) {
    // SAFETY: setsid(2) touches no memory. It cannot fail, because a new child does not lead a process group.
    unsafe { libc::setsid() };
    let reads = match setup.life {
        Life::Bound => {
            end_with_parent(setup.parent, ending_signal());
            None
        }
        Life::Free(reads) => reads,
    };
    let notice = separate_notice();
    // SAFETY: these system calls use only descriptors of this process and static strings.
    unsafe {
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
        // If `/dev` is missing, the message pipe replaces /dev/null: writing to it is harmless, and reading from it
        // fails.
        let null = if null == -1 { setup.messages } else { null };
        for (from, to) in [(null, libc::STDIN_FILENO), (null, libc::STDOUT_FILENO), (setup.messages, 2)] {
            libc::dup2(from, to);
        }
    }
    let kept = notice.into_iter().flatten().chain([answer]).chain(reads);
    close_all_but(kept.collect());
    // From here on, the child blocks no signal, so that `ending_signal` reaches it even if xassume inherited that
    // signal as blocked. The programs that the child starts get the inherited mask.
    signals::set_mask(SignalSet::default());
}

/// Returns the signal with which xassume ends a child: the first of TERM, HUP, INT and QUIT that was not already
/// ignored when xassume was started. An ignored signal would not do, because the child inherits it as ignored, and the
/// child has to notice the signal and end its own programs before it exits. Returns KILL if all four are ignored.
pub(super) fn ending_signal() -> Signal {
    let heard = [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT];
    heard.into_iter().find(|signal| !signals::inherited().ignores(*signal)).unwrap_or(Signal::KILL)
}

/// Closes all descriptors above 2, except those in `kept`.
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
    // SAFETY: nothing in this process uses these descriptors any more, and the values that own them are never dropped.
    if has_getrandom() && unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } == 0 {
        return;
    }
    // close_range(2) fails before Linux 5.9, or if a seccomp filter blocks it.
    for fd in open_descriptors().into_iter().filter(|fd| (first..=last).contains(fd) && !is_urandom(*fd)) {
        // SAFETY: the same as above.
        unsafe { libc::close(fd) };
    }
}

/// Checks whether getrandom(2) works. It fails before Linux 3.17, or if a seccomp filter blocks it.
fn has_getrandom() -> bool {
    // SAFETY: the call writes nothing into a buffer of no bytes.
    unsafe { libc::syscall(libc::SYS_getrandom, std::ptr::null_mut::<u8>(), 0, libc::GRND_NONBLOCK) == 0 }
}

/// Checks whether a descriptor is `/dev/urandom`. Without getrandom(2), Rust's library keeps that file open and does not
/// open it a second time.
fn is_urandom(fd: RawFd) -> bool {
    // SAFETY: a zeroed `stat` is a valid value, which fstat(2) overwrites.
    let mut about: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: `about` is writable and outlives the call.
    let is_known = unsafe { libc::fstat(fd, &raw mut about) } == 0;
    is_known && about.st_mode & libc::S_IFMT == libc::S_IFCHR && about.st_rdev == libc::makedev(1, 9)
}
