//! Faults of the cache's files: at worst STS is called once more. A fault of a directory or of the disk is a warning;
//! all other faults are only logged with `-v`.
#![allow(clippy::print_stdout, reason = "a skipped test prints the reason")]

use super::{directory, key_id, ran, xassume};
use crate::support::processes::eventually;
use crate::support::{FakeSts, Xassume, probe};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The beginning of the warning.
const UNUSABLE: &str = "the cache cannot be used: ";

/// The file of the only cached session.
fn session(xassume: &Xassume) -> PathBuf {
    let files = fs::read_dir(directory(xassume)).expect("a cache").map(|entry| entry.expect("an entry").path());
    let mut sessions: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "session")).collect();
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    sessions.remove(0)
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("there").mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

#[test]
fn files_are_private_and_their_names_reveal_nothing() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts).args(["--external-id", "telling-word"]);
    ran(&xassume);
    assert_eq!(mode(&directory(&xassume)), 0o700);
    for entry in fs::read_dir(directory(&xassume)).expect("a cache") {
        let path = entry.expect("an entry").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let (key, kind) = name.split_once('.').expect("an ending");
        assert!(key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
        assert!(kind == "session" || kind == "lock", "{name}");
    }
}

#[test]
fn an_open_umask_leaves_files_private() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts);
    let script = format!("umask 0; exec {} -r {} -- true", crate::support::binary().display(), super::ROLE);
    xassume.clone().without_args().program("/bin/sh").args(["-c", &script]).run().exited(0);
    assert_eq!((mode(&directory(&xassume)), mode(&session(&xassume))), (0o700, 0o600));
}

/// A change to a file or a directory.
type Damage = fn(&Path);

/// Changes to a session's file, and what `-v` logs for each.
fn damaged_files() -> Vec<(&'static str, &'static str, Damage)> {
    const DAMAGED: &str = "it is damaged, or was kept for another request";
    fn change(file: &Path, change: impl FnOnce(&mut String)) {
        let mut text = fs::read_to_string(file).expect("a session");
        change(&mut text);
        fs::write(file, text).expect("written");
    }
    let mut damaged_files: Vec<(_, _, Damage)> = vec![
        ("empty", DAMAGED, |file| fs::write(file, "").expect("written")),
        ("nonsense", DAMAGED, |file| fs::write(file, "nonsense\0\u{ff}").expect("written")),
        ("truncated", DAMAGED, |file| change(file, |text| text.truncate(text.len() / 2))),
        ("another secret", DAMAGED, |file| change(file, |text| *text = text.replace("SECRET+", "SECRET-"))),
        ("another expiration", DAMAGED, |file| change(file, |text| *text = text.replace("\"left\":3", "\"left\":2"))),
        ("a future version", "it was written by another version of xassume", |file| {
            change(file, |text| *text = text.replace("\"version\":2", "\"version\":3"));
        }),
        ("a further field", DAMAGED, |file| change(file, |text| *text = text.replacen('{', "{\"more\":1,", 1))),
        ("huge", "too large for a session", |file| {
            let file = fs::OpenOptions::new().write(true).open(file).expect("there");
            file.set_len(1 << 30).expect("a sparse file");
        }),
        ("open to the group", "wrong mode 640 (expected 600)", |file| set_mode(file, 0o640)),
        ("open to others", "wrong mode 606 (expected 600)", |file| set_mode(file, 0o606)),
        ("a link", "it is a symlink", |file| {
            let target = file.with_extension("moved");
            fs::rename(file, &target).expect("moved");
            symlink(target, file).expect("a link");
        }),
        ("a link to nothing", "it is a symlink", |file| {
            fs::remove_file(file).expect("removed");
            symlink("/no/such/file", file).expect("a link");
        }),
        ("a pipe", "not a regular file", |file| {
            fs::remove_file(file).expect("removed");
            nix::unistd::mkfifo(file, nix::sys::stat::Mode::S_IRUSR).expect("a pipe");
        }),
    ];
    if nix::unistd::geteuid().is_root() {
        damaged_files.push(("another user's", "it belongs to another user", |file| {
            chown(file, Some(12345), None).expect("root gives it away");
        }));
    } else {
        crate::support::skipped_without_root("only root can give a file away");
    }
    damaged_files
}

