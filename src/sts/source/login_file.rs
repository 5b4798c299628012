//! The files in which `aws sso login` and `aws login` store logins. When a login is refreshed, its file is replaced.

use super::service::RetryPolicy;
use crate::error::{SourceError, reason_of};
use crate::event::{EventSink as _, RunEvent};
use crate::files::{MAX_BYTES, read_at_most};
use crate::report::Report;
use crate::session::parse_time;
use crate::sts::network::Network;
use crate::sys::boot::boottime;
use crate::sys::clock::wall;
use crate::sys::random::{hex, random_hex};
use crate::vars::Vars;
use nix::unistd::geteuid;
use ring::digest::{Algorithm, digest};
use serde_json::Value;
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tokio::time::sleep;
use zeroize::{Zeroize as _, Zeroizing};

/// The number of attempts to refresh a login, and the time limit of each attempt. Both are those of the SDK.
pub(super) const LOGIN_RETRIES: RetryPolicy = RetryPolicy { timeout: Duration::from_secs(15), attempts: 3 };
/// A token is refreshed this long before it expires, as in the SDKs.
const REFRESH_BEFORE: Duration = Duration::from_mins(5);

/// How long to wait while another run refreshes the login. This is also the time limit of one attempt of that refresh.
const LOCK_TIMEOUT: Duration = LOGIN_RETRIES.timeout;
const LOCK_POLL: Duration = Duration::from_millis(50);

/// The values that are needed to use a login.
#[derive(Clone, Copy)]
pub(crate) struct LoginContext<'a> {
    pub(crate) network: &'a Network,
    pub(crate) vars: &'a Vars,
    pub(crate) report: Report,
}

impl LoginContext<'_> {
    /// Saves a login that was refreshed. If the login cannot be saved, a warning is emitted, and this run uses the
    /// refreshed login anyway.
    pub(super) fn keep(&self, login: &LoginFile) {
        if let Err(error) = login.save() {
            let path = login.path.display();
            let text = format!("cannot store the refreshed login in {path}: {}", reason_of(&error));
            self.report.emit(RunEvent::warning(text).into());
        }
    }
}

/// The file in which a login is stored. A refresh preserves all JSON fields of the file, including those that other
/// programs have added.
pub(super) struct LoginFile {
    path: PathBuf,
    /// The profile that uses this login.
    profile: String,
    document: Value,
}

