//! Private directories for the files that the command gets.
//!
//! The directories are in memory if possible (`$XDG_RUNTIME_DIR`, `/dev/shm`), and otherwise in the temporary
//! directory. A base directory is skipped if another user can replace files in it (see [`trusted`]).

use super::plain_path::check_plain;
use super::replace::{is_settled, new_file, replace};
use super::trusted::{self, GroupWrite};
use crate::error::Error;
use crate::vars::Vars;
use nix::errno::Errno;
use nix::unistd::{geteuid, mkdtemp};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The name of the file that a running xassume keeps locked, so that later runs recognize the directories of killed
/// runs.
const LOCK: &str = "lock";
/// The directory for files in memory.
const MEMORY: &str = "/dev/shm";

/// The directory of one run. Dropping this value removes the directory with its files.
#[derive(Debug)]
pub(crate) struct RunDirectory {
    path: PathBuf,
    /// The lock file, locked until the directory is removed. Its descriptor is close-on-exec.
    lock: Option<File>,
}

impl RunDirectory {
    /// Creates a new directory, and removes the directories that killed runs of this user have left.
    ///
    /// # Errors
    /// No base directory can be used.
    pub(crate) fn create(vars: &Vars) -> Result<Self, Error> {
        Self::create_below(vars, |_| Ok(()))
    }

    /// Does the same as [`Self::create`], but the path of the directory needs no quoting in a command line, whichever
    /// SDK reads it.
    ///
    /// # Errors
    /// No base directory with such a path can be used.
    pub(crate) fn create_for_commands(vars: &Vars) -> Result<Self, Error> {
        Self::create_below(vars, check_plain)
    }

    fn create_below(vars: &Vars, check: impl Fn(&Path) -> io::Result<()>) -> Result<Self, Error> {
        first_base(vars, |base| {
            check(base)?;
            Self::create_in(base)
        })
    }

    /// Creates a new directory in memory. Every user can reach the files in it by their names, and only this user can
    /// list, add or remove them. Returns `None` if there is no such file system.
    pub(crate) fn create_for_all_users() -> Option<Self> {
        let base = trusted::directory(Path::new(MEMORY), GroupWrite::Denied).ok()?;
        let directory = Self::create_in(&base).ok()?;
        std::fs::set_permissions(&directory.path, std::fs::Permissions::from_mode(0o711)).ok()?;
        Some(directory)
    }

