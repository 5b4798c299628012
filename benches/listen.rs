//! Restarts of an HTTP server while clients send requests: with `--listen`, no request may fail. A control run without
//! `--listen`, in which the server opens its own socket, must show errors: otherwise the clients detect none.
//!
//! The server is the probe, which finishes the request that it has accepted.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use crate::load::{self, Outcome, RATE};
use crate::measure::Effort;
use crate::report::Report;
use crate::subject::{Sessions, Subject};
use crate::support::{FakeSts, Running, probe};

const GROUP: &str = "listen";

pub(crate) fn restarts(subject: &Subject, effort: Effort, report: &mut Report) {
    if !subject.knows("--listen") {
        report.skip(GROUP, "this build has no --listen");
        return;
    }
    let count = match effort {
        Effort::Long => 200,
        Effort::Full => 20,
        Effort::Quick => 3,
    };
    // Refreshed about every second.
    let sts = FakeSts::builder().lifetime(Duration::from_secs(2)).start();
    let xassume = || subject.xassume(&sts, Sessions::Cold).args(["--on-expiry", "restart"]);
    let listening = xassume().args(["--listen", "0", "--"]).args(probe()).args(["sockets", "then", "serve"]).spawn();
    let address = address(&listening);
    let with = requests(&listening, address, count);
    drop(listening);
    let times = with.times();
    report.samples(GROUP, "a request behind --listen", "ms", &times, "p50, with its connection");
    let note = format!("of {} requests at {RATE} per second, during {count} restarts", times.count());
    report.figure(GROUP, "the slowest request behind --listen", "ms", times.quantile(100.0), &note);
    report.figure(GROUP, "failed requests behind --listen", "", with.failed(), &with.kinds());

    let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port is free");
    let alone = xassume().arg("--").args(probe()).args(["serve-at", &address.to_string()]).spawn();
    let control = requests(&alone, address, count.min(20));
    report.figure(GROUP, "failed requests without --listen", "", control.failed(), &control.kinds());

    report.target("requests that fail behind --listen", with.failed(), 0.0, "requests");
    let silent = if control.failed() > 0.0 { 0.0 } else { 1.0 };
    report.target("control runs without an error", silent, 0.0, "runs");
}

/// The address of the server's first socket, which it has printed.
pub(crate) fn address(running: &Running) -> SocketAddr {
    let line = running.line("socket 3 ");
    line.split(' ').nth(3).and_then(|address| address.parse().ok()).expect("the probe prints an address")
}

/// Sends requests until the server has been restarted `count` times.
fn requests(running: &Running, address: SocketAddr, count: u32) -> Outcome {
    running.line("serving pid=");
    let restarted = || (0..count).for_each(|_| drop(running.line("serving pid=")));
    load::requests(address, restarted).0
}
