//! Computes when a refresh or a retry is due. The functions are pure, because times and randomness are their arguments.
//! See [`crate::moment`] for the two clocks.

use super::policy::{Duty, Margin, OnExpiry, Policy};
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
const FIVE_MINUTES: Duration = Duration::from_mins(5);
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
    /// lifetime (two thirds for a first refresh that does not affect the command). If they would be longer, the margin is
    /// reduced, so that the jitter keeps its width. With start-first, the jitter is reduced.
    pub(crate) fn lead(&self, lifetime: Duration, kind: RefreshKind, dice: &mut Dice) -> Duration {
        let (latest, earliest) = self.leads(lifetime, kind);
        dice.between(latest, earliest)
    }

    /// Returns the shortest and the longest time before the expiry at which this refresh may be due.
    ///
    /// The jitter of the first refresh is wider, because the hosts of a fleet may have been started at the same time,
    /// and an outage must not hit all of their refreshes. It does not affect when a command is restarted or signaled
    /// ([`Self::first_effect`]).
    pub(crate) fn leads(&self, lifetime: Duration, kind: RefreshKind) -> (Duration, Duration) {
        let (margin, jitter, half) = (self.margin(lifetime), jitter(lifetime), lifetime / 2);
        if let Margin::Fixed(_) = self.margin {
            return (margin, margin);
        }
        // With start-first, there must be time for the second attempt, so the jitter gets narrower.
        let latest = if self.starts_first() { margin } else { margin.min(half.saturating_sub(jitter)) };
        let earliest = match (kind, self.duty(), self.on_expiry) {
            (RefreshKind::First, Duty::Refresh, OnExpiry::None) => lifetime / 3 * 2,
            (RefreshKind::First, Duty::Refresh, _) => (latest + 4 * jitter).min(half),
            (RefreshKind::First | RefreshKind::Later, ..) => (latest + jitter).min(half),
        };
        (latest, earliest)
    }

    /// Returns the shortest and the longest time before the expiry at which the second session takes effect. If the
    /// command is restarted or signaled, this may be later than the refresh: the new session is held until then.
    pub(crate) fn first_effect(&self, lifetime: Duration) -> (Duration, Duration) {
        self.leads(lifetime, if self.holds() { RefreshKind::Later } else { RefreshKind::First })
    }

    /// Returns how long before the expiry the second session takes effect, if it may be fetched earlier.
    pub(crate) fn held_until(&self, lifetime: Duration, dice: &mut Dice) -> Option<Duration> {
        self.holds().then(|| self.lead(lifetime, RefreshKind::Later, dice))
    }

    fn holds(&self) -> bool {
        self.on_expiry != OnExpiry::None
    }
}

/// Returns the width of the jitter: a tenth of the lifetime, but at most ten minutes.
fn jitter(lifetime: Duration) -> Duration {
    (lifetime / 10).min(TEN_MINUTES)
}

/// Returns how long to wait after `failures` failed refreshes in a row. The result is random, and at least
/// [`MIN_INTERVAL`].
///
/// After the second failure, half of the time left may pass, because there is no hurry. From the third failure on, the
/// wait is at least half of the longest one. Both reduce the calls of a fleet in an outage, and when it ends: waits from
/// zero would have a lower mean.
pub(crate) fn refresh_again_in(failures: u32, lifetime: Duration, left: Duration, dice: &mut Dice) -> Duration {
    let longest = match failures {
        2 => longest_wait(failures).max((left / 2).min(FIVE_MINUTES)),
        _ => longest_wait(failures),
    };
    let longest = in_time(longest, lifetime, left);
    let shortest = if failures < 3 { MIN_INTERVAL } else { MIN_INTERVAL.max(longest / 2) };
    dice.between(shortest, longest)
}

/// Returns how long to wait after `failures` other failures in a row, of a handover or a signal. The result is random, and
/// at least [`MIN_INTERVAL`].
pub(crate) fn retry_in(failures: u32, lifetime: Duration, left: Duration, dice: &mut Dice) -> Duration {
    dice.between(MIN_INTERVAL, in_time(longest_wait(failures), lifetime, left))
}

/// Returns the longest wait: 8 seconds after the first failure, 60 seconds after the second, and then 5 minutes, so that a
/// fleet does not return all at once to a service in trouble.
fn longest_wait(failures: u32) -> Duration {
    match failures {
        0 | 1 => Duration::from_secs(8),
        2 => ONE_MINUTE,
        3.. => FIVE_MINUTES,
    }
}

/// Limits the longest wait to a third of the lifetime and, before the expiry, to the time left, so that there is one more
/// retry before the expiry. This last limit is at least one minute, because otherwise all hosts would retry just before
/// their expiry.
fn in_time(longest: Duration, lifetime: Duration, left: Duration) -> Duration {
    let until_expiry = if left.is_zero() { longest } else { left.max(ONE_MINUTE) };
    longest.min(lifetime / 3).min(until_expiry)
}

/// Returns how long to wait if the source has returned the credentials that the command already has. `left` is the time until
/// these expire. The wait is random, and at most five minutes. It is also at most half of `left`, so that several more
/// attempts come before the expiry.
pub(crate) fn unchanged_in(left: Duration, dice: &mut Dice) -> Duration {
    let longest = (left / 2).clamp(MIN_INTERVAL, FIVE_MINUTES);
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
