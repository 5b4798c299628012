//! Computes how much time a cached session has left.
//!
//! The boot-time clock cannot be set and continues during suspend, but it starts at zero with each boot. The wall clock
//! continues across boots, but it can be set. Within one boot, the clock that leaves less time is used. The skew is the
//! server's clock minus the local wall clock.

use crate::session::{Session, Validity, shifted};
use crate::sys::{boot, clock};
use std::time::{Duration, SystemTime};

/// When a session was requested and when STS answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The ID of the boot in which the boot clock showed `asked` and `answered`. It is empty if the boot ID is unknown.
    pub(super) boot_id: String,
    pub(super) asked: Duration,
    pub(super) answered: Duration,
    /// The local wall clock when STS answered.
    pub(super) wall: SystemTime,
}

impl Stamp {
    /// Returns the stamp of an answer that was received now. `asked` is the time of the request (boot clock).
    pub(crate) fn answered_now(asked: Duration) -> Self {
        let Clocks { boot_id, boottime: answered, wall } = Clocks::now();
        Self { boot_id: boot_id.unwrap_or_default(), asked, answered, wall }
    }
}

/// The readings of all clocks at one time.
#[derive(Debug, Clone)]
pub(super) struct Clocks {
    pub(super) boot_id: Option<String>,
    pub(super) boottime: Duration,
    pub(super) wall: SystemTime,
}

impl Clocks {
    pub(super) fn now() -> Self {
        Self { boot_id: boot::boot_id(), boottime: boot::boottime(), wall: clock::wall() }
    }

    fn is_in_boot_of(&self, stamp: &Stamp) -> bool {
        self.boot_id.as_ref().is_some_and(|id| *id == stamp.boot_id)
    }
}

/// A cached session, whose validity says how much time is left now.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) session: Session,
    /// A copy of the session's validity. A cached session always has a validity.
    pub(crate) validity: Validity,
    /// When the session was requested, by the boot clock. `None` if that was in another boot.
    pub(crate) asked: Option<Duration>,
}

/// Returns the session with the time that it has left now. Returns `None` if the session has expired or if a clock was
/// set back.
pub(super) fn found(session: Session, stamp: &Stamp, now: &Clocks) -> Option<Found> {
    let same_boot = now.is_in_boot_of(stamp);
    let at_answer = session.validity.as_ref()?;
    let validity = if same_boot { in_same_boot(at_answer, stamp, now) } else { in_other_boot(at_answer, stamp, now) }?;
    let session = Session { validity: Some(validity.clone()), ..session };
    Some(Found { session, validity, asked: same_boot.then_some(stamp.asked) })
}

/// Computes the validity if the system has not been rebooted since STS answered. The skew is computed again, because
/// the wall clock may have been set since STS answered.
fn in_same_boot(then: &Validity, stamp: &Stamp, now: &Clocks) -> Option<Validity> {
    let elapsed = now.boottime.checked_sub(stamp.answered)?;
    let by_boot_clock = then.left.checked_sub(elapsed)?;
    let by_wall_clock = then.expiration.duration_since(shifted(now.wall, then.skew_secs)?).ok()?;
    let server = shifted(stamp.wall, then.skew_secs)?.checked_add(elapsed)?;
    let skew_secs = seconds(server)?.checked_sub(seconds(now.wall)?)?;
    let left = Some(by_boot_clock.min(by_wall_clock)).filter(|left| !left.is_zero())?;
    Some(Validity { left, skew_secs, ..then.clone() })
}

/// Computes the validity if the system has been rebooted since STS answered, so that only the wall clock can be used.
/// The stored skew is the difference between the clock of STS and the wall clock at the time of the answer. If the wall
/// clock was corrected later, the stored skew is wrong, so it is used only if it leaves less time.
fn in_other_boot(then: &Validity, stamp: &Stamp, now: &Clocks) -> Option<Validity> {
    if now.wall < stamp.wall {
        return None;
    }
    let by_wall_clock = then.expiration.duration_since(shifted(now.wall, then.skew_secs.max(0))?).ok()?;
    let left = by_wall_clock.min(then.left);
    (!left.is_zero()).then(|| Validity { left, ..then.clone() })
}