impl Drop for LoginFile {
    fn drop(&mut self) {
        wipe(&mut self.document);
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

impl LoginFile {
    /// Returns the path of the file of the login with this identifier. The name of the file is the hash of the
    /// identifier.
    pub(super) fn path(directory: &Path, algorithm: &'static Algorithm, identifier: &str) -> PathBuf {
        directory.join(hex(digest(algorithm, identifier.as_bytes()).as_ref())).with_extension("json")
    }

    /// Returns a file with this JSON object, which [`Self::save`] creates or replaces.
    pub(super) fn new(path: PathBuf, profile: &str, document: Value) -> Self {
        Self { path, profile: profile.to_owned(), document }
    }

    /// Reads the file of a login. Returns `None` if there is no such file.
    ///
    /// # Errors
    /// The file cannot be read, or it is not a JSON object.
    pub(super) fn read(path: PathBuf, profile: &str) -> Result<Option<Self>, SourceError> {
        let mut login = Self { path, profile: profile.to_owned(), document: Value::Null };
        let bytes = match read_at_most(&login.path, MAX_BYTES) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(login.unusable(reason_of(&error))),
        };
        let document = serde_json::from_slice(&bytes).map(Value::Object);
        login.document = document.map_err(|_| login.unusable("the file is not JSON"))?;
        Ok(Some(login))
    }

    /// Returns the login. A login that expires soon is refreshed first, unless another run has refreshed it. `expiration`
    /// is the JSON pointer to the time at which the login expires. If `refresh` fails, the login is used until it has
    /// expired.
    ///
    /// # Errors
    /// The file cannot be used. If the login has expired, also fails with the error of `refresh`.
    pub(super) async fn refreshed(
        mut self,
        expiration: &str,
        refresh: impl AsyncFnOnce(&mut Self) -> Result<(), SourceError>,
    ) -> Result<Self, SourceError> {
        let _lock = if self.is_due(expiration)? { self.lock().await? } else { return Ok(self) };
        let (now, end) = (wall(), self.time(expiration)?);
        if self.is_due(expiration)?
            && let Err(error) = refresh(&mut self).await
            && end <= now
        {
            return Err(error);
        }
        Ok(self)
    }

    /// Locks the file for a refresh, and then reads it again. Two runs must not refresh the login at the same time,
    /// because a refresh token may be valid only once. A refresh replaces the file, so a run that had to wait for the
    /// lock now reads the refreshed login.
    ///
    /// Dropping the returned file releases the lock. If the file cannot be locked within [`LOCK_TIMEOUT`], this run
    /// continues without the lock. Returns `None` if the file cannot be opened.
    ///
    /// # Errors
    /// The same errors as for [`Self::read`].
    async fn lock(&mut self) -> Result<Option<File>, SourceError> {
        let Ok(file) = File::open(&self.path) else { return Ok(None) };
        let begun = boottime();
        while matches!(file.try_lock(), Err(TryLockError::WouldBlock))
            && boottime().saturating_sub(begun) < LOCK_TIMEOUT
        {
            sleep(LOCK_POLL).await;
        }
        if let Some(login) = Self::read(self.path.clone(), &self.profile)? {
            *self = login;
        }
        Ok(Some(file))
    }

    pub(super) fn unusable(&self, reason: impl Into<String>) -> SourceError {
        SourceError::File {
            what: "login file",
            path: self.path.clone(),
            named_by: format!("profile '{}'", self.profile),
            contents: None,
            reason: reason.into(),
        }
    }

    /// Returns the text at a JSON pointer (RFC 6901) such as `/accessToken/expiresAt`. Returns `None` if there is no
    /// text.
    pub(super) fn text(&self, pointer: &str) -> Option<&str> {
        self.document.pointer(pointer)?.as_str()
    }

    /// Returns the text at a JSON pointer.
    ///
    /// # Errors
    /// There is no text at this pointer.
    pub(super) fn needed(&self, pointer: &str) -> Result<&str, SourceError> {
        self.text(pointer).ok_or_else(|| self.unusable(format!("{} is missing", dotted(pointer))))
    }

    /// Returns the time at a JSON pointer.
    ///
    /// # Errors
    /// There is no text at this pointer, or the text is not a time.
    pub(super) fn time(&self, pointer: &str) -> Result<SystemTime, SourceError> {
        let not_a_time = || self.unusable(format!("{} is not a valid RFC 3339 time", dotted(pointer)));
        parse_time(self.needed(pointer)?).ok_or_else(not_a_time)
    }

    /// Checks whether the login must be refreshed now, because it expires soon. `expiration` is the JSON pointer to the
    /// time at which it expires.
    ///
    /// # Errors
    /// The same errors as for [`Self::time`].
    fn is_due(&self, expiration: &str) -> Result<bool, SourceError> {
        Ok(self.time(expiration)? <= wall() + REFRESH_BEFORE)
    }

    /// Checks whether the list at a JSON pointer contains a text.
    pub(super) fn lists(&self, pointer: &str, text: &str) -> bool {
        let list = self.document.pointer(pointer).and_then(Value::as_array);
        list.is_some_and(|list| list.iter().any(|item| item == text))
    }

    /// Sets the text at a JSON pointer. The memory of the old text is zeroed.
    pub(super) fn set(&mut self, pointer: &str, text: &str) {
        let (outer, key) = pointer.rsplit_once('/').unwrap_or_default();
        let object = self.document.pointer_mut(outer).and_then(Value::as_object_mut);
        if let Some(mut old) = object.and_then(|object| object.insert(key.to_owned(), text.into())) {
            wipe(&mut old);
        }
    }

    /// Removes a key. The memory of its value is zeroed.
    pub(super) fn remove(&mut self, key: &str) {
        if let Some(mut old) = self.document.as_object_mut().and_then(|object| object.remove(key)) {
            wipe(&mut old);
        }
    }

    /// Replaces or creates the file of the login. Other programs see either the complete old file or the complete
    /// new file. If the path is a symbolic link, its target is replaced and the link is kept.
    ///
    /// # Errors
    /// The file cannot be written or replaced.
    pub(super) fn save(&self) -> io::Result<()> {
        let path = target(&self.path)?;
        // The name of the temporary file contains random digits. The process ID would not be unique: in a container, an
        // earlier run that was killed may have had the same one, and have left its file.
        let temporary = path.with_extension(format!("json.{}", random_hex::<16>()?.reveal()));
        let text = Zeroizing::new(serde_json::to_vec(&self.document)?);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        let other = fs::metadata(&path).or_else(|_| metadata_of_parent(&path));
        let given = other.and_then(|other| give(&file, &other));
        let written = given.and_then(|()| file.write_all(&text)).and_then(|()| file.sync_all());
        let written = written.and_then(|()| fs::rename(&temporary, &path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}

/// Returns the path that [`LoginFile::save`] replaces another: if that is a symbolic link, the path of its target.
pub(super) fn target(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.to_owned()),
        target => target,
    }
}

/// Gives a new file to the owner of another file. With `sudo -E`, root writes the login of another user, so the new file
/// must belong to that user.
pub(super) fn give(file: &File, other: &Metadata) -> io::Result<()> {
    let new = file.metadata()?;
    if (other.uid(), other.gid()) != (new.uid(), new.gid()) && geteuid().is_root() {
        fchown(file, Some(other.uid()), Some(other.gid()))?;
    }
    Ok(())
}

pub(super) fn metadata_of_parent(path: &Path) -> io::Result<Metadata> {
    fs::metadata(path.parent().unwrap_or(path))
}

/// Formats a JSON pointer for a message, such as `accessToken.expiresAt`.
fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}
