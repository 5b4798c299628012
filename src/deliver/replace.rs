//! Putting a whole file in the place of another, and removing what a killed run has left of that.

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::{Pid, geteuid};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How old must be what nobody holds locked before it counts as left behind, where nothing else tells: its maker may be
/// just about to lock it.
pub(super) const SETTLED: Duration = Duration::from_mins(1);

/// What the name of a file ends with that never takes its place.
const TRIAL: &str = ".check";

/// Puts a whole file in the place of another: readers see the old one or the new one, never a part.
///
/// # Errors
/// Those of the file system; the old file is then untouched.
pub(super) fn replace(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    replace_by(&temporary(path), path, contents, mode, |_| Ok(()))
}

/// The same by a certain temporary file; `announce` is given the identity of the new file before it takes its place.
///
/// # Errors
/// As for [`replace`], and those of `announce`.
pub(super) fn replace_by(
    temporary: &Path,
    path: &Path,
    contents: &[u8],
    mode: u32,
    announce: impl FnOnce(Identity) -> io::Result<()>,
) -> io::Result<()> {
    let written = write_whole(temporary, contents, mode).and_then(|held| {
        announce(Identity::of(&held.metadata()?))?;
        std::fs::rename(temporary, path)
    });
    if written.is_err() {
        let _ = std::fs::remove_file(temporary);
    }
    written
}

/// The name of this process's temporary file for that one.
pub(super) fn temporary(path: &Path) -> PathBuf {
    beside(path, "")
}

/// Which file it is, whatever its name: device and number (stat(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity(u64, u64);

impl Identity {
    /// As many bytes as an identity has.
    pub(super) const LENGTH: usize = 16;

    fn of(found: &Metadata) -> Self {
        Self(found.dev(), found.ino())
    }

    pub(super) fn to_bytes(self) -> [u8; Self::LENGTH] {
        ((u128::from(self.0) << 64) | u128::from(self.1)).to_be_bytes()
    }

    pub(super) fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        let [device, number] = [0, 8].map(|at| u64::from_be_bytes(std::array::from_fn(|byte| bytes[at + byte])));
        Self(device, number)
    }

    /// Removes the file of this name if it still is this one.
    pub(super) fn remove(self, path: &Path) {
        if std::fs::symlink_metadata(path).is_ok_and(|found| Self::of(&found) == self) {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Does what [`replace`] does, but for putting the file in its place: nothing stays, and a file that is there is not
/// touched. With a name of its own, since a run in another container can have this process id.
///
/// # Errors
/// Those that [`replace`] would have.
pub(super) fn try_replace(path: &Path, length: usize, mode: u32) -> io::Result<()> {
    let temporary = beside(path, TRIAL);
    let written = write_whole(&temporary, &vec![b'\n'; length], mode);
    let removed = std::fs::remove_file(&temporary);
    written.and(removed)
}

/// A file that tells other runs, by its lock, that it is being written, for as long as it is held. Where files cannot be
/// locked, the process id in its name must do.
fn write_whole(path: &Path, contents: &[u8], mode: u32) -> io::Result<File> {
    let mut file = new_file(path, mode)?;
    let _ = file.try_lock();
    file.write_all(contents)?;
    // The umask must not decide who may read.
    file.set_permissions(std::fs::Permissions::from_mode(mode))?;
    file.sync_all()?;
    Ok(file)
}

/// Removes what runs that were killed while they replaced this file have left beside it. Whatever cannot be told for
/// certain is left.
pub(super) fn remove_leftovers(path: &Path) {
    let Ok(entries) = std::fs::read_dir(folder_of(path)) else { return };
    let prefix = prefix(path);
    for entry in entries.flatten() {
        let name = entry.file_name();
        let maker = name.to_str().and_then(|name| name.strip_prefix(&prefix)?.trim_end_matches(TRIAL).parse().ok());
        let maker = maker.filter(|pid| *pid > 0);
        if maker.is_some_and(|maker| is_left(&entry.path(), maker)) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Makes a file that is this process's own.
///
/// # Errors
/// Those of the file system.
pub(super) fn new_file(path: &Path, mode: u32) -> io::Result<File> {
    let open = || OpenOptions::new().write(true).create_new(true).mode(mode).custom_flags(libc::O_NOFOLLOW).open(path);
    match open() {
        // Left by a killed process with our process id: this one owns the name now.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            std::fs::remove_file(path)?;
            open()
        }
        result => result,
    }
}

/// A name for a file of this process that is to become that one.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    folder_of(path).join(format!("{}{}{suffix}", prefix(path), std::process::id()))
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new(".")).to_owned()
}

/// What the name of an unfinished file begins with; its maker's process id follows.
fn prefix(path: &Path) -> String {
    format!(".{}.", path.file_name().unwrap_or_default().to_string_lossy())
}

/// Whether it is a plain file of this user's that nobody writes any more. The maker may be a process of another container
/// with the same volume, and its id another's by now: so the lock is asked first, and then the id or the time.
fn is_left(file: &Path, maker: libc::pid_t) -> bool {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let Ok(file) = OpenOptions::new().read(true).custom_flags(flags).open(file) else { return false };
    let Ok(found) = file.metadata() else { return false };
    let is_own = found.is_file() && found.uid() == geteuid().as_raw();
    let is_settled =
        || found.modified().ok().and_then(|written| written.elapsed().ok()).is_some_and(|age| age > SETTLED);
    let is_gone = || kill(Pid::from_raw(maker), None) == Err(Errno::ESRCH);
    is_own && file.try_lock().is_ok() && (is_gone() || is_settled())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// No process has such an id: Linux gives none beyond 2^22.
    const NOBODY: i32 = i32::MAX;

    #[test]
    fn only_what_nobody_writes_any_more_is_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("credentials");
        let beside = |name: &str| folder.path().join(name);
        let make = |name: String| new_file(&beside(&name), 0o600).expect("a file");
        let me = std::process::id();

        let gone = [format!(".credentials.{NOBODY}"), format!(".credentials.{NOBODY}.check")];
        for name in &gone {
            drop(make(name.clone()));
        }
        let old = make(".credentials.1".into());
        let long_ago = std::time::SystemTime::now() - 2 * SETTLED;
        old.set_times(std::fs::FileTimes::new().set_modified(long_ago)).expect("an old file");
        drop(old);

        let kept = [format!(".credentials.{me}"), format!(".other.{NOBODY}"), ".credentials.notes".into()];
        for name in &kept {
            drop(make(name.clone()));
        }
        let held = make(format!(".credentials.{}", NOBODY - 1));
        held.lock().expect("locked");
        symlink(&path, beside(&format!(".credentials.{}", NOBODY - 2))).expect("a link");
        std::fs::create_dir(beside(&format!(".credentials.{}", NOBODY - 3))).expect("a folder");

        remove_leftovers(&path);
        assert!(!gone.iter().any(|name| beside(name).exists()), "their maker is gone");
        assert!(!beside(".credentials.1").exists(), "its maker's id is another's by now");
        assert!(kept.iter().all(|name| beside(name).exists()));
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), kept.len() + 3);
    }
}
