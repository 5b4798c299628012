//! `--refresh-hook`: a shell command that runs after each session that was handed over.

mod ends;
mod flags;
mod inherited;
mod pid_1;
mod runs;

use crate::supervision::{ROLE, count};
use crate::support::processes::eventually;
use crate::support::{FakeSts, Running, Xassume, probe};

/// xassume with these flags and this hook. The hook and scripts find the probe as `$PROBE`.
fn hooked(sts: &FakeSts, flags: &[&str], hook: &str) -> Xassume {
    let [this, mark] = probe();
    let xassume = Xassume::new(sts).env("XASSUME_NO_CACHE", "true");
    let xassume = xassume.env("PROBE", [this.as_os_str(), mark.as_os_str()].join(" ".as_ref()));
    xassume.args(["-r", ROLE, "--refresh-hook", hook]).args(flags)
}

/// With the probe as the command.
fn probing(xassume: Xassume, verbs: &[&str]) -> Xassume {
    xassume.arg("--").args(probe()).args(verbs)
}

/// The flags for each way to deliver sessions to a command that is supervised.
const MODES: [&[&str]; 6] = [
    &["--on-expiry", "restart"],
    &["--on-expiry", "restart", "--restart-order", "start-first", "--ready", "100ms"],
    &["--via", "file"],
    &["--via", "endpoint"],
    &["--via", "process"],
    &["--on-expiry", "signal"],
];

/// Flags with a time limit for hooks. Even a busy machine starts a hook's shell within this time.
const LIMITED: [&str; 4] = ["--via", "file", "--refresh-hook-timeout", "1s"];
/// What is said when a hook has reached that limit.
const TIMED_OUT: &str = "the refresh hook timed out after 1s";

/// The number at the end of a line.
#[track_caller]
fn last_number(line: &str) -> i32 {
    line.trim().rsplit(' ').next().and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("no number in {line:?}"))
}

/// Waits for the warnings about two hooks that have reached their limit. The first warning may come after the first
/// line of the second hook, because a thread writes the warnings.
#[track_caller]
fn both_are_reported(xassume: &Running) {
    let warning = format!("warning: {TIMED_OUT}");
    eventually("both are reported", || count(&xassume.stderr.so_far(), &warning) == 2);
}
