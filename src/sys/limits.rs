//! How many files may be open: raised for the endpoint's connections, and put back for every program.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::sync::atomic::{AtomicU64, Ordering};

/// The soft limit that xassume was started with, once it is raised; zero before.
static INHERITED: AtomicU64 = AtomicU64::new(0);

/// How many files may be open.
pub(crate) fn files() -> usize {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(usize::MAX, |(soft, _)| usize::try_from(soft).unwrap_or(usize::MAX))
}

/// Raises the soft limit to this, as far as the hard one allows; the limit there is then.
pub(crate) fn raise_files(wanted: usize) -> usize {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let raised = hard.min(wanted as u64);
        if raised > soft {
            INHERITED.store(soft, Ordering::Relaxed);
            // Without it there is room for fewer connections.
            let _ = setrlimit(Resource::RLIMIT_NOFILE, raised, hard);
        }
    }
    files()
}

/// Puts the soft limit back, in a child that is to become a program. Async-signal-safe: system calls and an atomic.
pub(super) fn restore_files() {
    let soft = INHERITED.load(Ordering::Relaxed);
    if soft != 0
        && let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
    {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, soft, hard);
    }
}
