//! The sockets during a restart: a connection waits for the new process, and `LISTEN_PID` names it.

use super::{MODES, address, ask, ask_at, probing, server, xassume};
use crate::support::processes::eventually;
use crate::support::{Answer, FakeSts, sys};
use std::net::TcpStream;
use std::time::Duration;

/// An STS with one short session, so that a test sees one restart.
pub(super) fn refreshing() -> FakeSts {
    FakeSts::builder().script([Answer::Lifetime(Duration::from_secs(2))]).start()
}

#[test]
fn each_start_gets_the_same_sockets_and_its_own_process_id() {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(2)).start();
    let xassume = xassume(&sts).args(MODES[1]).args(["--listen", "0", "--listen", "[::1]:0"]);
    let steps = ["sockets", "then", "nonblocking-sockets", "then", "env", "LISTEN_PID", "then", "serve"];
    let xassume = probing(xassume, &steps).spawn();
    let mut seen = Vec::new();
    for _ in 0..3 {
        // The probe finds the sockets only if LISTEN_PID is its own process ID.
        let sockets = [xassume.line("socket 3 listen "), xassume.line("socket 4 listen2 ")];
        assert!(sockets.iter().all(|line| line.ends_with(" blocking")), "{sockets:?}");
        let variable = xassume.line("LISTEN_PID=");
        let pid = server(&xassume);
        assert_eq!(variable, format!("LISTEN_PID={pid}"));
        seen.push((sockets, pid));
    }
    assert!(seen.windows(2).all(|pair| pair[0].0 == pair[1].0 && pair[0].1 != pair[1].1), "{seen:?}");
}

#[test]
fn a_connection_between_stop_and_start_is_answered_by_the_new_process() {
    let sts = refreshing();
    let xassume = xassume(&sts).args(MODES[1]).args(["--listen", "0", "--stop-timeout", "1h"]);
    let script = "if [ -e \"$HOME/second\" ]; then exec \"$@\" serve; fi\n\
                  echo first=$$\n\
                  touch \"$HOME/second\"\n\
                  exec \"$@\" sockets then print-signals then say stopping then print-signals survive TERM exit-on USR1";
    let xassume = xassume.args(["--", "sh", "-c", script, "sh"]).args(crate::support::probe());
    let xassume = xassume.spawn();
    let first = xassume.line("first=").trim_start_matches("first=").parse().expect("a pid");
    let address = address(&xassume.line("socket 3"));
    xassume.line("stopping");
    xassume.line("ready");
    // The first process does not accept connections, and the second one has not been started.
    let waiting = TcpStream::connect(address).expect("the connection waits");
    sys::send_signal(first, libc::SIGUSR1);
    let answer = ask(waiting).expect("the new process answers");
    let second = server(&xassume);
    assert_eq!(answer, format!("listen {second}"));
    assert_ne!(first, second);
    assert_eq!(ask_at(address), answer);
}

#[test]
fn the_sockets_are_closed_when_the_command_has_ended() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts).args(MODES[1]).args(["--listen", "0"]);
    let xassume = probing(xassume, &["sockets", "then", "serve"]).spawn();
    let address = address(&xassume.line("socket 3"));
    server(&xassume);
    xassume.signal(libc::SIGTERM);
    xassume.wait().exited(0);
    eventually("no process has the socket", || TcpStream::connect(address).is_err());
}
