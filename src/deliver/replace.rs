//! Replacing a file atomically, and removing the unfinished files of killed runs.

use crate::sys::random::random_hex;
use nix::unistd::geteuid;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The age from which an unlocked file or directory counts as left behind. A younger one may be about to be locked.
pub(super) const SETTLED: Duration = Duration::from_mins(1);

/// The suffix of a file that only tests whether the directory can be written.
const TRIAL: &str = ".check";

/// Random bytes in the name of an unfinished file.
const RANDOM: usize = 8;

/// Replaces a file: readers see the old contents or the new ones, never a part.
///
/// # Errors
/// Those of the file system; the old file is then unchanged.
pub(super) fn replace(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    replace_by(&temporary(path)?, path, contents, mode, |_| Ok(()))
}

/// The same through the given temporary file. `announce` gets the new file's identity before the rename.
///
/// # Errors
/// Those of [`replace`] and of `announce`.
pub(super) fn replace_by(
    temporary: &Path,
    path: &Path,
    contents: &[u8],
    mode: u32,
    announce: impl FnOnce(Identity) -> io::Result<()>,
) -> io::Result<()> {
    let written = write_whole(temporary, contents, mode).and_then(|file| {
        announce(Identity::of(&file.metadata()?))?;
        std::fs::rename(temporary, path)?;
        // Closing is not enough: a process that another thread forks meanwhile has the file open too.
        let _ = file.unlock();
        Ok(())
    });
    if written.is_err() {
        let _ = std::fs::remove_file(temporary);
    }
    written
}

/// Why a file could not be replaced, as a sentence.
pub(super) fn not_replaced(path: &Path, reason: &str) -> String {
    format!("cannot replace {}: {reason}", path.display())
}

/// The path of a temporary file for this file.
///
/// # Errors
/// The kernel gives no random bytes.
pub(super) fn temporary(path: &Path) -> io::Result<PathBuf> {
    sibling(path, "")
}

/// The identity of a file, whatever its name: device and inode (stat(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity(u128);

impl Identity {
    /// The size of an identity, in bytes.
    pub(super) const LENGTH: usize = 16;

    fn of(found: &Metadata) -> Self {
        Self((u128::from(found.dev()) << 64) | u128::from(found.ino()))
    }

    pub(super) fn to_bytes(self) -> [u8; Self::LENGTH] {
        self.0.to_be_bytes()
    }

    pub(super) fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }

    /// Removes the file of this name if it is still this one.
    pub(super) fn remove(self, path: &Path) {
        if std::fs::symlink_metadata(path).is_ok_and(|found| Self::of(&found) == self) {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Does what [`replace`] does except for the rename: no file is left, and an existing file is not changed.
///
/// # Errors
/// Those of [`replace`].
pub(super) fn try_replace(path: &Path, length: usize, mode: u32) -> io::Result<()> {
    let temporary = sibling(path, TRIAL)?;
    let written = write_whole(&temporary, &vec![b'\n'; length], mode);
    let removed = std::fs::remove_file(&temporary);
    written.and(removed)
}

/// A new file, locked while it is open, so that other runs see that it is being written.
fn write_whole(path: &Path, contents: &[u8], mode: u32) -> io::Result<File> {
    let mut file = new_file(path, mode)?;
    let _ = file.try_lock();
    file.write_all(contents)?;
    // The umask must not decide who may read it.
    file.set_permissions(std::fs::Permissions::from_mode(mode))?;
    file.sync_all()?;
    Ok(file)
}

/// Removes the unfinished files that killed runs have left in this file's directory. What may be another program's is
/// kept.
pub(super) fn remove_leftovers(path: &Path) {
    let Ok(entries) = std::fs::read_dir(directory_of(path)) else { return };
    let prefix = prefix(path);
    for entry in entries.flatten() {
        let name = entry.file_name();
        let random = name.to_str().and_then(|name| name.strip_prefix(&prefix)).map(|rest| rest.trim_end_matches(TRIAL));
        let is_ours = |text: &str| text.len() == 2 * RANDOM && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if random.is_some_and(is_ours) && is_left_behind(&entry.path()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Creates a file; one that exists is an error.
///
/// # Errors
/// Those of the file system.
pub(super) fn new_file(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(mode).custom_flags(libc::O_NOFOLLOW).open(path)
}

/// A name for an unfinished file. Another user may be able to write to a sticky directory and must not be able to take
/// the name first.
fn sibling(path: &Path, suffix: &str) -> io::Result<PathBuf> {
    let random = random_hex::<RANDOM>()?;
    Ok(directory_of(path).join(format!("{}{}{suffix}", prefix(path), random.reveal())))
}

fn directory_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new(".")).to_owned()
}

/// The prefix of an unfinished file's name; random digits follow.
fn prefix(path: &Path) -> String {
    format!(".{}.", path.file_name().unwrap_or_default().to_string_lossy())
}

/// Whether it is a regular file of this user's that is not being written. Its writer may run in another container that
/// shares the volume, so the lock and the age decide, not a process ID.
fn is_left_behind(file: &Path) -> bool {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let Ok(file) = OpenOptions::new().read(true).custom_flags(flags).open(file) else { return false };
    let Ok(found) = file.metadata() else { return false };
    let is_own = found.is_file() && found.uid() == geteuid().as_raw();
    is_own && file.try_lock().is_ok() && is_settled(&found)
}

/// Whether its last change is older than [`SETTLED`].
pub(super) fn is_settled(found: &Metadata) -> bool {
    found.modified().ok().and_then(|changed| changed.elapsed().ok()).is_some_and(|age| age > SETTLED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_old_files_that_are_not_being_written_are_removed() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("credentials");
        let sibling = |name: &str| directory.path().join(name);
        let make = |name: &str, is_old: bool| {
            let file = new_file(&sibling(name), 0o600).expect("a file");
            let age = if is_old { 2 * SETTLED } else { SETTLED / 2 };
            let written = std::time::SystemTime::now() - age;
            file.set_times(std::fs::FileTimes::new().set_modified(written)).expect("a time");
            file
        };
        let gone = [".credentials.00000000000000aa", ".credentials.00000000000000ab.check"];
        for name in gone {
            drop(make(name, true));
        }
        let kept =
            [".other.00000000000000aa", ".credentials.notes", ".credentials.12345", ".credentials.00000000000000xy"];
        for name in kept {
            drop(make(name, true));
        }
        drop(make(".credentials.00000000000000ac", false));
        let held = make(".credentials.00000000000000ad", true);
        held.lock().expect("locked");
        symlink(&path, sibling(".credentials.00000000000000ae")).expect("a link");
        std::fs::create_dir(sibling(".credentials.00000000000000af")).expect("a directory");

        remove_leftovers(&path);
        assert!(!gone.iter().any(|name| sibling(name).exists()), "they are old and not locked");
        assert!(kept.iter().all(|name| sibling(name).exists()));
        assert_eq!(std::fs::read_dir(directory.path()).expect("a directory").count(), kept.len() + 4);
    }

    #[test]
    fn the_name_of_an_unfinished_file_cannot_be_foreseen() {
        let name = || sibling(Path::new("/x/credentials"), "").expect("random");
        let (first, second) = (name(), name());
        assert!(first.to_string_lossy().starts_with("/x/.credentials.") && first != second, "{first:?} {second:?}");
    }
}
