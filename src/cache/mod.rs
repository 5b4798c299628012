//! The cache of sessions, which lets many processes share the answer to one call to STS.
//!
//! Each session is a file. The name of the file is a hash of everything that determines the session (`key`). `file`
//! defines the format of the file, `stamp` computes how much time the session has left, `directory` accesses the
//! private directory, `places` finds that directory, `job` distinguishes the jobs of CI systems, `lock` ensures that one
//! process at a time calls STS, `sweep` removes old files, and `listing` lists the sessions. A problem with the cache does
//! not make a run fail. The run then finds no session in the cache, or stores none.

mod directory;
mod file;
mod job;
mod key;
mod listing;
mod lock;
mod places;
mod settings;
mod skipped;
mod stamp;
mod store;
mod sweep;

#[cfg(any(test, fuzzing))]
pub(crate) use file::hostile;
pub(crate) use key::{Key, SourceScope};
pub(crate) use listing::ListedSession;
pub(crate) use lock::{LockGuard, LockOutcome};
pub(crate) use places::source_scope;
pub(crate) use settings::{CacheMode, CacheSettings, MinTtl};
pub(crate) use skipped::Skipped;
pub(crate) use stamp::{Found, Stamp};
pub(crate) use store::Cache;

#[cfg(test)]
mod tests;
