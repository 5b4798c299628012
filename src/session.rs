//! A session: the credentials for a command, their validity and the assumed role.

#[cfg(any(test, fuzzing))]
pub(crate) mod hostile;
mod keys;
mod secret;
mod time;
mod title;

pub(crate) use keys::{Flaw, KeyKind, Keys};
pub(crate) use secret::Secret;
pub(crate) use time::{difference, parse_time, shifted};
pub(crate) use title::Title;

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::{Duration, SystemTime};

/// The credentials of a role (`AssumeRole`), of an IAM user with MFA (`GetSessionToken`), or of a profile without a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) keys: Keys,
    /// `None` if the keys do not expire, or if their source does not say when they expire.
    pub(crate) validity: Option<Validity>,
    /// `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION-NAME`. `None` if xassume has assumed no role.
    pub(crate) assumed_role_arn: Option<String>,
    /// The account of a session without an assumed role. `None` if the account is not known without a call.
    pub(crate) account_id: Option<String>,
    /// The region of the EC2 instance. `None` if instance metadata is not the source, or if a region is set.
    pub(crate) instance_region: Option<String>,
}

impl Session {
    /// Returns the account to which the keys belong, or `None` if it is not known without a call.
    pub(crate) fn account(&self) -> Option<&str> {
        self.assumed_role_arn.as_deref().and_then(account_of).or(self.account_id.as_deref())
    }
}

/// Returns the account in an ARN.
pub(crate) fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| !account.is_empty())
}

/// The answer of STS for one role.
#[derive(Debug, Clone)]
pub(crate) struct Granted {
    pub(crate) keys: Keys,
    pub(crate) validity: Validity,
    /// `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION-NAME`.
    pub(crate) arn: String,
    pub(crate) token: TokenSize,
}

/// The size of a session token, and the share of a limit that STS reports with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenSize {
    /// The length of the token in bytes.
    pub(crate) bytes: usize,
    /// The share of a limit. `None` if STS reports none.
    pub(crate) share: Option<Share>,
}

/// The share of a limit, in percent. STS rejects a request that exceeds the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Share {
    /// `SessionTokenUtilization`: the share of the limit for session tokens.
    Token(i32),
    /// `PackedPolicySize`: the share of the limit for session policies and tags. `SessionTokenUtilization` replaces it,
    /// but older endpoints do not report `SessionTokenUtilization`.
    PackedPolicy(i32),
}

impl TokenSize {
    /// Returns the size of the token of these keys, with the `SessionTokenUtilization` or else the `PackedPolicySize` of
    /// STS's answer.
    pub(crate) fn new(keys: &Keys, utilization: Option<i32>, packed_policy: Option<i32>) -> Self {
        let bytes = keys.session_token.as_ref().map_or(0, |token| token.reveal().len());
        Self { bytes, share: utilization.map(Share::Token).or(packed_policy.map(Share::PackedPolicy)) }
    }
}

impl fmt::Display for TokenSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.bytes)?;
        match self.share {
            Some(Share::Token(percent)) => write!(f, ", {percent}% of the limit"),
            Some(Share::PackedPolicy(percent)) => write!(f, "; policies and tags use {percent}% of the limit"),
            None => Ok(()),
        }
    }
}

/// The identity to which keys belong, from `GetCallerIdentity`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallerIdentity {
    pub(crate) arn: String,
    pub(crate) account: String,
}

/// How long a session is valid. The times are those of the server's clock.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Validity {
    /// The `Expiration` in STS's answer.
    pub(crate) expiration: SystemTime,
    /// How much time the session had left when this process got it. If this process got it from STS, this is `lifetime`
    /// minus the longest time that can have passed since the `Date` of the answer.
    pub(crate) left: Duration,
    /// The time from the `Date` of STS's answer to the expiration.
    pub(crate) lifetime: Duration,
    /// The server's clock minus the local clock, in seconds. It is positive if the local clock is behind.
    pub(crate) skew_secs: i64,
}

