//! When a refresh or a retry is due. Pure: times and randomness are arguments. See [`crate::moment`] for the two
//! clocks.

use crate::moment::{Deadline, Now};
use crate::session::Validity;
use std::time::{Duration, SystemTime};

/// The least time between the starts of two refreshes, whatever clocks and lifetimes say.
pub(crate) const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// With less left, a session whose refresh fails gets a warning.
pub(crate) const EXPIRES_SOON: Duration = Duration::from_mins(5);
/// Calls to STS per refresh, if they fail for a passing reason. Few, since the schedule retries soon, and the calls of
/// a whole fleet arrive at once when STS recovers.
pub(crate) const REFRESH_ATTEMPTS: u32 = 3;
/// Time for the STS call and the start of the command, in addition to the stop timeout.
const STOP_RESERVE: Duration = Duration::from_secs(30);
const ONE_MINUTE: Duration = Duration::from_mins(1);
const TEN_MINUTES: Duration = Duration::from_mins(10);
const ONE_HOUR: Duration = Duration::from_hours(1);

/// The time of a session by the local clocks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Term {
    boot_expiry: Duration,
    wall_expiry: SystemTime,
    /// `Expiration` by the clock of STS: for display only.
    pub(crate) expiration: SystemTime,
    /// The whole granted lifetime.
    pub(crate) lifetime: Duration,
}

impl Term {
    /// The term of a session with `validity.left` left now. Both clocks count from now, so a wrong clock does no harm
    /// while its error stays the same.
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

    /// The time at which `lead` is left.
    pub(crate) fn before_expiry(&self, lead: Duration) -> Deadline {
        Deadline { boot: self.boot_expiry.saturating_sub(lead), wall: self.wall_expiry.checked_sub(lead) }
    }

    /// The time left by the clock that has less; zero after the expiry.
    pub(crate) fn left(&self, now: Now) -> Duration {
        let by_wall = self.wall_expiry.duration_since(now.wall).unwrap_or_default();
        self.boot_expiry.saturating_sub(now.boot).min(by_wall)
    }
}

/// How far before the expiry a refresh is due (`--refresh-margin`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Margin {
    /// Depends on [`RefreshPurpose`], with jitter.
    Auto,
    /// Exactly this much, but never before half the lifetime.
    Fixed(Duration),
}

/// What a refresh is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum RefreshPurpose {
    /// The command is restarted or signaled: as late as is safe.
    Act { stop_timeout: Duration },
    /// Programs fetch the credentials themselves: early, since some SDKs fetch again 15 minutes before the expiry.
    Serve,
}

/// Whether a refresh replaces the first session of a run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum RefreshKind {
    First,
    Later,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Timing {
    pub(crate) purpose: RefreshPurpose,
    pub(crate) margin: Margin,
}

impl Timing {
    /// The least time left when a session is refreshed; at most half its lifetime.
    pub(crate) fn margin(&self, lifetime: Duration) -> Duration {
        let wanted = match (self.margin, self.purpose) {
            (Margin::Fixed(margin), _) => margin,
            (Margin::Auto, RefreshPurpose::Act { stop_timeout }) => {
                jitter(lifetime).max(stop_timeout.saturating_add(STOP_RESERVE))
            }
            (Margin::Auto, RefreshPurpose::Serve) => (lifetime / 3).min(ONE_HOUR),
        };
        wanted.min(lifetime / 2)
    }

    /// The time left when this refresh is due: the margin plus jitter, which spreads the refreshes of a fleet that
    /// started together. The jitter keeps its width where the margin is limited to half the lifetime.
    pub(crate) fn lead(&self, lifetime: Duration, kind: RefreshKind, dice: &mut Dice) -> Duration {
        let (latest, earliest) = self.leads(lifetime, kind);
        dice.between(latest, earliest)
    }

    /// The least and the most time left when this refresh is due.
    pub(crate) fn leads(&self, lifetime: Duration, kind: RefreshKind) -> (Duration, Duration) {
        let latest = self.margin(lifetime);
        let half = lifetime / 2;
        match (self.margin, self.purpose, kind) {
            (Margin::Fixed(_), _, _) => (latest, latest),
            (Margin::Auto, RefreshPurpose::Serve, RefreshKind::First) => (latest, half),
            (Margin::Auto, _, _) => {
                let latest = latest.min(half.saturating_sub(jitter(lifetime)));
                (latest, latest + jitter(lifetime))
            }
        }
    }
}

/// The width of the jitter: a tenth of the lifetime, at most ten minutes.
fn jitter(lifetime: Duration) -> Duration {
    (lifetime / 10).min(TEN_MINUTES)
}

/// The wait after this number of failed refreshes in a row; at least [`MIN_INTERVAL`].
///
/// Full jitter: up to 8 s, then 60 s, then 5 minutes, so a fleet does not return at once to a service in trouble. At
/// most a third of the lifetime and, before the expiry, at most the time left: one retry comes in time. Within the last
/// minute this limit stays at one minute; otherwise all hosts would retry at their expiry.
pub(crate) fn retry_in(failures: u32, lifetime: Duration, left: Duration, dice: &mut Dice) -> Duration {
    let longest = match failures {
        0 | 1 => Duration::from_secs(8),
        2 => ONE_MINUTE,
        3.. => Duration::from_mins(5),
    };
    let in_time = if left.is_zero() { longest } else { left.max(ONE_MINUTE) };
    dice.between(MIN_INTERVAL, longest.min(lifetime / 3).min(in_time))
}

/// Random numbers to spread load: splitmix64 (Steele, Lea, Flood 2014). Not for secrets.
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

    /// Uniform from `low` to `high`; `low` if that is not below `high`.
    fn between(&mut self, low: Duration, high: Duration) -> Duration {
        let width = high.saturating_sub(low).as_nanos();
        let part = (width.saturating_mul(u128::from(self.roll()))) >> 64;
        low.saturating_add(Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests;
