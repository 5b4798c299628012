//! Writers and readers at once, and what becomes of an answer.

use super::stamp::tests::{entry, stamp};
use super::*;
use crate::cache::directory::Make;
use crate::session::{Keys, Secret, Validity};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::SystemTime;

struct World {
    base: tempfile::TempDir,
    place: Place,
}

impl World {
    fn new() -> Self {
        let base = tempfile::tempdir().expect("a directory");
        let place = Place { path: base.path().join("x"), make: Make::Directory };
        Self { base, place }
    }

    fn cache(&self) -> Cache {
        Cache { places: vec![self.place.clone()] }
    }

    fn turn(&self) -> LockOutcome {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(self.cache().turn(&Key::for_tests(1), Duration::ZERO, &|_| false)).0
    }

    fn held(&self) -> LockGuard {
        match self.turn() {
            LockOutcome::Ours(held) => held,
            other => panic!("{other:?}"),
        }
    }
}

/// A session whose every part tells its number, of a length that depends on it.
fn numbered(number: usize) -> Entry {
    let part = |name: &str| format!("{name}-{number}-").repeat(1 + number % 7);
    let keys = Keys {
        access_key_id: part("id"),
        secret_access_key: Secret::new(part("secret")),
        session_token: Some(Secret::new(part("token").repeat(20))),
    };
    Entry { keys, arn: part("arn"), ..entry(0) }
}

fn whole(directory: &Directory, key: &Key) -> Option<Entry> {
    file::decode(key, &directory.read(key).ok()?).map(|(entry, _)| entry)
}

/// One that lasts: an hour from now, by the clocks of this machine.
fn lasting(arn: &str) -> (Entry, Stamp) {
    let now = Moment::now();
    let hour = Duration::from_hours(1);
    let validity = Validity { expiration: now.wall + hour, left: hour, lifetime: hour, skew_secs: 0 };
    let stamp =
        Stamp { boot_id: now.boot_id.unwrap_or_default(), asked: now.boottime, answered: now.boottime, wall: now.wall };
    (Entry { validity, arn: arn.into(), ..entry(0) }, stamp)
}

