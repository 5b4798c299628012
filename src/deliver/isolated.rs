//! The config file for an isolated command in exec mode. The command replaces xassume, so no process is left that could
//! remove the file.
//!
//! The file contains no secret. Runs with the same settings share one file. The name of its directory contains a digest
//! of the contents and random letters. A later run lists the base directory and finds the file by the digest. The
//! random letters prevent another user from creating the directory first. Such a file is called a copy below. A later
//! run removes a copy if both conditions are met: no process of this user has the path in `AWS_CONFIG_FILE`, and the
//! file has been neither reused nor read for the time [`UNUSED`]. The second condition is needed because some processes
//! cannot be inspected (after `sudo`, or in another container).

use super::replace::replace;
use crate::deliver::run_directory::{create_private, first_base, is_own_directory, prefix};
use crate::error::Error;
use crate::files::read_at_most;
use crate::sys::clock;
use crate::sys::random::hex;
use crate::vars::Vars;
use sha2::Digest as _;
use std::cell::OnceCell;
use std::ffi::OsStr;
use std::fs::{DirEntry, File, FileTimes, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The name of the file in its directory.
const CONFIG: &str = "config";
/// How long a copy must have been neither reused nor read before it is removed. This is twice the time by which a file
/// system may delay the access time (`relatime` in mount(8)).
const UNUSED: Duration = Duration::from_hours(48);
/// The maximum number of bytes that are read from the environment of a process.
const MAX_BYTES: usize = 4 << 20;

/// Returns the path of a file with these contents. Reuses an existing file if possible, and creates a new one
/// otherwise.
///
/// # Errors
/// No base directory can be used.
pub(crate) fn config_file(vars: &Vars, config: &[u8]) -> Result<PathBuf, Error> {
    let digest = sha2::Sha256::digest(config);
    let prefix = format!("{}config-", prefix());
    let name = format!("{prefix}{}.", hex(&digest[..16]));
    first_base(vars, |base| {
        let copies: Vec<DirEntry> = copies(base, &prefix);
        let used = copies.iter().filter(|copy| begins(copy, &name)).find_map(|copy| reused(&copy.path(), config));
        sweep(&copies);
        if let Some(path) = used {
            return Ok(path);
        }
        let path = create_private(base, &name)?.join(CONFIG);
        replace(&path, config, 0o600)?;
        Ok(path)
    })
}

fn begins(entry: &DirEntry, with: &str) -> bool {
    entry.file_name().as_bytes().starts_with(with.as_bytes())
}

/// Returns the directories in `base` that contain copies which this user's runs have created.
fn copies(base: &Path, prefix: &str) -> Vec<DirEntry> {
    let entries = std::fs::read_dir(base).into_iter().flatten().flatten();
    let is_copy =
        |entry: &DirEntry| begins(entry, prefix) && entry.metadata().is_ok_and(|found| is_own_directory(&found));
    entries.filter(is_copy).collect()
}

/// Returns the file in `directory` if it has these contents and can be reused, and otherwise `None`. Records the reuse
/// in the file's modification time. The file is locked while this function runs, so that [`sweep`] in another run does
/// not remove it.
fn reused(directory: &Path, config: &[u8]) -> Option<PathBuf> {
    let path = directory.join(CONFIG);
    let mode = std::fs::symlink_metadata(directory).ok()?.mode();
    let file = open(&path).ok()?;
    file.try_lock_shared().ok()?;
    let found = file.metadata().ok()?;
    let is_in_place = std::fs::symlink_metadata(&path).is_ok_and(|there| there.ino() == found.ino());
    let is_private = mode & 0o777 == 0o700 && found.mode() & 0o777 == 0o600;
    let is_same = found.len() == config.len() as u64 && read_at_most(&path, config.len()).ok()? == config;
    let is_usable = is_in_place && is_private && is_same;
    let is_recorded = is_usable && file.set_times(FileTimes::new().set_modified(clock::wall())).is_ok();
    // Closing the file would not always release the lock: if another thread forks at this moment, the new process also
    // has the file open, and the lock remains until that process closes it.
    let _ = file.unlock();
    is_recorded.then_some(path)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)
}

/// Removes the copies that no process uses.
fn sweep(copies: &[DirEntry]) {
    let named = OnceCell::new();
    for copy in copies {
        let (directory, config) = (copy.path(), copy.path().join(CONFIG));
        if !is_unused(&config).unwrap_or_else(|| is_unused(&directory).unwrap_or(false)) {
            continue;
        }
        // If the processes cannot be inspected, nothing is removed.
        let Some(named) = named.get_or_init(named_by_processes) else { return };
        if named.contains(&config) {
            continue;
        }
        let locked = open(&config).map(|file| (file.try_lock().is_ok(), file));
        // Check the times again, because another run may have started to use the copy after the first check.
        if !matches!(locked, Ok((false, _))) && is_unused(&config) != Some(false) {
            let _ = std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o700));
            let _ = std::fs::remove_dir_all(&directory);
        }
    }
}

