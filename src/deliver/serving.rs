//! What endpoint and process have in common: the session that clients are given, and a limit to their number.
//!
//! Clients are answered from memory, on the thread of the supervision and beside it; none of them waits for STS.

use crate::session::Validity;
use crate::supervise::schedule::{Now, Term};
use crate::sys::clock;
use hyper::body::Bytes;
use nix::sys::resource::{Resource, getrlimit};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::task::AbortHandle;
use zeroize::Zeroizing;

/// The most connections at a time, where xassume may open four times as many files.
const MOST: usize = 256;
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

/// The connections that are open, the oldest first.
///
/// One too many takes the place of the oldest: an answer takes no time, so that one is idle, slow, or not meant well,
/// and a client with a request is never kept waiting by it.
pub(super) struct Connections {
    open: VecDeque<AbortHandle>,
    most: usize,
}

impl Connections {
    pub(super) fn new() -> Self {
        // A quarter of what may be open: the supervision needs descriptors too.
        let files = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft);
        Self::at_most(usize::try_from(files / 4).unwrap_or(MOST).clamp(4, MOST))
    }

    fn at_most(most: usize) -> Self {
        Self { open: VecDeque::new(), most }
    }

    /// Lets a connection run, beside the others.
    pub(super) fn add(&mut self, connection: impl Future<Output = ()> + Send + 'static) {
        self.open.retain(|known| !known.is_finished());
        if self.open.len() >= self.most
            && let Some(oldest) = self.open.pop_front()
        {
            oldest.abort();
        }
        self.open.push_back(tokio::spawn(connection).abort_handle());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

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

    #[test]
    fn one_connection_too_many_closes_the_oldest() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let mut connections = Connections::at_most(2);
            let (held, done) = (Arc::new(()), Arc::new(()));
            for token in [&held, &done, &held] {
                let (token, endless) = (Arc::clone(token), Arc::ptr_eq(token, &held));
                connections.add(async move {
                    if endless {
                        pending::<()>().await;
                    }
                    drop(token);
                });
                tokio::task::yield_now().await;
            }
            assert_eq!(Arc::strong_count(&held), 3, "one that has ended makes room");
            connections.add(pending());
            tokio::task::yield_now().await;
            assert_eq!((Arc::strong_count(&held), connections.open.len()), (2, 2));
        });
    }
}
