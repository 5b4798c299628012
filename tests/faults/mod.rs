//! One fault of xassume's surroundings per test. The command keeps running or is never started, one line gives the
//! reason, the status is right, and nothing is left behind.
//!
//! Network faults that only need a special answer are tested in `network`, `sources`, `endpoint` and `supervision`.

mod bare_systems;
mod broken_answers;
mod closed_streams;
mod denied_calls;
mod hanging_files;
mod killed;
mod limits;
mod lost_sources;
mod name_resolution;
mod redirects;
mod statuses;

use crate::support::{FakeSts, Finished, Running, Xassume, probe, skipped};

const ROLE: &str = "arn:aws:iam::111111111111:role/R";

/// xassume with a role. There is no cache, so that STS is always called.
fn xassume(sts: &FakeSts) -> Xassume {
    at(&sts.url())
}

fn at(url: &str) -> Xassume {
    Xassume::at(url).env("XASSUME_NO_CACHE", "true").args(["-r", ROLE])
}

fn probing(xassume: Xassume, verbs: &[&str]) -> Xassume {
    xassume.arg("--").args(probe()).args(verbs)
}

/// xassume with these arguments, started by a shell that first runs `words`.
fn started_after(words: &str, xassume: &Xassume) -> Xassume {
    let this = xassume.clone().without_args();
    let args = xassume.command().get_args().map(std::ffi::OsStr::to_owned).collect::<Vec<_>>();
    this.program("sh").args(["-c", &format!("{words}\nexec \"$0\" \"$@\"")]).arg(crate::support::binary()).args(args)
}

/// Asserts that a run failed before the command started, with one error line and no other trouble.
#[track_caller]
fn error_before_start(finished: Finished) -> String {
    let finished = finished.exited(125).left_no_process();
    assert_eq!(finished.stdout_text(), "", "the command must not start: {}", finished.describe());
    let said: Vec<_> = finished.stderr.lines().filter(|line| line.starts_with("xassume: ")).collect();
    assert!(said.len() == 1 && finished.stderr.starts_with("xassume: error: "), "one line: {}", finished.stderr);
    assert!(!finished.stderr.contains("panicked") && !said[0].contains("internal error"), "{}", finished.stderr);
    finished.stderr
}

/// Asserts that a probe is not started, and returns the error. The probe would print `ran`.
#[track_caller]
fn rejected(xassume: Xassume) -> String {
    let xassume = probing(xassume, &["say", "ran"]);
    let said = error_before_start(xassume.run());
    assert_eq!(xassume.sandbox().run_directories(), Vec::<std::path::PathBuf>::new());
    said
}

/// Asserts that the command still runs, and ends the run.
#[track_caller]
fn still_runs(running: Running) -> Finished {
    running.signal(libc::SIGTERM);
    let finished = running.wait().exited(0).left_no_process();
    assert!(!finished.stderr.contains("internal error"), "{}", finished.stderr);
    finished
}

/// The flags of `unshare` that create a mount namespace here. `None`, with a message, where that is not possible.
fn mount_namespace() -> Option<&'static [&'static str]> {
    let flag_sets: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
    let works = |flags: &&&[&str]| {
        let mut unshare = std::process::Command::new("unshare");
        let tried = unshare.args(**flags).args(["mount", "-t", "tmpfs", "none", "/mnt"]);
        tried.stderr(std::process::Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let found = flag_sets.iter().find(works).copied();
    if found.is_none() {
        skipped("no mount namespace can be created here");
    }
    found
}

/// The same program, started by a shell that first sets up its mounts.
fn with_mounts(namespace: &[&str], words: &str, xassume: &Xassume) -> Xassume {
    let shell = started_after(&format!("{words} || exit 99"), xassume);
    let args = shell.command().get_args().map(std::ffi::OsStr::to_owned).collect::<Vec<_>>();
    shell.without_args().program("unshare").args(namespace).arg("sh").args(args)
}
