//! Delivery by a shared credentials file: `[default]` with the three keys, replaced as a whole at each refresh.

use super::folder::RunFolder;
use super::replace::{remove_leftovers, replace, try_replace};
use crate::error::{Error, told};
use crate::session::{Keys, Secret, Session};
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// More bytes than a session takes.
const ROOM: usize = 8 << 10;

/// The file; removed when dropped.
#[derive(Debug)]
pub(crate) struct CredentialsFile {
    path: PathBuf,
    mode: u32,
}

impl CredentialsFile {
    /// A file at a path that the user chose, after removing what killed runs have left beside it: it may hold a session.
    ///
    /// # Errors
    /// When its folder is missing, is a link, or belongs to somebody who could exchange the file.
    pub(crate) fn at(path: &Path, mode: u32) -> Result<Self, Error> {
        let path = place(path)?;
        remove_leftovers(&path);
        Ok(Self { path, mode })
    }

    /// Finds out whether a session could be kept at such a path. A file that is there belongs to whoever put it there,
    /// perhaps to a run that lives: it is neither replaced nor removed.
    ///
    /// # Errors
    /// Those of [`Self::at`], else those of the first [`Self::put`].
    pub(crate) fn try_at(path: &Path, mode: u32) -> Result<(), Error> {
        let path = place(path)?;
        try_replace(&path, ROOM, mode).map_err(|error| unwritten(not_replaced(&path, &error)))
    }

    /// A file in a private folder.
    pub(crate) fn within(folder: &RunFolder, mode: u32) -> Self {
        Self { path: folder.path().join("credentials"), mode }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts a session into the file, in the place of the one before.
    ///
    /// # Errors
    /// Those of the file system; the session before is then still there.
    pub(crate) fn put(&self, session: &Session) -> Result<(), String> {
        let written = replace(&self.path, contents(&session.keys).reveal().as_bytes(), self.mode);
        written.map_err(|error| not_replaced(&self.path, &error))
    }
}

/// Why there is no first session in a file.
pub(crate) fn unwritten(reason: String) -> Error {
    Error::Serve { what: "by a file", reason, hint: "is its file system full, or one in which no file can be made?" }
}

fn not_replaced(path: &Path, error: &io::Error) -> String {
    format!("cannot replace {}: {}", path.display(), told(error))
}

/// The path from the root on, of a file that nobody else could exchange.
fn place(path: &Path) -> Result<PathBuf, Error> {
    let failed = |reason: String| Error::CredentialsFile { path: path.to_owned(), reason };
    let path = std::path::absolute(path).map_err(|error| failed(told(&error)))?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let found = std::fs::symlink_metadata(folder).map_err(|error| failed(format!("its folder: {}", told(&error))))?;
    check_folder(&found).map_err(|reason| failed(reason.to_owned()))?;
    if path.is_dir() {
        return Err(failed("it is a folder".into()));
    }
    Ok(path)
}

impl Drop for CredentialsFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Root may own the folder, as it owns a volume's; nobody else but this user.
fn check_folder(found: &Metadata) -> Result<(), &'static str> {
    let me = nix::unistd::geteuid().as_raw();
    if found.is_symlink() {
        Err("its folder is a link")
    } else if !found.is_dir() {
        Err("its folder is none")
    } else if found.uid() != me && found.uid() != 0 {
        Err("its folder belongs to another user")
    } else {
        Ok(())
    }
}

/// The file's text, which every SDK reads.
fn contents(keys: &Keys) -> Secret {
    let token = keys.session_token.as_ref().map(Secret::reveal);
    let lines = [
        Some("[default]\naws_access_key_id = "),
        Some(keys.access_key_id.as_str()),
        Some("\naws_secret_access_key = "),
        Some(keys.secret_access_key.reveal()),
        token.map(|_| "\naws_session_token = "),
        token,
        Some("\n"),
    ];
    // Put together in one place of the right size, so that no copy is left behind as it grows.
    Secret::new(lines.map(Option::unwrap_or_default).concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Validity;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::time::{Duration, SystemTime};

    fn session(id: &str) -> Session {
        let hour = Duration::from_hours(1);
        Session {
            keys: Keys {
                access_key_id: id.into(),
                secret_access_key: Secret::new("s"),
                session_token: Some(Secret::new("t")),
            },
            validity: Validity { expiration: SystemTime::UNIX_EPOCH, left: hour, lifetime: hour, skew_secs: 0 },
            assumed_role_arn: "arn".into(),
        }
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_with_its_mode_and_goes_at_the_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("credentials");
        let file = CredentialsFile::at(&path, 0o640).expect("a file");
        for id in ["ASIA1", "ASIA2"] {
            file.put(&session(id)).expect("written");
            let text = std::fs::read_to_string(&path).expect("there");
            assert_eq!(
                text,
                format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = s\naws_session_token = t\n")
            );
            assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o640);
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "no temporary file is left");
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_that_somebody_could_exchange_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        symlink(folder.path(), folder.path().join("link")).expect("a link");
        for path in ["link/credentials", "missing/credentials", ""] {
            assert!(CredentialsFile::at(&folder.path().join(path), 0o600).is_err(), "{path}");
        }
    }
}
