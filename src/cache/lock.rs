//! Whose turn it is to ask STS: one process for each key, the others wait for its session.
//!
//! The lock is advisory (flock(2)), so a killed holder frees it. flock knows no time-out: waiting is asking again, at
//! random intervals so that many waiters do not ask in step.

use super::file;
use super::key::Key;
use super::stamp::{Found, Moment};
use crate::cache::directory::{Directory, Place, Reserved, random};
use crate::cache::skipped::Skipped;
use crate::sys::boot::boottime;
use std::fs::{File, TryLockError};
use std::io;
use std::time::Duration;

/// The first pause between two looks, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(4);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// What the wait for the lock has led to.
#[derive(Debug)]
pub(crate) enum LockOutcome {
    /// Somebody else's answer is there by now.
    Answered(Found),
    /// This process is to ask STS, and to hand in the session.
    Ours(LockGuard),
    /// Another process is still asking, and the time is up.
    TimeUp,
    /// No directory can be used: each process asks for itself.
    Alone,
}

/// The lock of a key, freed when dropped.
#[derive(Debug)]
pub(crate) struct LockGuard {
    pub(super) place: Place,
    pub(super) directory: Directory,
    pub(super) reserved: Option<Reserved>,
    /// How long the lock was waited for.
    pub(crate) waited: Duration,
    _lock: File,
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        if let Some(reserved) = self.reserved.take() {
            self.directory.discard(&reserved);
        }
    }
}

/// A session in a directory that is valid at this moment.
///
/// # Errors
/// `NotFound` when none is kept, or why it is not used.
pub(super) fn look(directory: &Directory, key: &Key) -> io::Result<Found> {
    let bytes = directory.read(key)?;
    let unfit = |reason| io::Error::new(io::ErrorKind::InvalidData, reason);
    let (entry, stamp) = file::decode(key, &bytes).ok_or_else(|| unfit(file::flaw(&bytes)))?;
    let found = super::stamp::found(entry, &stamp, &Moment::now());
    found.ok_or_else(|| unfit("expired, or the clock was set back"))
}

/// Waits in the first of the places that can be used until there is an answer or the lock is free; with it, the places
/// that were passed over.
///
/// A place whose disk is full cannot be used. Looks before it waits and after each pause, so that one answer is
/// enough for all waiters, whoever gets the lock next.
pub(super) async fn turn(
    places: &[Place],
    key: &Key,
    limit: Duration,
    accepts: &dyn Fn(&Found) -> bool,
) -> (LockOutcome, Vec<Skipped>) {
    let wait = Wait { key, limit, begun: boottime(), accepts };
    let mut passed = Vec::new();
    for place in places {
        match wait.at(place).await {
            Ok(turn) => return (turn, passed),
            Err(error) => passed.push(Skipped::of(place, &error)),
        }
    }
    (LockOutcome::Alone, passed)
}

struct Wait<'a> {
    key: &'a Key,
    limit: Duration,
    begun: Duration,
    accepts: &'a dyn Fn(&Found) -> bool,
}

impl Wait<'_> {
    fn waited(&self) -> Duration {
        boottime().saturating_sub(self.begun)
    }

    fn answer(&self, directory: &Directory) -> Option<Found> {
        look(directory, self.key).ok().filter(self.accepts)
    }

    async fn at(&self, place: &Place) -> io::Result<LockOutcome> {
        let mut pause = FIRST_PAUSE;
        loop {
            let directory = Directory::make(place)?;
            let file = directory.lock_file(self.key)?;
            // The file stays open between the looks: should the directory be removed meanwhile, its waiters still wait
            // for its holder, and not all of them ask anew.
            loop {
                if let Some(found) = self.answer(&directory) {
                    return Ok(LockOutcome::Answered(found));
                }
                match file.try_lock() {
                    Ok(()) => break,
                    Err(TryLockError::WouldBlock) if self.waited() >= self.limit => return Ok(LockOutcome::TimeUp),
                    Err(TryLockError::WouldBlock) => {}
                    Err(TryLockError::Error(error)) => return Err(error),
                }
                let left = self.limit.saturating_sub(self.waited());
                tokio::time::sleep(jittered(pause).min(left)).await;
                pause = (pause * 3 / 2).min(LONGEST_PAUSE);
            }
            if !directory.is_in_place()? || !directory.is_lock(self.key, &file)? {
                // A lock that nobody else will find. Its holder's answer is where the path leads now.
                tokio::time::sleep(jittered(FIRST_PAUSE)).await;
                if self.waited() >= self.limit {
                    return Ok(LockOutcome::TimeUp);
                }
                continue;
            }
            if let Some(found) = self.answer(&directory) {
                return Ok(LockOutcome::Answered(found));
            }
            let reserved = Some(directory.reserve(self.key)?);
            return Ok(LockOutcome::Ours(LockGuard {
                place: place.clone(),
                directory,
                reserved,
                waited: self.waited(),
                _lock: file,
            }));
        }
    }
}

/// Half of the duration to all of it.
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
        turn(std::slice::from_ref(place), &Key::for_tests(1), Duration::from_millis(20), &|_| true).await.0
    }

    #[test]
    fn one_holds_the_lock_and_the_others_time_runs_out() {
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
    fn a_lock_whose_file_or_directory_was_removed_is_taken_anew() {
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
    fn a_waiter_at_a_removed_directory_moves_on_when_it_gets_the_lock() {
        let (_base, place) = place();
        run(async {
            let first = short(&place).await;
            let places = std::slice::from_ref(&place);
            let key = Key::for_tests(1);
            let waiter = turn(places, &key, Duration::from_mins(1), &|_| true);
            let removal = async {
                tokio::task::yield_now().await;
                std::fs::remove_dir_all(&place.path).expect("removed");
                drop(first);
            };
            let ((turn, _), ()) = tokio::join!(waiter, removal);
            let LockOutcome::Ours(held) = turn else { panic!("{turn:?}") };
            assert!(held.directory.is_in_place().expect("read"));
        });
    }

    #[test]
    fn without_a_place_that_can_be_used_each_is_alone() {
        let (base, place) = place();
        std::fs::write(&place.path, "").expect("a file in its place");
        let lost = Place { path: base.path().join("no/such"), make: Make::Directory };
        let (turn, passed) = run(turn(&[place, lost], &Key::for_tests(1), Duration::ZERO, &|_| true));
        assert!(matches!(turn, LockOutcome::Alone), "{turn:?}");
        assert_eq!(passed.len(), 2, "{passed:?}");
    }

    #[test]
    fn pauses_vary_between_half_and_all() {
        for _ in 0..100 {
            let pause = jittered(LONGEST_PAUSE);
            assert!(pause >= LONGEST_PAUSE / 2 && pause <= LONGEST_PAUSE);
        }
    }
}