/// Checks whether a file has been neither reused nor read for longer than [`UNUSED`]. Returns `None` if the file does
/// not exist.
fn is_unused(path: &Path) -> Option<bool> {
    let found = std::fs::symlink_metadata(path).ok()?;
    let last = [found.modified(), found.accessed()].into_iter().flatten().max()?;
    Some(last.elapsed().is_ok_and(|age| age > UNUSED))
}

/// Returns the paths in `AWS_CONFIG_FILE` of all processes that this user can inspect. Returns `None` if `/proc` cannot
/// be read.
fn named_by_processes() -> Option<Vec<PathBuf>> {
    let mut named = Vec::new();
    for process in std::fs::read_dir("/proc").ok()?.flatten() {
        let is_process = process.file_name().as_bytes().first().is_some_and(u8::is_ascii_digit);
        let Some(environment) =
            is_process.then(|| read_at_most(&process.path().join("environ"), MAX_BYTES).ok()).flatten()
        else {
            continue;
        };
        let values =
            environment.split(|byte| *byte == 0).filter_map(|variable| variable.strip_prefix(b"AWS_CONFIG_FILE="));
        named.extend(values.map(|value| PathBuf::from(OsStr::from_bytes(value))));
    }
    Some(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::run_directory::tests::{base, entries};
    use std::fs::Permissions;
    use std::time::SystemTime;

    fn unused_for(path: &Path, age: Duration) {
        let last = SystemTime::now() - age;
        let times = FileTimes::new().set_modified(last).set_accessed(last);
        File::open(path).and_then(|file| file.set_times(times)).expect("a time");
    }

    #[test]
    fn the_same_settings_share_a_file_and_others_do_not() {
        let (base, vars) = base();
        let first = config_file(&vars, b"[default]\n").expect("a file");
        assert_eq!(config_file(&vars, b"[default]\n").expect("the same"), first);
        assert_eq!(std::fs::read(&first).expect("there"), b"[default]\n");
        assert_ne!(config_file(&vars, b"[other]\n").expect("another"), first);
        assert_eq!(entries(&base), 2);
    }

    #[test]
    fn a_copy_that_is_open_or_changed_is_not_used_again() {
        let (_base, vars) = base();
        let copy = || config_file(&vars, b"[default]\n").expect("a file");
        let open = copy();
        std::fs::set_permissions(open.parent().expect("a directory"), Permissions::from_mode(0o755)).expect("a mode");
        let changed = copy();
        assert_ne!(changed, open);
        std::fs::write(&changed, "[default]\na=b").expect("written");
        let torn = copy();
        assert_ne!(torn, changed);
        std::fs::remove_file(&torn).expect("there");
        assert_ne!(copy(), torn);
    }

    #[test]
    fn a_later_run_removes_unused_copies() {
        let (base, vars) = base();
        let copy = |text: &str| config_file(&vars, text.as_bytes()).expect("a file");
        let [old, young, read, named] = ["old", "young", "read", "named"].map(copy);
        for (path, age) in [(&old, 2 * UNUSED), (&young, UNUSED / 2), (&read, 2 * UNUSED), (&named, 2 * UNUSED)] {
            unused_for(path, age);
        }
        let now = FileTimes::new().set_accessed(SystemTime::now());
        File::open(&read).and_then(|file| file.set_times(now)).expect("a time");
        let mut process =
            std::process::Command::new("sleep").arg("60").env("AWS_CONFIG_FILE", &named).spawn().expect("sleep");
        // The environment is empty until execve(2) has built the new stack, which may be after `spawn` has returned.
        while std::fs::read(format!("/proc/{}/environ", process.id())).is_ok_and(|text| text.is_empty()) {
            std::thread::yield_now();
        }
        // Another version, or a run that was killed, may leave an empty directory.
        let empty = base.path().join(format!("{}config-0", prefix()));
        std::fs::create_dir(&empty).expect("a directory");
        unused_for(&empty, 2 * UNUSED);
        copy("new");
        let there = [&old, &young, &read, &named, &empty].map(|path| path.exists());
        assert_eq!(there, [false, true, true, true, false]);
        process.kill().and_then(|()| process.wait()).expect("it ran");
        copy("newer");
        assert!(!named.exists(), "its last process has ended");
    }
}
