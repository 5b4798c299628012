//! The requests that a fake received, in their order, and a way to wait for more of them.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a test waits for an event that must happen. Generous, because a busy machine is not a defect.
/// Tests that are built for an emulated machine wait longer.
pub const PATIENCE: Duration =
    Duration::from_secs(if option_env!("XASSUME_TESTS_EMULATED").is_some() { 180 } else { 30 });

/// Takes a lock even if its last owner panicked: that thread has already failed its own test.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An append-only list that a fake shares with its test.
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
    /// Appends the entry that `make` builds from its index.
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

    /// The entries from that index on.
    pub fn since(&self, place: usize) -> Vec<T> {
        lock(&self.entries).get(place..).unwrap_or_default().to_vec()
    }

    /// All entries, as soon as `enough` is true for them.
    ///
    /// # Panics
    /// Panics after [`PATIENCE`] and shows the entries.
    #[track_caller]
    pub fn wait_until(&self, enough: impl Fn(&[T]) -> bool) -> Vec<T> {
        let (entries, result) = self
            .grown
            .wait_timeout_while(lock(&self.entries), PATIENCE, |entries| !enough(entries))
            .unwrap_or_else(PoisonError::into_inner);
        let seen = entries.clone();
        drop(entries);
        assert!(!result.timed_out(), "nothing after {PATIENCE:?}; so far: {seen:#?}");
        seen
    }

    /// All entries, as soon as there are at least `count`.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> Vec<T> {
        self.wait_until(|entries| entries.len() >= count)
    }
}
