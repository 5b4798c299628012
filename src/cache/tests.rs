//! Tests with concurrent writers and readers, and tests of which sessions are found after they were stored.

use super::directory::{Directory, Make, Place};
use super::stamp::Clocks;
use super::stamp::tests::{session, stamp, title};
use super::*;
use crate::session::{Keys, Secret, Session, Validity};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

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

    fn outcome(&self) -> LockOutcome {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(self.cache().lock(&Key::for_tests(1), Duration::ZERO, &|_| false)).0
    }

    fn held(&self) -> LockGuard {
        match self.outcome() {
            LockOutcome::Ours(held) => held,
            other => panic!("{other:?}"),
        }
    }
}

/// Returns a session that contains the number in each part, and whose length depends on the number.
fn numbered(number: usize) -> Session {
    let part = |name: &str| format!("{name}-{number}-").repeat(1 + number % 7);
    let keys = Keys {
        access_key_id: part("id"),
        secret_access_key: Secret::new(part("secret")),
        session_token: Some(Secret::new(part("token").repeat(20))),
    };
    Session { keys, assumed_role_arn: Some(part("arn")), ..session(0) }
}

fn whole(directory: &Directory, key: &Key) -> Option<Session> {
    file::decode(key, &directory.read(key).ok()?).map(|(session, _)| session)
}

/// Returns a session that is valid for one hour from now, and its stamp.
fn lasting(arn: &str) -> (Session, Stamp) {
    let now = Clocks::now();
    let hour = Duration::from_hours(1);
    let validity = Validity { expiration: now.wall + hour, left: hour, lifetime: hour, skew_secs: 0 };
    let session = Session { validity: Some(validity), assumed_role_arn: Some(arn.into()), ..session(0) };
    (session, Stamp::answered_now(now.boottime))
}