fn seconds(moment: SystemTime) -> Option<i64> {
    i64::try_from(moment.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs()).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::session::{Keys, Secret, Title};

    const HOUR: u64 = 3600;

    fn wall(secs: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + secs)
    }

    pub(in crate::cache) fn validity(skew_secs: i64) -> Validity {
        let hour = Duration::from_secs(HOUR);
        Validity { expiration: wall(HOUR), left: hour, lifetime: hour, skew_secs }
    }

    pub(in crate::cache) fn title(label: &str) -> Title {
        Title { label: label.into(), account: Some("111111111111".into()), role: None }
    }

    /// Returns a session that lasts one hour. STS granted it when the server's clock was at `wall(0)`.
    pub(in crate::cache) fn session(skew_secs: i64) -> Session {
        Session {
            keys: Keys {
                access_key_id: "ASIAEXAMPLE".into(),
                secret_access_key: Secret::new("secret/of+the=session"),
                session_token: Some(Secret::new("token/of+the=session==")),
            },
            validity: Some(validity(skew_secs)),
            assumed_role_arn: Some("arn:aws:sts::111111111111:assumed-role/R/name".into()),
            account_id: None,
            instance_region: Some("eu-west-1".into()),
        }
    }

    /// Returns a stamp: STS answered in the first boot, when the boot clock was at 1000 seconds and the local wall
    /// clock differed from the server's clock only by the skew.
    pub(in crate::cache) fn stamp(skew_secs: i64) -> Stamp {
        Stamp {
            boot_id: "first".into(),
            asked: Duration::from_secs(998),
            answered: Duration::from_secs(1000),
            wall: shifted(wall(0), -skew_secs).expect("a moment"),
        }
    }

    fn clocks(boot: &str, boottime: u64, local: SystemTime) -> Clocks {
        Clocks { boot_id: Some(boot.into()), boottime: Duration::from_secs(boottime), wall: local }
    }

    /// Returns the time left in seconds, and the skew.
    fn left(skew: i64, now: &Clocks) -> Option<(u64, i64)> {
        let found = found(session(skew), &stamp(skew), now)?;
        assert_eq!(found.session.validity, Some(found.validity.clone()));
        Some((found.validity.left.as_secs(), found.validity.skew_secs))
    }

    #[test]
    fn in_the_same_boot_the_clock_that_leaves_less_counts() {
        assert_eq!(left(0, &clocks("first", 1000, wall(0))), Some((3600, 0)));
        assert_eq!(left(0, &clocks("first", 1600, wall(600))), Some((3000, 0)));
        assert_eq!(left(0, &clocks("first", 1600, wall(0))), Some((3000, 600)), "the wall clock was set back");
        assert_eq!(left(0, &clocks("first", 1600, wall(900))), Some((2700, -300)), "or ahead");
        assert_eq!(left(0, &clocks("first", 4600, wall(0))), None, "expired by the one");
        assert_eq!(left(0, &clocks("first", 1001, wall(3600))), None, "or by the other");
        assert_eq!(left(0, &clocks("first", 999, wall(0))), None, "before it came");
    }

    #[test]
    fn a_clock_that_is_off_is_corrected_by_the_skew() {
        // The local clock is an hour behind, so the skew is positive.
        assert_eq!(left(3600, &clocks("first", 1600, wall(600) - Duration::from_hours(1))), Some((3000, 3600)));
        assert_eq!(left(-3600, &clocks("first", 1600, wall(600) + Duration::from_hours(1))), Some((3000, -3600)));
    }

    #[test]
    fn in_another_boot_the_wall_clock_counts_with_the_worse_skew() {
        assert_eq!(left(0, &clocks("second", 5, wall(0))), Some((3600, 0)));
        assert_eq!(left(0, &clocks("second", 5, wall(600))), Some((3000, 0)));
        assert_eq!(left(0, &clocks("second", 5, wall(3600))), None);
        assert_eq!(left(0, &clocks("second", 5, wall(0) - Duration::from_secs(1))), None, "the clock went back");
        // The local clock was an hour ahead when the stamp was written. It is unknown whether the clock has been corrected
        // since, so the time left is computed for both cases, and the smaller one is used.
        assert_eq!(left(-3600, &clocks("second", 5, wall(600) + Duration::from_hours(1))), None);
        assert_eq!(left(-3600, &clocks("second", 5, wall(600))), None);
        assert_eq!(left(600, &clocks("second", 5, wall(0))), Some((3000, 600)));
        let unknown = Clocks { boot_id: None, ..clocks("", 5, wall(600)) };
        assert_eq!(left(0, &unknown), Some((3000, 0)));
    }

    #[test]
    fn a_session_without_any_time_left_is_not_found_in_any_boot() {
        let empty = Session { validity: Some(Validity { left: Duration::ZERO, ..validity(0) }), ..session(0) };
        for boot in ["first", "second"] {
            assert!(found(empty.clone(), &stamp(0), &clocks(boot, 1000, wall(0))).is_none(), "{boot}");
        }
    }

    #[test]
    fn the_time_of_the_request_is_known_in_the_same_boot_only() {
        let asked = |now| found(session(0), &stamp(0), &now).expect("valid").asked;
        assert_eq!(asked(clocks("first", 1001, wall(1))), Some(Duration::from_secs(998)));
        assert_eq!(asked(clocks("second", 1001, wall(1))), None);
    }
}
