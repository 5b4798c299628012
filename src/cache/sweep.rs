//! What becomes of files that nobody needs: expired sessions, locks without a session, what killed writers left.

use super::file;
use crate::cache::directory::{Directory, Kind};
use crate::sys::clock::wall;
use nix::fcntl::OFlag;
use std::io;
use std::time::{Duration, SystemTime};

/// The shortest session that STS gives: nothing younger needs a look.
const SETTLED: Duration = Duration::from_mins(15);
/// How many files one sweep looks at; the next one does the rest.
const MOST_FILES: usize = 2000;

/// Removes sessions that have expired, and old locks and new files that are not in use.
///
/// Done after a session was kept, hence never more often than STS is called. A mistake, as after a step of the clock,
/// costs a call and nothing else.
pub(super) fn expired(directory: &Directory) {
    let Ok(names) = directory.names() else { return };
    let now = wall();
    for (name, kind) in names.iter().take(MOST_FILES) {
        if !is_settled(directory, name, now) {
            continue;
        }
        match kind {
            Kind::Session if has_expired(directory, name, now) => drop(directory.remove(name)),
            Kind::Session => {}
            Kind::New => drop(directory.remove(name)),
            Kind::Lock => remove_unused_lock(directory, name, &names),
        }
    }
}

/// Removes every session and whatever else is not in use; how many sessions that were.
///
/// # Errors
/// The first session that could not be removed.
pub(super) fn clear(directory: &Directory) -> io::Result<usize> {
    let names = directory.names()?;
    let mut sessions = 0;
    for (name, kind) in &names {
        match kind {
            Kind::Session => {
                directory.remove(name)?;
                sessions += 1;
            }
            Kind::New => directory.remove(name)?,
            Kind::Lock => remove_unused_lock(directory, name, &[]),
        }
    }
    Ok(sessions)
}

fn is_settled(directory: &Directory, name: &str, now: SystemTime) -> bool {
    let Ok(status) = directory.status(name) else { return false };
    let written = SystemTime::UNIX_EPOCH + Duration::from_secs(status.st_mtime.unsigned_abs());
    now.duration_since(written).is_ok_and(|age| age > SETTLED)
}

/// What cannot be read is no session, so it has expired too.
fn has_expired(directory: &Directory, name: &str, now: SystemTime) -> bool {
    let expiration = directory.read_name(name).ok().and_then(|bytes| file::expiration(&bytes));
    expiration.is_none_or(|expiration| expiration <= now)
}

/// Removes a lock file that nobody holds and that has no session. Its lock is held meanwhile; who waits for it finds
/// out that it is not the key's lock any more.
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
    use super::super::stamp::tests::{entry, stamp};
    use super::*;
    use crate::cache::directory::{Make, Place};
    use crate::session::Validity;
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
            let entry = super::super::Entry { validity: Validity { expiration, ..entry(0).validity }, ..entry(0) };
            let bytes = file::encode(&key, &entry, &stamp(0)).expect("encoded");
            let mut reserved = self.directory.reserve(&key).expect("room");
            self.directory.replace(&key, &mut reserved, &bytes).expect("kept");
            drop(self.directory.lock_file(&key).expect("a lock"));
        }

        /// Makes every file older than any that is being used.
        fn age(&self) {
            for (name, _) in self.directory.names().expect("names") {
                let file = File::open(self.directory.path().join(name)).expect("there");
                file.set_times(FileTimes::new().set_modified(wall() - SETTLED * 2)).expect("times");
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
    fn expired_sessions_and_what_killed_writers_left_are_removed() {
        let world = World::new();
        world.keep(1, wall() - HOUR);
        world.keep(2, wall() + HOUR);
        drop(world.directory.reserve(&Key::for_tests(3)).expect("room"));
        std::fs::write(world.directory.path().join("somebody's notes"), "").expect("written");
        expired(&world.directory);
        assert_eq!(world.left().len(), 5, "nothing has settled yet");
        world.age();
        expired(&world.directory);
        world.age();
        expired(&world.directory);
        assert_eq!(world.left(), [Kind::Lock, Kind::Session]);
        assert!(world.directory.path().join("somebody's notes").exists());
    }

    #[test]
    fn a_lock_that_is_held_stays() {
        let world = World::new();
        let file = world.directory.lock_file(&Key::for_tests(1)).expect("a lock");
        file.lock().expect("locked");
        world.age();
        expired(&world.directory);
        assert_eq!(clear(&world.directory).expect("cleared"), 0);
        assert_eq!(world.left(), [Kind::Lock]);
        drop(file);
        clear(&world.directory).expect("cleared");
        assert_eq!(world.left(), []);
    }

    #[test]
    fn clearing_counts_the_sessions() {
        let world = World::new();
        world.keep(1, wall() - HOUR);
        world.keep(2, wall() + HOUR);
        assert_eq!(clear(&world.directory).expect("cleared"), 2);
        assert_eq!(world.left(), []);
    }
}
