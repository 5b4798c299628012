//! A time by two clocks, and a deadline by one or both of them.
//!
//! Two clocks are used because either can be wrong. The boot clock (`CLOCK_BOOTTIME`) includes suspend and cannot be
//! set, but it does not count the time between a snapshot of a virtual machine and the restore of that snapshot. The
//! wall clock is the clock of `Expiration`, but it can be set. A deadline has passed when either clock has reached it,
//! so the worst effect of a wrong clock is one early refresh.

use std::time::{Duration, SystemTime};

/// A time by both clocks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Now {
    /// The time since the boot, including suspend.
    pub(crate) boot: Duration,
    pub(crate) wall: SystemTime,
}

/// A time to wait for, by the boot clock and, if `wall` is set, also by the wall clock.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Deadline {
    pub(crate) boot: Duration,
    pub(crate) wall: Option<SystemTime>,
}

impl Deadline {
    /// Returns a deadline by the boot clock only.
    pub(crate) const fn at(boot: Duration) -> Self {
        Self { boot, wall: None }
    }

    pub(crate) fn passed(&self, now: Now) -> bool {
        now.boot >= self.boot || self.wall.is_some_and(|wall| now.wall >= wall)
    }

    /// Returns a deadline that has passed as soon as `self` or `other` has passed.
    #[must_use]
    pub(crate) fn or(self, other: Self) -> Self {
        Self { boot: self.boot.min(other.boot), wall: self.wall.into_iter().chain(other.wall).min() }
    }
}
