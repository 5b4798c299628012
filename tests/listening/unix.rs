//! The files of Unix sockets.

use super::{MODES, ask_socket, probing, server, xassume};
use crate::support::{Answer, FakeSts, Xassume, probe};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

fn listening(sts: &FakeSts) -> (Xassume, PathBuf) {
    let xassume = xassume(sts);
    let path = xassume.home().join("app.sock");
    (xassume.arg("--listen").arg(format!("unix:{}", path.display())), path)
}

/// The names in the directory that begin with that of the socket.
fn left(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path.parent().expect("a directory")).expect("it is there");
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("app.sock")).collect()
}

#[test]
fn a_unix_socket_is_served_and_has_the_mode_that_the_umask_leaves() {
    let sts = FakeSts::start();
    for (mode, after) in MODES.into_iter().zip([1, 0]) {
        let (xassume, path) = listening(&sts);
        let words = "umask 007; exec \"$0\" \"$@\"";
        let args: Vec<_> = xassume.command().get_args().map(ToOwned::to_owned).collect();
        let shell = xassume.clone().without_args().program("sh").args(["-c", words]).arg(crate::support::binary());
        let running = probing(shell.args(args).args(mode), &["sockets", "then", "serve"]).spawn();
        running.line(&format!("socket 3 listen {} blocking", path.display()));
        let expected = format!("listen {}", server(&running));
        assert_eq!(ask_socket(&path), expected);
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o770);
        assert_eq!(left(&path), ["app.sock"], "the lock file is gone");
        running.signal(libc::SIGTERM);
        running.wait().exited(0);
        assert_eq!(
            left(&path).len(),
            after,
            "{mode:?}: in exec mode, no process of xassume is left to remove the file"
        );
    }
}

#[test]
fn a_socket_that_a_killed_run_has_left_is_replaced() {
    let sts = FakeSts::start();
    for mode in MODES {
        let (xassume, path) = listening(&sts);
        drop(UnixListener::bind(&path).expect("bound"));
        let xassume = probing(xassume.args(mode), &["serve"]).spawn();
        let expected = format!("listen {}", server(&xassume));
        assert_eq!(ask_socket(&path), expected);
    }
}

#[test]
fn a_signal_ends_a_supervised_run_that_waits_for_the_lock() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts).args(MODES[1]).args(["-v", "--listen", "0"]);
    let path = xassume.home().join("app.sock");
    let lock = std::fs::File::create(path.with_extension("sock.lock")).expect("a file");
    lock.lock().expect("locked");
    let running = probing(xassume.arg("--listen").arg(format!("unix:{}", path.display())), &["say", "ran"]).spawn();
    running.error_line("listening on 127.0.0.1:");
    running.signal(libc::SIGTERM);
    running.wait().killed_by(libc::SIGTERM);
}

#[test]
fn the_file_is_removed_however_a_supervised_run_ends() {
    let sts = FakeSts::start();
    let (xassume, path) = listening(&sts);
    let supervised = xassume.args(MODES[1]);
    probing(supervised.clone(), &["exit", "3"]).run().exited(3);
    assert_eq!(left(&path), [""; 0]);
    probing(supervised.clone(), &["die", "KILL"]).run().killed_by(libc::SIGKILL);
    assert_eq!(left(&path), [""; 0]);
    sts.script([Answer::access_denied("arn:aws:iam::222222222222:user/alice", super::ROLE)]);
    probing(supervised.clone(), &["say", "ran"]).run().exited(125);
    assert_eq!(left(&path), [""; 0]);
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        let seen = sts.requests().len();
        sts.script([Answer::Held]);
        let running = probing(supervised.clone(), &["say", "ran"]).spawn();
        sts.wait_for_requests(seen + 1);
        assert!(path.exists(), "it is opened before STS is asked");
        running.signal(signal);
        running.wait().killed_by(signal);
        assert_eq!(left(&path), [""; 0], "signal {signal}");
    }
}

#[test]
fn a_failed_launch_in_exec_mode_removes_the_file() {
    let sts = FakeSts::builder().script([Answer::access_denied("arn:aws:iam::222222222222:user/alice", super::ROLE)]);
    let sts = sts.start();
    let (xassume, path) = listening(&sts);
    probing(xassume.clone(), &["say", "ran"]).run().exited(125);
    assert_eq!(left(&path), [""; 0]);
}

#[test]
fn a_file_that_another_run_has_created_is_not_removed() {
    let sts = FakeSts::start();
    let (xassume, path) = listening(&sts);
    let running = probing(xassume.clone().args(MODES[1]), &["serve"]).spawn();
    server(&running);
    std::fs::remove_file(&path).expect("it is there");
    let other = UnixListener::bind(&path).expect("the name is free");
    running.signal(libc::SIGTERM);
    running.wait().exited(0);
    assert!(UnixStream::connect(&path).is_ok());
    drop(other);
}

#[test]
fn a_restart_keeps_the_file() {
    let sts = super::restarts::refreshing();
    let (xassume, path) = listening(&sts);
    let running = xassume.args(MODES[1]).arg("--").args(probe()).arg("serve").spawn();
    let pids = [server(&running), server(&running)];
    assert_eq!(ask_socket(&path), format!("listen {}", pids[1]));
}
