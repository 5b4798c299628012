//! The cache of sessions: one call to STS for many processes.
//!
//! A session is a file whose name is a hash of all that determines the session (`key`). `file` is its format, `stamp`
//! says how much of the session is left, `directory` is the private directory, `places` finds it, `lock` lets one process
//! call STS, `sweep` removes old files. Problems of the cache are not errors of the run: it finds or stores nothing then.

mod directory;
mod file;
mod key;
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
pub(crate) use lock::{LockGuard, LockOutcome};
pub(crate) use places::source_scope;
pub(crate) use settings::{CacheMode, CacheSettings, MinTtl};
pub(crate) use skipped::Skipped;
pub(crate) use stamp::{Found, Stamp};
pub(crate) use store::Cache;

#[cfg(test)]
mod tests;
