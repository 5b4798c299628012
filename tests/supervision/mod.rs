//! Staying beside the command: fresh sessions are all that it should notice of that.

mod file;
mod forwarding;
mod inheritance;
mod init;
mod leftovers;
mod lifecycle;
mod logs;
mod refresh;
mod refusals;
mod restart;
mod signal;
mod sources;
mod starting;
mod statuses;
mod stopping;
mod terminal;
mod trouble;
mod unread;

use crate::support::{Answer, FakeSts, Running, Xassume, binary, probe, processes};
use serde_json::Value;
use std::time::Duration;

const ROLE: &str = "arn:aws:iam::111111111111:role/R";

/// A session that is refreshed a second after its start, which is as early as any: no two refreshes begin closer.
const SHORT: Duration = Duration::from_secs(2);

/// An STS that grants one short session, and then long ones: a test sees one refresh.
fn one_refresh() -> FakeSts {
    FakeSts::builder().script([Answer::Lifetime(SHORT)]).start()
}

/// The same, with time enough before the refresh to do something, on however busy a machine.
fn one_late_refresh() -> FakeSts {
    FakeSts::builder().script([Answer::Lifetime(3 * SHORT)]).start()
}

/// The program, not yet told to stay. Scripts find it as `$BIN`, and the probe as `$PROBE`.
fn xassume(sts: &FakeSts) -> Xassume {
    equipped(Xassume::new(sts)).args(["-r", ROLE])
}

fn restarting(sts: &FakeSts) -> Xassume {
    xassume(sts).args(["--on-expiry", "restart"])
}

/// With the credentials in a file.
fn signalling(sts: &FakeSts) -> Xassume {
    xassume(sts).args(["--on-expiry", "signal"])
}

/// The program as a shell starts it, after some words of its own.
fn restarting_after(words: &str, sts: &FakeSts) -> Xassume {
    after(words, sts).arg(binary()).args(["-r", ROLE, "--on-expiry", "restart"])
}

/// Whatever follows as arguments, as a shell starts it after some words of its own.
fn after(words: &str, sts: &FakeSts) -> Xassume {
    equipped(Xassume::new(sts)).program("sh").args(["-c", &format!("{words}\nexec \"$0\" \"$@\"")])
}

fn equipped(xassume: Xassume) -> Xassume {
    let [this, mark] = probe();
    // Each run asks STS, and leaves nothing in the runtime folder.
    let xassume = xassume.env("XASSUME_NO_CACHE", "true");
    xassume.env("BIN", binary()).env("PROBE", [this.as_os_str(), mark.as_os_str()].join(" ".as_ref()))
}

/// The probe as the command.
fn probing(xassume: Xassume, verbs: &[&str]) -> Xassume {
    xassume.arg("--").args(probe()).args(verbs)
}

/// A line of shell as the command.
fn scripted(xassume: Xassume, script: &str) -> Xassume {
    xassume.args(["--", "sh", "-c", script])
}

/// What the probe's `generation` says when it begins.
#[derive(Debug, PartialEq, Eq)]
struct Generation {
    pid: i32,
    key: String,
}

/// The next start of a probe that tells its generation.
#[track_caller]
fn generation(running: &Running) -> Generation {
    let line = running.line("ready pid=");
    let (pid, key) = line.trim_start_matches("ready pid=").split_once(" key=").expect("a generation");
    Generation { pid: pid.parse().expect("a pid"), key: key.to_owned() }
}

/// What the probe reports of itself, from among its other lines.
#[track_caller]
fn state(running: &Running) -> Value {
    serde_json::from_str(&running.line("\"SigIgn\"")).expect("the probe's state is JSON")
}

/// One of the process ids in such a report.
fn pid(state: &Value, name: &str) -> i32 {
    let number = state[name].as_i64().and_then(|pid| i32::try_from(pid).ok());
    number.unwrap_or_else(|| panic!("no {name} in {state}"))
}

/// The number at the end of a line like `worker pid=7`.
#[track_caller]
fn number_in(line: &str) -> i32 {
    line.rsplit('=').next().and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no number in {line:?}"))
}

/// The access key that STS gave out at that place, from 0.
fn key(sts: &FakeSts, place: usize) -> String {
    sts.issued()[place].access_key_id.clone()
}

/// A refusal that is not tried again by the SDK.
fn denied() -> Answer {
    Answer::access_denied("arn:aws:iam::222222222222:user/alice", ROLE)
}

/// How often a text is said.
fn count(text: &str, said: &str) -> usize {
    text.matches(said).count()
}

/// Says that something cannot be tested on this machine.
#[allow(clippy::print_stdout, reason = "the harness shows it with the test")]
fn skipped(why: &str) {
    println!("skipped: {why}");
}
