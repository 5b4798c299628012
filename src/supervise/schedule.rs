//! When to refresh a session, and when to try again: arithmetic on two clocks.
//!
//! Two clocks, because each is wrong at times. The boot clock (`CLOCK_BOOTTIME`) counts suspend and cannot be set,
//! but a restored snapshot stops it. The wall clock is what `Expiration` is written in, but it can be set. A
//! moment has come when either says so: the worst that a wrong clock can do is one early refresh.
//!
//! Pure: moments and randomness come from outside.

use crate::moment::{Deadline, Now};
use crate::session::Validity;
use std::time::{Duration, SystemTime};

/// No two refreshes begin closer than this, whatever the clocks and the lifetimes say.
pub(crate) const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// With less than this left, a session that cannot be refreshed is worth a line.
pub(crate) const EXPIRES_SOON: Duration = Duration::from_mins(5);
/// How often one refresh calls STS, when calls fail for no lasting reason: the schedule itself tries again soon, and
/// what a whole fleet has in flight when STS recovers arrives at once.
pub(crate) const REFRESH_ATTEMPTS: u32 = 3;
/// The restart needs this beyond the stop timeout: the STS call, and the command's own start.
const STOP_RESERVE: Duration = Duration::from_secs(30);
const ONE_MINUTE: Duration = Duration::from_mins(1);
const TEN_MINUTES: Duration = Duration::from_mins(10);
const ONE_HOUR: Duration = Duration::from_hours(1);

/// How long a session holds, by this machine's clocks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Term {
    boot_expiry: Duration,
    wall_expiry: SystemTime,
    /// `Expiration` as STS wrote it, by the server's clock: to be shown, not to be computed with.
    pub(crate) expiration: SystemTime,
    /// The whole lifetime that was granted.
    pub(crate) lifetime: Duration,
}

impl Term {
    /// The term of a session of which `validity.left` is left now. Both clocks start from that: a local clock that
    /// is wrong does no harm as long as it is steadily wrong.
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

    /// The moment at which `lead` is left.
    pub(crate) fn before_expiry(&self, lead: Duration) -> Deadline {
        Deadline { boot: self.boot_expiry.saturating_sub(lead), wall: self.wall_expiry.checked_sub(lead) }
    }

    /// What is left, by the clock that has less; zero when it has expired.
    pub(crate) fn left(&self, now: Now) -> Duration {
        let by_wall = self.wall_expiry.duration_since(now.wall).unwrap_or_default();
        self.boot_expiry.saturating_sub(now.boot).min(by_wall)
    }
}

/// How far before the expiry a refresh is due (`--refresh-margin`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Margin {
    /// By the rule of what the refresh is for, spread at random.
    Auto,
    /// At exactly this much, but never before half the lifetime.
    Fixed(Duration),
}

/// What a refresh is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum RefreshPurpose {
    /// Something is done to the command: as late as is safe.
    Act { stop_timeout: Duration },
    /// Programs fetch the credentials themselves: early, since SDKs refetch 15 minutes before the expiry.
    Serve,
}

/// Which session of a run a refresh replaces.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum RefreshKind {
    First,
    Later,
}

/// When refreshes are due.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Timing {
    pub(crate) purpose: RefreshPurpose,
    pub(crate) margin: Margin,
}

impl Timing {
    /// How much is left of a session when it is refreshed, at the latest; at most half its lifetime.
    pub(crate) fn margin(&self, lifetime: Duration) -> Duration {
        let wanted = match (self.margin, self.purpose) {
            (Margin::Fixed(margin), RefreshPurpose::Act { .. } | RefreshPurpose::Serve) => margin,
            (Margin::Auto, RefreshPurpose::Act { stop_timeout }) => {
                spread(lifetime).max(stop_timeout.saturating_add(STOP_RESERVE))
            }
            (Margin::Auto, RefreshPurpose::Serve) => (lifetime / 3).min(ONE_HOUR),
        };
        wanted.min(lifetime / 2)
    }

    /// How much is left when this refresh is due: the margin and a jitter, so that a fleet that started in one
    /// minute does not refresh in one. The jitter keeps its width when the margin is cut at half the lifetime.
    pub(crate) fn lead(&self, lifetime: Duration, turn: RefreshKind, dice: &mut Dice) -> Duration {
        let (latest, earliest) = self.leads(lifetime, turn);
        dice.between(latest, earliest)
    }

    /// The least and the most that can be left when this refresh is due.
    pub(crate) fn leads(&self, lifetime: Duration, turn: RefreshKind) -> (Duration, Duration) {
        let latest = self.margin(lifetime);
        let half = lifetime / 2;
        match (self.margin, self.purpose, turn) {
            (
                Margin::Fixed(_),
                RefreshPurpose::Act { .. } | RefreshPurpose::Serve,
                RefreshKind::First | RefreshKind::Later,
            ) => (latest, latest),
            (Margin::Auto, RefreshPurpose::Serve, RefreshKind::First) => (latest, half),
            (
                Margin::Auto,
                RefreshPurpose::Act { .. } | RefreshPurpose::Serve,
                RefreshKind::First | RefreshKind::Later,
            ) => {
                let latest = latest.min(half.saturating_sub(spread(lifetime)));
                (latest, latest + spread(lifetime))
            }
        }
    }
}

/// A tenth of the lifetime, at most ten minutes.
fn spread(lifetime: Duration) -> Duration {
    (lifetime / 10).min(TEN_MINUTES)
}

/// How long to wait after that many failed refreshes in a row, at least [`MIN_INTERVAL`].
///
/// Full jitter: up to 8 s, then up to 60 s, from the third failure on up to 5 minutes, so that a fleet does not
/// come back to a service in trouble as one. Never more than a third of the lifetime (5 minutes of the shortest
/// session that STS grants) nor, before the expiry, than what is left, so that a try comes in time; but within its
/// last minute a session is not fought for: hosts that closed in on their expiry would all be there at once.
pub(crate) fn retry_in(failures: u32, lifetime: Duration, left: Duration, dice: &mut Dice) -> Duration {
    let longest = match failures {
        0 | 1 => Duration::from_secs(8),
        2 => ONE_MINUTE,
        3.. => Duration::from_mins(5),
    };
    let in_time = if left.is_zero() { longest } else { left.max(ONE_MINUTE) };
    dice.between(MIN_INTERVAL, longest.min(lifetime / 3).min(in_time))
}

/// Random numbers that are good for spreading load and for nothing else: splitmix64 (Steele, Lea, Flood 2014).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Dice {
    Seeded(u64),
    /// Always the same fraction of 2^64.
    #[cfg(test)]
    Loaded(u64),
}

impl Dice {
    fn roll(&mut self) -> u64 {
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

    /// Uniform from `low` to `high`; `low` when that is not below `high`.
    fn between(&mut self, low: Duration, high: Duration) -> Duration {
        let width = high.saturating_sub(low).as_nanos();
        let part = (width.saturating_mul(u128::from(self.roll()))) >> 64;
        low.saturating_add(Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests;
