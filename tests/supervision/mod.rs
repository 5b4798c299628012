//! Supervised runs: xassume starts the command as a child, forwards signals, and refreshes the session.

mod cleanup;
mod failed_refreshes;
mod file;
mod forwarding;
mod hanging_program;
mod inheritance;
mod invalid_flags;
mod lifecycle;
mod logs;
mod notify;
mod pid_1;
mod pid_file;
mod refresh;
mod restart;
mod rotated_sources;
mod signal;
mod statuses;
mod stopping;
mod terminal;
mod unread_stderr;

use crate::support::{Answer, FakeSts, Running, Xassume, binary, probe, processes};
use serde_json::Value;
use std::time::Duration;

pub(crate) const ROLE: &str = "arn:aws:iam::111111111111:role/R";

/// The lifetime of a session that is refreshed after a second. There is at least a second between refreshes, so none is
/// earlier.
pub(crate) const SHORT: Duration = Duration::from_secs(2);

/// An STS that grants one short session and then long ones, so that a test sees one refresh.
pub(crate) fn one_refresh() -> FakeSts {
    FakeSts::builder().script([Answer::Lifetime(SHORT)]).start()
}

/// The same, but the first session is long enough to do something before the refresh, even on a busy machine.
fn one_late_refresh() -> FakeSts {
    FakeSts::builder().script([Answer::Lifetime(3 * SHORT)]).start()
}

/// xassume with a role. Scripts find the program as `$BIN`, and the probe as `$PROBE`.
fn xassume(sts: &FakeSts) -> Xassume {
    with_program_variables(Xassume::new(sts)).args(["-r", ROLE])
}

fn restarting(sts: &FakeSts) -> Xassume {
    xassume(sts).args(["--on-expiry", "restart"])
}

/// With the credentials in a file, which is the default with `signal`.
fn signaling(sts: &FakeSts) -> Xassume {
    xassume(sts).args(["--on-expiry", "signal"])
}

/// Restarting, started by a shell that first runs `words`.
fn restarting_after(words: &str, sts: &FakeSts) -> Xassume {
    started_after(words, sts).arg(binary()).args(["-r", ROLE, "--on-expiry", "restart"])
}

/// xassume with the arguments that follow, started by a shell that first runs `words`.
fn started_after(words: &str, sts: &FakeSts) -> Xassume {
    with_program_variables(Xassume::new(sts)).program("sh").args(["-c", &format!("{words}\nexec \"$0\" \"$@\"")])
}

fn with_program_variables(xassume: Xassume) -> Xassume {
    let [this, mark] = probe();
    // Each run calls STS and leaves nothing in the runtime directory.
    let xassume = xassume.env("XASSUME_NO_CACHE", "true");
    xassume.env("BIN", binary()).env("PROBE", [this.as_os_str(), mark.as_os_str()].join(" ".as_ref()))
}

/// With the probe as the command.
fn probing(xassume: Xassume, verbs: &[&str]) -> Xassume {
    xassume.arg("--").args(probe()).args(verbs)
}

/// With a shell command line as the command.
fn scripted(xassume: Xassume, script: &str) -> Xassume {
    xassume.args(["--", "sh", "-c", script])
}

/// The first line of the probe's `print-keys`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) pid: i32,
    pub(crate) key: String,
}

/// Waits for the next start of a probe that prints its key.
#[track_caller]
pub(crate) fn next_start(running: &Running) -> Start {
    let line = running.line("ready pid=");
    let (pid, key) = line.trim_start_matches("ready pid=").split_once(" key=").expect("a generation");
    Start { pid: pid.parse().expect("a pid"), key: key.to_owned() }
}

/// The probe's `state`, skipping its other lines.
#[track_caller]
fn state(running: &Running) -> Value {
    serde_json::from_str(&running.line("\"SigIgn\"")).expect("the probe's state is JSON")
}

/// One of the process IDs in a `state`.
fn pid(state: &Value, name: &str) -> i32 {
    let number = state[name].as_i64().and_then(|pid| i32::try_from(pid).ok());
    number.unwrap_or_else(|| panic!("no {name} in {state}"))
}

/// The number at the end of a line like `worker pid=7`.
#[track_caller]
fn number_in(line: &str) -> i32 {
    line.rsplit('=').next().and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no number in {line:?}"))
}

/// The access key that STS issued at that index, from 0.
fn key(sts: &FakeSts, place: usize) -> String {
    sts.issued()[place].access_key_id.clone()
}

/// An error after which the SDK does not retry.
fn denied() -> Answer {
    Answer::access_denied("arn:aws:iam::222222222222:user/alice", ROLE)
}

/// How often `said` occurs in the text.
pub(crate) fn count(text: &str, said: &str) -> usize {
    text.matches(said).count()
}