impl Session {
    /// Returns the session as it is this time later: it has less time left.
    pub(crate) fn after(mut self, time: Duration) -> Self {
        if let Some(validity) = &mut self.validity {
            validity.left = validity.left.saturating_sub(time);
        }
        self
    }
}

/// How much time a session must have left to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Three quarters of the session's lifetime. This is for a command that gets no later session, or that is restarted
    /// for each session.
    ThreeQuarters,
    /// This much time. It comes from `--min-ttl`, or from the margin with which sessions are refreshed before they
    /// expire.
    AtLeast(Duration),
}

impl From<Granted> for Session {
    fn from(Granted { keys, validity, arn, .. }: Granted) -> Self {
        let (validity, assumed_role_arn) = (Some(validity), Some(arn));
        Self { keys, validity, assumed_role_arn, account_id: None, instance_region: None }
    }
}

impl Validity {
    /// Returns the validity of keys that were read at the time `now` and expire at `expiration`, both by the local
    /// clock. No time is left if the keys have expired.
    pub(crate) fn by_local_clock(expiration: SystemTime, now: SystemTime) -> Self {
        let left = expiration.duration_since(now).unwrap_or_default();
        Self { expiration, left, lifetime: left, skew_secs: 0 }
    }

    /// Returns how much time this session must have left to meet `need`.
    pub(crate) fn needed(&self, need: Need) -> Duration {
        match need {
            Need::ThreeQuarters => self.lifetime * 3 / 4,
            Need::AtLeast(least) => least,
        }
    }

    /// Checks whether the session has as much time left as `need` requires.
    pub(crate) fn has(&self, need: Need) -> bool {
        !self.left.is_zero() && self.left >= self.needed(need)
    }

    /// A skew of at most this number of seconds is ignored. The AWS SDKs ignore such a skew as well.
    const TOLERATED_SKEW_SECS: u64 = 4 * 60;

    /// Returns the time that the local clock will show when the session expires.
    pub(crate) fn local_end(&self) -> SystemTime {
        shifted(self.expiration, self.skew_secs.saturating_neg()).unwrap_or(self.expiration)
    }

    /// Returns the expiration to write for programs on this host. The AWS SDKs compare it with the local clock. So if
    /// the local clock is more than 4 minutes off, the expiration is converted to that clock.
    pub(crate) fn local_expiration(&self) -> SystemTime {
        let tolerated = self.skew_secs.unsigned_abs() <= Self::TOLERATED_SKEW_SECS;
        if tolerated { self.expiration } else { self.local_end() }
    }
}

/// Formats a time as AWS does: in UTC, with whole seconds and a `Z`.
///
/// The format has no year above 9999, and humantime cannot format a time before 1970. A time that is outside these
/// limits is replaced by the nearest time within them.
pub(crate) fn rfc3339(moment: SystemTime) -> String {
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    let since_1970 = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + since_1970.min(LAST)).to_string()
}

/// Formats a duration for a message, in whole seconds.
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
    fn the_expiration_is_by_the_local_clock_only_when_that_is_far_off() {
        let expiration_with_skew = |skew| rfc3339(validity(skew).local_expiration());
        assert_eq!(expiration_with_skew(0), "1970-01-12T13:46:40Z");
        assert_eq!(expiration_with_skew(240), expiration_with_skew(0));
        assert_eq!(expiration_with_skew(3600), "1970-01-12T12:46:40Z");
        assert_eq!(expiration_with_skew(-3600), "1970-01-12T14:46:40Z");
    }

    #[test]
    fn times_that_cannot_be_written_are_replaced_by_the_nearest_that_can() {
        let far = SystemTime::UNIX_EPOCH + Duration::from_hours(70_389_528);
        assert_eq!(rfc3339(far), "9999-12-31T23:59:59Z");
        assert_eq!(rfc3339(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn a_use_needs_three_quarters_of_the_lifetime_or_a_duration() {
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
