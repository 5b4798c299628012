//! Stores MFA sessions, so that a new code is needed only when a session has expired.

use crate::role::MfaSerial;
use crate::session::Session;
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// The key under which an MFA session is stored. It consists of the user, the device and the requested duration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MfaKey {
    /// The access key ID of the user.
    pub(crate) access_key_id: String,
    pub(crate) serial: MfaSerial,
    /// The requested duration.
    pub(crate) duration: Duration,
}

/// How much time an MFA session must have left to sign a call. Without this time, it could expire before STS gets the
/// call.
const ENOUGH: Duration = Duration::from_mins(1);

/// Checks whether an MFA session can still sign a call. `now` is the time of the local clock.
pub(crate) fn can_sign(session: &Session, now: SystemTime) -> bool {
    let Some(validity) = &session.validity else { return false };
    now.checked_add(ENOUGH).is_some_and(|soon| soon < validity.local_end())
}

/// A store of MFA sessions. It keeps each session at least as long as this process runs.
pub(crate) trait MfaSessions: Send + Sync {
    /// Returns the MFA session that is stored under a key. The session may have expired. Returns `None` if no session
    /// is stored under this key.
    fn mfa_session(&self, key: &MfaKey) -> Option<Session>;
    fn store_mfa_session(&self, key: &MfaKey, session: &Session);
    /// Removes the MFA session stored under this key, because STS no longer accepts it.
    fn remove_mfa_session(&self, key: &MfaKey);
}

/// Stores the last MFA session in memory, and forgets the session before it.
#[derive(Debug, Default)]
pub(crate) struct LastMfaSession(Mutex<Option<(MfaKey, Session)>>);

impl LastMfaSession {
    /// Returns the stored session and its key, so that a process that refreshes can send both to the main process.
    pub(crate) fn stored(&self) -> Option<(MfaKey, Session)> {
        self.lock().clone()
    }

    /// Replaces the stored session by the one that a process that refreshes has sent to the main process.
    pub(crate) fn replace(&self, stored: Option<(MfaKey, Session)>) {
        *self.lock() = stored;
    }

    fn lock(&self) -> MutexGuard<'_, Option<(MfaKey, Session)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, key: &MfaKey) -> Option<Session> {
        self.lock().as_ref().filter(|(known, _)| known == key).map(|(_, session)| session.clone())
    }

    pub(crate) fn put(&self, key: &MfaKey, session: &Session) {
        *self.lock() = Some((key.clone(), session.clone()));
    }

    pub(crate) fn forget(&self, key: &MfaKey) {
        self.lock().take_if(|(known, _)| known == key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Keys, Secret, Validity};

    fn key(serial: &str) -> MfaKey {
        let serial = MfaSerial::parse(serial).expect(serial);
        MfaKey { access_key_id: "AK".into(), serial, duration: Duration::from_hours(12) }
    }

    fn session(skew_secs: i64) -> Session {
        let keys = Keys {
            access_key_id: "ASIA".into(),
            secret_access_key: Secret::new("s"),
            session_token: Some(Secret::new("t")),
        };
        let (left, lifetime) = (Duration::from_hours(12), Duration::from_hours(12));
        let expiration = SystemTime::UNIX_EPOCH + Duration::from_hours(1000);
        let validity = Some(Validity { expiration, left, lifetime, skew_secs });
        Session { keys, validity, assumed_role_arn: None, account_id: None, instance_region: None }
    }

    #[test]
    fn a_session_is_found_by_its_key() {
        let stored = LastMfaSession::default();
        assert_eq!(stored.get(&key("device-01")), None);
        stored.put(&key("device-01"), &session(0));
        assert_eq!(stored.get(&key("device-01")), Some(session(0)));
        assert_eq!(stored.get(&key("device-02")), None);
        stored.forget(&key("device-02"));
        assert!(stored.get(&key("device-01")).is_some());
        stored.forget(&key("device-01"));
        assert_eq!(stored.get(&key("device-01")), None);
    }

    #[test]
    fn it_can_sign_until_a_minute_before_it_expires_by_the_local_clock() {
        let end = SystemTime::UNIX_EPOCH + Duration::from_hours(1000);
        for (skew, ends) in [(0, end), (600, end - Duration::from_mins(10)), (-600, end + Duration::from_mins(10))] {
            let session = session(skew);
            assert_eq!(session.validity.as_ref().map(Validity::local_end), Some(ends));
            assert!(can_sign(&session, ends - Duration::from_secs(61)));
            assert!(!can_sign(&session, ends - Duration::from_mins(1)));
        }
    }
}
