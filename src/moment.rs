//! A time by two clocks, and a deadline by one or both.
//!
//! Two clocks, because either can be wrong. The boot clock (`CLOCK_BOOTTIME`) counts suspend and cannot be set, but a
//! restored snapshot stops it. The wall clock is the one of `Expiration`, but it can be set. A deadline has passed when
//! either clock has passed it: the worst effect of a wrong clock is one early refresh.

use std::time::{Duration, SystemTime};

/// A time by both clocks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Now {
    /// Since the boot, suspend included.
    pub(crate) boot: Duration,
    pub(crate) wall: SystemTime,
}

/// A time to wait for, by the boot clock and, if set, the wall clock.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Deadline {
    pub(crate) boot: Duration,
    pub(crate) wall: Option<SystemTime>,
}

impl Deadline {
    /// By the boot clock alone.
    pub(crate) const fn at(boot: Duration) -> Self {
        Self { boot, wall: None }
    }

    pub(crate) fn passed(&self, now: Now) -> bool {
        now.boot >= self.boot || self.wall.is_some_and(|wall| now.wall >= wall)
    }

    /// The earlier of the two.
    #[must_use]
    pub(crate) fn or(self, other: Self) -> Self {
        Self { boot: self.boot.min(other.boot), wall: self.wall.into_iter().chain(other.wall).min() }
    }
}