#[test]
fn a_damaged_file_is_a_miss_and_never_an_error_and_verbose_says_why() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts);
    let mut last = key_id(&ran(&xassume));
    for (name, reason, spoil) in damaged_files() {
        for (flags, expected) in [(&[][..], false), (&["-v"], true)] {
            let file = session(&xassume);
            spoil(&file);
            let next = ran(&xassume.clone().args(flags));
            assert_ne!(key_id(&next), last, "{name}");
            let line = format!("xassume: cache: miss: {}: {reason}\n", file.display());
            assert_eq!(
                (next.stderr.contains(&line), next.stderr.is_empty()),
                (expected, !expected),
                "{name}: {}",
                next.stderr
            );
            last = key_id(&next);
            assert_eq!(key_id(&ran(&xassume)), last, "{name}: a whole one is in its place");
        }
    }
}

#[test]
fn a_session_that_has_expired_is_a_miss_and_verbose_says_so() {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(1)).start();
    let xassume = xassume(&sts).arg("-v");
    let file = || session(&xassume);
    ran(&xassume);
    let line = format!("cache: miss: {}: expired, or the clock was set back\n", file().display());
    eventually("the session has expired", || ran(&xassume.clone().args(["--min-ttl", "1ms"])).stderr.contains(&line));
}

#[test]
fn another_keys_file_is_a_miss() {
    let sts = FakeSts::start();
    let (one, other) = (xassume(&sts), xassume(&sts));
    let (first, second) = (key_id(&ran(&one)), key_id(&ran(&other.clone().args(["--external-id", "other"]))));
    fs::copy(session(&other), session(&one)).expect("copied");
    let third = key_id(&ran(&one));
    assert!(third != first && third != second);
}

#[test]
fn a_directory_in_place_of_a_cache_file_only_costs_the_cache() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts);
    ran(&xassume);
    let file = session(&xassume);
    fs::remove_file(&file).expect("removed");
    fs::create_dir_all(file.join("full")).expect("a directory");
    assert_eq!(ran(&xassume).stderr, "xassume: warning: cannot store the session in the cache: Is a directory\n");
    assert_eq!(ran(&xassume.arg("-q")).stderr, "");
    assert_eq!(sts.requests().len(), 3);
}

#[test]
fn a_directory_that_others_can_access_is_not_used_with_a_warning() {
    let sts = FakeSts::start();
    let base = xassume(&sts).env_remove("XDG_RUNTIME_DIR");
    let place = base.home().join("place");
    let xassume = base.arg("--cache-dir").arg(&place);
    let spoils: [(&str, Damage); 3] = [
        ("wrong mode 755", |place| {
            fs::create_dir(place).expect("a directory");
            set_mode(place, 0o755);
        }),
        ("another user", |place| {
            fs::create_dir(place).expect("a directory");
            set_mode(place, 0o700);
            // Other users than root cannot try this.
            let _ = chown(place, Some(12345), None);
        }),
        ("not a directory", |place| symlink("/tmp", place).expect("a link")),
    ];
    for (complaint, spoil) in spoils {
        spoil(&place);
        if complaint == "another user" && fs::metadata(&place).expect("there").uid() != 12345 {
            crate::support::skipped_without_root("only root can give a directory away");
        } else {
            let stderr = ran(&xassume).stderr;
            let hint = if complaint == "wrong mode 755" { "chmod 700 " } else { "use --cache-dir with a directory" };
            let warning = format!("xassume: warning: {UNUSABLE}{}: ", place.display());
            assert!(
                stderr.starts_with(&warning) && stderr.contains(complaint) && stderr.lines().count() == 2,
                "{stderr}"
            );
            assert!(stderr.contains(&format!("\nhint: {hint}")), "{stderr}");
            assert_eq!(ran(&xassume.clone().arg("-q")).stderr, "");
        }
        fs::remove_dir_all(&place).or_else(|_| fs::remove_file(&place)).expect("removed");
    }
    ran(&xassume);
    let before = sts.requests().len();
    ran(&xassume);
    assert_eq!(sts.requests().len(), before, "the directory is the user's own again");
}

