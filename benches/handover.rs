//! Restarts of a server whose start takes long, while clients send requests: with `--restart-order start-first`, no
//! request may wait for the start. A control run with `stop-first` must show the wait: otherwise the clients detect none.
//!
//! The maximum is compared with that of the requests between the handovers of the same run: a busy machine delays both.

use std::time::{Duration, Instant};

use crate::listen::address;
use crate::load::{self, RATE};
use crate::measure::Effort;
use crate::report::Report;
use crate::subject::{Sessions, Subject};
use crate::support::{FakeSts, Running, probe};

const GROUP: &str = "handover";
/// How long the server needs before it can answer, in milliseconds.
const START: &str = "1500";
const START_MS: f64 = 1500.0;
/// How much longer a request may wait because of a handover, in milliseconds.
const LIMIT_MS: f64 = 100.0;
/// Of a session. It is refreshed after half of it, so about half of the time is between handovers.
const LIFETIME: Duration = Duration::from_secs(6);

pub(crate) fn handovers(subject: &Subject, effort: Effort, report: &mut Report) {
    if !subject.knows("--restart-order") {
        report.skip(GROUP, "this build has no --restart-order");
        return;
    }
    let count: u32 = match effort {
        Effort::Long => 200,
        Effort::Full => 20,
        Effort::Quick => 2,
    };
    let sts = FakeSts::builder().lifetime(LIFETIME).start();
    let server = |flags: &[&str], serve: &[&str]| {
        let xassume = subject.xassume(&sts, Sessions::Cold).args(["-v", "--listen", "0", "--on-expiry", "restart"]);
        let xassume = xassume.args(["--refresh-margin", "1h"]).args(flags).arg("--").args(probe());
        let verbs = ["sockets", "then", "nonblocking-sockets", "then", "sleep", START, "then"];
        let running = xassume.args(verbs).args(serve).spawn();
        let address = address(&running);
        running.line("serving pid=");
        (running, address)
    };

    let (running, at) = server(&["--restart-order", "start-first", "--ready", "notify"], &["serve", "notify"]);
    let (outcome, windows) = load::requests(at, || (0..count).map(|_| handover(&running)).collect::<Vec<_>>());
    drop(running);
    let (during, between) = outcome.split(&windows);
    let (slowest, usual) = (during.quantile(100.0), between.quantile(100.0));
    let note = format!("p50 of {} requests at {RATE} per second, counted from when they were due", during.count());
    report.samples(GROUP, "a request during a handover", "ms", &during, &note);
    report.figure(GROUP, "p99.9 during handovers", "ms", during.quantile(99.9), "");
    report.figure(GROUP, "p99.9 between handovers", "ms", between.quantile(99.9), "");
    let note = format!("{count} handovers to a server that starts for {START} ms");
    report.figure(GROUP, "the slowest request during handovers", "ms", slowest, &note);
    let note = format!("of {} requests in the same run", between.count());
    report.figure(GROUP, "the slowest request between handovers", "ms", usual, &note);
    report.figure(GROUP, "failed requests", "", outcome.failed(), &outcome.kinds());

    let (running, at) = server(&["--restart-order", "stop-first"], &["serve"]);
    let restarts = count.min(5);
    let restarted = || (0..restarts).for_each(|_| drop(running.line("serving pid=")));
    let control = load::requests(at, restarted).0.times();
    let note = format!("{restarts} restarts, of {} requests", control.count());
    report.figure(GROUP, "the slowest request with stop-first", "ms", control.quantile(100.0), &note);

    let added = (slowest - usual).max(0.0);
    report.target("wait that handovers add to the slowest request", added, LIMIT_MS, "ms");
    report.target("requests that fail during handovers", outcome.failed(), 0.0, "requests");
    let blind = if control.quantile(100.0) >= START_MS { 0.0 } else { 1.0 };
    report.target("control runs that do not wait for the start", blind, 0.0, "runs");
}

/// The time from the start of the next new process to the end of the old one.
fn handover(running: &Running) -> (Instant, Instant) {
    running.error_line("starting a new process beside pid ");
    let begin = Instant::now();
    running.error_line("the command was stopped and exited");
    (begin, Instant::now())
}
