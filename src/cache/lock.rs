//! The lock of a key. The process that has the lock calls STS, and the other processes wait for the session that it
//! stores.
//!
//! The lock is advisory (flock(2)), so the kernel releases it when the process that has it is killed. flock(2) has no
//! timeout, so waiting processes try again after pauses. The pauses are random, so that the processes do not all try at
//! the same time.

use super::file;
use super::key::Key;
use super::stamp::{Found, Stamp};
use super::sweep;
use crate::cache::directory::{Directory, Place, Reserved, random};
use crate::cache::skipped::Skipped;
use crate::cache::store::{Cache, read};
use crate::session::{Session, Title};
use crate::sys::boot::boottime;
use std::fs::{File, TryLockError};
use std::io;
use std::time::Duration;

/// The first and the longest pause between two attempts to get the lock.
const FIRST_PAUSE: Duration = Duration::from_millis(4);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// The result of waiting for the lock.
#[derive(Debug)]
pub(crate) enum LockOutcome {
    /// Another process has stored a session that this process accepts.
    Answered(Found),
    /// This process has the lock. It must call STS and store the session.
    Ours(LockGuard),
    /// This process has waited until the time limit, and another process still has the lock.
    TimeUp,
    /// No cache directory can be used, so this process calls STS without a lock.
    Alone,
}

/// The lock of a key. Dropping the guard releases the lock.
#[derive(Debug)]
pub(crate) struct LockGuard {
    place: Place,
    directory: Directory,
    reserved: Option<Reserved>,
    /// How long this process waited for the lock.
    pub(crate) waited: Duration,
    _lock: File,
}

impl LockGuard {
    /// Stores a session for the processes that wait and for later processes, then removes expired sessions.
    ///
    /// # Errors
    /// The session cannot be stored.
    pub(crate) fn store(&mut self, key: &Key, title: &Title, session: &Session, stamp: &Stamp) -> io::Result<()> {
        let bytes = file::encode(key, title, session, stamp).ok_or(io::ErrorKind::InvalidData)?;
        let stored = match self.reserved.take() {
            Some(reserved) => self.directory.replace(key, reserved, &bytes),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        match stored {
            // The directory or its files were removed while STS was called. The session is stored in a new directory at
            // the same path, because the waiting processes open that path.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.directory = Directory::make(&self.place)?;
                self.directory.replace(key, self.directory.reserve(key)?, &bytes)?;
            }
            result => result?,
        }
        sweep::expired(&self.directory);
        Ok(())
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        if let Some(reserved) = self.reserved.take() {
            self.directory.discard(&reserved);
        }
    }
}

impl Cache {
    /// Waits until another process has stored a session that `accepts` approves, or until this process has the lock of
    /// the key. Uses the first place where the cache can be used. Gives up after `limit`. Also returns the places that
    /// were skipped.
    ///
    /// A place on a full disk cannot be used. The session is looked for before and after each pause. So as soon as one
    /// process has stored a session, all waiting processes can use it.
    pub(crate) async fn lock(
        &self,
        key: &Key,
        limit: Duration,
        accepts: &dyn Fn(&Found) -> bool,
    ) -> (LockOutcome, Vec<Skipped>) {
        let begun = boottime();
        let mut skipped = Vec::new();
        for place in &self.places {
            match wait_at(place, key, begun, limit, accepts).await {
                Ok(outcome) => return (outcome, skipped),
                Err(error) => skipped.push(Skipped::of(place, &error)),
            }
        }
        (LockOutcome::Alone, skipped)
    }
}