/// In containers, a home directory without write permission is common. One that others can read is not.
#[test]
fn a_default_cache_is_warned_about_only_if_the_user_can_fix_it() {
    let sts = FakeSts::start();
    let base = xassume(&sts).env_remove("XDG_RUNTIME_DIR");
    let place = base.home().join(".cache/xassume");
    assert_eq!(ran(&base.clone().env("HOME", "/proc")).stderr, "");
    fs::create_dir_all(&place).expect("a directory");
    set_mode(&place, 0o750);
    let warning = format!(
        "xassume: warning: {UNUSABLE}{path}: wrong mode 750 (expected 700)\nhint: chmod 700 {path}; until \
         then each run calls STS, and asks for an MFA code if one is needed\n",
        path = place.display()
    );
    assert_eq!(ran(&base).stderr, warning);
    assert_eq!(ran(&base.clone().arg("--no-cache")).stderr, "");
    let page = base.clone().arg("--check").run().exited(0).stdout_text();
    assert!(page.contains("wrong mode 750 (expected 700)") && page.contains("chmod 700 "), "{page}");
    set_mode(&place, 0o700);
    assert_eq!(ran(&base).stderr, "");
}

/// Once, even though the session is refreshed.
#[test]
fn a_supervised_run_warns_once_about_its_cache() {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(6)).start();
    let base = xassume(&sts).env_remove("XDG_RUNTIME_DIR");
    let place = base.home().join(".cache/xassume");
    fs::create_dir_all(&place).expect("a directory");
    set_mode(&place, 0o755);
    let running = base.args(["--via", "file", "--"]).args(probe()).args(["print-signals"]).spawn();
    running.line("ready");
    sts.wait_for_requests(3);
    running.signal(libc::SIGTERM);
    let stderr = running.wait().exited(0).stderr;
    assert_eq!(stderr.matches(UNUSABLE).count(), 1, "{stderr}");
}

#[test]
fn an_unusable_runtime_directory_is_skipped_and_verbose_says_why() {
    let spoils: [(&str, Damage); 2] = [
        ("wrong mode 755 (expected 700)", |place| {
            fs::create_dir(place).expect("a directory");
            set_mode(place, 0o755);
        }),
        ("not a directory", |place| symlink("/tmp", place).expect("a link")),
    ];
    for (reason, spoil) in spoils {
        let sts = FakeSts::start();
        let xassume = xassume(&sts);
        let place = directory(&xassume);
        spoil(&place);
        let line = format!("xassume: cache: skipping {}: {reason}\n", place.display());
        let verbose = xassume.clone().arg("-v");
        let (miss, hit) = (ran(&verbose).stderr, ran(&verbose).stderr);
        for (message, outcome) in [(&miss, "cache: miss\n"), (&hit, "cache: hit: ")] {
            assert!(message.matches(&line).count() == 1 && message.contains(outcome), "{message}");
        }
        assert_eq!(ran(&xassume).stderr, "");
        assert_eq!(sts.requests().len(), 1, "the session is cached in the home directory");
    }
}

#[test]
fn the_command_inherits_nothing_of_the_cache() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts);
    for _ in 0..2 {
        let state = xassume.clone().arg("--").args(crate::support::probe()).arg("state").run().exited(0).stdout_json();
        let descriptors: Vec<_> = state["fds"].as_object().expect("an object").keys().cloned().collect();
        assert_eq!(descriptors, ["0", "1", "2"]);
    }
    assert_eq!(sts.requests().len(), 1);
}

#[test]
fn a_cache_that_becomes_accessible_to_others_is_one_warning() {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(2)).start();
    let xassume = Xassume::new(&sts).args(["-r", "arn:aws:iam::111111111111:role/R", "--via", "file", "-v"]);
    let cache = xassume.home().join("cache");
    let running = xassume.arg("--cache-dir").arg(&cache).arg("--").args(probe()).arg("print-signals").spawn();
    running.line("ready");
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o755)).expect("the cache is ours");
    running.error_line(UNUSABLE);
    for _ in 0..3 {
        running.error_line("refreshed: ");
    }
    running.signal(libc::SIGTERM);
    assert_eq!(running.wait().stderr.matches(UNUSABLE).count(), 1);
}
