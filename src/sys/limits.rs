//! The limit on open files, which is raised for the connections of the credentials endpoint, and restored for the
//! programs that xassume starts.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::sync::atomic::{AtomicU64, Ordering};

/// The inherited soft limit if it has been raised, else zero.
static INHERITED: AtomicU64 = AtomicU64::new(0);

/// Returns the soft limit on open files.
pub(crate) fn files() -> usize {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(usize::MAX, |(soft, _)| usize::try_from(soft).unwrap_or(usize::MAX))
}

/// Raises the soft limit to `wanted`, but not above the hard limit. Returns the resulting soft limit.
pub(crate) fn raise_files(wanted: usize) -> usize {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let raised = hard.min(wanted as u64);
        if raised > soft {
            INHERITED.store(soft, Ordering::Relaxed);
            // If this fails, the endpoint accepts fewer connections.
            let _ = setrlimit(Resource::RLIMIT_NOFILE, raised, hard);
        }
    }
    files()
}

/// Restores the soft limit in a child before it executes a program. Async-signal-safe, because it uses only system
/// calls and an atomic.
pub(super) fn restore_files() {
    let soft = INHERITED.load(Ordering::Relaxed);
    if soft != 0
        && let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
    {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, soft, hard);
    }
}
