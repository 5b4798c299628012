//! Tests of which files are refused, and that opening a file never blocks. Only root can change the owner of a file, so
//! the tests with other owners do nothing unless root runs them.

use super::*;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

struct World {
    base: tempfile::TempDir,
    directory: Directory,
    key: Key,
}

impl World {
    fn new() -> Self {
        let base = tempfile::tempdir().expect("a directory");
        let directory = Directory::make(&Place { path: base.path().join("x"), make: Make::Directory }).expect("made");
        Self { base, directory, key: Key::for_tests(1) }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join(name(&self.key, SESSION))
    }

    fn write(&self, bytes: &[u8]) {
        let reserved = self.directory.reserve(&self.key).expect("room");
        self.directory.replace(&self.key, reserved, bytes).expect("written");
    }

    fn read(&self) -> Option<Vec<u8>> {
        self.directory.read(&self.key).ok().map(|bytes| bytes.to_vec())
    }

    fn refusal(&self) -> String {
        self.directory.read(&self.key).expect_err("it is not to be trusted").to_string()
    }
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
}

fn is_root() -> bool {
    geteuid().is_root()
}

#[test]
fn a_written_file_is_private_and_read_back() {
    let world = World::new();
    assert_eq!(world.directory.read(&world.key).map_err(|error| error.kind()), Err(io::ErrorKind::NotFound));
    world.write(b"one");
    world.write(b"two, and longer");
    assert_eq!(world.read().as_deref(), Some(&b"two, and longer"[..]));
    let mode = |path: &Path| std::fs::symlink_metadata(path).expect("there").mode() & 0o7777;
    assert_eq!((mode(world.directory.path()), mode(&world.path())), (0o700, 0o600));
    assert_eq!(std::fs::read_dir(world.directory.path()).expect("a directory").count(), 1, "nothing else is left");
}

#[test]
fn files_that_others_can_read_and_special_files_are_not_read() {
    let world = World::new();
    world.write(b"bytes");
    for mode in [0o640, 0o604, 0o620, 0o660] {
        set_mode(&world.path(), mode);
        assert_eq!(world.refusal(), format!("wrong mode {mode:o} (expected 600)"));
    }
    set_mode(&world.path(), 0o600);
    assert!(world.read().is_some());

    let elsewhere = world.base.path().join("elsewhere");
    std::fs::rename(world.path(), &elsewhere).expect("moved");
    symlink(&elsewhere, world.path()).expect("a link");
    assert_eq!(world.refusal(), "it is a symlink");
    std::fs::remove_file(world.path()).expect("removed");
    nix::unistd::mkfifo(&world.path(), Mode::S_IRUSR | Mode::S_IWUSR).expect("a pipe");
    assert_eq!(world.refusal(), "not a regular file", "a pipe, without waiting for its writer");
    std::fs::remove_file(world.path()).expect("removed");
    std::fs::create_dir(world.path()).expect("a directory");
    assert_eq!(world.refusal(), "not a regular file", "a directory");
    std::fs::remove_dir(world.path()).expect("removed");
    // The path of a socket has at most 107 bytes, so the socket is created with a short name and then renamed.
    let short = world.path().with_file_name("s");
    drop(std::os::unix::net::UnixListener::bind(&short).expect("a socket"));
    std::fs::rename(short, world.path()).expect("renamed");
    assert_eq!(world.refusal(), "not a regular file", "a socket");
}

#[test]
fn a_huge_file_is_not_read() {
    let world = World::new();
    world.write(b"bytes");
    let file = OpenOptions::new().write(true).open(world.path()).expect("there");
    file.set_len(1 << 40).expect("a sparse file");
    assert_eq!(world.refusal(), "too large for a session");
}

#[test]
fn files_and_directories_of_another_user_are_not_used() {
    if !is_root() {
        return;
    }
    let world = World::new();
    world.write(b"bytes");
    chown(world.path(), Some(12345), None).expect("given away");
    assert_eq!(world.refusal(), "it belongs to another user");
    chown(world.directory.path(), Some(12345), None).expect("given away");
    let error = Directory::open(world.directory.path()).expect_err("another user's directory");
    assert_eq!(error.to_string(), "it belongs to another user");
    assert!(Directory::open_own(world.directory.path()).is_err());
}

#[test]
fn an_open_directory_a_link_and_a_file_are_not_used() {
    let world = World::new();
    let path = world.directory.path();
    set_mode(path, 0o750);
    let error = Directory::open(path).expect_err("open to the group");
    assert_eq!(error.to_string(), "wrong mode 750 (expected 700)");
    assert!(Directory::open_own(path).is_ok(), "good enough to be cleared");
    set_mode(path, 0o700);
    let link = world.base.path().join("link");
    symlink(path, &link).expect("a link");
    assert!(Directory::make(&Place { path: link, make: Make::Path }).is_err());
    let file = world.base.path().join("file");
    std::fs::write(&file, "").expect("a file");
    assert!(Directory::make(&Place { path: file, make: Make::Path }).is_err());
}

#[test]
fn missing_directories_are_created_if_requested() {
    let base = tempfile::tempdir().expect("a directory");
    let path = base.path().join("a/b/c");
    assert!(Directory::make(&Place { path: path.clone(), make: Make::Directory }).is_err());
    Directory::make(&Place { path: path.clone(), make: Make::OwnPath }).expect("made");
    let mode = |path: &Path| std::fs::metadata(path).expect("there").mode() & 0o777;
    assert_eq!((mode(&path), mode(&base.path().join("a"))), (0o700, 0o700));
}

#[test]
fn nothing_is_created_in_another_users_directory_unless_requested() {
    if !is_root() {
        return;
    }
    let base = tempfile::tempdir().expect("a directory");
    chown(base.path(), Some(12345), None).expect("given away");
    let path = base.path().join("a/b");
    let error = Directory::make(&Place { path: path.clone(), make: Make::OwnPath }).expect_err("another user's home");
    assert!(error.to_string().contains("the parent directory belongs to another user"), "{error}");
    assert!(Directory::make(&Place { path: base.path().join("a"), make: Make::Directory }).is_err());
    assert!(!base.path().join("a").exists());
    Directory::make(&Place { path, make: Make::Path }).expect("made");
}

#[test]
fn a_directory_notices_that_another_one_is_at_its_path() {
    let world = World::new();
    assert!(world.directory.is_in_place().expect("read"));
    let lock = world.directory.lock_file(&world.key).expect("a lock");
    assert!(world.directory.is_lock(&world.key, &lock).expect("read"));
    std::fs::remove_file(world.directory.path().join(name(&world.key, LOCK))).expect("removed");
    assert!(!world.directory.is_lock(&world.key, &lock).expect("read"));
    std::fs::remove_dir_all(world.directory.path()).expect("removed");
    assert!(!world.directory.is_in_place().expect("read"));
    std::fs::create_dir(world.directory.path()).expect("another");
    assert!(!world.directory.is_in_place().expect("read"));
}

#[test]
fn only_names_of_the_cache_are_recognized() {
    let key = Key::for_tests(1);
    let key = key.as_str();
    assert_eq!(kind(&format!("{key}.session")), Some(Kind::Session));
    assert_eq!(kind(&format!("{key}.lock")), Some(Kind::Lock));
    assert_eq!(kind(&format!("{key}.0123456789abcdef.new")), Some(Kind::New));
    for other in ["notes.session", ".lock", key, &format!("{key}.txt"), &format!("{key}x.session"), "."] {
        assert_eq!(kind(other), None, "{other}");
    }
}
