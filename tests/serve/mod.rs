//! `--serve`: keeps a session fresh for programs that xassume has not started.

mod files;
mod hooks;
mod inputs;
mod notify;
mod reach;
mod signals;

use crate::support::http::{Received, get};
use crate::support::{FakeSts, Running, Xassume};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};

const ROLE: &str = "arn:aws:iam::111111111111:role/R";
/// The line of `-v` after the first session is served.
const SERVING: &str = "serving credentials: ";

fn keeper(sts: &FakeSts) -> Xassume {
    Xassume::new(sts).args(["-v", "-r", ROLE, "--serve"])
}

/// An address that no other test uses, and a port that was free a moment ago.
fn free_address() -> SocketAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let ip = Ipv4Addr::new(127, NEXT.fetch_add(1, Ordering::Relaxed), high, low.max(1));
    let listener = TcpListener::bind((ip, 0)).expect("each address of the loopback network can be bound");
    listener.local_addr().expect("it is bound")
}

/// The setting of a keeper that other programs reach at an address, and its files.
struct Place {
    address: SocketAddr,
    token: PathBuf,
    variables: PathBuf,
}

impl Place {
    fn of(xassume: &Xassume) -> Self {
        let work = xassume.sandbox().work();
        Self { address: free_address(), token: work.join("token"), variables: work.join("variables") }
    }

    /// `xassume` with the flags for this place.
    fn given_to(&self, xassume: Xassume) -> Xassume {
        let xassume = xassume.arg("--endpoint-address").arg(self.address.to_string());
        xassume.arg("--endpoint-token-file").arg(&self.token).arg("--env-file").arg(&self.variables)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn health(&self) -> Received {
        get(&self.url("/health"), &[]).expect("answered")
    }

    /// The access key ID that a client gets.
    fn key(&self) -> String {
        let token = fs::read_to_string(&self.token).expect("the token is there");
        let answer = get(&self.url("/credentials"), &[("Authorization", &token)]).expect("answered");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["AccessKeyId"].as_str().expect("text").to_owned()
    }

    fn has_files(&self) -> [bool; 2] {
        [self.token.exists(), self.variables.exists()]
    }
}

/// Starts a keeper, and waits until it serves its first session.
fn serving(xassume: &Xassume) -> Running {
    let running = xassume.spawn();
    running.error_line(SERVING);
    running
}

/// A keeper that serves its first session, and its place.
fn started(sts: &FakeSts) -> (Running, Place) {
    let xassume = keeper(sts);
    let place = Place::of(&xassume);
    (serving(&place.given_to(xassume)), place)
}

fn stop(running: Running) {
    running.signal(libc::SIGTERM);
    running.wait().exited(0);
}
