//! The cached sessions of this user, which are in one or two directories.

use super::directory::{Directory, Place};
use super::key::Key;
use super::places::places;
use super::skipped::Skipped;
use super::stamp::{Clocks, Found, Stamp, found};
use super::{file, sweep};
use crate::error::reason_of;
use crate::session::{Session, Title};
use crate::vars::Vars;
use std::io;
use std::path::{Path, PathBuf};

/// The directories in which sessions may be cached. Each is opened only when it is needed.
#[derive(Debug)]
pub(crate) struct Cache {
    pub(super) places: Vec<Place>,
}

/// The result of searching the cache for a session.
#[derive(Debug, Default)]
pub(crate) struct Search {
    pub(crate) found: Option<Found>,
    pub(crate) directories: Vec<Skipped>,
    /// Why sessions that were found could not be used. Each text contains the path of one session and the reason.
    pub(crate) sessions: Vec<String>,
}

/// What `--clear-cache` has removed from one directory.
#[derive(Debug)]
pub(crate) struct Cleared {
    pub(crate) directory: PathBuf,
    pub(crate) sessions: usize,
}

impl Cache {
    /// Returns the cache in `directory`, or in the default directories if `directory` is `None`.
    pub(crate) fn new(directory: Option<&Path>, vars: &Vars) -> Self {
        Self { places: places(directory, vars) }
    }

    /// Returns the first session of the key that `accepts` approves, or else the session of the key that has the most
    /// time left. Does not wait for a lock.
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
            let found = match read(&directory, key) {
                Ok(found) => found,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    search.sessions.push(format!("{}: {}", directory.path_of(key).display(), reason_of(&error)));
                    continue;
                }
            };
            let accepted = accepts(&found);
            let left = found.validity.left;
            if accepted || search.found.as_ref().is_none_or(|best| best.validity.left < left) {
                search.found = Some(found);
            }
            if accepted {
                break;
            }
        }
        search
    }

    /// Stores a session without locking its key, in the first directory in which that is possible.
    ///
    /// # Errors
    /// The session cannot be stored in any directory. The error is that of the last directory.
    pub(crate) fn store(&self, key: &Key, title: &Title, session: &Session, stamp: &Stamp) -> io::Result<()> {
        let bytes = file::encode(key, title, session, stamp).ok_or(io::ErrorKind::InvalidData)?;
        let store = |place: &Place| {
            let directory = Directory::make(place)?;
            directory.replace(key, directory.reserve(key)?, &bytes)
        };
        let none = Err(io::ErrorKind::NotFound.into());
        self.places.iter().fold(none, |stored, place| stored.or_else(|_| store(place)))
    }

    /// Checks whether a session could be stored.
    ///
    /// # Errors
    /// No directory accepts a session. The error contains each directory and the reason.
    pub(crate) fn can_store(&self, key: &Key) -> Result<(), Vec<Skipped>> {
        let mut skipped = Vec::new();
        for place in &self.places {
            let directory = Directory::make(place);
            let reserved = |directory: Directory| directory.reserve(key).map(|reserved| directory.discard(&reserved));
            match directory.and_then(reserved) {
                Ok(()) => return Ok(()),
                Err(error) => skipped.push(Skipped::of(place, &error)),
            }
        }
        Err(skipped)
    }

    /// Removes a session that STS no longer accepts.
    pub(crate) fn remove(&self, key: &Key) {
        for place in &self.places {
            if let Ok(directory) = Directory::open_own(&place.path) {
                // If the session cannot be removed, the next run finds it again. STS then rejects it again, and a new
                // session replaces it.
                let _ = directory.remove_session(key);
            }
        }
    }

    /// Removes all sessions of this user from each directory. Returns what was removed, and the first directory in which
    /// sessions may remain, with the reason.
    pub(crate) fn clear(&self) -> (Vec<Cleared>, Option<Skipped>) {
        let (mut cleared, mut failed) = (Vec::new(), None);
        for place in &self.places {
            let result = match Directory::open_own(&place.path) {
                Ok(directory) => {
                    let (sessions, result) = sweep::clear(&directory);
                    cleared.push(Cleared { directory: place.path.clone(), sessions });
                    result
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound || place.is_of_other_user() => continue,
                Err(error) => Err(error),
            };
            failed = failed.or(result.err().map(|error| Skipped::of(place, &error)));
        }
        (cleared, failed)
    }
}

/// Reads the session of a key from a directory.
///
/// # Errors
/// `NotFound` if there is no session for this key. `InvalidData` if the file is not valid, the session has expired, or
/// a clock was set back. Other errors say why the file cannot be used.
pub(super) fn read(directory: &Directory, key: &Key) -> io::Result<Found> {
    let bytes = directory.read(key)?;
    let unfit = |reason| io::Error::new(io::ErrorKind::InvalidData, reason);
    let (session, stamp) = file::decode(key, &bytes).ok_or_else(|| unfit(file::flaw(&bytes)))?;
    let found = found(session, &stamp, &Clocks::now());
    found.ok_or_else(|| unfit("expired, or the clock was set back"))
}
