//! The cache of sessions: one call to STS for many processes.
//!
//! A session is a file, named by a hash of all that decides what it may do (`key`). `file` is its form, `entry` what is
//! left of it, `directory` the private directory, `places` where that is, `lock` whose turn it is to ask STS, `sweep` what
//! becomes of files that nobody needs. The cache knows nothing of STS. Nothing that is wrong with it is an error of the
//! run: it finds nothing then, or keeps nothing.

mod directory;

mod file;
mod key;
mod lock;
mod places;
mod skipped;
mod stamp;
mod sweep;

pub(crate) use key::{Key, Reach, Surroundings};
pub(crate) use lock::{LockGuard, LockOutcome};
pub(crate) use places::surroundings;
pub(crate) use skipped::Skipped;
pub(crate) use stamp::{Entry, Found, Moment, Stamp};

use crate::error::reason_of;
use crate::settings::CacheSettings;
use crate::vars::Vars;
use directory::{Directory, Place};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// The directories that may hold this user's sessions; none of them is opened before it is needed.
#[derive(Debug)]
pub(crate) struct Cache {
    places: Vec<Place>,
}

/// What a search has led to. What is not there is not named.
#[derive(Debug, Default)]
pub(crate) struct Search {
    pub(crate) found: Option<Found>,
    pub(crate) directories: Vec<Skipped>,
    /// The kept sessions that were passed over, and why.
    pub(crate) sessions: Vec<String>,
}

/// What `--clear-cache` did in one directory.
#[derive(Debug)]
pub(crate) struct Cleared {
    pub(crate) directory: PathBuf,
    pub(crate) sessions: usize,
}

impl Cache {
    pub(crate) fn new(settings: &CacheSettings, vars: &Vars) -> Self {
        Self { places: places::places(settings.directory.as_deref(), vars) }
    }

    /// The first of the key's sessions that is accepted, else that of which most is left. Waits for no lock.
    pub(crate) fn find(&self, key: &Key, accepts: &dyn Fn(&Found) -> bool) -> Search {
        let mut search = Search::default();
        for place in &self.places {
            let directory = match Directory::open(&place.path) {
                Ok(directory) => directory,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    search.directories.push(Skipped::of(place, &error));
                    continue;
                }
            };
            let found = match lock::look(&directory, key) {
                Ok(found) => found,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    search.sessions.push(format!("{}: {}", directory.path_of(key).display(), reason_of(&error)));
                    continue;
                }
            };
            let accepted = accepts(&found);
            if accepted || search.found.as_ref().is_none_or(|best| best.entry.validity.left < found.entry.validity.left)
            {
                search.found = Some(found);
            }
            if accepted {
                break;
            }
        }
        search
    }

    /// Waits for the turn to ask STS, for `limit` at the most, or for a session that is accepted; with it, the directories
    /// that were passed over.
    pub(crate) async fn turn(
        &self,
        key: &Key,
        limit: Duration,
        accepts: &dyn Fn(&Found) -> bool,
    ) -> (LockOutcome, Vec<Skipped>) {
        lock::turn(&self.places, key, limit, accepts).await
    }

    /// Keeps a session that nobody waits for, in the first directory that takes it.
    ///
    /// # Errors
    /// Why the last directory did not.
    pub(crate) fn keep(&self, key: &Key, entry: &Entry, stamp: &Stamp) -> io::Result<()> {
        let bytes = file::encode(key, entry, stamp).ok_or(io::ErrorKind::InvalidData)?;
        let mut result = Err(io::ErrorKind::NotFound.into());
        for place in &self.places {
            result = Directory::make(place).and_then(|directory| {
                let mut reserved = directory.reserve(key)?;
                directory.replace(key, &mut reserved, &bytes).inspect_err(|_| directory.discard(&reserved))
            });
            if result.is_ok() {
                break;
            }
        }
        result
    }

    /// Finds out whether a session could be kept, and leaves none.
    ///
    /// # Errors
    /// Why each of the directories takes none.
    pub(crate) fn try_to_keep(&self, key: &Key) -> Result<(), Vec<Skipped>> {
        let mut reasons = Vec::new();
        for place in &self.places {
            match Directory::make(place)
                .and_then(|directory| directory.reserve(key).map(|reserved| directory.discard(&reserved)))
            {
                Ok(()) => return Ok(()),
                Err(error) => reasons.push(Skipped::of(place, &error)),
            }
        }
        Err(reasons)
    }

    /// Removes a session that STS no longer takes.
    pub(crate) fn forget(&self, key: &Key) {
        for place in &self.places {
            if let Ok(directory) = Directory::open_own(&place.path) {
                // What cannot be removed is found again, refused again, and replaced.
                let _ = directory.forget(key);
            }
        }
    }

    /// Removes the sessions of this user from each directory that is there.
    ///
    /// # Errors
    /// The directory in which a session could not be removed.
    pub(crate) fn clear(&self) -> Result<Vec<Cleared>, (PathBuf, io::Error)> {
        let mut cleared = Vec::new();
        for Place { path, .. } in &self.places {
            // What cannot be opened, or is somebody else's, holds no sessions of this user.
            let Ok(directory) = Directory::open_own(path) else { continue };
            let sessions = sweep::clear(&directory).map_err(|error| (path.clone(), error))?;
            cleared.push(Cleared { directory: path.clone(), sessions });
        }
        Ok(cleared)
    }
}

impl LockGuard {
    /// Keeps a session for the waiters and for later runs, then removes what has expired.
    ///
    /// # Errors
    /// Why it could not be kept.
    pub(crate) fn keep(&mut self, key: &Key, entry: &Entry, stamp: &Stamp) -> io::Result<()> {
        let bytes = file::encode(key, entry, stamp).ok_or(io::ErrorKind::InvalidData)?;
        let kept = match self.reserved.take() {
            Some(mut reserved) => self.directory.replace(key, &mut reserved, &bytes).inspect_err(|_| {
                self.directory.discard(&reserved);
            }),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        match kept {
            // The directory, or all in it, was removed during the call. Waiters will look where the path leads.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.directory = Directory::make(&self.place)?;
                let mut reserved = self.directory.reserve(key)?;
                let kept = self.directory.replace(key, &mut reserved, &bytes);
                kept.inspect_err(|_| self.directory.discard(&reserved))?;
            }
            result => result?,
        }
        sweep::expired(&self.directory);
        Ok(())
    }
}

#[cfg(any(test, fuzzing))]
pub(crate) use file::hostile;

#[cfg(test)]
mod tests;
