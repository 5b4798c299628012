//! Descriptors in the runtime's poll loop.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use tokio::io::unix::AsyncFd;

/// Has the runtime tell when a descriptor is ready. It must not block.
///
/// # Errors
/// epoll(7) does not take it, or there is no room.
///
/// # Panics
/// Outside a runtime of tokio with I/O.
pub(super) fn polled<T: AsRawFd + Into<OwnedFd>>(owner: T) -> io::Result<AsyncFd<T>> {
    // SAFETY: what can become an `OwnedFd` owns its descriptor, and the types used here never exchange it.
    Ok(unsafe { AsyncFd::register(owner) }?)
}
