//! Addresses and descriptors that cannot be used: one line, a hint and status 125, before STS is called.

use super::{MODES, probing, started_after, xassume};
use crate::support::{DeniedCall, FakeSts, Xassume, in_words_of_glibc};
use std::ffi::OsStr;
use std::fs::File;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;

#[track_caller]
fn refused(sts: &FakeSts, xassume: Xassume, complaint: &str) {
    let finished = probing(xassume, &["say", "ran"]).run().exited(125);
    let said = in_words_of_glibc(&finished.stderr);
    let lines: Vec<_> = said.lines().collect();
    assert!(lines[0].starts_with("xassume: error: ") && lines[0].contains(complaint), "{complaint}: {lines:?}");
    assert!(lines.len() == 2 && lines[1].starts_with("hint: "), "{complaint}: {lines:?}");
    assert_eq!((finished.stdout_text().as_str(), sts.requests().len()), ("", 0));
}

#[test]
fn bad_forms_are_errors() {
    let sts = FakeSts::start();
    let long = format!("unix:/{}", "x".repeat(107));
    for (address, complaint) in [
        ("localhost:80", "invalid value 'localhost:80' for '--listen': not an address and a port"),
        ("65536", "the port must be at most 65535"),
        ("[::ffff:127.0.0.1]:0", "an IPv4 address in the form of IPv6"),
        ("[ff02::1]:0", "a multicast or broadcast address has no connections"),
        ("[fe80::1]:0", "a link-local address needs an interface"),
        ("unix:app.sock", "the path of a Unix socket must be absolute"),
        ("", "must not be empty"),
        (&long, "must have at most 107 bytes, but has 108"),
    ] {
        refused(&sts, xassume(&sts).args(["--listen", address]), complaint);
    }
    let bytes = OsStr::from_bytes(b"unix:/\xff");
    refused(&sts, xassume(&sts).arg("--listen").arg(bytes), "not valid UTF-8");
}

#[test]
fn addresses_that_cannot_be_bound_are_errors() {
    let sts = FakeSts::start();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let used = listener.local_addr().expect("it is bound").to_string();
    let shown = format!("cannot listen on {used}: Address already in use");
    for mode in MODES {
        let at = |address: &str| xassume(&sts).args(mode).args(["--listen", address]);
        refused(&sts, at(&used), &shown);
        refused(&sts, at("192.0.2.1:0"), "cannot listen on 192.0.2.1:0: Cannot assign requested address");
        let path = "unix:/no/such/directory/socket";
        refused(&sts, at(path), &format!("cannot listen on {path}: No such file or directory"));
        refused(&sts, at("unix:/dev/null/socket"), "cannot listen on unix:/dev/null/socket: Not a directory");
    }
}

#[test]
fn a_repeated_address_is_an_error() {
    let sts = FakeSts::start();
    for address in ["unix:/run/a", "80", "*:80"] {
        let xassume = xassume(&sts).args(["--listen", "0", "--listen", address, "--listen", address]);
        refused(&sts, xassume, &format!("invalid value '{address}' for '--listen': the address is repeated"));
    }
}

#[test]
fn a_path_that_goes_through_a_file_gets_a_hint_about_the_directory() {
    let sts = FakeSts::start();
    let finished = probing(xassume(&sts).args(["--listen", "unix:/dev/null/socket"]), &["say", "ran"]).run();
    assert!(finished.stderr.contains("hint: use a path in a directory"), "{}", finished.stderr);
}

#[test]
fn files_that_are_not_ours_are_not_replaced() {
    let sts = FakeSts::start();
    let sandbox = xassume(&sts);
    let home = sandbox.home();
    let used = UnixListener::bind(home.join("used")).expect("bound");
    let file = home.join("file");
    std::fs::write(&file, "contents").expect("written");
    nix::unistd::mkfifo(&home.join("fifo"), nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    for mode in MODES {
        let at = |name: &str| sandbox.clone().args(mode).arg("--listen").arg(format!("unix:{}/{name}", home.display()));
        refused(&sts, at("used"), "another process uses this socket");
        refused(&sts, at("file"), "a file that is not a socket has this path");
        refused(&sts, at("fifo"), "a file that is not a socket has this path");
    }
    drop(used);
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), "contents");
}

