//! `--listen` and `LISTEN_FDS`: the command gets listening sockets, which stay open during a restart.

mod inherited;
mod refused;
mod restarts;
mod unix;

use crate::support::{FakeSts, Running, Xassume, binary, probe};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;

const ROLE: &str = "arn:aws:iam::111111111111:role/R";
/// The modes in which a command runs.
const MODES: [&[&str]; 2] = [&[], &["--on-expiry", "restart"]];

fn xassume(sts: &FakeSts) -> Xassume {
    Xassume::new(sts).args(["-r", ROLE, "--no-cache"])
}

/// With the probe as the command.
fn probing(xassume: Xassume, verbs: &[&str]) -> Xassume {
    xassume.arg("--").args(probe()).args(verbs)
}

/// xassume with a role, started by a shell that plays systemd: it runs `words` and becomes xassume.
fn started_after(words: &str, sts: &FakeSts) -> Xassume {
    let shell = Xassume::new(sts).program("sh").args(["-c", &format!("{words}\nexec \"$0\" \"$@\"")]);
    shell.arg(binary()).args(["-r", ROLE, "--no-cache"])
}

/// The address in a line like `socket 3 listen 127.0.0.1:41234 blocking`.
#[track_caller]
pub(crate) fn address(line: &str) -> SocketAddr {
    let text = line.split(' ').nth(3).expect("an address");
    text.parse().unwrap_or_else(|error| panic!("{error}: {line:?}"))
}

/// Sends a request, and returns the body of the answer.
fn ask(mut stream: impl Read + Write) -> io::Result<String> {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(body.to_owned())
}

#[track_caller]
pub(crate) fn ask_at(address: SocketAddr) -> String {
    TcpStream::connect(address).and_then(ask).expect("an answer")
}

#[track_caller]
fn ask_socket(path: &Path) -> String {
    UnixStream::connect(path).and_then(ask).expect("an answer")
}

/// The process ID of a probe that serves.
#[track_caller]
pub(crate) fn server(running: &Running) -> i32 {
    let line = running.line("serving pid=");
    line.rsplit('=').next().and_then(|pid| pid.parse().ok()).expect("a pid")
}

#[test]
fn the_command_gets_the_sockets_in_order_from_descriptor_3_on() {
    let sts = FakeSts::start();
    for mode in MODES {
        let addresses = ["--listen", "0", "--listen", "[::1]:0", "--listen", "127.0.0.2:0", "--listen", "*:0"];
        let xassume = xassume(&sts).args(mode).args(addresses);
        let names = ["LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID", "XASSUME_LISTEN"];
        let steps = [&["sockets", "then", "env"], &names[..]].concat();
        let finished = probing(xassume.env("LISTEN_PIDFDID", "7").env("XASSUME_LISTEN", "nonsense"), &steps).run();
        let text = finished.exited(0).stdout_text();
        let lines: Vec<_> = text.lines().collect();
        for (line, (begin, host)) in lines.iter().zip([
            ("socket 3 listen 127.0.0.1:", "127.0.0.1"),
            ("socket 4 listen2 [::1]:", "::1"),
            ("socket 5 listen3 127.0.0.2:", "127.0.0.2"),
            ("socket 6 listen4 [::]:", "::"),
        ]) {
            assert!(line.starts_with(begin) && line.ends_with(" blocking"), "{mode:?}: {text}");
            assert_eq!(address(line).ip().to_string(), host);
            assert_ne!(address(line).port(), 0);
        }
        let variables = [
            "LISTEN_FDS=4",
            "LISTEN_FDNAMES=listen:listen2:listen3:listen4",
            "LISTEN_PIDFDID is unset",
            "XASSUME_LISTEN is unset",
        ];
        assert_eq!(lines[4..], variables, "{mode:?}");
    }
}

#[test]
fn the_variable_has_an_address_in_each_line() {
    let sts = FakeSts::start();
    let finished = probing(xassume(&sts).env("XASSUME_LISTEN", "0\n[::1]:0"), &["sockets"]).run().exited(0);
    assert_eq!(finished.stdout_text().lines().count(), 2, "{}", finished.describe());
}

#[test]
fn connections_are_answered_by_the_command_in_both_modes_and_families() {
    let sts = FakeSts::start();
    for mode in MODES {
        for (address, other) in [("127.0.0.1:0", None), ("[::1]:0", None), ("*:0", Some(Ipv4Addr::LOCALHOST))] {
            let xassume = xassume(&sts).args(mode).args(["--listen", address]);
            let xassume = probing(xassume, &["sockets", "then", "serve"]).spawn();
            let mut at = self::address(&xassume.line("socket 3"));
            let expected = format!("listen {}", server(&xassume));
            if let Some(other) = other {
                at.set_ip(other.into());
            }
            assert_eq!(ask_at(at), expected, "{mode:?} {address}");
            xassume.signal(libc::SIGTERM);
            xassume.wait().exited(0);
        }
    }
}

