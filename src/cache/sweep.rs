//! Removes files that are not needed: expired sessions, lock files without a session, and temporary files of killed
//! processes.

use super::file;
use crate::cache::directory::{Directory, Kind};
use crate::error::reason_of;
use crate::sys::clock::wall;
use nix::fcntl::OFlag;
use std::io;
use std::time::{Duration, SystemTime};

/// The shortest lifetime of a session. A file that is younger than this cannot contain an expired session, so it is not
/// examined.
const MIN_AGE: Duration = Duration::from_mins(15);
/// The maximum number of files that one sweep examines.
const MAX_FILES: usize = 2000;

/// Removes expired sessions, unused old lock files and old temporary files.
///
/// This function is called only after a session from STS was stored, so it does not run more often than STS is called.
/// A session may be removed too early, for example because the clock was set. The only effect is one more call to STS.
pub(super) fn expired(directory: &Directory) {
    let Ok(names) = directory.names() else { return };
    let now = wall();
    for (name, kind) in names.iter().take(MAX_FILES) {
        let Some(written) = written(directory, name) else { continue };
        if !now.duration_since(written).is_ok_and(|age| age > MIN_AGE) {
            continue;
        }
        match kind {
            Kind::Session if !has_expired(directory, name, written, now) => {}
            Kind::Session | Kind::New => drop(directory.remove(name)),
            Kind::Lock => remove_unused_lock(directory, name, &names),
        }
    }
}

/// Removes all sessions, all temporary files and all unused lock files. Continues if a file cannot be removed. Returns the
/// number of sessions that were removed, and the first error. A file without a session in it is not counted.
pub(super) fn clear(directory: &Directory) -> (usize, io::Result<()>) {
    let names = match directory.names() {
        Ok(names) => names,
        Err(error) => return (0, Err(error)),
    };
    let (mut sessions, mut result) = (0, Ok(()));
    for (name, kind) in &names {
        if *kind == Kind::Lock {
            remove_unused_lock(directory, name, &[]);
            continue;
        }
        let is_session =
            *kind == Kind::Session && directory.read_name(name).is_ok_and(|bytes| file::is_session(&bytes));
        match directory.remove(name) {
            Ok(removed) => sessions += usize::from(removed && is_session),
            Err(error) => {
                let error = io::Error::other(format!("cannot remove {name}: {}", reason_of(&error)));
                result = result.and(Err(error));
            }
        }
    }
    (sessions, result)
}

/// Returns when a file was last changed, or `None` if the file does not exist.
fn written(directory: &Directory, name: &str) -> Option<SystemTime> {
    let status = directory.status(name).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(status.st_mtime.unsigned_abs()))
}

/// Checks whether the session in a file has expired. A file that cannot be read counts as expired.
fn has_expired(directory: &Directory, name: &str, written: SystemTime, now: SystemTime) -> bool {
    let expiration = directory.read_name(name).ok().and_then(|bytes| file::expiration(&bytes, written));
    expiration.is_none_or(|expiration| expiration <= now)
}

/// Removes a lock file that no process has locked and whose key has no session in `names`. The file is locked while it
/// is removed. A process that waits for this lock then notices that the file is no longer the key's lock file.
fn remove_unused_lock(directory: &Directory, name: &str, names: &[(String, Kind)]) {
    let key = name.split('.').next().unwrap_or_default();
    if names.iter().any(|(other, kind)| *kind == Kind::Session && other.starts_with(key)) {
        return;
    }
    let Ok(file) = directory.open_file(name, OFlag::O_RDWR) else { return };
    if file.try_lock().is_ok() {
        let _ = directory.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::Key;
    use super::super::stamp::tests::{session, stamp, title, validity};
    use super::*;
    use crate::cache::directory::{Make, Place};
    use crate::session::{Session, Validity};
    use std::fs::{File, FileTimes};

    struct World {
        _base: tempfile::TempDir,
        directory: Directory,
    }

    impl World {
        fn new() -> Self {
            let base = tempfile::tempdir().expect("a directory");
            let directory =
                Directory::make(&Place { path: base.path().join("x"), make: Make::Directory }).expect("made");
            Self { _base: base, directory }
        }

        fn keep(&self, seed: u8, expiration: SystemTime) {
            let key = Key::for_tests(seed);
            let session = Session { validity: Some(Validity { expiration, ..validity(0) }), ..session(0) };
            let bytes = file::encode(&key, &title("prod"), &session, &stamp(0)).expect("encoded");
            let reserved = self.directory.reserve(&key).expect("room");
            self.directory.replace(&key, reserved, &bytes).expect("kept");
            drop(self.directory.lock_file(&key).expect("a lock"));
        }

        /// Sets the modification time of every file, so that the file is older than [`MIN_AGE`].
        fn age(&self) {
            for (name, _) in self.directory.names().expect("names") {
                let file = File::open(self.directory.path().join(name)).expect("there");
                file.set_times(FileTimes::new().set_modified(wall() - MIN_AGE * 2)).expect("times");
            }
        }

        fn left(&self) -> Vec<Kind> {
            let mut names = self.directory.names().expect("names");
            names.sort_by(|one, other| one.0.cmp(&other.0));
            names.into_iter().map(|(_, kind)| kind).collect()
        }
    }

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn expired_sessions_and_files_of_killed_processes_are_removed() {
        let world = World::new();
        world.keep(1, wall() - HOUR);
        world.keep(2, wall() + HOUR);
        drop(world.directory.reserve(&Key::for_tests(3)).expect("room"));
        std::fs::write(world.directory.path().join("notes.txt"), "").expect("written");
        expired(&world.directory);
        assert_eq!(world.left().len(), 5, "no file is old yet");
        world.age();
        expired(&world.directory);
        world.age();
        expired(&world.directory);
        assert_eq!(world.left(), [Kind::Lock, Kind::Session]);
        assert!(world.directory.path().join("notes.txt").exists());
    }

    #[test]
    fn a_lock_in_use_is_kept() {
        let world = World::new();
        let file = world.directory.lock_file(&Key::for_tests(1)).expect("a lock");
        file.lock().expect("locked");
        world.age();
        expired(&world.directory);
        assert!(matches!(clear(&world.directory), (0, Ok(()))));
        assert_eq!(world.left(), [Kind::Lock]);
        drop(file);
        assert!(matches!(clear(&world.directory), (0, Ok(()))));
        assert_eq!(world.left(), []);
    }

    #[test]
    fn clearing_counts_the_sessions() {
        let world = World::new();
        world.keep(1, wall() - HOUR);
        world.keep(2, wall() + HOUR);
        let file = |name: &str| world.directory.path().join(format!("{}.session", name.repeat(64)));
        std::fs::write(file("a"), "no session").expect("written");
        std::os::unix::fs::symlink("/dev/zero", file("b")).expect("a link");
        assert!(matches!(clear(&world.directory), (2, Ok(()))));
        assert_eq!(world.left(), []);
    }
}
