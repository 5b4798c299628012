//! Sessions that a code has bought, kept so that the next one is not asked for before it must be.

use crate::role::MfaSerial;
use crate::session::{Keys, Validity};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// What an MFA session was bought with: another user, device or duration is another session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MfaKey {
    /// Of the user's own keys.
    pub(crate) access_key_id: String,
    pub(crate) serial: MfaSerial,
    /// The duration that was asked for.
    pub(crate) duration: Duration,
}

/// A session of `GetSessionToken`: the user's own rights, with the mark that a code was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MfaSession {
    pub(crate) keys: Keys,
    pub(crate) validity: Validity,
}

impl MfaSession {
    /// What must be left of it, so that it does not end between this look and the call that it signs.
    const ENOUGH: Duration = Duration::from_mins(1);

    /// Whether it can still sign, at this moment of the local clock.
    pub(crate) fn holds(&self, now: SystemTime) -> bool {
        now.checked_add(Self::ENOUGH).is_some_and(|soon| soon < self.ends())
    }

    /// When it ends, by the local clock.
    pub(crate) fn ends(&self) -> SystemTime {
        let Validity { expiration, skew_secs, .. } = self.validity;
        let skew = Duration::from_secs(skew_secs.unsigned_abs());
        let moved = if skew_secs > 0 { expiration.checked_sub(skew) } else { expiration.checked_add(skew) };
        moved.unwrap_or(expiration)
    }
}

/// Where MFA sessions are kept. What is kept may have ended: the caller looks.
pub(crate) trait MfaSessions: Send + Sync {
    fn get(&self, key: &MfaKey) -> Option<MfaSession>;
    fn put(&self, key: &MfaKey, session: &MfaSession);
    /// STS does not take it any more.
    fn forget(&self, key: &MfaKey);
}

/// Keeps the last one for the life of the process, and nowhere else.
#[derive(Debug, Default)]
pub(crate) struct KeptInProcess(Mutex<Option<(MfaKey, MfaSession)>>);

impl KeptInProcess {
    /// What is kept, for another process.
    pub(crate) fn kept(&self) -> Option<(MfaKey, MfaSession)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps what another process has kept, and forgets what it has forgotten.
    pub(crate) fn replace(&self, kept: Option<(MfaKey, MfaSession)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = kept;
    }
}

impl MfaSessions for KeptInProcess {
    fn get(&self, key: &MfaKey) -> Option<MfaSession> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|(known, _)| known == key).map(|(_, session)| session.clone())
    }

    fn put(&self, key: &MfaKey, session: &MfaSession) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((key.clone(), session.clone()));
    }

    fn forget(&self, key: &MfaKey) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.as_ref().is_some_and(|(known, _)| known == key) {
            *kept = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Secret;

    fn key(serial: &str) -> MfaKey {
        let serial = MfaSerial::parse(serial).expect(serial);
        MfaKey { access_key_id: "AK".into(), serial, duration: Duration::from_hours(12) }
    }

    fn session(skew_secs: i64) -> MfaSession {
        let keys = Keys {
            access_key_id: "ASIA".into(),
            secret_access_key: Secret::new("s"),
            session_token: Some(Secret::new("t")),
        };
        let (left, lifetime) = (Duration::from_hours(12), Duration::from_hours(12));
        let expiration = SystemTime::UNIX_EPOCH + Duration::from_hours(1000);
        MfaSession { keys, validity: Validity { expiration, left, lifetime, skew_secs } }
    }

    #[test]
    fn a_session_is_kept_for_what_bought_it() {
        let kept = KeptInProcess::default();
        assert_eq!(kept.get(&key("device-01")), None);
        kept.put(&key("device-01"), &session(0));
        assert_eq!(kept.get(&key("device-01")), Some(session(0)));
        assert_eq!(kept.get(&key("device-02")), None);
        kept.forget(&key("device-02"));
        assert!(kept.get(&key("device-01")).is_some());
        kept.forget(&key("device-01"));
        assert_eq!(kept.get(&key("device-01")), None);
    }

    #[test]
    fn it_holds_until_shortly_before_its_end_by_the_local_clock() {
        let end = SystemTime::UNIX_EPOCH + Duration::from_hours(1000);
        for (skew, ends) in [(0, end), (600, end - Duration::from_mins(10)), (-600, end + Duration::from_mins(10))] {
            let session = session(skew);
            assert_eq!(session.ends(), ends);
            assert!(session.holds(ends - Duration::from_secs(61)));
            assert!(!session.holds(ends - Duration::from_mins(1)));
        }
    }
}