#[test]
fn an_ipv6_address_does_not_take_the_port_of_ipv4() {
    let sts = FakeSts::start();
    let xassume = probing(xassume(&sts).args(["--listen", "[::]:0"]), &["sockets", "then", "serve"]).spawn();
    let mut address = address(&xassume.line("socket 3"));
    server(&xassume);
    address.set_ip(Ipv4Addr::LOCALHOST.into());
    let error = TcpStream::connect(address).expect_err("only IPv6");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn the_addresses_are_logged_with_v() {
    let sts = FakeSts::start();
    for mode in MODES {
        let xassume = xassume(&sts).args(mode).args(["-v", "--listen", "0"]);
        let finished = probing(xassume, &["sockets"]).run().exited(0);
        let address = address(finished.stdout_text().trim());
        let said = format!("listening on {address} (descriptor 3 of the command)");
        assert!(finished.stderr.contains(&said), "{}", finished.stderr);
    }
}

#[test]
fn the_crate_listenfd_takes_the_socket() {
    let sts = FakeSts::start();
    for mode in MODES {
        let xassume = xassume(&sts).args(mode).args(["--listen", "[::1]:0"]);
        let finished = probing(xassume, &["sockets", "then", "listenfd"]).run().exited(0);
        let text = finished.stdout_text();
        let address = address(text.lines().next().expect("a line"));
        assert!(text.ends_with(&format!("\nlistenfd {address}\n")), "{text}");
    }
}

#[test]
fn helper_programs_get_neither_the_sockets_nor_the_variables() {
    let descriptor = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let script = "{ env; ls -l /proc/self/fd; } >$HOME/seen; echo 314159";
    for mode in [&[][..], &["--via", "file"]] {
        let sts = FakeSts::builder().mfa_codes(&["314159"]).start();
        let words = "export LISTEN_FDS=1 LISTEN_PID=$$ LISTEN_FDNAMES=web LISTEN_PIDFDID=1 XASSUME_LISTEN=0 \
                     XASSUME_REFRESH_HOOK=true XASSUME_REFRESH_HOOK_TIMEOUT=5s";
        let xassume = started_after(words, &sts).descriptor(3, descriptor.try_clone().expect("a descriptor"));
        let xassume = xassume.args(["--mfa-serial", "GAHT12345678", "--mfa-command", script]).args(mode);
        let seen = xassume.home().join("seen");
        let finished = probing(xassume.clone(), &["sockets"]).run().exited(0);
        assert_eq!(finished.stdout_text().lines().count(), 2, "{}", finished.describe());
        let seen = std::fs::read_to_string(seen).expect("the helper has run");
        assert!(seen.contains("XASSUME_DEPTH=") && seen.contains("/dev/null"), "{seen}");
        for absent in ["LISTEN", "REFRESH_HOOK", "socket:"] {
            assert!(!seen.contains(absent), "{absent}: {seen}");
        }
    }
}

#[test]
fn a_check_parses_the_addresses_and_binds_none() {
    let sts = FakeSts::start();
    let used = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = used.local_addr().expect("it is bound").to_string();
    let check = || Xassume::new(&sts).args(["-r", ROLE, "--check"]);
    let xassume = check().args(["--listen", &address, "--listen", "unix:/no/such/directory/socket"]);
    let page = xassume.run().exited(0).stdout_text();
    assert!(page.contains(&format!("listens on {address}, unix:/no/such/directory/socket")), "{page}");
    let finished = check().args(["--listen", "localhost:80"]).run().exited(125);
    assert!(finished.stderr.contains("invalid value 'localhost:80' for '--listen'"), "{}", finished.stderr);
}

#[test]
fn modes_without_a_command_refuse_the_flag_and_ignore_the_variable() {
    let sts = FakeSts::start();
    for mode in [&["-r", ROLE, "--print", "json"][..], &["--clear-cache"]] {
        let xassume = || Xassume::new(&sts).args(mode);
        let finished = xassume().args(["--listen", "0"]).run().exited(125);
        assert!(finished.stderr.contains("--listen cannot be used with --"), "{}", finished.stderr);
        xassume().env("XASSUME_LISTEN", "nonsense").run().exited(0);
    }
}

#[test]
fn a_shell_without_exec_is_warned_about() {
    let sts = FakeSts::start();
    let warning = "the listening sockets may be for sh only, not for a program that it starts";
    let xassume = xassume(&sts).args(["--listen", "0", "--", "sh", "-c"]);
    let finished = xassume.clone().arg("true; true").run().exited(0);
    assert!(finished.stderr.contains(warning), "{}", finished.stderr);
    assert_eq!(xassume.arg("true; exec true").run().exited(0).stderr, "");
    let inherited = |pid: &str| {
        let words = format!("export LISTEN_FDS=1 LISTEN_PID={pid}");
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        started_after(&words, &sts).descriptor(3, socket).args(["--", "sh", "-c", "true"]).run().exited(0).stderr
    };
    assert!(inherited("$$").contains(warning));
    assert_eq!(inherited("1"), "");
}
