//! What goes wrong around xassume, one fault at a time: the command is kept or never started, one line says why, the
//! status is right, and nothing is left behind.
//!
//! The network's faults that need no more than an answer are in `network`, `sources`, `endpoint` and `supervision`.

mod limits;
mod metadata;
mod names;
mod places;
mod redirects;
mod sandboxes;
mod statuses;
mod streams;
mod stuck;
mod sudden;
mod wire;

use crate::support::{FakeSts, Finished, Running, Xassume, probe};

const ROLE: &str = "arn:aws:iam::111111111111:role/R";

/// The program with a role, and without a cache that would answer in place of STS.
fn xassume(sts: &FakeSts) -> Xassume {
    at(&sts.url())
}

fn at(url: &str) -> Xassume {
    Xassume::at(url).env("XASSUME_NO_CACHE", "true").args(["-r", ROLE])
}

fn probing(xassume: Xassume, verbs: &[&str]) -> Xassume {
    xassume.arg("--").args(probe()).args(verbs)
}

/// Whatever follows as arguments, as a shell starts it after some words of its own.
fn after(words: &str, xassume: &Xassume) -> Xassume {
    let this = xassume.clone().without_args();
    let args = xassume.command().get_args().map(std::ffi::OsStr::to_owned).collect::<Vec<_>>();
    this.program("sh").args(["-c", &format!("{words}\nexec \"$0\" \"$@\"")]).arg(crate::support::binary()).args(args)
}

/// Insists that a run ended before its command for a reason that it told, and in order.
#[track_caller]
fn told(finished: Finished) -> String {
    let finished = finished.exited(125).left_no_process();
    assert_eq!(finished.stdout_text(), "", "the command must not start: {}", finished.describe());
    let said: Vec<_> = finished.stderr.lines().filter(|line| line.starts_with("xassume: ")).collect();
    assert!(said.len() == 1 && finished.stderr.starts_with("xassume: "), "one line: {}", finished.stderr);
    assert!(!finished.stderr.contains("panicked") && !said[0].contains("internal error"), "{}", finished.stderr);
    finished.stderr
}

/// Runs a probe that says `ran`, and insists that it was not started for a reason that was told.
#[track_caller]
fn refused(xassume: Xassume) -> String {
    let xassume = probing(xassume, &["say", "ran"]);
    let said = told(xassume.run());
    assert_eq!(xassume.sandbox().run_directories(), Vec::<std::path::PathBuf>::new());
    said
}

/// Insists that the command is still there and in order, and ends the run.
#[track_caller]
fn still_runs(running: Running) -> Finished {
    running.signal(libc::SIGTERM);
    let finished = running.wait().exited(0).left_no_process();
    assert!(!finished.stderr.contains("internal error"), "{}", finished.stderr);
    finished
}

/// Says that something cannot be tested on this machine.
#[allow(clippy::print_stdout, reason = "the harness shows it with the test")]
fn skipped(why: &str) {
    println!("skipped: {why}");
}

/// How a mount namespace is had here; `None`, with a word on why, where there is none to be had.
fn mount_namespace() -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
    let works = |flags: &&&[&str]| {
        let mut unshare = std::process::Command::new("unshare");
        let tried = unshare.args(**flags).args(["mount", "-t", "tmpfs", "none", "/mnt"]);
        tried.stderr(std::process::Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let found = ways.iter().find(works).copied();
    if found.is_none() {
        skipped("no mount namespace can be made here");
    }
    found
}

/// The same program behind a shell that first arranges its mounts.
fn with_mounts(namespace: &[&str], words: &str, xassume: &Xassume) -> Xassume {
    let shell = after(&format!("{words} || exit 99"), xassume);
    let args = shell.command().get_args().map(std::ffi::OsStr::to_owned).collect::<Vec<_>>();
    shell.without_args().program("unshare").args(namespace).arg("sh").args(args)
}
