//! Removes datagrams whose descriptors may be hostile, without blocking.
//!
//! If xassume has the last reference to a file, closing it may take hours: a TCP socket with `SO_LINGER` waits until its
//! data is sent, and a FUSE file waits for a program of its owner. This happens also if the file is in a datagram that is
//! dropped. So these datagrams are dropped in a process of their own, which gets SIGKILL and is not waited for. A thread
//! would not do: while it is blocked in a file system, its process cannot be reaped.

#![allow(unsafe_code)]

use super::message;
use crate::process::Pid;
use crate::process::signal::{Signal, SignalSet};
use crate::sys::child::end_with_parent;
use crate::sys::reap::HelperEntry;
use crate::sys::signals;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixDatagram;
use std::thread::sleep;
use std::time::Duration;

/// How often a child is checked for its end.
const STEP: Duration = Duration::from_micros(500);
/// The number of steps until SIGKILL. A child needs less than one, unless a descriptor blocks it.
const PATIENCE: u32 = 20;
/// The number of steps until the child is left alone.
const LIMIT: u32 = 40;

/// A child process that has a copy of a socket. Dropping this value kills the child.
#[derive(Debug)]
pub(super) struct Holder(HelperEntry);

impl Holder {
    /// Starts a child that holds the socket until it is killed.
    pub(super) fn of(socket: &UnixDatagram) -> io::Result<Self> {
        // SAFETY: pause(2) touches no memory.
        Self::start(socket, || while unsafe { libc::pause() } != 0 {})
    }

    /// Starts a child that does the work and exits.
    fn start(socket: &UnixDatagram, work: impl FnOnce()) -> io::Result<Self> {
        let parent = nix::unistd::getpid().as_raw();
        // No signal handler of xassume may run in the child.
        let mask = signals::set_mask(SignalSet::FULL);
        // SAFETY: the child only makes system calls and does not return. See also `sys::offload`.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            enter(socket, parent);
            work();
            // SAFETY: `_exit` ends the process.
            unsafe { libc::_exit(0) }
        }
        let error = io::Error::last_os_error();
        signals::set_mask(mask);
        if pid < 0 { Err(error) } else { Ok(Self(HelperEntry::new(pid))) }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.0.signal(Signal::KILL);
        let _ = self.0.end();
    }
}

/// Leaves xassume's session, so that a child that cannot be killed does not count as a member of the command's family,
/// and closes xassume's other descriptors.
fn enter(socket: &UnixDatagram, parent: Pid) {
    end_with_parent(parent, Signal::KILL);
    let kept = socket.as_raw_fd();
    // SAFETY: these system calls touch no memory, and nothing in the child uses the other descriptors. close_range(2)
    // fails before Linux 5.9. Then the child keeps them, usually for less than a millisecond.
    unsafe {
        libc::setsid();
        libc::syscall(libc::SYS_close_range, 0, kept - 1, 0);
        libc::syscall(libc::SYS_close_range, kept + 1, libc::c_int::MAX, 0);
    }
}

/// Removes the next datagram. Takes up to 20 ms if its descriptors block. If the system is too busy, the datagram may
/// still be there.
pub(super) fn remove(socket: &UnixDatagram) {
    let Ok(child) = Holder::start(socket, || message::remove(socket)) else {
        // No process can be forked.
        return message::remove(socket);
    };
    for step in 0..LIMIT {
        if child.0.has_ended() {
            return;
        }
        if step == PATIENCE {
            child.0.signal(Signal::KILL);
        }
        sleep(STEP);
    }
}
