//! `--check` tries the delivery of a launch and leaves nothing behind.

use super::{ROLE, failed_at, fails, role};
use crate::support::{DeniedCall, FakeSts, Xassume, on_one_line, probe};
use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;

/// The names in a directory.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

/// Asserts that the check fails at its delivery step with the reason and hint of a launch with the same flags, and
/// leaves nothing behind. Compares on one line, because a page wraps differently from an error.
#[track_caller]
fn fails_like_a_launch(xassume: &Xassume, reason: &str) {
    let page = fails(&xassume.clone().args(["--check", "-r", ROLE]));
    failed_at(&page, "delivery");
    assert!(page.contains("\nok           session "), "{page}");
    let launched = xassume.clone().args(["-r", ROLE, "--"]).args(probe()).args(["exit", "0"]).run().exited(125);
    let said = launched.stderr.trim_start_matches("xassume: error: ");
    assert!(on_one_line(said).contains(reason), "{said}");
    let (error, hint) = said.split_once("hint: ").expect("a hint");
    for part in [error, hint] {
        assert!(on_one_line(&page).contains(&on_one_line(part)), "{part} is not in\n{page}");
    }
    assert_eq!(xassume.sandbox().run_directories(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_credentials_file_that_cannot_be_written_is_detected() {
    let sts = FakeSts::start();
    let at = |xassume: Xassume, path: &Path| xassume.args(["--via", "file", "--credentials-file"]).arg(path);
    fails_like_a_launch(
        &at(Xassume::new(&sts), Path::new("/proc/none/x")),
        "cannot read the parent directory: No such file or directory",
    );
    fails_like_a_launch(&at(Xassume::new(&sts), Path::new("/proc/x")), "cannot replace /proc/x: ");
    let xassume = Xassume::new(&sts).file("keys/old", "");
    let home = xassume.home();
    fails_like_a_launch(&at(xassume.clone(), &home.join("keys")), "it is a directory");
    fails_like_a_launch(&at(xassume.clone(), &home.join("keys/old/x")), "is not a directory");
    symlink(home.join("keys"), home.join("link")).expect("a link");
    fails_like_a_launch(&at(xassume.clone(), &home.join("link/x")), "parent directory is a symlink");
    assert_eq!(names(&home.join("keys")), ["old"]);
    if chown(home.join("keys"), Some(12345), None).is_ok() {
        fails_like_a_launch(&at(xassume, &home.join("keys/x")), "keys belongs to another user");
    }
}

#[test]
fn a_delivery_that_cannot_be_served_is_detected() {
    let sts = FakeSts::start();
    for (via, complaint) in [
        ("endpoint", "cannot serve the session on 127.0.0.1: Operation not"),
        ("process", "cannot create the Unix socket: Operation not"),
    ] {
        let denied = Xassume::new(&sts).denying(&[DeniedCall::Call(libc::SYS_bind, libc::EPERM)]);
        fails_like_a_launch(&denied.args(["--via", via]), complaint);
    }
}

#[test]
fn without_a_private_directory_delivery_fails() {
    let sts = FakeSts::start();
    let closed = [
        #[cfg(target_arch = "x86_64")]
        DeniedCall::Call(libc::SYS_mkdir, libc::EROFS),
        DeniedCall::Call(libc::SYS_mkdirat, libc::EROFS),
    ];
    for flags in [
        &["--via", "file"][..],
        &["--via", "endpoint"],
        &["--isolate"],
        &["--isolate", "--on-expiry", "restart"],
        &["--on-expiry", "signal"],
    ] {
        let xassume = Xassume::new(&sts).arg("--no-cache").denying(&closed).args(flags);
        // Its copy for `--isolate` would not be one that earlier runs of this user left in /dev/shm.
        let config = format!("[default]\ncli_history = {}\n", xassume.home().display());
        let xassume = xassume.file(".aws/config", config);
        fails_like_a_launch(
            &xassume,
            "cannot create a private directory in XDG_RUNTIME_DIR, /dev/shm or TMPDIR: Read-only",
        );
    }
    let xassume = Xassume::new(&sts).arg("--no-cache").denying(&closed).args(["--check", "-r", ROLE]);
    xassume.run().exited(0);
}

#[test]
fn a_check_leaves_no_files() {
    let sts = FakeSts::start();
    for flags in [
        &["--via", "file"][..],
        &["--via", "file", "--credentials-file", "here"],
        &["--via", "endpoint"],
        &["--via", "process"],
        &["--isolate"],
    ] {
        let xassume = role(&sts).args(flags);
        let page = xassume.run().exited(0).stdout_text();
        assert!(page.contains("\nok           delivery "), "{page}");
        assert_eq!(xassume.sandbox().run_directories(), Vec::<std::path::PathBuf>::new(), "{flags:?}");
        for directory in [xassume.sandbox().work(), xassume.sandbox().tmp(), xassume.home()] {
            assert_eq!(names(&directory), Vec::<String>::new(), "{flags:?}");
        }
    }
}

#[test]
fn the_file_of_a_running_supervisor_is_not_touched() {
    let sts = FakeSts::start();
    let xassume = Xassume::new(&sts);
    let file = xassume.sandbox().work().join("keys");
    let by_file = ["--role-session-name", "me", "-r", ROLE, "--via", "file", "--credentials-file", "keys"];
    let living =
        xassume.clone().args(by_file).arg("--").args(probe()).args(["print-signals", "then", "exit", "0"]).spawn();
    living.line("ready");
    let before =
        (fs::read(&file).expect("there"), fs::metadata(&file).and_then(|found| found.modified()).expect("times"));
    let page = xassume.clone().arg("--check").args(by_file).run().exited(0).stdout_text();
    assert!(page.contains("ok           delivery       credentials file keys"), "{page}");
    let after =
        (fs::read(&file).expect("there"), fs::metadata(&file).and_then(|found| found.modified()).expect("times"));
    assert!(before == after && sts.issued().len() == 2);
    assert_eq!(names(&xassume.sandbox().work()), ["keys"]);
    assert_eq!(xassume.sandbox().run_directories().len(), 1, "the living run's");
    living.signal(libc::SIGTERM);
    living.wait().exited(0);
    assert!(!file.exists());
}

#[test]
fn an_unusable_cache_directory_is_reported() {
    let sts = FakeSts::builder().mfa_codes(&["314159"]).start();
    let page = role(&sts).args(["--cache-dir", "/proc/x"]).run().exited(0).stdout_text();
    assert!(page.contains("\nwarning      session        arn:"), "{page}");
    assert!(page.contains("cannot store the session in the cache: /proc/x: "), "{page}");
    assert!(page.contains("hint: use --cache-dir with a directory that you own (mode 700), or --no-cache"), "{page}");
    let open = role(&sts).file("open/x", "");
    let directory = open.home().join("open");
    fs::set_permissions(&directory, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it is ours");
    let page = open.env("XASSUME_CACHE_DIR", &directory).run().exited(0).stdout_text();
    assert!(page.contains("wrong mode 755 (expected 700)") && page.contains("hint: chmod 700 "), "{page}");
    let page = role(&sts).env("XASSUME_CACHE_DIR", "/proc/x").arg("--no-cache").run().exited(0).stdout_text();
    assert!(page.contains("\nok           session ") && !page.contains("/proc/x"), "{page}");
    // A usable directory is created, as by a launch, and then contains the session.
    let good = role(&sts).args(["--cache-dir", "deep/cache"]);
    let page = good.run().exited(0).stdout_text();
    assert!(page.contains("\nok           session ") && !page.contains("hint:"), "{page}");
    assert_eq!(names(&good.sandbox().work().join("deep/cache")).len(), 1);
}
