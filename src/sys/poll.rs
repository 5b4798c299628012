//! Registers file descriptors with the Tokio runtime.

#![allow(unsafe_code)]

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use tokio::io::unix::AsyncFd;

/// Registers a non-blocking descriptor with the runtime.
///
/// # Errors
/// Fails if epoll(7) does not support the descriptor, or if there is not enough memory.
///
/// # Panics
/// Panics outside a Tokio runtime with I/O.
pub(super) fn polled<T: AsRawFd + Into<OwnedFd>>(owner: T) -> io::Result<AsyncFd<T>> {
    // SAFETY: a type that converts into `OwnedFd` owns its descriptor, and the types used here never replace it.
    Ok(unsafe { AsyncFd::register(owner) }?)
}

/// Makes the read end of a pipe non-blocking, and registers it with the runtime.
///
/// The write end stays blocking, because it may be the standard output of a program. With `O_NONBLOCK` in pipe2(2),
/// both ends would be non-blocking.
pub(super) fn polled_pipe(reader: impl Into<File>) -> io::Result<AsyncFd<File>> {
    let reader = reader.into();
    fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    polled(reader)
}

/// Reads from a non-blocking descriptor. Waits only if `read` fails with `WouldBlock`. Nothing is lost if the future is
/// dropped.
///
/// # Errors
/// The same errors as for `read`.
pub(super) async fn read_when_ready<T: AsRawFd, R>(
    fd: &AsyncFd<T>,
    mut read: impl FnMut(&T) -> io::Result<R>,
) -> io::Result<R> {
    loop {
        match read(fd.get_ref()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => fd.readable().await?.clear_ready(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
