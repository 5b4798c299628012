//! A kept session, and how much of it is left by now.
//!
//! Pure: the clocks are handed in. The boot-time clock cannot be set and counts suspend, but starts anew with each
//! boot; the wall clock goes on, but can be set. Where both can be asked, the one that says less is believed.

use crate::session::{Keys, Validity};
use std::time::{Duration, SystemTime};

/// A role session or an MFA session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) keys: Keys,
    /// As it was when STS answered; of an entry that was found, as it is now.
    pub(crate) validity: Validity,
    /// Whose session it is: the assumed-role ARN. Empty where STS does not tell it.
    pub(crate) arn: String,
    /// The instance's own region, when that was found out along with the session.
    pub(crate) region: Option<String>,
}

/// When a session was asked for and came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The boot that the two moments after it count from; empty where that is not known.
    pub(crate) boot_id: String,
    pub(crate) asked: Duration,
    pub(crate) answered: Duration,
    /// The local wall clock at the answer.
    pub(crate) wall: SystemTime,
}

/// All clocks at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    pub(crate) boot_id: Option<String>,
    pub(crate) boottime: Duration,
    pub(crate) wall: SystemTime,
}

impl Moment {
    /// This moment.
    pub(crate) fn now() -> Self {
        use crate::sys::{boot, clock};
        Self { boot_id: boot::boot_id(), boottime: boot::boottime(), wall: clock::wall() }
    }

    fn is_in_boot_of(&self, stamp: &Stamp) -> bool {
        self.boot_id.as_ref().is_some_and(|id| *id == stamp.boot_id)
    }
}

/// An entry as it was found, at the moment when it was.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) entry: Entry,
    /// When it was asked for, by the boot-time clock; `None` when that was in another boot.
    pub(crate) asked: Option<Duration>,
}

/// The entry at this moment; `None` when it has expired, or when the clocks make no sense.
pub(super) fn found(entry: Entry, stamp: &Stamp, now: &Moment) -> Option<Found> {
    let same_boot = now.is_in_boot_of(stamp);
    let validity = if same_boot { same(&entry.validity, stamp, now) } else { other(&entry.validity, stamp, now) };
    Some(Found { entry: Entry { validity: validity?, ..entry }, asked: same_boot.then_some(stamp.asked) })
}

/// In the boot of the answer. The skew is measured anew: somebody may have set the clock right in between.
fn same(then: &Validity, stamp: &Stamp, now: &Moment) -> Option<Validity> {
    let elapsed = now.boottime.checked_sub(stamp.answered)?;
    let by_boot_clock = then.left.checked_sub(elapsed)?;
    let by_wall_clock = until(then.expiration, shifted(now.wall, then.skew_secs)?)?;
    let server = shifted(stamp.wall, then.skew_secs)?.checked_add(elapsed)?;
    let skew_secs = seconds(server)?.checked_sub(seconds(now.wall)?)?;
    let left = Some(by_boot_clock.min(by_wall_clock)).filter(|left| !left.is_zero())?;
    Some(Validity { left, skew_secs, ..then.clone() })
}

/// In another boot only the wall clock is left, which may have been set right or wrong: the skew counts only where
/// it makes less of the session.
fn other(then: &Validity, stamp: &Stamp, now: &Moment) -> Option<Validity> {
    if now.wall < stamp.wall {
        return None;
    }
    let left = until(then.expiration, shifted(now.wall, then.skew_secs.max(0))?)?.min(then.left);
    (!left.is_zero()).then(|| Validity { left, ..then.clone() })
}

/// What is left, unless it is nothing.
fn until(expiration: SystemTime, now: SystemTime) -> Option<Duration> {
    expiration.duration_since(now).ok().filter(|left| !left.is_zero())
}

fn shifted(moment: SystemTime, secs: i64) -> Option<SystemTime> {
    let distance = Duration::from_secs(secs.unsigned_abs());
    if secs < 0 { moment.checked_sub(distance) } else { moment.checked_add(distance) }
}

