//! Sockets that xassume inherits, as from systemd. A shell plays systemd, because only it knows xassume's process ID.

use super::{MODES, address, ask_at, probing, server, started_after, xassume};
use crate::support::{FakeSts, Xassume};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a port is free")
}

#[test]
fn inherited_sockets_come_first_and_keep_their_names() {
    let sts = FakeSts::start();
    for mode in MODES {
        let words = "export LISTEN_FDS=2 LISTEN_PID=$$ LISTEN_FDNAMES=web:admin";
        let (web, admin) = (listener(), listener());
        let at = web.local_addr().expect("it is bound");
        let xassume = started_after(words, &sts).descriptor(3, web).descriptor(4, admin);
        let xassume = xassume.args(mode).args(["--listen", "[::1]:0"]);
        let xassume = probing(xassume, &["sockets", "then", "serve"]).spawn();
        assert_eq!(address(&xassume.line("socket 3 web 127.0.0.1:")), at);
        xassume.line("socket 4 admin 127.0.0.1:");
        xassume.line("socket 5 listen [::1]:");
        let expected = format!("web {}", server(&xassume));
        assert_eq!(ask_at(at), expected);
        xassume.signal(libc::SIGTERM);
        xassume.wait().exited(0);
    }
}

#[test]
fn sockets_without_names_are_unknown() {
    let sts = FakeSts::start();
    for mode in MODES {
        let words = "export LISTEN_FDS=2 LISTEN_PID=$$";
        let xassume = started_after(words, &sts).descriptor(3, listener()).descriptor(4, listener()).args(mode);
        let finished = probing(xassume.args(["--listen", "0"]), &["env", "LISTEN_FDNAMES"]).run().exited(0);
        assert_eq!(finished.stdout_text(), "LISTEN_FDNAMES=unknown:unknown:listen\n");
    }
}

#[test]
fn sockets_for_another_process_are_left_in_exec_mode_and_removed_under_supervision() {
    let sts = FakeSts::start();
    let names = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "LISTEN_PIDFDID"];
    let step = [&["env"], &names[..]].concat();
    let other = |xassume: Xassume| {
        let xassume = xassume.env("LISTEN_FDS", "7").env("LISTEN_PID", "1").env("LISTEN_FDNAMES", "x");
        probing(xassume.env("LISTEN_PIDFDID", "9").arg("-v"), &step).run().exited(0)
    };
    let became = other(xassume(&sts));
    assert_eq!(became.stdout_text(), "LISTEN_FDS=7\nLISTEN_PID=1\nLISTEN_FDNAMES=x\nLISTEN_PIDFDID=9\n");
    let stayed = other(xassume(&sts).args(MODES[1]));
    assert_eq!(stayed.stdout_text(), names.map(|name| format!("{name} is unset\n")).concat());
    assert!(stayed.stderr.contains("ignoring LISTEN_FDS (LISTEN_PID is 1, and xassume's"), "{}", stayed.stderr);
}

#[test]
fn sockets_of_another_process_do_not_disturb_those_of_the_flag() {
    let sts = FakeSts::start();
    for mode in MODES {
        let xassume = xassume(&sts).env("LISTEN_FDS", "x").env("LISTEN_PID", "1").args(mode).args(["--listen", "0"]);
        let finished = probing(xassume, &["sockets", "then", "env", "LISTEN_FDS"]).run().exited(0);
        let text = finished.stdout_text();
        assert!(text.starts_with("socket 3 listen ") && text.ends_with("\nLISTEN_FDS=1\n"), "{text}");
    }
}

#[test]
fn an_inherited_socket_keeps_its_blocking_mode_at_each_start() {
    let sts = super::restarts::refreshing();
    let (blocking, nonblocking) = (listener(), listener());
    nonblocking.set_nonblocking(true).expect("a flag");
    let words = "export LISTEN_FDS=2 LISTEN_PID=$$";
    let xassume = started_after(words, &sts).descriptor(3, blocking).descriptor(4, nonblocking).args(MODES[1]);
    let xassume = probing(xassume, &["sockets", "then", "nonblocking-sockets", "then", "print-signals"]).spawn();
    for _ in 0..2 {
        assert!(xassume.line("socket 3").ends_with(" blocking"));
        assert!(xassume.line("socket 4").ends_with(" nonblocking"));
    }
}

#[test]
fn a_nested_xassume_passes_the_sockets_on() {
    let sts = FakeSts::start();
    for outer in MODES {
        for inner in MODES {
            let xassume = xassume(&sts).args(outer).args(["--listen", "0", "--"]).arg(crate::support::binary());
            let xassume = xassume.args(["-r", super::ROLE, "--no-cache"]).args(inner).args(["--listen", "[::1]:0"]);
            let finished = probing(xassume.env("XASSUME_LISTEN", "nonsense"), &["sockets"]).run().exited(0);
            let text = finished.stdout_text();
            let lines: Vec<_> = text.lines().collect();
            assert!(lines[0].starts_with("socket 3 listen 127.0.0.1:"), "{outer:?} {inner:?}: {text}");
            assert!(lines[1].starts_with("socket 4 listen [::1]:") && lines.len() == 2, "{outer:?} {inner:?}: {text}");
        }
    }
}

#[test]
fn descriptors_that_are_no_listening_sockets_are_passed_on_too() {
    let sts = FakeSts::start();
    let directory = tempfile::tempdir().expect("a directory");
    let socket = UnixListener::bind(directory.path().join("s")).expect("bound");
    let xassume = started_after("export LISTEN_FDS=2 LISTEN_PID=$$", &sts).descriptor(3, socket);
    let xassume = xassume.descriptor(4, std::fs::File::open("/dev/zero").expect("there is one")).args(MODES[1]);
    let state = probing(xassume, &["state"]).run().exited(0).stdout_json();
    assert_eq!(state["fds"]["4"], "/dev/zero");
    assert!(state["fds"]["3"].as_str().is_some_and(|target| target.starts_with("socket:")), "{state}");
}
