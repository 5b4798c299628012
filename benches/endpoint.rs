//! How fast the endpoint answers: closed loops of one and many clients, and an open loop at a fixed rate.
//!
//! In an open loop each request has a scheduled time, which does not depend on earlier answers. Its latency counts from
//! that time, so a late answer also delays the next requests.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::prctl::set_timerslack;

use crate::measure::{Effort, Samples, milliseconds};
use crate::report::Report;
use crate::subject::{Sessions, Subject};
use crate::support::{FakeSts, Running, probe};

const GROUP: &str = "endpoint";
const CLIENTS: u32 = 64;
/// Requests per second of the open loop.
const RATE: u32 = 2000;
/// Read timeout of a client.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) fn requests(subject: &Subject, effort: Effort, report: &mut Report) {
    let sts = FakeSts::start();
    let xassume = || subject.xassume(&sts, Sessions::Cold).args(["--via", "endpoint", "--"]);
    if xassume().arg("/bin/true").run().code() != Some(0) {
        report.skip(GROUP, "this build has no endpoint");
        return;
    }
    let words =
        ["env", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "then", "print-signals"];
    let running = xassume().args(probe()).args(words).spawn();
    let endpoint = Endpoint::of(&running);
    let time = effort.choose(Duration::from_secs(5), Duration::from_millis(500));
    for clients in [1, CLIENTS] {
        let (samples, seconds) = endpoint.closed_loop(clients, time);
        let name = if clients == 1 { "1 client".to_owned() } else { format!("{clients} clients") };
        latency(report, &format!("{name}, closed loop"), &samples);
        #[allow(clippy::cast_precision_loss, reason = "a small number")]
        let rate = samples.count() as f64 / seconds;
        report.figure(GROUP, &format!("{name}, throughput"), "requests/s", rate, "client on the same processors");
    }
    let (samples, late) = endpoint.open_loop(effort.choose(Duration::from_secs(15), Duration::from_secs(1)));
    let name = format!("{RATE} requests/s over {CLIENTS} connections, open loop");
    latency(report, &name, &samples);
    let note = "part of the times above: clients that woke up late";
    report.figure(GROUP, &format!("{name}, p99 of the clients' own delay"), "ms", late.quantile(99.0), note);
    report.target(&format!("endpoint's p99 at {RATE} requests/s, open loop"), samples.quantile(99.0), 1.0, "ms");
}

fn latency(report: &mut Report, name: &str, samples: &Samples) {
    report.samples(GROUP, name, "ms", samples, "p50");
    report.figure(GROUP, &format!("{name}, p99"), "ms", samples.quantile(99.0), "");
}

/// The address of an endpoint, and a valid request.
pub(crate) struct Endpoint {
    pub(crate) host: String,
    request: Vec<u8>,
}

impl Endpoint {
    pub(crate) fn of(running: &Running) -> Self {
        let variable = |name: &str| running.line(name).split_once('=').expect("a variable").1.to_owned();
        let url = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
        let token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
        let rest = url.strip_prefix("http://").expect("it is on loopback");
        let (host, path) = rest.split_once('/').expect("it has a path");
        let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\n\r\n");
        Self { host: host.to_owned(), request: request.into_bytes() }
    }

    fn connect(&self) -> Client<'_> {
        self.try_connect().expect("the endpoint listens")
    }

    pub(crate) fn try_connect(&self) -> io::Result<Client<'_>> {
        let stream = TcpStream::connect(&self.host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Client { stream, request: &self.request })
    }

    /// Each client sends the next request after each answer. Returns the latencies, and the seconds that it took.
    fn closed_loop(&self, clients: u32, time: Duration) -> (Samples, f64) {
        let begun = Instant::now();
        let figures = self.with_clients(clients, |client, _, begun| {
            let mut figures = Vec::new();
            while begun.elapsed() < time {
                let asked = Instant::now();
                client.ask();
                figures.push(milliseconds(asked.elapsed()));
            }
            figures
        });
        (Samples::new(figures), begun.elapsed().as_secs_f64())
    }

    /// Requests at scheduled times, spread evenly over all connections. Returns the times from the schedule to the
    /// answers, and from the schedule to the requests.
    fn open_loop(&self, time: Duration) -> (Samples, Samples) {
        let step = Duration::from_secs(1) / RATE;
        let figures = self.with_clients(CLIENTS, |client, number, begun| {
            let mut figures = Vec::new();
            let mut due = begun + step * number;
            while due < begun + time {
                thread::sleep(due.saturating_duration_since(Instant::now()));
                let late = milliseconds(due.elapsed());
                client.ask();
                figures.push((milliseconds(due.elapsed()), late));
                due += step * CLIENTS;
            }
            figures
        });
        let (times, late) = figures.into_iter().unzip();
        (Samples::new(times), Samples::new(late))
    }

    /// Runs each client on its own thread; all start at the same time.
    fn with_clients<T: Send>(
        &self,
        count: u32,
        act: impl Fn(&mut Client<'_>, u32, Instant) -> Vec<T> + Sync,
    ) -> Vec<T> {
        let ready = Barrier::new(count as usize);
        thread::scope(|scope| {
            let start = |number| {
                let (act, ready) = (&act, &ready);
                scope.spawn(move || {
                    // Precise sleeps: by default the kernel may delay a wake-up by 50 µs.
                    let _ = set_timerslack(1);
                    let mut client = self.connect();
                    client.ask();
                    ready.wait();
                    act(&mut client, number, Instant::now())
                })
            };
            let threads: Vec<_> = (0..count).map(start).collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("no client panics")).collect()
        })
    }
}

/// A connection that stays open.
pub(crate) struct Client<'a> {
    stream: TcpStream,
    request: &'a [u8],
}

impl Client<'_> {
    fn ask(&mut self) {
        self.try_ask().expect("the endpoint answers");
    }

    pub(crate) fn try_ask(&mut self) -> io::Result<()> {
        self.stream.write_all(self.request)?;
        let mut answer = Vec::with_capacity(4096);
        let mut part = [0; 4096];
        while !is_whole(&answer) {
            match self.stream.read(&mut part)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => answer.extend_from_slice(&part[..count]),
            }
        }
        if answer.starts_with(b"HTTP/1.1 200 ") { Ok(()) } else { Err(io::Error::other("the status is not 200")) }
    }
}

/// Whether the head and the whole body (`Content-Length`) have arrived.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    answer.len() >= end + 4 + length.unwrap_or(0_usize)
}
