//! The open descriptors of this process.

use std::os::fd::RawFd;

/// Returns the open descriptors from `/proc`. If `/proc` is not available, returns every number from 3 to 65535.
pub(in crate::sys) fn open_descriptors() -> Vec<RawFd> {
    const MOST: RawFd = 1 << 16;
    match std::fs::read_dir("/proc/self/fd") {
        Ok(entries) => entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect(),
        Err(_) => (3..MOST).collect(),
    }
}

/// Returns the descriptors above 2 that a child would inherit through execve(2). These are the descriptors that xassume
/// itself has inherited, because it opens all others as close-on-exec.
pub(super) fn inherited_descriptors() -> Vec<RawFd> {
    // SAFETY: F_GETFD reads only the flags of a descriptor. If the descriptor is closed, the call just fails.
    let is_inherited = |fd: &RawFd| unsafe { libc::fcntl(*fd, libc::F_GETFD) } == 0;
    open_descriptors().into_iter().filter(|fd| *fd > 2 && is_inherited(fd)).collect()
}
