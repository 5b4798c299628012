//! The cache of sessions: one call to STS for many processes.
//!
//! A session is a file, named by a hash of all that decides what it may do (`key`). `file` is its form, `entry` what is
//! left of it, `folder` the private folder, `places` where that is, `lock` whose turn it is to ask STS, `sweep` what
//! becomes of files that nobody needs. The cache knows nothing of STS. Nothing that is wrong with it is an error of the
//! run: it finds nothing then, or keeps nothing.

mod directory;
mod entry;
mod file;
mod key;
mod lock;
mod places;
mod skipped;
mod sweep;

pub(crate) use entry::{Entry, Found, Moment, Stamp};
pub(crate) use key::{Key, Reach, Surroundings};
pub(crate) use lock::{Held, Turn};
pub(crate) use places::surroundings;
pub(crate) use skipped::Passed;

use crate::error::told;
use crate::settings::CacheSettings;
use crate::vars::Vars;
use directory::{Folder, Place};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// The folders that may hold this user's sessions; none of them is opened before it is needed.
#[derive(Debug)]
pub(crate) struct Cache {
    places: Vec<Place>,
}

/// What a search has led to. What is not there is not named.
#[derive(Debug, Default)]
pub(crate) struct Search {
    pub(crate) found: Option<Found>,
    pub(crate) folders: Vec<Passed>,
    /// The kept sessions that were passed over, and why.
    pub(crate) sessions: Vec<String>,
}

/// What `--clear-cache` did in one folder.
#[derive(Debug)]
pub(crate) struct Cleared {
    pub(crate) folder: PathBuf,
    pub(crate) sessions: usize,
}

impl Cache {
    pub(crate) fn new(settings: &CacheSettings, vars: &Vars) -> Self {
        Self { places: places::places(settings.folder.as_deref(), vars) }
    }

    /// The first of the key's sessions that is accepted, else that of which most is left. Waits for no lock.
    pub(crate) fn find(&self, key: &Key, accepts: &dyn Fn(&Found) -> bool) -> Search {
        let mut search = Search::default();
        for place in &self.places {
            let folder = match Folder::open(&place.path) {
                Ok(folder) => folder,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    search.folders.push(Passed::of(place, &error));
                    continue;
                }
            };
            let found = match lock::look(&folder, key) {
                Ok(found) => found,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    search.sessions.push(format!("{}: {}", folder.path_of(key).display(), told(&error)));
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

    /// Waits for the turn to ask STS, for `limit` at the most, or for a session that is accepted; with it, the folders
    /// that were passed over.
    pub(crate) async fn turn(
        &self,
        key: &Key,
        limit: Duration,
        accepts: &dyn Fn(&Found) -> bool,
    ) -> (Turn, Vec<Passed>) {
        lock::turn(&self.places, key, limit, accepts).await
    }

    /// Keeps a session that nobody waits for, in the first folder that takes it.
    ///
    /// # Errors
    /// Why the last folder did not.
    pub(crate) fn keep(&self, key: &Key, entry: &Entry, stamp: &Stamp) -> io::Result<()> {
        let bytes = file::encode(key, entry, stamp).ok_or(io::ErrorKind::InvalidData)?;
        let mut result = Err(io::ErrorKind::NotFound.into());
        for place in &self.places {
            result = Folder::make(place).and_then(|folder| {
                let mut reserved = folder.reserve(key)?;
                folder.replace(key, &mut reserved, &bytes).inspect_err(|_| folder.discard(&reserved))
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
    /// Why each of the folders takes none.
    pub(crate) fn try_to_keep(&self, key: &Key) -> Result<(), Vec<Passed>> {
        let mut reasons = Vec::new();
        for place in &self.places {
            match Folder::make(place).and_then(|folder| folder.reserve(key).map(|reserved| folder.discard(&reserved))) {
                Ok(()) => return Ok(()),
                Err(error) => reasons.push(Passed::of(place, &error)),
            }
        }
        Err(reasons)
    }

    /// Removes a session that STS no longer takes.
    pub(crate) fn forget(&self, key: &Key) {
        for place in &self.places {
            if let Ok(folder) = Folder::open_own(&place.path) {
                // What cannot be removed is found again, refused again, and replaced.
                let _ = folder.forget(key);
            }
        }
    }

    /// Removes the sessions of this user from each folder that is there.
    ///
    /// # Errors
    /// The folder in which a session could not be removed.
    pub(crate) fn clear(&self) -> Result<Vec<Cleared>, (PathBuf, io::Error)> {
        let mut cleared = Vec::new();
        for Place { path, .. } in &self.places {
            // What cannot be opened, or is somebody else's, holds no sessions of this user.
            let Ok(folder) = Folder::open_own(path) else { continue };
            let sessions = sweep::clear(&folder).map_err(|error| (path.clone(), error))?;
            cleared.push(Cleared { folder: path.clone(), sessions });
        }
        Ok(cleared)
    }
}

impl Held {
    /// Keeps a session for the waiters and for later runs, then removes what has expired.
    ///
    /// # Errors
    /// Why it could not be kept.
    pub(crate) fn keep(&mut self, key: &Key, entry: &Entry, stamp: &Stamp) -> io::Result<()> {
        let bytes = file::encode(key, entry, stamp).ok_or(io::ErrorKind::InvalidData)?;
        let kept = match self.reserved.take() {
            Some(mut reserved) => self.folder.replace(key, &mut reserved, &bytes).inspect_err(|_| {
                self.folder.discard(&reserved);
            }),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        match kept {
            // The folder, or all in it, was removed during the call. Waiters will look where the path leads.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.folder = Folder::make(&self.place)?;
                let mut reserved = self.folder.reserve(key)?;
                let kept = self.folder.replace(key, &mut reserved, &bytes);
                kept.inspect_err(|_| self.folder.discard(&reserved))?;
            }
            result => result?,
        }
        sweep::expired(&self.folder);
        Ok(())
    }
}

#[cfg(any(test, fuzzing))]
pub(crate) use file::hostile;

#[cfg(test)]
mod tests;
