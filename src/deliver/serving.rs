//! The session that clients get. The endpoint and the `credential_process` share this code.
//!
//! Clients are answered from memory, in the thread that supervises the command. No client waits for STS.

use crate::moment::Now;
use crate::session::Validity;
use crate::supervise::schedule::Term;
use crate::sys::clock;
use hyper::body::Bytes;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// How long to pause if a connection cannot be accepted for lack of a resource, such as descriptors.
pub(super) const PAUSE: Duration = Duration::from_millis(100);
/// A session that expires within this time is not served, because it may have expired by the time the client gets it.
/// The time is one second because `Expiration` has only whole seconds.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// The current session, as a document. Clones share the session.
#[derive(Clone, Default)]
pub(super) struct Served(Arc<Mutex<Option<Current>>>);

struct Current {
    /// The document. Its memory is zeroed when the document has been replaced and all answers with it have been sent.
    document: Bytes,
    /// When the session expires, and the `Expiration` in the document, corrected by the difference between the local
    /// clock and the clock of STS. `None` if the session does not expire.
    expiry: Option<(Term, SystemTime)>,
}

impl Served {
    /// Replaces the session. Answers that are already being sent contain the old session.
    pub(super) fn put(&self, document: Zeroizing<Vec<u8>>, validity: Option<&Validity>) {
        let expiry = validity.map(|validity| (Term::of(validity, clock::now()), validity.local_expiration()));
        let current = Current { document: Bytes::from_owner(document), expiry };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(current);
    }

    /// Returns the document of the session. Returns `None` before the first session, or if one of the clocks shows that
    /// the session has expired.
    pub(super) fn get(&self) -> Option<Bytes> {
        self.of_valid(|current| current.document.clone())
    }

    /// Returns the `Expiration` of the session. Returns `None` if there is no valid session, or if it does not expire.
    pub(super) fn expiration(&self) -> Option<SystemTime> {
        self.of_valid(|current| current.expiry.map(|(_, expiration)| expiration)).flatten()
    }

    fn of_valid<T>(&self, get: impl FnOnce(&Current) -> T) -> Option<T> {
        let current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().filter(|current| current.is_valid(clock::now())).map(get)
    }
}

impl Current {
    fn is_valid(&self, now: Now) -> bool {
        self.expiry.is_none_or(|(term, expiration)| term.left(now) > LAST_MOMENT && expiration > now.wall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validity(expiration: SystemTime, left: Duration) -> Validity {
        Validity { expiration, left, lifetime: Duration::from_hours(1), skew_secs: 0 }
    }

    #[test]
    fn a_session_is_served_until_it_has_expired_by_any_clock() {
        let served = Served::default();
        assert_eq!(served.get(), None);
        let (later, hour) = (clock::wall() + Duration::from_hours(1), Duration::from_hours(1));
        for (expiration, left, given) in [
            (later, hour, true),
            (later, Duration::from_secs(2), true),
            (later, LAST_MOMENT, false),
            (later, Duration::ZERO, false),
            (clock::wall() - Duration::from_mins(1), hour, false),
        ] {
            served.clone().put(Zeroizing::new(b"x".to_vec()), Some(&validity(expiration, left)));
            assert_eq!(served.get().is_some(), given, "{left:?}");
        }
    }

    #[test]
    fn a_newer_session_replaces_the_older_one() {
        let served = Served::default();
        let expiration = clock::wall() + Duration::from_hours(1);
        for document in [b"1", b"2"] {
            served.put(Zeroizing::new(document.to_vec()), Some(&validity(expiration, Duration::from_hours(1))));
            assert_eq!(served.get().as_deref(), Some(&document[..]));
        }
    }
}
