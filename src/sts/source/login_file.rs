//! The files of logins: what `aws sso login` and `aws login` write, and what a refresh puts in their place.

use super::dpop::identifier;
use super::sso::PATIENCE;
use crate::error::{SourceError, StoredFile, reason_of};
use crate::files::{MOST_BYTES, read_at_most};
use crate::sys::boot::boottime;
use nix::unistd::geteuid;
use ring::digest::{Algorithm, digest};
use serde_json::{Map, Value};
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::sleep;
use zeroize::{Zeroize as _, Zeroizing};

/// How long a run waits for another one's refresh: as long as a try of that may take.
const TURN: Duration = PATIENCE.each;
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Reads a file that a source names.
///
/// # Errors
/// Why it cannot be used.
pub(super) fn read(path: &Path, most: usize) -> Result<Zeroizing<Vec<u8>>, String> {
    read_at_most(path, most).map(Zeroizing::new).map_err(|error| reason_of(&error))
}

/// The file of a login. All that it holds is kept, so that what others have written there outlasts a refresh.
pub(super) struct Login {
    path: PathBuf,
    /// The profile that the login is for.
    profile: String,
    document: Map<String, Value>,
}

impl Drop for Login {
    fn drop(&mut self) {
        self.document.values_mut().for_each(wipe);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(values) => values.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl Login {
    /// Reads the login that this text identifies; `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be read, or is not what the AWS CLI writes.
    pub(super) fn read(
        directory: &Path,
        by: &'static Algorithm,
        identifier: &str,
        profile: &str,
    ) -> Result<Option<Self>, SourceError> {
        let name = digest(by, identifier.as_bytes()).as_ref().iter().fold(String::new(), |mut name, byte| {
            let _ = write!(name, "{byte:02x}");
            name
        });
        Self::at(directory.join(name + ".json"), profile)
    }

    fn at(path: PathBuf, profile: &str) -> Result<Option<Self>, SourceError> {
        let mut login = Self { path, profile: profile.to_owned(), document: Map::new() };
        let bytes = match read_at_most(&login.path, MOST_BYTES) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(login.unusable(reason_of(&error))),
        };
        login.document = serde_json::from_slice(&bytes).map_err(|_| login.unusable("the file is not JSON"))?;
        Ok(Some(login))
    }

    /// Waits while another run refreshes the login, and reads it again: a refresh token may be good for once. Drop the
    /// file to let the next one refresh it. The file is locked and then replaced, so that who waits for it reads the new
    /// one. Where it cannot be locked, all go on as they are.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(super) async fn alone(&mut self) -> Result<Option<File>, SourceError> {
        let Ok(file) = File::open(&self.path) else { return Ok(None) };
        let begun = boottime();
        while matches!(file.try_lock(), Err(TryLockError::WouldBlock)) && boottime().saturating_sub(begun) < TURN {
            sleep(LOOK_AGAIN).await;
        }
        if let Some(login) = Self::at(self.path.clone(), &self.profile)? {
            *self = login;
        }
        Ok(Some(file))
    }

    pub(super) fn unusable(&self, reason: impl Into<String>) -> SourceError {
        SourceError::File {
            file: StoredFile::Login,
            path: self.path.clone(),
            named_by: format!("profile '{}'", self.profile),
            reason: reason.into(),
        }
    }

    /// The text at these keys, each within the one before; `None` where there is none.
    pub(super) fn text(&self, keys: &[&str]) -> Option<&str> {
        let (first, rest) = keys.split_first()?;
        rest.iter().try_fold(self.document.get(*first)?, |value, key| value.get(key))?.as_str()
    }

    /// The text at these keys.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn needed(&self, keys: &[&str]) -> Result<&str, SourceError> {
        self.text(keys).ok_or_else(|| self.unusable(format!("{} is missing", keys.join("."))))
    }

    /// The time at these keys.
    ///
    /// # Errors
    /// When there is none, or it is not a time.
    pub(super) fn time(&self, keys: &[&str]) -> Result<std::time::SystemTime, SourceError> {
        let text = self.needed(keys)?;
        let not_a_time = || self.unusable(format!("{} is not a valid RFC 3339 time", keys.join(".")));
        crate::session::parse_time(text).ok_or_else(not_a_time)
    }

    /// Puts a text in the place of another.
    pub(super) fn set(&mut self, keys: &[&str], text: &str) {
        let Some((last, outer)) = keys.split_last() else { return };
        let mut within = &mut self.document;
        for key in outer {
            let Some(inner) = within.get_mut(*key).and_then(Value::as_object_mut) else { return };
            within = inner;
        }
        if let Some(mut old) = within.insert((*last).to_owned(), text.into()) {
            wipe(&mut old);
        }
    }

    /// Puts the file in the place of the one that was read: its readers see the old one or this one. A symbolic link
    /// stays, and what it leads to is replaced.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn save(&self) -> io::Result<()> {
        let path = fs::canonicalize(&self.path)?;
        // In a container, another run had this process id as well, and may have been killed.
        let random = identifier().ok_or_else(|| io::Error::other("the kernel returned no random bytes"))?;
        let temporary = path.with_extension(format!("json.{random}"));
        let text = Zeroizing::new(serde_json::to_vec(&self.document)?);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        let owned = || match (fs::metadata(&path)?, file.metadata()?) {
            // With `sudo -E` the login stays its user's.
            (old, new) if (old.uid(), old.gid()) != (new.uid(), new.gid()) && geteuid().is_root() => {
                fchown(&file, Some(old.uid()), Some(old.gid()))
            }
            _ => Ok(()),
        };
        let owned = owned();
        let written = owned.and_then(|()| file.write_all(&text)).and_then(|()| file.sync_all());
        let written = written.and_then(|()| fs::rename(&temporary, &path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}
