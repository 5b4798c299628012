//! Services that systemd starts when a client connects to their socket.
//!
//! The socket of the example is a TCP socket. In the test it is a Unix socket, because systemd here has the network of
//! this machine, in which the port may be in use.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::machine::{Machine, SHARED, UnitFile};
use crate::{example_unit, stop};

/// The longest time without an answer: more than a start of xassume and a restart take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many processes of the server answer in the test of restarts, and the longest time until then.
const GENERATIONS: usize = 3;
const RESTARTED: Duration = Duration::from_mins(1);

/// The socket unit `xassume-NAME.socket`, and its drop-in.
pub fn socket_files(name: &str) -> [UnitFile; 2] {
    let path = format!("xassume-{name}.socket");
    let text = format!("[Socket]\nListenStream=\nListenStream={SHARED}/{name}.sock\n");
    [
        UnitFile { path: path.clone(), text: example_unit("xassume-web.socket") },
        UnitFile { path: format!("{path}.d/test.conf"), text },
    ]
}

/// Under supervision, restarts refuse no connection, and xassume remains the main process of the service.
pub fn supervised(machine: &Machine) {
    let (socket, service) = ("xassume-web.socket", "xassume-web.service");
    let at = machine.path("web.sock");
    machine.command(&["start", socket]);
    assert_eq!(machine.property(service, "ActiveState"), "inactive", "nothing has connected");
    let mut servers = BTreeSet::from([ask(&at)]);
    let main = machine.property(service, "MainPID");
    let begun = Instant::now();
    while servers.len() < GENERATIONS {
        assert!(begun.elapsed() < RESTARTED, "the server is not restarted: {}", machine.log(service));
        servers.insert(ask(&at));
    }
    assert!(!servers.contains(&main), "xassume is the main process");
    assert_eq!(machine.property(service, "MainPID"), main, "the service is the same");
    assert_eq!(machine.property(service, "NRestarts"), "0");
    stop(machine, service);
    assert_eq!(machine.property(socket, "ActiveState"), "active", "the socket outlives the service");
    assert!(!servers.contains(&ask(&at)), "the next connection starts the service again");
    assert_ne!(machine.property(service, "MainPID"), main);
    stop(machine, service);
    machine.command(&["stop", socket]);
}

/// Without supervision, the server has the process ID that systemd has put into `LISTEN_PID`.
pub fn replaced(machine: &Machine) {
    let (socket, service) = ("xassume-direct.socket", "xassume-direct.service");
    let at = machine.path("direct.sock");
    machine.command(&["start", socket]);
    let first = ask(&at);
    assert_eq!(machine.property(service, "MainPID"), first, "the server is the main process");
    stop(machine, service);
    let second = ask(&at);
    assert_ne!(second, first);
    assert_eq!(machine.property(service, "MainPID"), second);
    stop(machine, service);
    machine.command(&["stop", socket]);
}

/// Makes one request without a retry, and returns the process ID of the server. The request must be answered, and by a
/// server that knows the name of the socket.
#[track_caller]
fn ask(path: &Path) -> String {
    let mut stream = UnixStream::connect(path).expect("the connection is not refused");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket has this option");
    stream.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").expect("the connection stays open");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the request is answered");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    assert!(head.starts_with("HTTP/1.1 200 "), "no answer: {answer:?}");
    body.strip_prefix("web ").expect("the name of the socket").to_owned()
}
