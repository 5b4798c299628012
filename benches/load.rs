//! An open load: requests are due at fixed times, whether or not earlier ones were answered.
//!
//! The time of a request is counted from when it was due. So a server that answers nothing for a second delays all
//! requests of that second, and not only those that the clients had sent before.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::measure::{Samples, milliseconds};

/// Requests per second in all, and the number of clients that send them.
pub(crate) const RATE: u32 = 500;
const CLIENTS: u32 = 16;
/// A client that waits this long has no answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request that was answered: when it was due, and when the answer was complete.
type Answered = (Instant, Instant);

/// The requests that were answered, and the errors of the others.
pub(crate) struct Outcome {
    answered: Vec<Answered>,
    errors: Vec<&'static str>,
}

impl Outcome {
    /// The times of all requests.
    pub(crate) fn times(&self) -> Samples {
        self.times_of(|_| true)
    }

    /// The times of the requests that waited at some time in one of the windows, and those of the others.
    pub(crate) fn split(&self, windows: &[(Instant, Instant)]) -> (Samples, Samples) {
        let touches = |(due, done): Answered| windows.iter().any(|&(begin, end)| due <= end && done >= begin);
        (self.times_of(touches), self.times_of(|request| !touches(request)))
    }

    fn times_of(&self, counts: impl Fn(Answered) -> bool) -> Samples {
        let these = self.answered.iter().filter(|&&request| counts(request));
        Samples::new(these.map(|&(due, done)| milliseconds(done - due)).collect())
    }

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

/// Sends requests until `during` returns. A client opens a connection for each request and never retries.
pub(crate) fn requests<T>(address: SocketAddr, during: impl FnOnce() -> T) -> (Outcome, T) {
    let (results, ends) = (Mutex::new((Vec::new(), Vec::new())), AtomicBool::new(false));
    let begun = Instant::now();
    let client = |number: u32| {
        let step = Duration::from_secs(1) / RATE;
        let mut due = begun + step * number;
        while !ends.load(Ordering::Relaxed) {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let result = ask(address);
            let done = Instant::now();
            let mut results = results.lock().expect("no client panics");
            match result {
                Ok(()) => results.0.push((due, done)),
                Err(kind) => results.1.push(kind),
            }
            due += step * CLIENTS;
        }
    };
    let seen = thread::scope(|scope| {
        for number in 0..CLIENTS {
            scope.spawn(move || client(number));
        }
        let seen = during();
        ends.store(true, Ordering::Relaxed);
        seen
    });
    let (answered, errors) = results.into_inner().expect("no client panics");
    (Outcome { answered, errors }, seen)
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
