//! Events of the cache of sessions.

use super::record::{Record, info, notice};
use crate::error::counted;
use crate::session::whole_seconds;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum CacheEvent {
    /// A cached session is used. `waited` means that another xassume fetched it while this one waited.
    Hit { left: Duration, lifetime: Duration, waited: bool },
    /// The cache contains no session.
    Miss,
    /// The cached session is not used, because it expires too soon.
    MissTooShort { left: Duration, needed: Duration },
    /// A cached session was found but cannot be used, for example because its file is damaged.
    MissUnusable { reason: String },
    /// The run does not use the cache.
    Disabled { reason: String },
    /// A setting asks for a new session, so the cached session is not used.
    Skipped { reason: String },
    /// A directory cannot be used for the cache.
    DirectorySkipped { path: PathBuf, reason: String },
    /// A session was fetched, but cannot be stored.
    NotStored { what: &'static str, error: String },
    /// `--clear-cache` has removed the sessions in this directory.
    Cleared { path: PathBuf, sessions: usize },
    /// `--clear-cache` has removed this number of sessions from several directories.
    ClearedInTotal { sessions: usize },
    /// `--clear-cache` has found no cache of this user.
    NothingToClear,
    /// `--list-sessions` has found no session.
    NothingToList,
}

impl CacheEvent {
    pub(super) fn record(&self) -> Record {
        match self {
            Self::Hit { left, lifetime, waited } => {
                let text = if *waited {
                    "another xassume has just fetched the session".to_owned()
                } else {
                    format!("{} left of {}", whole_seconds(*left), whole_seconds(*lifetime))
                };
                let record = info("cache_hit", format!("cache: hit: {text}"));
                record.seconds("left", *left).seconds("lifetime", *lifetime)
            }
            Self::Miss => info("cache_miss", "cache: miss"),
            Self::MissTooShort { left, needed } => {
                let (short, need) = (whole_seconds(*left), whole_seconds(*needed));
                info("cache_miss", format!("cache: miss: session has only {short} left (need {need})"))
                    .seconds("left", *left)
                    .seconds("needed", *needed)
            }
            Self::MissUnusable { reason } => {
                info("cache_miss", format!("cache: miss: {reason}")).text("reason", reason)
            }
            Self::Disabled { reason } => {
                info("cache_disabled", format!("cache: disabled: {reason}")).text("reason", reason)
            }
            Self::Skipped { reason } => {
                info("cache_skipped", format!("cache: skipped ({reason})")).text("reason", reason)
            }
            Self::DirectorySkipped { path, reason } => {
                let path = path.display();
                info("cache_directory_skipped", format!("cache: skipping {path}: {reason}"))
                    .text("path", &path)
                    .text("reason", reason)
            }
            Self::NotStored { what, error } => {
                info("cache_not_stored", format!("cannot store the {what} in the cache: {error}")).text("error", error)
            }
            Self::Cleared { path, sessions } => {
                let (path, removed) = (path.display(), counted(*sessions as u64, "cached session"));
                notice("cache_cleared", format!("removed {removed} from {path}"))
                    .text("path", &path)
                    .number("sessions", *sessions)
            }
            Self::ClearedInTotal { sessions } => {
                let removed = counted(*sessions as u64, "cached session");
                notice("cache_cleared_in_total", format!("removed {removed} in total")).number("sessions", *sessions)
            }
            Self::NothingToClear => notice("cache_cleared", "there is no cache to clear").number("sessions", 0),
            Self::NothingToList => notice("cache_empty", "there are no cached sessions"),
        }
    }
}
