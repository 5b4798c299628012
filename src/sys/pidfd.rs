//! A descriptor of a process (pidfd). It never refers to a later process with the same ID; see `pidfd_open(2)`.

#![allow(unsafe_code)]

use crate::process::Pid;
use crate::process::signal::Signal;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd as _, OwnedFd, RawFd};
use std::ptr;

/// A descriptor of a process. It becomes readable when the process exits.
#[derive(Debug)]
pub(crate) struct Pidfd {
    fd: OwnedFd,
    pub(super) pid: Pid,
}

impl AsRawFd for Pidfd {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl From<Pidfd> for OwnedFd {
    fn from(pidfd: Pidfd) -> Self {
        pidfd.fd
    }
}

impl Pidfd {
    /// Opens the process with this ID.
    ///
    /// # Errors
    /// Fails with `ESRCH` if there is no such process, with `EINVAL` or `ENOENT` if the ID is that of a thread, with
    /// `ENOSYS` before Linux 5.3, and with `EPERM` if a seccomp filter blocks the call.
    pub(crate) fn open(pid: Pid) -> io::Result<Self> {
        // SAFETY: pidfd_open(2) takes two integers and returns a new close-on-exec descriptor.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        match i32::try_from(fd) {
            // SAFETY: the kernel has just returned this descriptor, and nothing else owns it.
            Ok(fd @ 0..) => Ok(Self { fd: unsafe { OwnedFd::from_raw_fd(fd) }, pid }),
            Ok(_) | Err(_) => Err(io::Error::last_os_error()),
        }
    }

    /// Sends a signal to the process.
    ///
    /// # Errors
    /// Fails with `ESRCH` if the process has been reaped, and with `EPERM` if it belongs to another user.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        self.send(signal.number())
    }

    /// Checks whether a signal could be sent, and sends none.
    ///
    /// # Errors
    /// The same errors as for [`Self::signal`].
    pub(crate) fn check(&self) -> io::Result<()> {
        self.send(0)
    }

    fn send(&self, number: i32) -> io::Result<()> {
        let nothing = ptr::null::<libc::siginfo_t>();
        // SAFETY: pidfd_send_signal(2) reads no memory if the pointer to the signal information is null.
        let result = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, self.as_raw_fd(), number, nothing, 0) };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}