/// Waits for the lock in one place. Gives up when `limit` has passed since `begun`, which is a time of the boot clock.
async fn wait_at(
    place: &Place,
    key: &Key,
    begun: Duration,
    limit: Duration,
    accepts: &dyn Fn(&Found) -> bool,
) -> io::Result<LockOutcome> {
    let waited = || boottime().saturating_sub(begun);
    let answer = |directory: &Directory| read(directory, key).ok().filter(accepts);
    let mut pause = FIRST_PAUSE;
    loop {
        let directory = Directory::make(place)?;
        let file = directory.lock_file(key)?;
        // The lock file stays open between the attempts. So if the cache directory is removed, the processes that wait
        // for this lock continue to wait for it, instead of calling STS all at once.
        loop {
            if let Some(found) = answer(&directory) {
                return Ok(LockOutcome::Answered(found));
            }
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if waited() >= limit => return Ok(LockOutcome::TimeUp),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
            let left = limit.saturating_sub(waited());
            tokio::time::sleep(jittered(pause).min(left)).await;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        }
        if !directory.is_in_place()? || !directory.is_lock(key, &file)? {
            // The file that is now locked has been removed from the directory, so other processes lock a new file. Wait
            // for the lock on that new file.
            tokio::time::sleep(jittered(FIRST_PAUSE)).await;
            if waited() >= limit {
                return Ok(LockOutcome::TimeUp);
            }
            continue;
        }
        if let Some(found) = answer(&directory) {
            return Ok(LockOutcome::Answered(found));
        }
        let reserved = Some(directory.reserve(key)?);
        return Ok(LockOutcome::Ours(LockGuard {
            place: place.clone(),
            directory,
            reserved,
            waited: waited(),
            _lock: file,
        }));
    }
}

/// Returns a random duration between half of `duration` and all of it.
fn jittered(duration: Duration) -> Duration {
    let half = duration / 2;
    let nanos = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX).max(1);
    half + Duration::from_nanos(random() % nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::directory::Make;

    fn place() -> (tempfile::TempDir, Place) {
        let base = tempfile::tempdir().expect("a directory");
        let place = Place { path: base.path().join("xassume"), make: Make::Directory };
        (base, place)
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(future)
    }

    async fn short(place: &Place) -> LockOutcome {
        let cache = Cache { places: vec![place.clone()] };
        cache.lock(&Key::for_tests(1), Duration::from_millis(20), &|_| true).await.0
    }

    #[test]
    fn one_has_the_lock_and_the_time_of_the_others_runs_out() {
        let (_base, place) = place();
        run(async {
            let first = short(&place).await;
            assert!(matches!(first, LockOutcome::Ours(_)), "{first:?}");
            assert!(matches!(short(&place).await, LockOutcome::TimeUp));
            drop(first);
            assert!(matches!(short(&place).await, LockOutcome::Ours(_)), "freed");
        });
        assert_eq!(std::fs::read_dir(&place.path).expect("a directory").count(), 1, "only the lock file stays");
    }

    #[test]
    fn a_lock_whose_directory_was_removed_is_taken_again() {
        let (_base, place) = place();
        run(async {
            let first = short(&place).await;
            std::fs::remove_dir_all(&place.path).expect("removed");
            let second = short(&place).await;
            assert!(matches!(second, LockOutcome::Ours(_)), "{second:?}");
            drop(first);
            assert!(matches!(short(&place).await, LockOutcome::TimeUp), "the new lock is still held");
        });
    }

    #[test]
    fn a_process_that_gets_a_removed_lock_waits_for_the_new_one() {
        let (_base, place) = place();
        run(async {
            let first = short(&place).await;
            let cache = Cache { places: vec![place.clone()] };
            let key = Key::for_tests(1);
            let waiter = cache.lock(&key, Duration::from_mins(1), &|_| true);
            let removal = async {
                tokio::task::yield_now().await;
                std::fs::remove_dir_all(&place.path).expect("removed");
                drop(first);
            };
            let ((outcome, _), ()) = tokio::join!(waiter, removal);
            let LockOutcome::Ours(held) = outcome else { panic!("{outcome:?}") };
            assert!(held.directory.is_in_place().expect("read"));
        });
    }

    #[test]
    fn without_a_usable_directory_each_process_calls_sts() {
        let (base, place) = place();
        std::fs::write(&place.path, "").expect("a file in its place");
        let lost = Place { path: base.path().join("no/such"), make: Make::Directory };
        let (outcome, skipped) =
            run(Cache { places: vec![place, lost] }.lock(&Key::for_tests(1), Duration::ZERO, &|_| true));
        assert!(matches!(outcome, LockOutcome::Alone), "{outcome:?}");
        assert_eq!(skipped.len(), 2, "{skipped:?}");
    }

    #[test]
    fn pauses_are_between_half_and_all() {
        for _ in 0..100 {
            let pause = jittered(LONGEST_PAUSE);
            assert!(pause >= LONGEST_PAUSE / 2 && pause <= LONGEST_PAUSE);
        }
    }
}