fn seconds(moment: SystemTime) -> Option<i64> {
    i64::try_from(moment.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs()).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::session::Secret;

    const HOUR: u64 = 3600;

    fn wall(secs: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + secs)
    }

    /// A session of an hour that was answered at `wall(0)` of the server's clock.
    pub(in crate::cache) fn entry(skew_secs: i64) -> Entry {
        let hour = Duration::from_secs(HOUR);
        Entry {
            keys: Keys {
                access_key_id: "ASIAEXAMPLE".into(),
                secret_access_key: Secret::new("secret/of+the=session"),
                session_token: Some(Secret::new("token/of+the=session==")),
            },
            validity: Validity { expiration: wall(HOUR), left: hour, lifetime: hour, skew_secs },
            arn: "arn:aws:sts::111111111111:assumed-role/R/name".into(),
            region: Some("eu-west-1".into()),
        }
    }

    /// The answer came at 1000 seconds of the first boot, when the local wall clock was right but for the skew.
    pub(in crate::cache) fn stamp(skew_secs: i64) -> Stamp {
        Stamp {
            boot_id: "first".into(),
            asked: Duration::from_secs(998),
            answered: Duration::from_secs(1000),
            wall: shifted(wall(0), -skew_secs).expect("a moment"),
        }
    }

    pub(in crate::cache) fn moment(boot: &str, boottime: u64, local: SystemTime) -> Moment {
        Moment { boot_id: Some(boot.into()), boottime: Duration::from_secs(boottime), wall: local }
    }

    /// What is left at a moment, in seconds, and the skew.
    fn left(skew: i64, now: &Moment) -> Option<(u64, i64)> {
        let found = found(entry(skew), &stamp(skew), now)?;
        Some((found.entry.validity.left.as_secs(), found.entry.validity.skew_secs))
    }

    #[test]
    fn in_the_same_boot_both_clocks_count_and_the_lesser_is_believed() {
        assert_eq!(left(0, &moment("first", 1000, wall(0))), Some((3600, 0)));
        assert_eq!(left(0, &moment("first", 1600, wall(600))), Some((3000, 0)));
        assert_eq!(left(0, &moment("first", 1600, wall(0))), Some((3000, 600)), "the wall clock was set back");
        assert_eq!(left(0, &moment("first", 1600, wall(900))), Some((2700, -300)), "or ahead");
        assert_eq!(left(0, &moment("first", 4600, wall(0))), None, "expired by the one");
        assert_eq!(left(0, &moment("first", 1001, wall(3600))), None, "or by the other");
        assert_eq!(left(0, &moment("first", 999, wall(0))), None, "before it came");
    }

    #[test]
    fn a_clock_that_is_off_is_corrected_by_the_skew() {
        // The local clock is an hour behind: the skew is positive.
        assert_eq!(left(3600, &moment("first", 1600, wall(600) - Duration::from_hours(1))), Some((3000, 3600)));
        assert_eq!(left(-3600, &moment("first", 1600, wall(600) + Duration::from_hours(1))), Some((3000, -3600)));
    }

    #[test]
    fn in_another_boot_the_wall_clock_counts_with_the_worse_skew() {
        assert_eq!(left(0, &moment("second", 5, wall(600))), Some((3000, 0)));
        assert_eq!(left(0, &moment("second", 5, wall(3600))), None);
        assert_eq!(left(0, &moment("second", 5, wall(0) - Duration::from_secs(1))), None, "the clock went back");
        // It was an hour ahead, and is so still, or was set right by the boot: not told apart, so the worse counts.
        assert_eq!(left(-3600, &moment("second", 5, wall(600) + Duration::from_hours(1))), None);
        assert_eq!(left(-3600, &moment("second", 5, wall(600))), None);
        assert_eq!(left(600, &moment("second", 5, wall(0))), Some((3000, 600)));
        let unknown = Moment { boot_id: None, ..moment("", 5, wall(600)) };
        assert_eq!(left(0, &unknown), Some((3000, 0)));
    }

    #[test]
    fn a_session_of_which_nothing_was_left_is_not_found_in_any_boot() {
        let empty = Entry { validity: Validity { left: Duration::ZERO, ..entry(0).validity }, ..entry(0) };
        for boot in ["first", "second"] {
            assert!(found(empty.clone(), &stamp(0), &moment(boot, 1000, wall(0))).is_none(), "{boot}");
        }
    }

    #[test]
    fn when_it_was_asked_for_is_known_in_the_same_boot_only() {
        let asked = |now| found(entry(0), &stamp(0), &now).expect("valid").asked;
        assert_eq!(asked(moment("first", 1001, wall(1))), Some(Duration::from_secs(998)));
        assert_eq!(asked(moment("second", 1001, wall(1))), None);
    }
}
