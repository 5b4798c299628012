//! The endpoint while another process (the stranger) floods it with connections: whether good requests fail, how long
//! they take, and how much memory is not given back.
//!
//! The stranger is a child process on the loopback interface, with limits on time, rate and open connections. A quarter
//! of its connections send nothing, a quarter half a request head, a quarter a request without the token, and a quarter
//! are closed at once.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::endpoint::Endpoint;
use crate::measure::{Effort, Samples, milliseconds};
use crate::report::Report;
use crate::subject::{Sessions, Subject};
use crate::support::sys::reset_on_close;
use crate::support::{FakeSts, Running, probe};

const GROUP: &str = "flood";
/// The first argument of the stranger's process.
pub(crate) const STRANGER: &str = "--stranger";
/// Connections per second.
const RATE: u32 = 15_000;
/// The longest delay that the stranger catches up on.
const BURST: Duration = Duration::from_millis(2);
/// The maximum of open connections of the stranger.
const HELD: usize = 6000;
/// Number of good clients, with a new connection for each request, and their requests per second in all.
const CLIENTS: u32 = 4;
const GOOD: u32 = 200;

pub(crate) fn flood(subject: &Subject, effort: Effort, report: &mut Report) {
    let sts = FakeSts::start();
    let xassume = || subject.xassume(&sts, Sessions::Cold).args(["--via", "endpoint", "--"]);
    if xassume().arg("/bin/true").run().code() != Some(0) {
        report.skip(GROUP, "this build has no endpoint");
        return;
    }
    let words =
        ["env", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "then", "print-signals"];
    // A command of the tests ends after two minutes, so each half has its own.
    let start = || xassume().args(probe()).args(words).spawn();
    let time = effort.choose(Duration::from_mins(1), Duration::from_secs(3));
    let (quiet, failed) = good_requests(&Endpoint::of(&start()), time);
    requests(report, "without the flood", &quiet, failed);
    let running = start();
    let endpoint = Endpoint::of(&running);
    good_requests(&endpoint, Duration::from_secs(2));
    let before = resident(&running);
    let stranger = Stranger::start(&endpoint.host, time);
    let (loud, failed) = good_requests(&endpoint, time);
    let opened = stranger.end();
    let during = resident(&running);
    requests(report, "in the flood", &loud, failed);
    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
    let rate = opened as f64 / time.as_secs_f64();
    report.figure(GROUP, "the stranger's connections", "1/s", rate, "on the same processors");
    thread::sleep(Duration::from_secs(10));
    let after = resident(&running);
    let note = format!("{before:.0} KiB before, {during:.0} KiB at its end");
    report.figure(GROUP, "resident memory 10 s after the flood", "KiB", after, &note);
    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
    report.target("good requests that fail in the flood", failed as f64, 0.0, "requests");
    report.target("p99 of good requests in the flood", loud.quantile(99.0), 10.0, "ms");
    report.target("memory that is not given back after the flood", after - before, 1024.0, "KiB");
}

fn requests(report: &mut Report, name: &str, samples: &Samples, failed: usize) {
    report.samples(GROUP, &format!("a good request {name}"), "ms", samples, "p50, with its connection");
    report.figure(GROUP, &format!("a good request {name}, p99"), "ms", samples.quantile(99.0), "");
    #[allow(clippy::cast_precision_loss, reason = "a small number")]
    report.figure(GROUP, &format!("good requests {name} that fail"), "", failed as f64, "");
}

/// Sends each request at its scheduled time, or after the answer to the previous one. Returns the latencies, and the
/// number of failures.
fn good_requests(endpoint: &Endpoint, time: Duration) -> (Samples, usize) {
    let figures = Mutex::new((Vec::new(), 0));
    let begun = Instant::now();
    let ask = |number: u32| {
        let step = Duration::from_secs(1) / GOOD;
        let mut due = begun + step * number;
        while due < begun + time {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let asked = Instant::now();
            let answered = endpoint.try_connect().and_then(|mut client| client.try_ask());
            let took = milliseconds(asked.elapsed());
            let mut figures = figures.lock().expect("no client panics");
            match answered {
                Ok(()) => figures.0.push(took),
                Err(error) => {
                    eprintln!("  a good request fails after {took:.0} ms: {error}");
                    figures.1 += 1;
                }
            }
            due += step * CLIENTS;
        }
    };
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            scope.spawn(move || ask(number));
        }
    });
    let (times, failed) = figures.into_inner().expect("no client panics");
    (Samples::new(times), failed)
}

/// Resident memory in KiB.
fn resident(running: &Running) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.pid())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the kernel shows it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// The stranger's process.
struct Stranger(Child);

impl Stranger {
    fn start(host: &str, time: Duration) -> Self {
        let this = std::env::current_exe().expect("a running program has a path");
        let mut command = Command::new(this);
        command.arg(STRANGER).arg(host).arg(time.as_secs().to_string()).stdout(Stdio::piped());
        Self(command.spawn().expect("this program can be run"))
    }

    /// Waits for its exit; returns the number of connections that it opened.
    fn end(mut self) -> u64 {
        let mut text = String::new();
        self.0.stdout.take().expect("a pipe").read_to_string(&mut text).expect("text");
        self.0.wait().expect("a child");
        text.trim().parse().unwrap_or_default()
    }
}

/// The stranger's process: `--stranger HOST:PORT SECONDS`. Prints the number of connections that it opened.
pub(crate) fn run_stranger(words: &[String]) {
    let [host, seconds] = words else { panic!("an address and a time are missing") };
    let address: SocketAddr = host.parse().expect("an address");
    let time = Duration::from_secs(seconds.parse().expect("seconds"));
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard.min(2 * HELD as u64), hard);
    }
    let soft = getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft);
    let most = usize::try_from(soft / 2).unwrap_or(HELD).min(HELD);
    let mut held = VecDeque::new();
    let (begun, mut opened) = (Instant::now(), 0_u64);
    let mut due = begun;
    while begun.elapsed() < time {
        let now = Instant::now();
        thread::sleep(due.saturating_duration_since(now));
        // A steady rate: no burst after a time without the processor.
        due = due.max(now.checked_sub(BURST).unwrap_or(now)) + Duration::from_secs(1) / RATE;
        let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) else { continue };
        opened += 1;
        // Resets leave no port in TIME_WAIT, so ports do not run out.
        reset_on_close(&stream);
        match opened % 4 {
            0 => held.push_back(stream),
            1 => {
                let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n");
                held.push_back(stream);
            }
            2 => {
                let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
                held.push_back(stream);
            }
            _ => drop(stream),
        }
        if held.len() > most {
            held.pop_front();
        }
    }
    println!("{opened}");
}