#[test]
fn a_socket_of_another_user_is_not_replaced() {
    if !nix::unistd::geteuid().is_root() {
        return crate::support::skipped_without_root("a socket of another user");
    }
    let sts = FakeSts::start();
    let xassume = xassume(&sts);
    let path = xassume.home().join("theirs");
    drop(UnixListener::bind(&path).expect("bound"));
    std::os::unix::fs::chown(&path, Some(12345), None).expect("root may do this");
    refused(
        &sts,
        xassume.clone().arg("--listen").arg(format!("unix:{}", path.display())),
        "a socket of another user (uid 12345) has this path",
    );
    assert!(path.exists());
}

#[test]
fn a_privileged_port_is_an_error() {
    let sts = FakeSts::start();
    // The tests may run as root, who may use each port.
    let denied = xassume(&sts).denying(&[DeniedCall::Call(libc::SYS_bind, libc::EACCES)]);
    refused(&sts, denied.args(["--listen", "127.0.0.1:81"]), "cannot listen on 127.0.0.1:81: Permission denied");
}

#[test]
fn a_descriptor_that_stands_where_a_socket_must_go_is_named() {
    let file = || File::open("/dev/zero").expect("there is a /dev/zero");
    for mode in MODES {
        let sts = FakeSts::start();
        let xassume = || xassume(&sts).args(mode);
        let at_3 = xassume().descriptor(3, file()).args(["--listen", "0"]);
        refused(&sts, at_3, "cannot use descriptor 3 for 127.0.0.1:0: it is already open (/dev/zero)");
        let at_4 = xassume().descriptor(4, file()).args(["--listen", "0", "--listen", "[::1]:0"]);
        refused(&sts, at_4, "cannot use descriptor 4 for [::1]:0: it is already open (/dev/zero)");
        let beside = xassume().descriptor(9, file()).args(["--listen", "0"]);
        let state = probing(beside, &["state"]).run().exited(0).stdout_json();
        assert_eq!(state["fds"]["9"], "/dev/zero");
        assert_eq!(state["fds"].as_object().expect("a table").len(), 5, "{state}");
    }
}

#[test]
fn absurd_numbers_of_sockets_are_errors() {
    let sts = FakeSts::start();
    for mode in MODES {
        for (count, complaint) in [
            ("x", "LISTEN_FDS is 'x', which is not a number of descriptors"),
            ("2000000000", "descriptor 3 is not open, although LISTEN_FDS is 2000000000"),
            ("1", "descriptor 3 is not open, although LISTEN_FDS is 1"),
            ("$(printf '\\377')", "which is not a number"),
        ] {
            let words = format!("export LISTEN_FDS=\"{count}\" LISTEN_PID=$$");
            refused(&sts, started_after(&words, &sts).args(mode), complaint);
        }
        let words = "export LISTEN_FDS=2 LISTEN_PID=$$";
        let xassume = started_after(words, &sts).descriptor(3, File::open("/dev/zero").expect("there is one"));
        refused(&sts, xassume.args(mode), "descriptor 4 is not open, although LISTEN_FDS is 2");
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_an_error() {
    if nix::unistd::geteuid().is_root() {
        return crate::support::skipped("root can write to each directory");
    }
    let sts = FakeSts::start();
    let xassume = xassume(&sts).file("closed/x", "");
    let closed = xassume.home().join("closed");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o500)).expect("a mode");
    refused(&sts, xassume.arg("--listen").arg(format!("unix:{}/s", closed.display())), "Permission denied");
}
