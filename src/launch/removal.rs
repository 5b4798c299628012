//! The removal of files when xassume exits, which must not take forever.

use crate::sys::offload::{Life, Offload};
use std::io::Write as _;
use std::time::Duration;

/// When xassume exits, it first waits until its files are removed, but not longer than this.
const REMOVAL_LIMIT: Duration = Duration::from_millis(500);

/// Calls `remove` in a child process, which returns whether it has removed all files. If the file system does not answer
/// within [`REMOVAL_LIMIT`], xassume exits, and the child process continues.
///
/// Returns false if the caller must remove the rest itself: the child process could not be started, it failed, or it did
/// not remove all files.
pub(super) async fn removed_in_child(offload: &Offload, life: Life, remove: impl FnOnce() -> bool) -> bool {
    let started = offload.start(life, 1, |answer| {
        // Writing fails if the parent process has ended. It then needs no answer.
        let _ = answer.write_all(if remove() { b"." } else { b"" });
    });
    let Ok(mut job) = started else { return false };
    match tokio::time::timeout(REMOVAL_LIMIT, job.answered()).await {
        Ok(Ok(b"") | Err(_)) => false,
        Ok(Ok(_)) => true,
        Err(_) => {
            // The job is forgotten, because dropping it would end the child.
            std::mem::forget(job);
            true
        }
    }
}
