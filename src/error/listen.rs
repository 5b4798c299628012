//! Errors about the sockets for the command: those of `--listen`, and those that xassume inherits.

use super::{CHECK_LIMITS, quoted, reason_of, shortened};
use crate::process::listen_address::ListenAddress;
use std::io;
use std::os::fd::RawFd;

/// A socket that the command cannot get.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    #[error("LISTEN_FDS is {}, which is not a number of descriptors", quoted(.0))]
    Count(String),
    #[error("descriptor {descriptor} is not open, although LISTEN_FDS is {count}")]
    NotOpen { descriptor: RawFd, count: usize },
    /// The user has opened the descriptor for the command, for example with `9>lock` for flock(1).
    #[error("cannot use descriptor {descriptor} for {address}: it is already open ({})", shortened(.target))]
    Occupied { descriptor: RawFd, address: ListenAddress, target: String },
    /// The descriptor of `--ready fd:N`.
    #[error("cannot use descriptor {descriptor} for --ready: {reason}")]
    Ready { descriptor: RawFd, reason: String },
    #[error("cannot listen on {address}: {}", .refusal.reason)]
    Refused { address: ListenAddress, refusal: SocketRefusal },
}

/// Why an address cannot be used, and what the user can do about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SocketRefusal {
    pub(crate) reason: String,
    pub(crate) hint: &'static str,
}

impl SocketRefusal {
    pub(crate) fn new(reason: impl Into<String>, hint: &'static str) -> Self {
        Self { reason: reason.into(), hint }
    }
}

impl From<io::Error> for SocketRefusal {
    fn from(error: io::Error) -> Self {
        let hint = match error.raw_os_error() {
            Some(libc::EADDRINUSE) => "find the other process with: ss -lntp; or use another port",
            Some(libc::EADDRNOTAVAIL) => "use an address of this system; `ip address` lists them",
            Some(libc::EAFNOSUPPORT) => {
                "the system or RestrictAddressFamilies= of the unit does not allow this kind of address"
            }
            Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::ENOBUFS) => CHECK_LIMITS,
            Some(libc::EACCES | libc::EPERM) => {
                "a port below 1024 requires root or CAP_NET_BIND_SERVICE, and a Unix socket a writable directory"
            }
            Some(libc::ENOENT) => "create the directory first",
            Some(libc::ENOTDIR | libc::EROFS) => "use a path in a directory that you can write",
            _ => "use another address",
        };
        Self::new(reason_of(&error), hint)
    }
}

impl ListenError {
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Count(_) => "systemd sets LISTEN_FDS; unset it and LISTEN_PID if there are no sockets",
            Self::NotOpen { .. } => "did a program between systemd and xassume close it?",
            Self::Occupied { .. } => "the sockets have the descriptors from 3 on; use a higher number for other files",
            Self::Ready { .. } => "use another number for --ready fd:N; the sockets have the descriptors from 3 on",
            Self::Refused { refusal, .. } => refusal.hint,
        }
    }
}
