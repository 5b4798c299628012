//! Clients of the supervised server. Each request must be answered, whatever happens to the server's processes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::support::http;

/// How many clients there are, and how long each waits between two requests.
const CLIENTS: usize = 3;
const PAUSE: Duration = Duration::from_millis(20);

pub struct Clients {
    ends: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Requests>>,
}

/// The requests that were answered, and the errors of the others.
#[derive(Debug, Default)]
pub struct Requests {
    pub answered: usize,
    pub errors: Vec<String>,
}

impl Clients {
    pub fn start(address: SocketAddr) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let client = || {
            let ends = Arc::clone(&ends);
            thread::spawn(move || {
                let mut requests = Requests::default();
                while !ends.load(Ordering::Relaxed) {
                    match http::get(&format!("http://{address}/"), &[]) {
                        Ok(answer) if answer.status == 200 => requests.answered += 1,
                        Ok(answer) => requests.errors.push(format!("status {}", answer.status)),
                        Err(error) => requests.errors.push(error.to_string()),
                    }
                    thread::sleep(PAUSE);
                }
                requests
            })
        };
        let threads = (0..CLIENTS).map(|_| client()).collect();
        Self { ends, threads }
    }

    /// Ends all clients after their requests.
    pub fn end(self) -> Requests {
        self.ends.store(true, Ordering::Relaxed);
        let mut all = Requests::default();
        for thread in self.threads {
            let requests = thread.join().expect("no client panics");
            all.answered += requests.answered;
            all.errors.extend(requests.errors);
        }
        all
    }
}
