//! Registers descriptors with the runtime.

#![allow(unsafe_code)]

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use tokio::io::unix::AsyncFd;

/// Registers a non-blocking descriptor with the runtime.
///
/// # Errors
/// epoll(7) does not support it, or there is no memory.
///
/// # Panics
/// Outside a tokio runtime with I/O.
pub(super) fn polled<T: AsRawFd + Into<OwnedFd>>(owner: T) -> io::Result<AsyncFd<T>> {
    // SAFETY: a type that converts into `OwnedFd` owns its descriptor, and the types used here never replace it.
    Ok(unsafe { AsyncFd::register(owner) }?)
}

/// Makes the read end of a pipe non-blocking, and registers it.
///
/// Only this end: with `O_NONBLOCK` in pipe2(2), the program that writes would have the flag too.
pub(super) fn polled_pipe(reader: impl Into<File>) -> io::Result<AsyncFd<File>> {
    let reader = reader.into();
    fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    polled(reader)
}
