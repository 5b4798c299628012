//! The files of logins: written by `aws sso login` and `aws login`, replaced by a refresh.

use super::service::RetryPolicy;
use crate::error::{SourceError, StoredFile, reason_of};
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
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tokio::time::sleep;
use zeroize::{Zeroize as _, Zeroizing};

/// As in the SDK.
pub(super) const LOGIN_RETRIES: RetryPolicy = RetryPolicy { timeout: Duration::from_secs(15), attempts: 3 };
/// A token is refreshed so long before it expires, as in the SDKs.
const REFRESH_BEFORE: Duration = Duration::from_mins(5);

/// The wait for another run's refresh: one attempt of it.
const LOCK_TIMEOUT: Duration = LOGIN_RETRIES.timeout;
const LOCK_POLL: Duration = Duration::from_millis(50);

/// What is needed to use a login.
#[derive(Clone, Copy)]
pub(in crate::sts) struct LoginContext<'a> {
    pub(in crate::sts) network: &'a Network,
    pub(in crate::sts) vars: &'a Vars,
    pub(in crate::sts) report: Report,
}

impl<'a> LoginContext<'a> {
    pub(super) fn home(&self) -> Option<&'a OsStr> {
        self.vars.get("HOME").filter(|home| !home.is_empty())
    }

    /// Saves a login that was refreshed. If that fails, this run uses it anyway.
    pub(super) fn keep(&self, login: &LoginFile) {
        if let Err(error) = login.save() {
            let path = login.path.display();
            let text = format!("cannot store the refreshed login in {path}: {}", reason_of(&error));
            self.report.emit(RunEvent::warning(text).into());
        }
    }
}

/// The file of a login. All its keys are kept by a refresh, also those of other programs.
pub(super) struct LoginFile {
    path: PathBuf,
    /// The profile that the login is for.
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
    /// Reads the login with this identifier; `None` if there is none.
    ///
    /// # Errors
    /// A file that cannot be read, or is not in the AWS CLI's form.
    pub(super) fn read(
        directory: &Path,
        algorithm: &'static Algorithm,
        identifier: &str,
        profile: &str,
    ) -> Result<Option<Self>, SourceError> {
        let name = hex(digest(algorithm, identifier.as_bytes()).as_ref());
        Self::at(directory.join(format!("{name}.json")), profile)
    }

    fn at(path: PathBuf, profile: &str) -> Result<Option<Self>, SourceError> {
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

    /// Locks the login for a refresh and reads it again, since a refresh token may be valid only once. Dropping the file
    /// unlocks it. A refresh replaces the locked file, so a waiting run reads the new one. Without a lock, the run
    /// continues anyway.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(super) async fn lock(&mut self) -> Result<Option<File>, SourceError> {
        let Ok(file) = File::open(&self.path) else { return Ok(None) };
        let begun = boottime();
        while matches!(file.try_lock(), Err(TryLockError::WouldBlock))
            && boottime().saturating_sub(begun) < LOCK_TIMEOUT
        {
            sleep(LOCK_POLL).await;
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

    /// The text at a pointer (RFC 6901), such as `/accessToken/expiresAt`.
    pub(super) fn text(&self, pointer: &str) -> Option<&str> {
        self.document.pointer(pointer)?.as_str()
    }

    /// The text at a pointer.
    ///
    /// # Errors
    /// No text.
    pub(super) fn needed(&self, pointer: &str) -> Result<&str, SourceError> {
        self.text(pointer).ok_or_else(|| self.unusable(format!("{} is missing", dotted(pointer))))
    }

    /// The time at a pointer.
    ///
    /// # Errors
    /// No text, or one that is not a time.
    pub(super) fn time(&self, pointer: &str) -> Result<SystemTime, SourceError> {
        let not_a_time = || self.unusable(format!("{} is not a valid RFC 3339 time", dotted(pointer)));
        parse_time(self.needed(pointer)?).ok_or_else(not_a_time)
    }

    /// Whether the login, which expires at the time at this pointer, is due for a refresh.
    ///
    /// # Errors
    /// As [`Self::time`].
    pub(super) fn is_due(&self, expiration: &str) -> Result<bool, SourceError> {
        Ok(self.time(expiration)? <= wall() + REFRESH_BEFORE)
    }

    /// Sets the text at a pointer.
    pub(super) fn set(&mut self, pointer: &str, text: &str) {
        let (outer, key) = pointer.rsplit_once('/').unwrap_or_default();
        let object = self.document.pointer_mut(outer).and_then(Value::as_object_mut);
        if let Some(mut old) = object.and_then(|object| object.insert(key.to_owned(), text.into())) {
            wipe(&mut old);
        }
    }

    /// Replaces the file that was read: readers see the old one or the new one. A symbolic link is kept and its target
    /// replaced.
    ///
    /// # Errors
    /// Of the file system.
    fn save(&self) -> io::Result<()> {
        let path = fs::canonicalize(&self.path)?;
        // Not the process ID: in a container, a killed run may have had the same.
        let temporary = path.with_extension(format!("json.{}", random_hex::<16>()?.reveal()));
        let text = Zeroizing::new(serde_json::to_vec(&self.document)?);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        let owned = || match (fs::metadata(&path)?, file.metadata()?) {
            // With `sudo -E`, root writes a user's login.
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
}

/// A pointer for a message: `accessToken.expiresAt`.
fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}
