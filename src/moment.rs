//! A time by two clocks, and a time to wait for.
//!
//! Two clocks, because each is wrong at times. The boot clock (`CLOCK_BOOTTIME`) counts suspend and cannot be set, but a
//! restored snapshot stops it. The wall clock is the one of `Expiration`, but it can be set. A deadline has passed when
//! either clock has passed it: the worst effect of a wrong clock is one early refresh.

use std::time::{Duration, SystemTime};

/// A moment, by both clocks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Now {
    /// Since the machine was booted, suspend included.
    pub(crate) boot: Duration,
    pub(crate) wall: SystemTime,
}

/// A moment to wait for: it has come when the boot clock says so or, if asked, the wall clock.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Deadline {
    pub(crate) boot: Duration,
    pub(crate) wall: Option<SystemTime>,
}

impl Deadline {
    /// A moment of the boot clock alone.
    pub(crate) const fn at(boot: Duration) -> Self {
        Self { boot, wall: None }
    }

    pub(crate) fn passed(&self, now: Now) -> bool {
        now.boot >= self.boot || self.wall.is_some_and(|wall| now.wall >= wall)
    }

    /// The moment at which the first of the two has come.
    #[must_use]
    pub(crate) fn or(self, other: Self) -> Self {
        let wall = match (self.wall, other.wall) {
            (Some(mine), Some(theirs)) => Some(mine.min(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
        Self { boot: self.boot.min(other.boot), wall }
    }
}
