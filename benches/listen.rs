//! Restarts of an HTTP server while clients send requests: with `--listen`, no request may fail. A control run without
//! `--listen`, in which the server opens its own socket, must show errors: otherwise the clients detect none.
//!
//! The server is the probe, which finishes the request that it has accepted. A client opens a connection for each
//! request and never retries.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::measure::{Effort, Samples, milliseconds};
use crate::report::Report;
use crate::subject::{Sessions, Subject};
use crate::support::{FakeSts, Running, probe};

const GROUP: &str = "listen";
/// Requests per second in all, and the number of clients that send them.
pub(crate) const RATE: u32 = 500;
const CLIENTS: u32 = 16;
/// A client that waits this long has no answer.
const PATIENCE: Duration = Duration::from_secs(20);

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
    let line = listening.line("socket 3 ");
    let address = line.split(' ').nth(3).and_then(|address| address.parse().ok()).expect("the probe prints an address");
    let with = requests(&listening, address, count, Since::Sent);
    drop(listening);
    report.samples(GROUP, "a request behind --listen", "ms", &with.times, "p50, with its connection");
    let note = format!("of {} requests at {RATE} per second, during {count} restarts", with.times.count());
    report.figure(GROUP, "the slowest request behind --listen", "ms", with.times.quantile(100.0), &note);
    report.figure(GROUP, "failed requests behind --listen", "", with.failed(), &with.kinds());

    let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port is free");
    let alone = xassume().arg("--").args(probe()).args(["serve-at", &address.to_string()]).spawn();
    let control = requests(&alone, address, count.min(20), Since::Sent);
    report.figure(GROUP, "failed requests without --listen", "", control.failed(), &control.kinds());

    report.target("requests that fail behind --listen", with.failed(), 0.0, "requests");
    let silent = if control.failed() > 0.0 { 0.0 } else { 1.0 };
    report.target("control runs without an error", silent, 0.0, "runs");
}

/// From when on the time of a request counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    Sent,
    /// When it should have been sent. The clients are few, and may all be waiting then.
    Due,
}

/// The times of the requests that were answered, and the errors of the others.
pub(crate) struct Outcome {
    pub(crate) times: Samples,
    errors: Vec<&'static str>,
}

impl Outcome {
    #[allow(clippy::cast_precision_loss, reason = "a small number")]
    pub(crate) fn failed(&self) -> f64 {
        self.errors.len() as f64
    }

    /// How many requests failed in each way.
    pub(crate) fn kinds(&self) -> String {
        let count = |kind: &str| self.errors.iter().filter(|error| **error == kind).count();
        let kinds = ["connect", "write", "read", "no answer"].map(|kind| format!("{kind}: {}", count(kind)));
        kinds.join(", ")
    }
}

/// Sends requests until the server has been restarted `count` times.
pub(crate) fn requests(running: &Running, address: SocketAddr, count: u32, since: Since) -> Outcome {
    running.line("serving pid=");
    let (outcomes, ends) = (Mutex::new((Vec::new(), Vec::new())), AtomicBool::new(false));
    let begun = Instant::now();
    let client = |number: u32| {
        let step = Duration::from_secs(1) / RATE;
        let mut due = begun + step * number;
        while !ends.load(Ordering::Relaxed) {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let asked = if since == Since::Due { due.max(begun) } else { Instant::now() };
            let result = ask(address);
            let took = milliseconds(asked.elapsed());
            let mut outcomes = outcomes.lock().expect("no client panics");
            match result {
                Ok(()) => outcomes.0.push(took),
                Err(kind) => outcomes.1.push(kind),
            }
            due += step * CLIENTS;
        }
    };
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            scope.spawn(move || client(number));
        }
        for _ in 0..count {
            running.line("serving pid=");
        }
        ends.store(true, Ordering::Relaxed);
    });
    let (times, errors) = outcomes.into_inner().expect("no client panics");
    Outcome { times: Samples::new(times), errors }
}

/// Sends one request on a new connection. Returns what failed.
fn ask(address: SocketAddr) -> Result<(), &'static str> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(|_| "connect")?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(|_| "connect")?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n").map_err(|_| "write")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(|_| "read")?;
    // The length of the body follows from the whole answer: a name and a process ID.
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
    let whole = head.starts_with("HTTP/1.1 200 ") && head.contains(&format!("Content-Length: {}\r\n", body.len()));
    if whole { Ok(()) } else { Err("no answer") }
}