#[test]
fn readers_see_whole_sessions_only_whatever_the_writers_do() {
    const WRITERS: usize = 3;
    const SESSIONS: usize = 150;
    let world = World::new();
    let key = Key::for_tests(1);
    let first = Directory::make(&world.place).expect("made");
    let write = |directory: &Directory, number: usize| {
        let bytes = file::encode(&key, &numbered(number), &stamp(0)).expect("encoded");
        let mut reserved = directory.reserve(&key).expect("room");
        directory.replace(&key, &mut reserved, &bytes).expect("written");
    };
    write(&first, 0);
    let (writing, reads) = (AtomicBool::new(true), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let directory = Directory::open(&world.place.path).expect("there");
                let write = &write;
                scope.spawn(move || (0..SESSIONS).for_each(|number| write(&directory, writer * SESSIONS + number)))
            })
            .collect();
        for _ in 0..2 {
            scope.spawn(|| {
                let directory = Directory::open(&world.place.path).expect("there");
                while writing.load(Ordering::Relaxed) {
                    let read = whole(&directory, &key).expect("a session at every moment");
                    let number = read.arn.split('-').nth(1).and_then(|number| number.parse().ok()).expect("a number");
                    assert_eq!(read, numbered(number));
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for writer in writers {
            writer.join().expect("the writer ends well");
        }
        writing.store(false, Ordering::Relaxed);
    });
    assert!(reads.load(Ordering::Relaxed) > 0);
    assert_eq!(first.names().expect("names").len(), 1, "nothing but the session is left");
}

#[test]
fn an_answer_is_there_for_all() {
    let world = World::new();
    let key = Key::for_tests(1);
    assert!(world.cache().find(&key, &|_| true).found.is_none());
    let (entry, stamp) = lasting("arn");
    world.held().keep(&key, &entry, &stamp).expect("kept");
    let found = world.cache().find(&key, &|_| true).found.expect("found");
    assert_eq!((found.entry.keys, found.entry.arn), (entry.keys, entry.arn));
    assert_eq!(found.asked.map(|asked| asked.as_millis()), Some(stamp.asked.as_millis()));
    assert!(world.cache().find(&Key::for_tests(2), &|_| true).found.is_none());
    assert!(matches!(world.turn(), LockOutcome::Ours(_)), "the lock is free again");
}

#[test]
fn an_answer_is_kept_though_the_directory_was_removed_meanwhile() {
    let world = World::new();
    let key = Key::for_tests(1);
    let (entry, stamp) = lasting("arn");
    let mut held = world.held();
    std::fs::remove_dir_all(&world.place.path).expect("removed");
    held.keep(&key, &entry, &stamp).expect("kept in a new folder");
    assert!(world.cache().find(&key, &|_| true).found.is_some());

    let mut held = world.held();
    for file in std::fs::read_dir(&world.place.path).expect("a directory").flatten() {
        std::fs::remove_file(file.path()).expect("removed");
    }
    held.keep(&key, &entry, &stamp).expect("kept in the same folder");
    assert!(world.cache().find(&key, &|_| true).found.is_some());
}

#[test]
fn a_holder_that_fails_leaves_nothing_but_the_lock() {
    let world = World::new();
    drop(world.held());
    let names = Directory::open(&world.place.path).expect("there").names().expect("names");
    assert_eq!(names.len(), 1, "{names:?}");
    assert!(matches!(world.turn(), LockOutcome::Ours(_)));
}

#[test]
fn of_two_places_the_first_session_that_will_do_is_taken() {
    let world = World::new();
    let second = Place { path: world.base.path().join("y"), make: Make::Directory };
    let key = Key::for_tests(1);
    for (place, arn, minutes) in [(&world.place, "short", 5), (&second, "long", 50)] {
        let (entry, stamp) = lasting(arn);
        let left = Duration::from_mins(minutes);
        let entry = Entry { validity: Validity { left, ..entry.validity }, ..entry };
        let bytes = file::encode(&key, &entry, &stamp).expect("encoded");
        let directory = Directory::make(place).expect("made");
        let mut reserved = directory.reserve(&key).expect("room");
        directory.replace(&key, &mut reserved, &bytes).expect("kept");
    }
    let cache = Cache { places: vec![world.place.clone(), second] };
    let arn = |accepts: &dyn Fn(&Found) -> bool| cache.find(&key, accepts).found.expect("found").entry.arn;
    assert_eq!(arn(&|_| true), "short");
    assert_eq!(arn(&|found| found.entry.arn == "long"), "long");
    assert_eq!(arn(&|_| false), "long", "the one with most left");
    let cleared = cache.clear().expect("cleared");
    assert_eq!(cleared.iter().map(|cleared| cleared.sessions).sum::<usize>(), 2);
}

#[test]
fn a_session_that_is_forgotten_is_gone() {
    let world = World::new();
    let key = Key::for_tests(1);
    let (entry, stamp) = lasting("arn");
    world.held().keep(&key, &entry, &stamp).expect("kept");
    assert!(world.cache().find(&key, &|_| true).found.is_some());
    world.cache().forget(&Key::for_tests(2));
    assert!(world.cache().find(&key, &|_| true).found.is_some(), "another key's");
    world.cache().forget(&key);
    assert!(world.cache().find(&key, &|_| true).found.is_none());
}

#[test]
fn a_session_that_has_expired_is_not_found() {
    let world = World::new();
    let key = Key::for_tests(1);
    let (entry, stamp) = lasting("arn");
    let validity = Validity { expiration: SystemTime::UNIX_EPOCH, ..entry.validity };
    world.held().keep(&key, &Entry { validity, ..entry }, &stamp).expect("kept");
    assert!(world.cache().find(&key, &|_| true).found.is_none());
}