    fn create_in(base: &Path) -> io::Result<Self> {
        remove_stale(base);
        let path = create_private(base, &prefix())?;
        let locked = new_file(&path.join(LOCK), 0o600).and_then(|lock| lock.lock().map(|()| lock));
        let lock = locked.inspect_err(|_| {
            // The file and the directory are removed by their paths, because listing the directory takes a descriptor
            // and there may be none left.
            let _ = std::fs::remove_file(path.join(LOCK));
            let _ = std::fs::remove_dir(&path);
        })?;
        Ok(Self { path, lock: Some(lock) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the directory with its files, and returns whether the directory is gone. If files are left, the next run
    /// removes them.
    pub(crate) fn remove(&self) -> bool {
        std::fs::remove_dir_all(&self.path).is_ok()
    }

    /// Replaces a file in the directory.
    ///
    /// # Errors
    /// The directory is full or has been removed.
    pub(crate) fn rewrite(&self, name: &str, contents: &[u8]) -> Result<(), Error> {
        replace(&self.path.join(name), contents, 0o600).map_err(|error| failed(&error))
    }

    /// Writes a file in the directory. Only this user can read the file.
    ///
    /// # Errors
    /// The directory is full, has been removed, or already contains a file with this name.
    pub(crate) fn write(&self, name: &str, contents: &[u8]) -> Result<PathBuf, Error> {
        let path = self.path.join(name);
        new_file(&path, 0o600).and_then(|mut file| file.write_all(contents)).map_err(|error| failed(&error))?;
        Ok(path)
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        if !self.remove() {
            // The removal may have failed because no descriptor was available to list the directory. So the lock's
            // descriptor is closed, and the removal is tried again.
            self.lock = None;
            self.remove();
        }
    }
}

/// Creates a directory that only this user can enter, with a name that no other user can predict. Returns its path.
///
/// # Errors
/// The file system reports an error.
pub(super) fn create_private(base: &Path, prefix: &str) -> io::Result<PathBuf> {
    let path = mkdtemp(&base.join(format!("{prefix}XXXXXX")))?;
    // The mode is set again here, because with a umask of 0177 not even the owner could enter the directory.
    let changed = std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700));
    changed.inspect_err(|_| drop(std::fs::remove_dir(&path)))?;
    Ok(path)
}

/// Calls `make` with each base directory in order, until a call succeeds. Directories that are not trusted are skipped.
///
/// # Errors
/// Returns the last failure if no call succeeds.
pub(super) fn first_base<T>(vars: &Vars, make: impl Fn(&Path) -> io::Result<T>) -> Result<T, Error> {
    let temporary = vars.nonempty("TMPDIR").map_or_else(|| "/tmp".into(), PathBuf::from);
    let runtime = vars.nonempty("XDG_RUNTIME_DIR").map(PathBuf::from);
    let mut last = io::Error::from(Errno::ENOENT);
    let bases = runtime.into_iter().chain([PathBuf::from(MEMORY), temporary]);
    // The path must be absolute, because the command may change its working directory.
    for base in bases.filter(|base| base.is_absolute()) {
        let trusted = trusted::directory(&base, GroupWrite::Denied);
        match trusted.map_err(|problem| io::Error::other(problem.text)).and_then(|base| make(&base)) {
            Ok(result) => return Ok(result),
            Err(error) => last = error,
        }
    }
    Err(failed(&last))
}

fn failed(error: &io::Error) -> Error {
    let what = "create a private directory in XDG_RUNTIME_DIR, /dev/shm or TMPDIR";
    Error::cannot(what, error, "one of them must be writable")
}

pub(super) fn prefix() -> String {
    format!("xassume-{}.", geteuid())
}

pub(super) fn is_own_directory(found: &Metadata) -> bool {
    found.is_dir() && found.uid() == geteuid().as_raw()
}

/// Removes the directories of killed runs. A directory is kept unless it certainly comes from a killed run.
fn remove_stale(base: &Path) {
    let Ok(entries) = std::fs::read_dir(base) else { return };
    let prefix = prefix();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(suffix) = name.to_str().and_then(|name| name.strip_prefix(&prefix)) else { continue };
        if suffix.len() == 6 && is_stale(&entry.path()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

fn is_stale(directory: &Path) -> bool {
    let Ok(found) = std::fs::symlink_metadata(directory) else { return false };
    if !is_own_directory(&found) {
        return false;
    }
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    match OpenOptions::new().write(true).custom_flags(flags).open(directory.join(LOCK)) {
        Ok(lock) => lock.try_lock().is_ok(),
        // The lock file does not exist. A new run may be about to create it, so only an old directory counts as stale.
        Err(error) if error.kind() == io::ErrorKind::NotFound => is_settled(&found),
        // The lock file cannot be opened, because no descriptor is available or permission is missing. A running
        // xassume may have locked it.
        Err(_) => false,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::deliver::replace::SETTLED;
    use std::os::unix::fs::symlink;

    pub(in crate::deliver) fn base() -> (tempfile::TempDir, Vars) {
        let base = tempfile::tempdir().expect("a directory");
        let vars = [("XDG_RUNTIME_DIR", base.path().to_str().expect("text"))].into_iter().collect();
        (base, vars)
    }

    pub(in crate::deliver) fn entries(base: &tempfile::TempDir) -> usize {
        std::fs::read_dir(base.path()).expect("a directory").count()
    }

    #[test]
    fn a_run_directory_is_private_and_removed_with_the_run() {
        let (base, vars) = base();
        let directory = RunDirectory::create(&vars).expect("a directory");
        let mode = |path: &Path| std::fs::metadata(path).expect("there").mode() & 0o777;
        assert_eq!(mode(directory.path()), 0o700);
        let file = directory.write("credentials", b"x").expect("written");
        assert_eq!(mode(&file), 0o600);
        drop(directory);
        assert_eq!(entries(&base), 0);
    }

    #[test]
    fn directories_of_killed_runs_are_removed_and_those_of_living_ones_kept() {
        let (base, vars) = base();
        let living = RunDirectory::create(&vars).expect("a directory");
        let killed = base.path().join(format!("{}abcdef", prefix()));
        std::fs::create_dir(&killed).expect("a directory");
        std::fs::write(killed.join(LOCK), "").expect("a lock that no process has");
        let young = base.path().join(format!("{}ghijkl", prefix()));
        std::fs::create_dir(&young).expect("a directory");
        let elsewhere = tempfile::tempdir().expect("a directory");
        symlink(elsewhere.path(), base.path().join(format!("{}mnopqr", prefix()))).expect("a link");
        let second = RunDirectory::create(&vars).expect("a directory");
        assert!(living.path().exists() && second.path().exists() && young.exists() && elsewhere.path().exists());
        assert!(!killed.exists());
    }

    #[test]
    fn a_directory_whose_lock_cannot_be_checked_is_kept() {
        let (base, vars) = base();
        let old = std::time::SystemTime::now() - 2 * SETTLED;
        let directory = |suffix: &str, lock: Option<&Path>| {
            let path = base.path().join(format!("{}{suffix}", prefix()));
            std::fs::create_dir(&path).expect("a directory");
            if let Some(to) = lock {
                symlink(to, path.join(LOCK)).expect("a link, which is not followed");
            }
            let times = std::fs::FileTimes::new().set_modified(old);
            File::open(&path).and_then(|directory| directory.set_times(times)).expect("an old directory");
            path
        };
        let (left, closed) = (directory("abcdef", None), directory("ghijkl", Some(Path::new("/dev/null"))));
        let _new = RunDirectory::create(&vars).expect("a directory");
        assert!(!left.exists() && closed.exists());
    }

    #[test]
    fn a_directory_for_commands_has_a_plain_path() {
        let base = tempfile::tempdir().expect("a directory");
        for (name, plain) in [("run", true), ("my run", false), ("it's", false), ("$HOME", false), ("ü", false)] {
            let runtime = base.path().join(name);
            std::fs::create_dir(&runtime).expect("a directory");
            let vars: Vars = [("XDG_RUNTIME_DIR", &runtime)].into_iter().collect();
            assert_eq!(check_plain(&runtime).is_ok(), plain, "{name}");
            // If the directory is not suitable, another base directory is used.
            if let Ok(directory) = RunDirectory::create_for_commands(&vars) {
                assert_eq!(directory.path().starts_with(&runtime), plain, "{name}");
            }
            assert!(RunDirectory::create(&vars).expect("a directory").path().starts_with(&runtime));
        }
    }

    #[test]
    fn a_relative_base_is_skipped() {
        let vars: Vars = [("XDG_RUNTIME_DIR", "."), ("TMPDIR", "/tmp")].into_iter().collect();
        assert!(RunDirectory::create(&vars).expect("a directory").path().is_absolute());
    }

    #[test]
    fn a_base_in_which_another_user_could_replace_files_is_passed_over() {
        let (base, vars) = base();
        let set = |mode| std::fs::set_permissions(base.path(), std::fs::Permissions::from_mode(mode)).expect("a mode");
        for (mode, used) in [(0o777, false), (0o770, false), (0o1777, true), (0o700, true)] {
            set(mode);
            let directory = RunDirectory::create(&vars).expect("another base will do");
            assert_eq!(directory.path().starts_with(base.path()), used, "{mode:o}");
        }
    }
}
