//! Computes when a refresh or a retry is due. The functions are pure, because times and randomness are their arguments.
//! See [`crate::moment`] for the two clocks.

use super::policy::{Margin, OnExpiry, Policy};
use crate::moment::{Deadline, Now};
use crate::session::Validity;
use std::time::{Duration, SystemTime};

/// The shortest time between the starts of two refreshes, even if a clock or a lifetime is wrong.
pub(crate) const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// If a refresh has failed and the session has at most this much time left, a warning is shown.
pub(crate) const EXPIRES_SOON: Duration = Duration::from_mins(5);
/// The maximum number of STS calls per refresh. A failed call is repeated only if its cause is temporary. The number is
/// small because the schedule retries soon, and because the calls of a whole fleet arrive at once when STS recovers.
pub(crate) const REFRESH_ATTEMPTS: u32 = 3;
/// The part of the refresh margin that is reserved for the STS call and the start of the command. The stop timeout is
/// added to it.
const STOP_RESERVE: Duration = Duration::from_secs(30);
const ONE_MINUTE: Duration = Duration::from_mins(1);
const TEN_MINUTES: Duration = Duration::from_mins(10);
const ONE_HOUR: Duration = Duration::from_hours(1);

/// When a session expires by the local clocks, and its lifetime.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Term {
    boot_expiry: Duration,
    pub(crate) wall_expiry: SystemTime,
    /// The `Expiration` by the clock of STS. It is only displayed.
    pub(crate) expiration: SystemTime,
    /// The lifetime that STS granted.
    pub(crate) lifetime: Duration,
}

impl Term {
    /// Returns the term of a session that has `validity.left` left now. Both expiry times are the local time plus
    /// `validity.left`, so a clock that is wrong by a constant amount does no harm.
    pub(crate) fn of(validity: &Validity, now: Now) -> Self {
        Self {
            boot_expiry: now.boot.saturating_add(validity.left),
            wall_expiry: now.wall.checked_add(validity.left).unwrap_or(validity.expiration),
            expiration: validity.expiration,
            lifetime: validity.lifetime,
        }
    }

    pub(crate) fn expiry(&self) -> Deadline {
        self.before_expiry(Duration::ZERO)
    }

    /// Returns the deadline at which the session has `lead` left.
    pub(crate) fn before_expiry(&self, lead: Duration) -> Deadline {
        Deadline { boot: self.boot_expiry.saturating_sub(lead), wall: self.wall_expiry.checked_sub(lead) }
    }

    /// Returns the time left by the clock that shows less time. Returns zero after the expiry.
    pub(crate) fn left(&self, now: Now) -> Duration {
        let by_wall = self.wall_expiry.duration_since(now.wall).unwrap_or_default();
        self.boot_expiry.saturating_sub(now.boot).min(by_wall)
    }
}

/// Whether a refresh replaces the first session of a run or a later one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum RefreshKind {
    First,
    Later,
}

impl Policy {
    /// Returns the margin: the least time that a session has left when its refresh is due. The margin is at most half
    /// of the lifetime.
    pub(crate) fn margin(&self, lifetime: Duration) -> Duration {
        let wanted = match (self.margin, self.on_expiry) {
            (Margin::Fixed(margin), _) => margin,
            // Programs fetch the credentials themselves. The refresh is early, because some SDKs fetch credentials again
            // 15 minutes before the expiry.
            (Margin::Auto, OnExpiry::None) => (lifetime / 3).min(ONE_HOUR),
            // The command is restarted or signaled. The refresh is as late as it can safely be.
            (Margin::Auto, OnExpiry::Restart | OnExpiry::Signal(_)) => {
                // With start-first, there is time for a second attempt.
                let handover = if self.starts_first() { self.ready_timeout.saturating_mul(2) } else { Duration::ZERO };
                let stop = self.stop_timeout.saturating_add(STOP_RESERVE);
                jitter(lifetime).max(handover.saturating_add(stop))
            }
        };
        wanted.min(lifetime / 2)
    }

