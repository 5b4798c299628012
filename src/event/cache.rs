//! Events of the cache of sessions.

use super::record::{Level, Record, Recorded};
use crate::session::whole_seconds;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum CacheEvent {
    Hit {
        left: Duration,
        lifetime: Duration,
    },
    /// Another xassume fetched the session while this one waited.
    HitAfterWait {
        left: Duration,
        lifetime: Duration,
    },
    Miss,
    /// The cached session expires too soon.
    MissTooShort {
        left: Duration,
        needed: Duration,
    },
    /// A cached session cannot be used.
    MissUnusable {
        reason: String,
    },
    /// The run does not use the cache.
    Disabled {
        reason: String,
    },
    /// A setting asks for a new session.
    Skipped {
        reason: String,
    },
    DirectorySkipped {
        path: PathBuf,
        reason: String,
    },
    NotStored {
        error: String,
    },
    MfaSessionNotStored {
        error: String,
    },
    /// By `--clear-cache`.
    Cleared {
        path: PathBuf,
        sessions: usize,
    },
    NothingToClear,
}

impl Recorded for CacheEvent {
    fn record(&self) -> Record {
        let info = |name| Record::new(Level::Info, name);
        match self {
            Self::Hit { left, lifetime } | Self::HitAfterWait { left, lifetime } => {
                info("cache_hit").seconds("left", *left).seconds("lifetime", *lifetime)
            }
            Self::Miss => info("cache_miss"),
            Self::MissTooShort { left, needed } => info("cache_miss").seconds("left", *left).seconds("needed", *needed),
            Self::MissUnusable { reason } => info("cache_miss").text("reason", reason),
            Self::Disabled { reason } => info("cache_disabled").text("reason", reason),
            Self::Skipped { reason } => info("cache_skipped").text("reason", reason),
            Self::DirectorySkipped { path, reason } => {
                info("cache_directory_skipped").text("path", &path.display()).text("reason", reason)
            }
            Self::NotStored { error } | Self::MfaSessionNotStored { error } => {
                info("cache_not_stored").text("error", error)
            }
            Self::Cleared { path, sessions } => {
                info("cache_cleared").text("path", &path.display()).number("sessions", *sessions)
            }
            Self::NothingToClear => info("cache_cleared").number("sessions", 0),
        }
    }
}

impl fmt::Display for CacheEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hit { left, lifetime } => {
                write!(f, "cache: hit: {} left of {}", whole_seconds(*left), whole_seconds(*lifetime))
            }
            Self::HitAfterWait { .. } => f.write_str("cache: hit: another xassume has just fetched the session"),
            Self::Miss => f.write_str("cache: miss"),
            Self::MissTooShort { left, needed } => {
                let (left, needed) = (whole_seconds(*left), whole_seconds(*needed));
                write!(f, "cache: miss: session has only {left} left (need {needed})")
            }
            Self::MissUnusable { reason } => write!(f, "cache: miss: {reason}"),
            Self::Disabled { reason } => write!(f, "cache: disabled: {reason}"),
            Self::Skipped { reason } => write!(f, "cache: skipped ({reason})"),
            Self::DirectorySkipped { path, reason } => write!(f, "cache: skipping {}: {reason}", path.display()),
            Self::NotStored { error } => write!(f, "cache: cannot store the session: {error}"),
            Self::MfaSessionNotStored { error } => write!(f, "cache: cannot store the MFA session: {error}"),
            Self::Cleared { path, sessions: 1 } => write!(f, "removed 1 cached session from {}", path.display()),
            Self::Cleared { path, sessions } => write!(f, "removed {sessions} cached sessions from {}", path.display()),
            Self::NothingToClear => f.write_str("there is no cache to clear"),
        }
    }
}
