//! Supervisors side by side for a while, with an STS that fails at random: nothing may drift.
//!
//!     cargo test --locked --test soak -- [SECONDS [SEED]]
//!
//! Sessions last two seconds. Each supervisor has an STS of its own, which answers, refuses, hangs and breaks off as
//! a seed decides; the seed is printed, and the same seed gives the same faults. In the end every session that STS
//! gave must have reached the command, in order and once, and descriptors, memory, processes and folders must be what
//! they were after the first minutes.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a soak says what it sees, or stops")]
#![allow(missing_docs, unreachable_pub, reason = "nothing here is anybody's interface")]

#[path = "../support/mod.rs"]
mod support;

mod faults;
mod vitals;

use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use faults::Faults;
use support::{FakeSts, Running, Xassume, probe};
use vitals::Vitals;

/// How long a session holds.
const LIFETIME: Duration = Duration::from_secs(2);
/// How often each supervisor is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// One supervisor, its STS, and what was seen of it.
struct Subject {
    name: &'static str,
    sts: FakeSts,
    running: Running,
    vitals: Vec<Vitals>,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    let time = arguments.next().map_or(120, |seconds| seconds.parse().expect("a number of seconds"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs();
    let seed = arguments.next().map_or(now, |seed| seed.parse().expect("a seed is a number"));
    println!("soak of {time} s, seed {seed}");

    let kinds = [("restart 1", "restart"), ("signal 1", "signal"), ("restart 2", "restart"), ("signal 2", "signal")];
    let mut subjects: Vec<Subject> =
        (0..).zip(kinds).map(|(at, (name, on_expiry))| start(name, on_expiry, seed.wrapping_add(at))).collect();
    watch(&mut subjects, Duration::from_secs(time));

    let mut wrong = Vec::new();
    for subject in subjects {
        wrong.extend(subject.end());
    }
    for complaint in &wrong {
        println!("WRONG {complaint}");
    }
    println!("{} passed, {} failed", kinds.len() - wrong.len().min(kinds.len()), wrong.len());
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn start(name: &'static str, on_expiry: &str, seed: u64) -> Subject {
    let sts = FakeSts::builder().lifetime(LIFETIME).start();
    // The first session must come, or there is nothing to supervise.
    sts.script(Faults::new(seed).answers(10_000));
    let running = Xassume::new(&sts)
        .args(["-r", "111111111111:Soak", "--on-expiry", on_expiry, "--sts-timeout", "700ms", "-v", "--"])
        .args(probe())
        .arg("generation")
        .spawn();
    running.line("ready");
    Subject { name, sts, running, vitals: Vec::new() }
}

/// Looks at all of them until the time is up.
fn watch(subjects: &mut [Subject], time: Duration) {
    let begun = Instant::now();
    // Nobody sends: the channel is a clock that needs no thread.
    let (_open, never) = mpsc::channel::<()>();
    while begun.elapsed() < time {
        let _ = never.recv_timeout(LOOK);
        for subject in &mut *subjects {
            let pid = subject.running.pid();
            let vitals = Vitals::of(pid).unwrap_or_else(|error| panic!("{} is gone: {error}", subject.name));
            subject.vitals.push(vitals);
        }
    }
}

impl Subject {
    /// Stops it and says what was wrong with it.
    fn end(self) -> Vec<String> {
        let Self { name, sts, running, vitals } = self;
        let sandbox = running.shared_sandbox();
        running.signal(libc::SIGTERM);
        let issued: Vec<String> = sts.issued().into_iter().map(|issued| issued.access_key_id).collect();
        let finished = running.wait();
        let text = finished.stdout_text();
        let seen: Vec<&str> = text.lines().filter_map(|line| line.split_once("key=").map(|(_, key)| key)).collect();
        println!("{name}: {} sessions, {} requests; {}", issued.len(), sts.requests().len(), vitals::summary(&vitals));
        let mut wrong = vitals::complaints(&vitals);
        wrong.extend(order_complaint(&seen, &issued));
        // An answer that came too late was issued and not obtained; the last may have come while the TERM was on its way.
        let missing = issued.len() - seen.len().min(issued.len());
        let late = finished.stderr.matches("gave no answer within").count();
        if missing > late + 1 {
            wrong.push(format!("saw {} of {} sessions, and {late} answers came too late", seen.len(), issued.len()));
        }
        // The probe ends by itself on TERM.
        if finished.code() != Some(0) {
            wrong.push(format!("ended with {}", finished.status));
        }
        let left = sandbox.run_folders();
        if !left.is_empty() {
            wrong.push(format!("folders are left: {left:?}"));
        }
        if !finished.survivors().is_empty() {
            wrong.push(format!("processes are left: {:?}", finished.survivors()));
        }
        if !wrong.is_empty() {
            println!("{}", finished.describe());
        }
        wrong.into_iter().map(|complaint| format!("{name}: {complaint}")).collect()
    }
}

/// What is wrong with the sessions that the command saw: each must be an issued one, after the one before.
fn order_complaint(seen: &[&str], issued: &[String]) -> Option<String> {
    let mut later = issued.iter();
    let strange = seen.iter().find(|key| !later.any(|issued| issued == *key))?;
    Some(format!("{strange} was seen twice, out of order, or never issued"))
}
