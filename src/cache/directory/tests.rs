//! What is refused, and what is never waited for. Root may give files away, so foreign owners are tested where it runs.

use super::*;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

struct World {
    base: tempfile::TempDir,
    folder: Folder,
    key: Key,
}

impl World {
    fn new() -> Self {
        let base = tempfile::tempdir().expect("a folder");
        let folder = Folder::make(&Place { path: base.path().join("x"), make: Make::Folder }).expect("made");
        Self { base, folder, key: Key::for_tests(1) }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(session(&self.key))
    }

    fn write(&self, bytes: &[u8]) {
        let mut reserved = self.folder.reserve(&self.key).expect("room");
        self.folder.replace(&self.key, &mut reserved, bytes).expect("written");
    }

    fn read(&self) -> Option<Vec<u8>> {
        self.folder.read(&self.key).ok().map(|bytes| bytes.to_vec())
    }

    fn refusal(&self) -> String {
        self.folder.read(&self.key).expect_err("it is not to be trusted").to_string()
    }
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
}

fn is_root() -> bool {
    geteuid().is_root()
}

#[test]
fn what_was_written_is_private_and_read_back() {
    let world = World::new();
    assert_eq!(world.folder.read(&world.key).map_err(|error| error.kind()), Err(io::ErrorKind::NotFound));
    world.write(b"one");
    world.write(b"two, and longer");
    assert_eq!(world.read().as_deref(), Some(&b"two, and longer"[..]));
    let mode = |path: &Path| std::fs::symlink_metadata(path).expect("there").mode() & 0o7777;
    assert_eq!((mode(world.folder.path()), mode(&world.path())), (0o700, 0o600));
    assert_eq!(std::fs::read_dir(world.folder.path()).expect("a folder").count(), 1, "nothing else is left");
}

#[test]
fn files_that_others_may_read_or_that_are_no_files_are_not_read() {
    let world = World::new();
    world.write(b"bytes");
    for mode in [0o640, 0o604, 0o620, 0o660] {
        set_mode(&world.path(), mode);
        assert_eq!(world.refusal(), format!("it is open to others (mode {mode:o}, not 600)"));
    }
    set_mode(&world.path(), 0o600);
    assert!(world.read().is_some());

    let elsewhere = world.base.path().join("elsewhere");
    std::fs::rename(world.path(), &elsewhere).expect("moved");
    symlink(&elsewhere, world.path()).expect("a link");
    assert_eq!(world.refusal(), "it is a link");
    std::fs::remove_file(world.path()).expect("removed");
    nix::unistd::mkfifo(&world.path(), Mode::S_IRUSR | Mode::S_IWUSR).expect("a pipe");
    assert_eq!(world.refusal(), "it is no plain file", "a pipe, without waiting for its writer");
    std::fs::remove_file(world.path()).expect("removed");
    std::fs::create_dir(world.path()).expect("a folder");
    assert_eq!(world.refusal(), "it is no plain file", "a folder");
    std::fs::remove_dir(world.path()).expect("removed");
    // A socket's address holds 107 bytes: it is made under a short name.
    let short = world.path().with_file_name("s");
    drop(std::os::unix::net::UnixListener::bind(&short).expect("a socket"));
    std::fs::rename(short, world.path()).expect("renamed");
    assert_eq!(world.refusal(), "it is no plain file", "a socket");
}

#[test]
fn a_huge_file_is_not_read() {
    let world = World::new();
    world.write(b"bytes");
    let file = OpenOptions::new().write(true).open(world.path()).expect("there");
    file.set_len(1 << 40).expect("a sparse file");
    assert_eq!(world.refusal(), "it is too large for a session");
}

#[test]
fn what_belongs_to_another_user_is_not_used() {
    if !is_root() {
        return;
    }
    let world = World::new();
    world.write(b"bytes");
    chown(world.path(), Some(12345), None).expect("given away");
    assert_eq!(world.refusal(), "it belongs to another user");
    chown(world.folder.path(), Some(12345), None).expect("given away");
    let error = Folder::open(world.folder.path()).expect_err("somebody else's folder");
    assert_eq!(error.to_string(), "it belongs to another user");
    assert!(Folder::open_own(world.folder.path()).is_err());
}

#[test]
fn a_folder_that_is_open_or_a_link_or_none_is_not_used() {
    let world = World::new();
    let path = world.folder.path();
    set_mode(path, 0o750);
    let error = Folder::open(path).expect_err("open to the group");
    assert_eq!(error.to_string(), "it is open to others (mode 750, not 700)");
    assert!(Folder::open_own(path).is_ok(), "good enough to be cleared");
    set_mode(path, 0o700);
    let link = world.base.path().join("link");
    symlink(path, &link).expect("a link");
    assert!(Folder::make(&Place { path: link, make: Make::Path }).is_err());
    let file = world.base.path().join("file");
    std::fs::write(&file, "").expect("a file");
    assert!(Folder::make(&Place { path: file, make: Make::Path }).is_err());
}

#[test]
fn missing_folders_are_made_where_that_is_asked_for() {
    let base = tempfile::tempdir().expect("a folder");
    let path = base.path().join("a/b/c");
    assert!(Folder::make(&Place { path: path.clone(), make: Make::Folder }).is_err());
    Folder::make(&Place { path: path.clone(), make: Make::OwnPath }).expect("made");
    let mode = |path: &Path| std::fs::metadata(path).expect("there").mode() & 0o777;
    assert_eq!((mode(&path), mode(&base.path().join("a"))), (0o700, 0o700));
}

#[test]
fn nothing_is_made_in_another_users_folder_unless_asked_for() {
    if !is_root() {
        return;
    }
    let base = tempfile::tempdir().expect("a folder");
    chown(base.path(), Some(12345), None).expect("given away");
    let path = base.path().join("a/b");
    let error = Folder::make(&Place { path: path.clone(), make: Make::OwnPath }).expect_err("somebody else's home");
    assert!(error.to_string().contains("the folder around it belongs to another user"), "{error}");
    assert!(Folder::make(&Place { path: base.path().join("a"), make: Make::Folder }).is_err());
    assert!(!base.path().join("a").exists());
    Folder::make(&Place { path, make: Make::Path }).expect("made");
}

#[test]
fn a_folder_notices_that_its_path_leads_elsewhere() {
    let world = World::new();
    assert!(world.folder.is_in_place().expect("told"));
    let lock = world.folder.lock_file(&world.key).expect("a lock");
    assert!(world.folder.is_lock(&world.key, &lock).expect("told"));
    std::fs::remove_file(world.folder.path().join(super::lock(&world.key))).expect("removed");
    assert!(!world.folder.is_lock(&world.key, &lock).expect("told"));
    std::fs::remove_dir_all(world.folder.path()).expect("removed");
    assert!(!world.folder.is_in_place().expect("told"));
    std::fs::create_dir(world.folder.path()).expect("another");
    assert!(!world.folder.is_in_place().expect("told"));
}

#[test]
fn only_the_caches_own_names_are_known() {
    let key = Key::for_tests(1);
    let key = key.as_str();
    assert_eq!(kind(&format!("{key}.session")), Some(Kind::Session));
    assert_eq!(kind(&format!("{key}.lock")), Some(Kind::Lock));
    assert_eq!(kind(&format!("{key}.0123456789abcdef.new")), Some(Kind::New));
    for other in ["notes.session", ".lock", key, &format!("{key}.txt"), &format!("{key}x.session"), "."] {
        assert_eq!(kind(other), None, "{other}");
    }
}
