//! A session: temporary credentials, how long they hold, and whose they are.
//!
//! Made only from an answer of STS (or from a cache that such an answer filled). Secrets are zeroed when dropped
//! and print as `…`.

#[cfg(any(test, fuzzing))]
pub(crate) mod hostile;
mod keys;
mod time;

pub(crate) use keys::{Flaw, Keys, Part};
pub(crate) use time::parse_time;

use std::fmt;
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// A string that must not be seen: zeroed on drop, `…` in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Puts more text behind it. A place that has become too small is zeroed, and the next one is twice as large.
    pub(crate) fn append(&mut self, more: &str) {
        let length = self.0.len() + more.len();
        if self.0.capacity() < length {
            let mut larger = Zeroizing::new(String::with_capacity(2 * length));
            larger.push_str(&self.0);
            self.0 = larger;
        }
        self.0.push_str(more);
    }

    /// The text itself. Each caller hands it to AWS or to the command, and to nobody else.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// What a role session is: its keys, its validity, and the assumed-role ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) keys: Keys,
    pub(crate) validity: Validity,
    /// `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION-NAME`.
    pub(crate) assumed_role_arn: String,
}

impl Session {
    /// The account whose session it is.
    pub(crate) fn account(&self) -> Option<&str> {
        self.assumed_role_arn.split(':').nth(4).filter(|account| !account.is_empty())
    }
}

/// A session as STS granted it, with what it told beside it.
#[derive(Debug, Clone)]
pub(crate) struct Granted {
    pub(crate) session: Session,
    /// `PackedPolicySize`: what session policies and tags take of the space that STS has for them, in percent.
    pub(crate) packed_policy: Option<i32>,
    /// `SessionTokenUtilization`: how long the session token is, in percent of the longest; STS tells one or both.
    pub(crate) token_size: Option<i32>,
}

/// Whose keys they are, as `GetCallerIdentity` tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallerIdentity {
    pub(crate) arn: String,
    pub(crate) account: String,
}

/// How long a session holds, by the server's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Validity {
    /// `Expiration` as STS gave it: a moment of the server's clock.
    pub(crate) expiration: SystemTime,
    /// What was left when the answer was read: the lifetime less what can have passed since the server's `Date`.
    pub(crate) left: Duration,
    /// The whole lifetime that was granted.
    pub(crate) lifetime: Duration,
    /// The server's clock less the local one, in seconds; positive when the local clock is behind.
    pub(crate) skew_secs: i64,
}

/// How much of a session must be left for a use of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Three quarters of its lifetime: nobody will refresh it, or a start would be wasted.
    ThreeQuarters,
    /// So much, whatever its lifetime: what `--min-ttl` says, or the margin at which it is refreshed.
    AtLeast(Duration),
}

impl Validity {
    /// How much must be left of this session.
    pub(crate) fn needed(&self, need: Need) -> Duration {
        match need {
            Need::ThreeQuarters => self.lifetime * 3 / 4,
            Need::AtLeast(least) => least,
        }
    }

    /// Whether there is enough left of it.
    pub(crate) fn has(&self, need: Need) -> bool {
        !self.left.is_zero() && self.left >= self.needed(need)
    }

    /// A clock that is off by less than this is left alone: SDKs sign and compare within it.
    const TOLERATED_SKEW_SECS: u64 = 4 * 60;

    /// The expiry to show to programs on this machine: in the local clock when that is more than 4 minutes off,
    /// so that an SDK that compares it with its own clock is right.
    pub(crate) fn local_expiration(&self) -> SystemTime {
        let skew = Duration::from_secs(self.skew_secs.unsigned_abs());
        if self.skew_secs.unsigned_abs() <= Self::TOLERATED_SKEW_SECS {
            self.expiration
        } else if self.skew_secs > 0 {
            self.expiration.checked_sub(skew).unwrap_or(self.expiration)
        } else {
            self.expiration.checked_add(skew).unwrap_or(self.expiration)
        }
    }
}

/// A moment as AWS writes it: UTC, whole seconds, `Z`.
///
/// The form has no year above 9999 and humantime none before 1970: what lies outside, since somebody else's clock said
/// so, is told as the nearest moment within.
pub(crate) fn rfc3339(moment: SystemTime) -> String {
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    let since_1970 = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + since_1970.min(LAST)).to_string()
}

/// A duration for people: in whole seconds.
pub(crate) fn whole_seconds(duration: Duration) -> humantime::FormattedDuration {
    humantime::format_duration(Duration::from_secs(duration.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validity(skew_secs: i64) -> Validity {
        Validity {
            expiration: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000),
            left: Duration::from_hours(1),
            lifetime: Duration::from_hours(1),
            skew_secs,
        }
    }

    #[test]
    fn expiry_is_told_in_the_local_clock_only_when_that_is_far_off() {
        let expiration_with_skew = |skew| rfc3339(validity(skew).local_expiration());
        assert_eq!(expiration_with_skew(0), "1970-01-12T13:46:40Z");
        assert_eq!(expiration_with_skew(240), expiration_with_skew(0));
        assert_eq!(expiration_with_skew(3600), "1970-01-12T12:46:40Z");
        assert_eq!(expiration_with_skew(-3600), "1970-01-12T14:46:40Z");
    }

    #[test]
    fn moments_that_cannot_be_written_are_told_as_the_nearest_that_can() {
        let far = SystemTime::UNIX_EPOCH + Duration::from_hours(70_389_528);
        assert_eq!(rfc3339(far), "9999-12-31T23:59:59Z");
        assert_eq!(rfc3339(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn a_use_needs_three_quarters_of_the_lifetime_or_what_it_says() {
        let with = |left| Validity { left: Duration::from_secs(left), ..validity(0) };
        assert!(with(2700).has(Need::ThreeQuarters) && !with(2699).has(Need::ThreeQuarters));
        let minute = Need::AtLeast(Duration::from_mins(1));
        assert!(with(60).has(minute) && !with(59).has(minute));
        assert!(with(1).has(Need::AtLeast(Duration::ZERO)) && !with(0).has(Need::AtLeast(Duration::ZERO)));
    }

    #[test]
    fn secrets_do_not_print() {
        let keys = Keys {
            access_key_id: "ASIAX".into(),
            secret_access_key: Secret::new("hidden"),
            session_token: Some(Secret::new("hidden")),
        };
        assert!(!format!("{keys:?}").contains("hidden"));
    }
}
