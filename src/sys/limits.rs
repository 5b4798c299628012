//! The limit of open files: raised for the endpoint's connections, restored for programs.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::sync::atomic::{AtomicU64, Ordering};

/// The inherited soft limit, once it is raised; zero before.
static INHERITED: AtomicU64 = AtomicU64::new(0);

/// The soft limit of open files.
pub(crate) fn files() -> usize {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(usize::MAX, |(soft, _)| usize::try_from(soft).unwrap_or(usize::MAX))
}

/// Raises the soft limit, at most to the hard limit; returns the new one.
pub(crate) fn raise_files(wanted: usize) -> usize {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let raised = hard.min(wanted as u64);
        if raised > soft {
            INHERITED.store(soft, Ordering::Relaxed);
            // If it fails, there are fewer connections.
            let _ = setrlimit(Resource::RLIMIT_NOFILE, raised, hard);
        }
    }
    files()
}

/// Restores the soft limit, in a child before it executes a program. Async-signal-safe: system calls and an atomic.
pub(super) fn restore_files() {
    let soft = INHERITED.load(Ordering::Relaxed);
    if soft != 0
        && let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
    {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, soft, hard);
    }
}