#[test]
fn readers_see_only_whole_sessions_while_others_write() {
    const WRITERS: usize = 3;
    const SESSIONS: usize = 150;
    let world = World::new();
    let key = Key::for_tests(1);
    let first = Directory::make(&world.place).expect("made");
    let write = |directory: &Directory, number: usize| {
        let bytes = file::encode(&key, &title("prod"), &numbered(number), &stamp(0)).expect("encoded");
        let reserved = directory.reserve(&key).expect("room");
        directory.replace(&key, reserved, &bytes).expect("written");
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
                    let read = whole(&directory, &key).expect("a session at any time");
                    let arn = read.assumed_role_arn.as_deref().unwrap_or_default();
                    let number = arn.split('-').nth(1).and_then(|number| number.parse().ok()).expect("a number");
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
fn an_answer_is_found_by_all() {
    let world = World::new();
    let key = Key::for_tests(1);
    assert!(world.cache().find(&key, &|_| true).found.is_none());
    let (session, stamp) = lasting("arn");
    world.held().store(&key, &title("prod"), &session, &stamp).expect("kept");
    let found = world.cache().find(&key, &|_| true).found.expect("found");
    assert_eq!((&found.session.keys, &found.session.assumed_role_arn), (&session.keys, &session.assumed_role_arn));
    assert_eq!(found.asked.map(|asked| asked.as_millis()), Some(stamp.asked.as_millis()));
    assert!(world.cache().find(&Key::for_tests(2), &|_| true).found.is_none());
    assert!(matches!(world.outcome(), LockOutcome::Ours(_)), "the lock is free again");
}

#[test]
fn an_answer_is_kept_even_if_the_directory_was_removed_meanwhile() {
    let world = World::new();
    let key = Key::for_tests(1);
    let (session, stamp) = lasting("arn");
    let mut held = world.held();
    std::fs::remove_dir_all(&world.place.path).expect("removed");
    held.store(&key, &title("prod"), &session, &stamp).expect("kept in a new directory");
    assert!(world.cache().find(&key, &|_| true).found.is_some());

    let mut held = world.held();
    for file in std::fs::read_dir(&world.place.path).expect("a directory").flatten() {
        std::fs::remove_file(file.path()).expect("removed");
    }
    held.store(&key, &title("prod"), &session, &stamp).expect("kept in the same directory");
    assert!(world.cache().find(&key, &|_| true).found.is_some());
}

#[test]
fn a_holder_that_fails_leaves_only_the_lock() {
    let world = World::new();
    drop(world.held());
    let names = Directory::open(&world.place.path).expect("there").names().expect("names");
    assert_eq!(names.len(), 1, "{names:?}");
    assert!(matches!(world.outcome(), LockOutcome::Ours(_)));
}

#[test]
fn of_two_directories_the_first_accepted_session_is_used() {
    let world = World::new();
    let second = Place { path: world.base.path().join("y"), make: Make::Directory };
    let key = Key::for_tests(1);
    let keep = |place: &Place, arn: &str, minutes: u64| {
        let (session, stamp) = lasting(arn);
        // With a stamp of another boot, exactly this time is left.
        let stamp = Stamp { boot_id: "another".into(), ..stamp };
        let left = Duration::from_mins(minutes);
        let validity = session.validity.clone().map(|validity| Validity { left, ..validity });
        let session = Session { validity, ..session };
        let bytes = file::encode(&key, &title("prod"), &session, &stamp).expect("encoded");
        let directory = Directory::make(place).expect("made");
        let reserved = directory.reserve(&key).expect("room");
        directory.replace(&key, reserved, &bytes).expect("kept");
    };
    keep(&world.place, "short", 5);
    keep(&second, "long", 50);
    let cache = Cache { places: vec![world.place.clone(), second.clone()] };
    let arn = |accepts: &dyn Fn(&Found) -> bool| {
        cache.find(&key, accepts).found.expect("found").session.assumed_role_arn.expect("an ARN")
    };
    assert_eq!(arn(&|_| true), "short");
    assert_eq!(arn(&|found| found.session.assumed_role_arn.as_deref() == Some("long")), "long");
    assert_eq!(arn(&|_| false), "long", "the one with most left");
    keep(&second, "long", 5);
    assert_eq!(arn(&|_| false), "short", "the first of two with as much left");
    let cleared = cache.clear().0;
    assert_eq!(cleared.iter().map(|cleared| cleared.sessions).sum::<usize>(), 2);
}

#[test]
fn what_cannot_be_used_is_reported_but_not_what_is_missing() {
    let world = World::new();
    let key = Key::for_tests(1);
    let reported = || {
        let search = world.cache().find(&key, &|_| true);
        assert!(search.found.is_none());
        (search.directories.len(), search.sessions.len())
    };
    assert_eq!(reported(), (0, 0), "no directory");
    std::fs::write(&world.place.path, "").expect("a file");
    assert_eq!(reported(), (1, 0), "a file instead of a directory");
    std::fs::remove_file(&world.place.path).expect("removed");
    let directory = Directory::make(&world.place).expect("made");
    assert_eq!(reported(), (0, 0), "no session");
    directory.replace(&key, directory.reserve(&key).expect("room"), b"nonsense").expect("kept");
    assert_eq!(reported(), (0, 1), "a damaged session");
}

#[test]
fn a_removed_session_is_not_found() {
    let world = World::new();
    let key = Key::for_tests(1);
    let (session, stamp) = lasting("arn");
    world.held().store(&key, &title("prod"), &session, &stamp).expect("kept");
    assert!(world.cache().find(&key, &|_| true).found.is_some());
    world.cache().remove(&Key::for_tests(2));
    assert!(world.cache().find(&key, &|_| true).found.is_some(), "another key's");
    world.cache().remove(&key);
    assert!(world.cache().find(&key, &|_| true).found.is_none());
}

#[test]
fn a_session_that_has_expired_is_not_found() {
    let world = World::new();
    let key = Key::for_tests(1);
    let (session, stamp) = lasting("arn");
    let validity = session.validity.clone().map(|validity| Validity { expiration: SystemTime::UNIX_EPOCH, ..validity });
    world.held().store(&key, &title("prod"), &Session { validity, ..session }, &stamp).expect("kept");
    assert!(world.cache().find(&key, &|_| true).found.is_none());
}
