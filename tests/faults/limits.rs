//! Too few descriptors, too little memory, too little disk space.

use super::{mount_namespace, probing, started_after, still_runs, with_mounts, xassume};
use crate::support::{FakeSts, Finished, Running, in_words_of_glibc};
use std::fs;
use std::time::Duration;

const FLAG_SETS: [&[&str]; 4] = [&[], &["--on-expiry", "restart"], &["--via", "file"], &["--via", "endpoint"]];

/// Asserts that a run under a limit either ran the command or failed with one line that gives the reason.
#[track_caller]
fn command_ran(case: &str, finished: &Finished) -> bool {
    let described = format!("{case}: {}", finished.describe());
    assert!(!finished.stderr.contains("internal error") && !finished.stderr.contains("panicked"), "{described}");
    match finished.code() {
        Some(0) => {
            assert_eq!(finished.stdout_text(), "ran\n", "{described}");
            true
        }
        Some(125..=127) => {
            assert_eq!(finished.stdout_text(), "", "{described}");
            false
        }
        _ => panic!("{described}"),
    }
}

#[test]
fn without_descriptors_the_reason_is_reported() {
    let running: Vec<_> = [4, 6, 7, 8, 9, 10, 11, 12, 14, 17, 24]
        .into_iter()
        .flat_map(|limit| {
            FLAG_SETS.map(|flags| {
                let sts = FakeSts::start();
                let world = xassume(&sts).args(flags).args(["--sts-timeout", "2s"]).args(["--", "/bin/echo", "ran"]);
                (limit, flags, started_after(&format!("ulimit -n {limit}"), &world).spawn(), world, sts)
            })
        })
        .collect();
    let mut ran = 0;
    for (limit, flags, running, world, _sts) in running {
        let finished = running.wait();
        assert!(world.sandbox().run_directories().is_empty(), "{limit} {flags:?}: a directory remains");
        let did = command_ran(&format!("{limit} descriptors, {flags:?}"), &finished);
        ran += usize::from(did);
        assert!(did || limit < 24, "24 are enough for {flags:?}: {}", finished.describe());
        // With enough descriptors to start, the last attempt fails for this reason.
        if !did && finished.code() == Some(125) {
            let reasons = ["Too many open files", "timed out after", "cannot be reached"];
            let said = in_words_of_glibc(&finished.stderr);
            let why = format!("{limit} descriptors, {flags:?}: {}", finished.describe());
            assert!(reasons.iter().any(|reason| said.contains(reason)), "{why}");
        }
    }
    assert!(ran > 4 * FLAG_SETS.len());
}

#[test]
fn without_memory_no_command_gets_half_a_session() {
    let running: Vec<_> = (24..=96)
        .step_by(12)
        .flat_map(|megabytes| {
            FLAG_SETS.map(|flags| {
                let sts = FakeSts::start();
                let world = xassume(&sts).args(flags).args(["--", "/bin/echo", "ran"]);
                // A Rust program without memory aborts. Disable core files here too.
                let words = format!("ulimit -c 0; ulimit -v {}", megabytes * 1024);
                (megabytes, flags, started_after(&words, &world).spawn(), sts)
            })
        })
        .collect();
    for (megabytes, flags, running, _sts) in running {
        let finished = running.wait();
        // A stack that cannot grow ends with SEGV; a failed allocation prints a message and ends with ABRT.
        if matches!(finished.signal(), Some(libc::SIGABRT | libc::SIGSEGV)) {
            assert!(finished.stdout.is_empty() && megabytes < 96, "{megabytes} MB: {}", finished.describe());
            continue;
        }
        let did = command_ran(&format!("{megabytes} MB, {flags:?}"), &finished);
        assert!(did || megabytes < 96, "{flags:?}: {}", finished.describe());
    }
}

/// A run with its credentials on a file system that has only a page or two left, which the command fills.
fn on_a_small_disk(sts: &FakeSts) -> Option<Running> {
    let namespace = mount_namespace()?;
    // The command empties it again when the test creates a file in the home directory.
    let command = "cat /dev/zero >\"$FULL/zeros\" 2>/dev/null; echo filled; \
                   until [ -e \"$HOME/free\" ]; do sleep 0.05; done; rm \"$FULL/zeros\"; echo freed; \
                   trap 'exit 0' TERM; trap 'echo signaled' HUP; while :; do sleep 0.05; done";
    let world = xassume(sts).file("full/keep", "");
    let full = world.home().join("full");
    let world = world.env("FULL", &full).arg("--credentials-file").arg(full.join("credentials"));
    let world = world.args(["--on-expiry", "signal", "--", "sh", "-c", command]);
    Some(with_mounts(namespace, "mount -t tmpfs -o size=16k,mode=700 none \"$FULL\"", &world).spawn())
}

#[test]
fn a_full_disk_makes_a_refresh_fail_and_not_the_command() {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(3)).start();
    let Some(running) = on_a_small_disk(&sts) else { return };
    running.line("filled");
    let line = running.error_line("refresh failed (session ");
    assert!(line.contains("No space left on device") && line.contains("; retrying in "), "{line}");
    running.error_line("hint: the previous file is still there; is its file system full?");
    fs::write(running.sandbox().home().join("free"), "").expect("the home is ours");
    running.line("freed");
    running.error_line("session refreshed after ");
    running.line("signaled");
    still_runs(running);
}

#[test]
fn a_disk_that_is_full_at_the_start_is_reported() {
    let Some(namespace) = mount_namespace() else { return };
    let sts = FakeSts::start();
    let world = xassume(&sts).file("full/keep", "");
    let full = world.home().join("full");
    let world = world.env("FULL", &full).arg("--credentials-file").arg(full.join("credentials"));
    let mounts = "mount -t tmpfs -o size=16k,mode=700 none \"$FULL\" && ! cat /dev/zero >\"$FULL/zeros\" 2>/dev/null";
    let said = super::error_before_start(
        with_mounts(namespace, mounts, &probing(world.args(["--via", "file"]), &["say", "ran"])).run(),
    );
    assert!(said.contains("cannot deliver the session") && said.contains("No space left on device"), "{said}");
}