    /// Returns how long before the expiry this refresh is due. This is the margin plus jitter, which spreads the
    /// refreshes of hosts that were started at the same time. Margin and jitter together are at most half of the
    /// lifetime. If they would be longer, the margin is reduced, so that the jitter keeps its width. With start-first, the
    /// jitter is reduced.
    pub(crate) fn lead(&self, lifetime: Duration, kind: RefreshKind, dice: &mut Dice) -> Duration {
        let (latest, earliest) = self.leads(lifetime, kind);
        dice.between(latest, earliest)
    }

    /// Returns the shortest and the longest time before the expiry at which this refresh may be due.
    pub(crate) fn leads(&self, lifetime: Duration, kind: RefreshKind) -> (Duration, Duration) {
        let latest = self.margin(lifetime);
        let half = lifetime / 2;
        match (self.margin, self.on_expiry, kind) {
            (Margin::Fixed(_), _, _) => (latest, latest),
            (Margin::Auto, OnExpiry::None, RefreshKind::First) => (latest, half),
            // There must be time for the second attempt, so the jitter gets narrower.
            (Margin::Auto, ..) if self.starts_first() => (latest, (latest + jitter(lifetime)).min(half)),
            (Margin::Auto, _, _) => {
                let latest = latest.min(half.saturating_sub(jitter(lifetime)));
                (latest, latest + jitter(lifetime))
            }
        }
    }
}

/// Returns the width of the jitter: a tenth of the lifetime, but at most ten minutes.
fn jitter(lifetime: Duration) -> Duration {
    (lifetime / 10).min(TEN_MINUTES)
}

/// Returns how long to wait after `failures` failed refreshes in a row. The result is random, and at least
/// [`MIN_INTERVAL`].
///
/// The longest wait is 8 seconds after the first failure, 60 seconds after the second, and then 5 minutes, so that a
/// fleet does not return all at once to a service in trouble. The wait is also at most a third of the lifetime. Before
/// the expiry, it is also at most the time left, so that there is one more retry before the expiry. This last limit is
/// at least one minute, because otherwise all hosts would retry just before their expiry.
pub(crate) fn retry_in(failures: u32, lifetime: Duration, left: Duration, dice: &mut Dice) -> Duration {
    let longest = match failures {
        0 | 1 => Duration::from_secs(8),
        2 => ONE_MINUTE,
        3.. => Duration::from_mins(5),
    };
    let in_time = if left.is_zero() { longest } else { left.max(ONE_MINUTE) };
    dice.between(MIN_INTERVAL, longest.min(lifetime / 3).min(in_time))
}

/// Returns how long to wait if the source has returned the credentials that the command already has. `left` is the time until
/// these expire. The wait is random, and at most five minutes. It is also at most half of `left`, so that several more
/// attempts come before the expiry.
pub(crate) fn unchanged_in(left: Duration, dice: &mut Dice) -> Duration {
    let longest = (left / 2).min(Duration::from_mins(5)).max(MIN_INTERVAL);
    dice.between((longest / 2).max(MIN_INTERVAL), longest)
}

/// Random numbers that spread load, from splitmix64 (Steele, Lea, Flood 2014). They must not be used for secrets.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Dice {
    Seeded(u64),
    /// Each random number is this value, which stands for a fraction of 2^64.
    #[cfg(test)]
    Loaded(u64),
}

impl Dice {
    /// Returns other random numbers.
    pub(super) fn another(&mut self) -> Self {
        Self::Seeded(self.roll())
    }

    pub(super) fn roll(&mut self) -> u64 {
        match self {
            Dice::Seeded(state) => {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut mixed = *state;
                mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                mixed ^ (mixed >> 31)
            }
            #[cfg(test)]
            Dice::Loaded(fixed) => *fixed,
        }
    }

    /// Returns a uniformly distributed duration from `low` to `high`. Returns `low` if `high` is not greater.
    fn between(&mut self, low: Duration, high: Duration) -> Duration {
        let width = high.saturating_sub(low).as_nanos();
        let part = (width.saturating_mul(u128::from(self.roll()))) >> 64;
        low.saturating_add(Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests;
