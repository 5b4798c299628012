//! What a fake was asked, in the order in which it arrived, and a way to wait for more of it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a test waits for something that must happen: generous, since a busy machine is not a defect.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Takes a lock whatever became of its last holder: the thread that panicked has already failed its own test.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A list that only grows, shared by a fake and the test that watches it.
#[derive(Debug)]
pub struct Log<T> {
    entries: Mutex<Vec<T>>,
    grown: Condvar,
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self { entries: Mutex::new(Vec::new()), grown: Condvar::new() }
    }
}

impl<T: Clone + std::fmt::Debug> Log<T> {
    /// Adds the entry that `make` builds from its place in the order of arrival, counted from 0.
    pub fn push_with(&self, make: impl FnOnce(usize) -> T) -> T {
        let mut entries = lock(&self.entries);
        let entry = make(entries.len());
        entries.push(entry.clone());
        self.grown.notify_all();
        entry
    }

    pub fn push(&self, entry: T) {
        self.push_with(|_| entry);
    }

    pub fn all(&self) -> Vec<T> {
        lock(&self.entries).clone()
    }

    /// The entries from that place on.
    pub fn since(&self, place: usize) -> Vec<T> {
        lock(&self.entries).get(place..).unwrap_or_default().to_vec()
    }

    /// Everything so far, as soon as `enough` says so.
    ///
    /// # Panics
    /// Panics after [`PATIENCE`], showing what did arrive.
    #[track_caller]
    pub fn wait_until(&self, enough: impl Fn(&[T]) -> bool) -> Vec<T> {
        let (entries, result) = self
            .grown
            .wait_timeout_while(lock(&self.entries), PATIENCE, |entries| !enough(entries))
            .unwrap_or_else(PoisonError::into_inner);
        let seen = entries.clone();
        drop(entries);
        assert!(!result.timed_out(), "waited {PATIENCE:?} in vain; so far: {seen:#?}");
        seen
    }

    /// Everything so far, as soon as that is at least `count` entries.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> Vec<T> {
        self.wait_until(|entries| entries.len() >= count)
    }
}
