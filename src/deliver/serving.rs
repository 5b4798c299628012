//! What endpoint and process have in common: the session that clients are given.
//!
//! Clients are answered from memory, on the thread of the supervision and beside it; none of them waits for STS.

use crate::session::Validity;
use crate::supervise::schedule::{Now, Term};
use crate::sys::clock;
use hyper::body::Bytes;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// How long no connection is accepted after one that could not be: the system is short of something.
pub(super) const PAUSE: Duration = Duration::from_millis(100);
/// A session that ends within this may have ended when it arrives; `Expiration` has whole seconds.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// The session in effect, as a document. Clones are the same one: what is put into one is given by all.
#[derive(Clone, Default)]
pub(super) struct Served(Arc<Mutex<Option<Current>>>);

struct Current {
    /// Zeroed when the last answer that holds it is on its way.
    document: Bytes,
    term: Term,
    /// `Expiration` as the document has it: by this machine's wall clock.
    told: SystemTime,
}

impl Served {
    /// Puts a session in the place of the one before, whose answers on their way are not touched.
    pub(super) fn put(&self, document: Zeroizing<Vec<u8>>, validity: &Validity) {
        let current = Current {
            document: Bytes::from_owner(document),
            term: Term::of(validity, clock::now()),
            told: validity.local_expiration(),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(current);
    }

    /// The document of a session that has not expired, by any clock; none before the first one.
    pub(super) fn get(&self) -> Option<Bytes> {
        let current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().filter(|current| current.holds(clock::now())).map(|current| current.document.clone())
    }
}

impl Current {
    fn holds(&self, now: Now) -> bool {
        self.term.left(now) > LAST_MOMENT && self.told > now.wall
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validity(expiration: SystemTime, left: Duration) -> Validity {
        Validity { expiration, left, lifetime: Duration::from_hours(1), skew_secs: 0 }
    }

    #[test]
    fn a_session_is_given_until_it_has_expired_by_any_clock() {
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
            served.clone().put(Zeroizing::new(b"x".to_vec()), &validity(expiration, left));
            assert_eq!(served.get().is_some(), given, "{left:?}");
        }
    }

    #[test]
    fn a_newer_session_takes_the_place_of_the_older_one() {
        let served = Served::default();
        let expiration = clock::wall() + Duration::from_hours(1);
        for document in [b"1", b"2"] {
            served.put(Zeroizing::new(document.to_vec()), &validity(expiration, Duration::from_hours(1)));
            assert_eq!(served.get().as_deref(), Some(&document[..]));
        }
    }
}
