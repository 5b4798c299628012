//! Delivery by a shared credentials file: `[default]` with the three keys, replaced as a whole at each refresh.

use super::folder::RunFolder;
use super::place::{Kind, place};
use super::publish::{Order, Put, publish};
use super::replace::{remove_leftovers, temporary, try_replace};
use super::trusted::Group;
use crate::error::{Error, told};
use crate::session::{Keys, Secret, Session};
use crate::supervise::happening::Problem;
use crate::sys::offload::{Job, Offload};
use std::cell::RefCell;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The file's section, and how each of its further lines begins.
const SECTION: &str = "[default]\n";
const ID: &str = "aws_access_key_id = ";
const SECRET: &str = "aws_secret_access_key = ";
const TOKEN: &str = "aws_session_token = ";

const KIND: Kind = Kind { what: "credentials", flag: "--credentials-file", contents: "a session", is_replaceable };

/// More bytes than a session takes.
const ROOM: usize = 8 << 10;

/// The file; removed when dropped, unless somebody else has put one in its place.
pub(crate) struct CredentialsFile {
    path: PathBuf,
    /// What stands beside it while it is written.
    temporary: PathBuf,
    mode: u32,
    /// What was put there.
    put: Rc<RefCell<Put>>,
}

impl CredentialsFile {
    /// A file at a path that the user chose, after removing what killed runs have left beside it: it may hold a session.
    ///
    /// # Errors
    /// When its directory is missing, is a link, or one in which another user could exchange the file.
    pub(crate) fn at(path: &Path, mode: u32) -> Result<Self, Error> {
        let path = place(path, &KIND, Group::of_mode(mode))?;
        remove_leftovers(&path);
        Self::new(path, mode)
    }

    /// Finds out whether a session could be kept at such a path. A file that is there belongs to whoever put it there,
    /// perhaps to a run that lives: it is neither replaced nor removed.
    ///
    /// # Errors
    /// Those of [`Self::at`], else those of the first [`Self::put`].
    pub(crate) fn try_at(path: &Path, mode: u32) -> Result<(), Error> {
        let path = place(path, &KIND, Group::of_mode(mode))?;
        try_replace(&path, ROOM, mode).map_err(|error| unwritten(not_replaced(&path, &told(&error))))
    }

    /// A file in a private folder.
    ///
    /// # Errors
    /// The kernel gives no random bytes.
    pub(crate) fn within(folder: &RunFolder, mode: u32) -> Result<Self, Error> {
        Self::new(folder.path().join("credentials"), mode)
    }

    fn new(path: PathBuf, mode: u32) -> Result<Self, Error> {
        let temporary = temporary(&path).map_err(|error| unwritten(not_replaced(&path, &told(&error))))?;
        Ok(Self { temporary, path, mode, put: Rc::default() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts a session into the file, in the place of the one before. Drop the future, and the session may be there or not.
    ///
    /// # Errors
    /// Those of the file system; the session before is then still there. Or that it does not answer.
    pub(crate) fn put(
        &self,
        session: &Session,
        offload: &Offload,
    ) -> impl Future<Output = Result<(), Problem>> + use<> {
        let (path, temporary) = (self.path.clone(), self.temporary.clone());
        let order = Order { path, temporary, contents: contents(&session.keys), mode: self.mode };
        publish(order, Rc::clone(&self.put), offload.clone())
    }

    /// The answer of a process that was not waited for: [`Self::remove_at_last`] reads it.
    pub(crate) fn unread(&self) -> Option<RawFd> {
        self.put.borrow().unfinished.as_ref().map(Job::descriptor)
    }

    /// Removes the file and what stands beside it, in a child of `Life::Free` that was given [`Self::unread`].
    pub(crate) fn remove_at_last(&self) {
        self.put.borrow_mut().remove_at_last(&self.path, &self.temporary);
    }
}

/// Why there is no first session in a file.
pub(crate) fn unwritten(reason: String) -> Error {
    Error::Serve { what: "by a file", reason, hint: "is its file system full, or one in which no file can be made?" }
}

pub(super) fn not_replaced(path: &Path, reason: &str) -> String {
    format!("cannot replace {}: {reason}", path.display())
}

/// Whether a file is empty, or has the form of [`contents`]: what a run has left, not somebody's `~/.aws/credentials`.
fn is_replaceable(text: &[u8]) -> bool {
    let mut lines = text.split_inclusive(|byte| *byte == b'\n');
    let begins = |with: &str| lines.next().is_some_and(|line| line.starts_with(with.as_bytes()));
    text.is_empty() || ([SECTION, ID, SECRET, TOKEN].into_iter().all(begins) && lines.next().is_none())
}

impl Drop for CredentialsFile {
    fn drop(&mut self) {
        self.put.borrow().remove(&self.path);
    }
}

/// The file's text, which every SDK reads.
fn contents(keys: &Keys) -> Secret {
    let token = keys.session_token.as_ref().map(Secret::reveal);
    let lines = [
        Some(SECTION),
        Some(ID),
        Some(keys.access_key_id.as_str()),
        Some("\n"),
        Some(SECRET),
        Some(keys.secret_access_key.reveal()),
        Some("\n"),
        token.map(|_| TOKEN),
        token,
        token.map(|_| "\n"),
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

    fn put(file: &CredentialsFile, session: &Session) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let offload = Offload::new(|_| {}, || {});
            file.put(session, &offload).await.expect("written");
        });
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_with_its_mode_and_goes_at_the_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("credentials");
        let file = CredentialsFile::at(&path, 0o640).expect("a file");
        for id in ["ASIA1", "ASIA2"] {
            put(&file, &session(id));
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
    fn a_file_that_another_run_has_put_there_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("credentials");
        let open = || CredentialsFile::at(&path, 0o600).expect("a file");
        let (old, new, unused) = (open(), open(), open());
        put(&old, &session("ASIA1"));
        put(&new, &session("ASIA2"));
        drop(unused);
        drop(old);
        assert!(std::fs::read_to_string(&path).expect("there").contains("ASIA2"));
        drop(new);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_that_holds_other_things_is_refused_and_what_a_run_has_left_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("credentials");
        let left = contents(&session("ASIA1").keys);
        for (text, fits) in [
            ("", true),
            (left.reveal(), true),
            ("[default]\naws_access_key_id = AKIA1\naws_secret_access_key = s\n", false),
            (&format!("{}[me]\n", left.reveal()), false),
            ("notes", false),
        ] {
            std::fs::write(&path, text).expect("written");
            assert_eq!(CredentialsFile::at(&path, 0o600).is_ok(), fits, "{text}");
            assert_eq!(
                std::fs::read_to_string(&path).expect("there"),
                text,
                "nothing is done before there is a session"
            );
        }
    }

    #[test]
    fn a_folder_that_somebody_could_exchange_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        symlink(folder.path(), folder.path().join("link")).expect("a link");
        for path in ["link/credentials", "missing/credentials", ""] {
            assert!(CredentialsFile::at(&folder.path().join(path), 0o600).is_err(), "{path}");
        }
        assert!(CredentialsFile::at(Path::new("/dev/null"), 0o600).is_err(), "it is not replaced");
    }
}
