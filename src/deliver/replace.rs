//! Replacing a file atomically, and removing the temporary files that killed runs have left.

use crate::sys::random::random_hex;
use nix::unistd::geteuid;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A file or directory that is older than this and not locked was left by a killed run. A younger one may belong to a
/// run that is about to lock it.
pub(super) const SETTLED: Duration = Duration::from_mins(1);

/// The suffix of a temporary file that only tests whether the directory can be written to.
const TRIAL: &str = ".check";

/// The number of random bytes in the name of a temporary file.
const RANDOM: usize = 8;

/// Replaces a file atomically: readers see the old contents or the new contents, never a part.
///
/// # Errors
/// The file system reports an error. The old file is then unchanged.
pub(super) fn replace(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    replace_by(&temporary(path)?, path, contents, mode, |_| Ok(()))
}

/// Does the same as [`replace`], with the given temporary file. Calls `announce` with the identity of the new file
/// before the rename.
///
/// # Errors
/// The same errors as for [`replace`], and those of `announce`.
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
        // Closing the file would not always release the lock: if another thread forks at this moment, the new process
        // also has the file open, and the lock remains until that process closes it.
        let _ = file.unlock();
        Ok(())
    });
    if written.is_err() {
        let _ = std::fs::remove_file(temporary);
    }
    written
}

/// Returns a sentence that says why a file could not be replaced.
pub(super) fn not_replaced(path: &Path, reason: &str) -> String {
    format!("cannot replace {}: {reason}", path.display())
}

/// Returns the path of a new temporary file in the same directory as `path`.
///
/// # Errors
/// The kernel gives no random bytes.
pub(super) fn temporary(path: &Path) -> io::Result<PathBuf> {
    sibling(path, "")
}

/// Identifies a file by its device and inode (stat(2)), independently of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity(u128);

impl Identity {
    /// The size in bytes of a device number and an inode number.
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

    /// Removes the file at `path` if it has this identity.
    pub(super) fn remove(self, path: &Path) {
        if std::fs::symlink_metadata(path).is_ok_and(|found| Self::of(&found) == self) {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Does everything that [`replace`] does, except for the rename. Afterwards the temporary file is removed, and an
/// existing file is unchanged.
///
/// # Errors
/// The same errors as for [`replace`].
pub(super) fn try_replace(path: &Path, length: usize, mode: u32) -> io::Result<()> {
    let temporary = sibling(path, TRIAL)?;
    let written = write_whole(&temporary, &vec![b'\n'; length], mode);
    let removed = std::fs::remove_file(&temporary);
    written.and(removed)
}

/// Creates a file with these contents. The file is locked while it is open, so that other runs see that it is being
/// written.
fn write_whole(path: &Path, contents: &[u8], mode: u32) -> io::Result<File> {
    let mut file = new_file(path, mode)?;
    let _ = file.try_lock();
    file.write_all(contents)?;
    // The mode is set again here, because the umask may have removed permissions when the file was created.
    file.set_permissions(std::fs::Permissions::from_mode(mode))?;
    file.sync_all()?;
    Ok(file)
}

/// Removes the temporary files that killed runs have left in the directory of `path`. A file that may belong to another
/// program is kept.
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

/// Creates a file.
///
/// # Errors
/// The file already exists, or the file system reports an error.
pub(super) fn new_file(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(mode).custom_flags(libc::O_NOFOLLOW).open(path)
}

/// Returns a path for a temporary file. The name is random, because another user who can write to the (sticky)
/// directory must not be able to create a file with this name first.
fn sibling(path: &Path, suffix: &str) -> io::Result<PathBuf> {
    let random = random_hex::<RANDOM>()?;
    Ok(directory_of(path).join(format!("{}{}{suffix}", prefix(path), random.reveal())))
}

fn directory_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new(".")).to_owned()
}

/// Returns the prefix of a temporary file's name. Random digits follow the prefix.
fn prefix(path: &Path) -> String {
    format!(".{}.", path.file_name().unwrap_or_default().to_string_lossy())
}

/// Checks whether a path is a regular file of this user that no run is writing any more. The file's lock and age show
/// this. The process ID of the writer would not, because the writer may run in another container that shares the
/// volume.
fn is_left_behind(file: &Path) -> bool {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let Ok(file) = OpenOptions::new().read(true).custom_flags(flags).open(file) else { return false };
    let Ok(found) = file.metadata() else { return false };
    let is_own = found.is_file() && found.uid() == geteuid().as_raw();
    is_own && file.try_lock().is_ok() && is_settled(&found)
}

/// Checks whether the last change is longer ago than [`SETTLED`].
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
