//! Restarts of an HTTP server whose start takes 1.5 s, while clients send requests: with `start-first`, no request may wait
//! for the start. A control run with `stop-first` must show the 1.5 s: otherwise the clients do not measure the wait.

use std::time::Duration;

use crate::listen::{Outcome, RATE, Since, requests};
use crate::measure::Effort;
use crate::report::Report;
use crate::subject::{Sessions, Subject};
use crate::support::{FakeSts, probe};

const GROUP: &str = "handover";
/// Of a session. It is refreshed after half of it, which is longer than the start of the server.
const LIFETIME: Duration = Duration::from_secs(5);
/// In seconds.
const START: &str = "1.5";

pub(crate) fn handovers(subject: &Subject, effort: Effort, report: &mut Report) {
    if !subject.knows("--restart-order") {
        report.skip(GROUP, "this build has no --restart-order");
        return;
    }
    let count = match effort {
        Effort::Long => 200,
        Effort::Full => 20,
        Effort::Quick => 3,
    };
    let with = run(subject, &["--restart-order", "start-first", "--ready", "notify"], count);
    report.samples(GROUP, "a request during handovers", "ms", &with.times, "p50, from when it was due");
    let slowest = with.times.quantile(100.0);
    let note = format!("of {} requests at {RATE} per second, during {count} handovers", with.times.count());
    report.figure(GROUP, "the slowest request during handovers", "ms", slowest, &note);
    report.figure(GROUP, "failed requests during handovers", "", with.failed(), &with.kinds());

    let control = run(subject, &["--restart-order", "stop-first"], count.min(5));
    let waited = control.times.quantile(100.0);
    report.figure(GROUP, "the slowest request with stop-first", "ms", waited, "the start takes 1.5 s");

    report.target("the slowest request during handovers", slowest, 100.0, "ms");
    report.target("requests that fail during handovers", with.failed(), 0.0, "requests");
    let silent = if waited >= 1400.0 { 0.0 } else { 1.0 };
    report.target("control runs without a wait", silent, 0.0, "runs");
}

/// Runs the server with these flags until it has been replaced `count` times.
fn run(subject: &Subject, flags: &[&str], count: u32) -> Outcome {
    let sts = FakeSts::builder().lifetime(LIFETIME).start();
    // Without a service manager, only a process that is started beside another one has a socket for notifications.
    let script = format!(
        "sleep {START}; if [ -n \"$NOTIFY_SOCKET\" ]; then exec \"$@\" sockets then notify READY=1 then serve; fi; \
         exec \"$@\" sockets then serve"
    );
    let xassume = subject.xassume(&sts, Sessions::Cold).args(["--on-expiry", "restart", "--listen", "0"]).args(flags);
    let running = xassume.args(["--", "sh", "-c", &script, "sh"]).args(probe()).spawn();
    let line = running.line("socket 3 ");
    let address = line.split(' ').nth(3).and_then(|address| address.parse().ok()).expect("the probe prints an address");
    requests(&running, address, count, Since::Due)
}
