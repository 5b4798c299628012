//! The model of a session: how long it is valid, and by when it must be refreshed. The rules are those of the
//! documentation, not the code of `schedule`.

use crate::moment::Now;
use crate::session::{Keys, Secret, Session, Validity};
use crate::supervise::policy::{Margin, OnExpiry, Policy};
use std::time::{Duration, SystemTime};

const ONE_SECOND: Duration = Duration::from_secs(1);
const FIVE_MINUTES: Duration = Duration::from_mins(5);

/// A time by the boot clock, and the same by the wall clock, if there is one. It is past if it is past by either clock.
type Times = (Duration, Option<SystemTime>);

/// A session that STS has granted, as one xassume sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Lease {
    pub(super) number: u32,
    expiration: SystemTime,
    pub(super) lifetime: Duration,
    boot_expiry: Duration,
    wall_expiry: SystemTime,
}

impl Lease {
    pub(super) fn new(number: u32, expiration: SystemTime, lifetime: Duration, (left, now): (Duration, Now)) -> Self {
        Self { number, expiration, lifetime, boot_expiry: now.boot + left, wall_expiry: now.wall + left }
    }

    pub(super) fn left(&self, now: Now) -> Duration {
        let by_wall = self.wall_expiry.duration_since(now.wall).unwrap_or_default();
        self.boot_expiry.saturating_sub(now.boot).min(by_wall)
    }

    /// Returns the same session for an xassume that gets it now.
    pub(super) fn received(&self, now: Now) -> Self {
        Self::new(self.number, self.expiration, self.lifetime, (self.left(now), now))
    }

    pub(super) fn session(&self, now: Now) -> Session {
        let (left, lifetime) = (self.left(now), self.lifetime);
        let keys = Keys {
            access_key_id: self.number.to_string(),
            secret_access_key: Secret::new("hidden"),
            session_token: None,
        };
        let validity = Some(Validity { expiration: self.expiration, left, lifetime, skew_secs: 0 });
        Session { keys, validity, assumed_role_arn: None, account_id: None, instance_region: None }
    }
}

/// What an xassume has of one of its sessions.
pub(super) struct Held {
    pub(super) in_effect: Lease,
    /// Whether it has expired. A clock may have been set back since.
    pub(super) has_expired: bool,
    /// A session that was fetched, and that is being delivered or waits for that.
    pub(super) fetched: Option<Lease>,
    /// By when the second session must take effect. Until its delivery begins, it may be held or replaced. `None` if it
    /// may not be held.
    effect_by: Option<Times>,
    pub(super) calls: u32,
    /// When the last call began.
    pub(super) began: Duration,
    delivery_began: Duration,
    pub(super) failures: u32,
    /// When the next call must have begun, by each clock.
    due: Times,
    /// Whether HUP has requested a refresh that has not begun.
    pub(super) is_requested: bool,
}

impl Held {
    pub(super) fn first(lease: Lease, policy: &Policy, now: Now) -> Self {
        let due = due(&lease, policy);
        let effect_by = (policy.on_expiry != OnExpiry::None).then_some(due);
        let (has_expired, fetched, calls, failures, is_requested) = (false, None, 0, 0, false);
        let (began, delivery_began) = (now.boot, now.boot);
        Self {
            in_effect: lease,
            has_expired,
            fetched,
            effect_by,
            calls,
            began,
            delivery_began,
            failures,
            due,
            is_requested,
        }
    }

    /// Checks whether a call or a delivery is in progress.
    pub(super) fn is_busy(&self) -> bool {
        self.calls > 0 || self.fetched.is_some() && self.effect_by.is_none()
    }

    /// Records that a delivery begins.
    pub(super) fn deliver(&mut self, boot: Duration) {
        (self.effect_by, self.delivery_began) = (None, boot);
    }

    pub(super) fn adopt(&mut self, policy: &Policy) {
        if let Some(lease) = self.fetched.take() {
            (self.in_effect, self.has_expired, self.failures) = (lease, false, 0);
            self.due = due(&lease, policy);
        }
    }

    pub(super) fn fail(&mut self, now: Now) {
        self.fetched = None;
        self.failures += 1;
        let longest = match self.failures {
            1 => Duration::from_secs(8),
            // There is no hurry.
            2 => (self.in_effect.left(now) / 2).clamp(Duration::from_mins(1), FIVE_MINUTES),
            _ => FIVE_MINUTES,
        };
        self.due = (now.boot + longest.min(self.in_effect.lifetime / 3), None);
    }

    /// The source has returned the session in effect again.
    pub(super) fn unchanged(&mut self, now: Now) {
        let left = self.in_effect.left(now);
        if left.is_zero() {
            return self.fail(now);
        }
        self.failures = 0;
        // If the clock that shows less time is set back, the next call is as long before the expiry.
        let lead = left.saturating_sub((left / 2).min(FIVE_MINUTES).max(ONE_SECOND));
        let Lease { boot_expiry, wall_expiry, .. } = self.in_effect;
        self.due = (boot_expiry.saturating_sub(lead), wall_expiry.checked_sub(lead));
    }

    /// Checks whether a call, or the delivery of a session that is held, should have begun, although none is in progress.
    pub(super) fn is_late(&self, now: Now, is_delivering: bool) -> bool {
        let is_past = |(boot, wall): Times| now.boot >= boot || wall.is_some_and(|wall| now.wall >= wall);
        let is_due = match (self.fetched, self.effect_by) {
            (Some(_), until) => until.is_some_and(is_past) && !is_delivering,
            (None, _) => is_past(self.due) || self.is_requested,
        };
        is_due && now.boot >= self.began.max(self.delivery_began) + ONE_SECOND && !self.is_busy()
    }
}

/// Returns when a refresh of this session must have begun.
fn due(lease: &Lease, policy: &Policy) -> Times {
    let half = lease.lifetime / 2;
    let jitter = (lease.lifetime / 10).min(Duration::from_mins(10));
    let starts_first = policy.starts_first();
    let wanted = match (policy.margin, policy.on_expiry) {
        (Margin::Fixed(margin), _) => margin,
        (Margin::Auto, OnExpiry::None) => (lease.lifetime / 3).min(Duration::from_hours(1)),
        (Margin::Auto, OnExpiry::Restart | OnExpiry::Signal(_)) => {
            let handovers = if starts_first { 2 * policy.ready_timeout } else { Duration::ZERO };
            jitter.max(handovers + policy.stop_timeout + Duration::from_secs(30))
        }
    };
    let margin = wanted.min(half);
    let is_exact = policy.margin != Margin::Auto || starts_first;
    let latest = if is_exact { margin } else { margin.min(half.saturating_sub(jitter)) };
    (lease.boot_expiry.saturating_sub(latest), lease.wall_expiry.checked_sub(latest))
}
