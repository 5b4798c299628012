//! Registers descriptors with the runtime.

#![allow(unsafe_code)]

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
