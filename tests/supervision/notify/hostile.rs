//! Datagrams that the command or another process should not have sent.

use super::super::processes::pid_namespace;
use super::super::{ROLE, with_program_variables};
use super::{notifying, probing, restarting, scripted, socket};
use crate::support::datagrams::{address, send, send_as};
use crate::support::processes::{descriptors, eventually, wait_until_stopped};
use crate::support::{FakeManager, FakeSts, Xassume, binary, probe, skipped, skipped_without_root};
use std::fs::File;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const NOBODY: u32 = 65534;

#[test]
fn hostile_datagrams_do_no_harm() {
    let (sts, manager) = (FakeSts::start(), FakeManager::at_path());
    let running = probing(notifying(restarting(&sts), &manager), &["env", "NOTIFY_SOCKET", "then", "cat"]);
    let running = running.stdin_open().spawn();
    let to = address(socket(&running).as_ref());
    let null = File::open("/dev/null").expect("there is /dev/null");
    let many = vec![null.as_fd(); 253];
    let round_trip = |text: &str| {
        send(&to, text.as_bytes(), &[], true).expect("it is received");
        assert_eq!(manager.next_but_status().text, text);
    };
    round_trip("X_BEGIN=1");
    let before = descriptors(running.pid()).expect("it runs");
    let oversized = format!("READY=1\n{}", "x".repeat(60_000));
    for text in ["", "\0", "READY=1\0STOPPING=1", "\n\n\n", "MAINPID=1", &oversized] {
        send(&to, text.as_bytes(), &[], true).expect("it is received");
        send(&to, text.as_bytes(), &many, true).expect("it is received");
    }
    for number in [0, 2, 253] {
        send(&to, b"BARRIER=1", &many[..number], true).expect("it is received");
        send(&to, b"BARRIER=1\nREADY=1", &many[..1], true).expect("it is received");
    }
    round_trip("X_UNKNOWN\n=\n==\nREADY=2\nFOO");
    // All descriptors are relayed with their datagram.
    send(&to, b"FDSTORE=1", &many, true).expect("it is received");
    assert_eq!(manager.next_but_status().descriptors.len(), many.len());
    // One of the descriptors counted above may have been closed since.
    eventually("no descriptor is left", || descriptors(running.pid()).expect("it runs") <= before);
    assert_eq!(manager.rest(), Vec::<String>::new());
}

#[test]
fn a_flood_delays_neither_signals_nor_the_end() {
    let (sts, manager) = (FakeSts::start(), FakeManager::at_path());
    let command = ["env", "NOTIFY_SOCKET", "then", "print-signals", "exit-on", "USR1", "then", "exit", "3"];
    let running = probing(notifying(restarting(&sts), &manager), &command).spawn();
    let to = address(socket(&running).as_ref());
    running.line("ready");
    let sent = AtomicU32::new(0);
    std::thread::scope(|scope| {
        // The flood ends when the socket is removed.
        scope.spawn(|| {
            while send(&to, b"MAINPID=1", &[], true).is_ok() {
                sent.fetch_add(1, Ordering::Relaxed);
            }
        });
        let flows_on = || {
            let before = sent.load(Ordering::Relaxed);
            eventually("the flood goes on", || sent.load(Ordering::Relaxed) > before + 100);
        };
        flows_on();
        running.signal(libc::SIGUSR2);
        running.line("USR2");
        flows_on();
        running.signal(libc::SIGUSR1);
        running.wait().exited(3);
    });
    assert_eq!(manager.rest(), ["STOPPING=1"]);
}

/// Runs the words that follow as another user.
const AS_NOBODY: &str = "setpriv --reuid 65534 --regid 65534 --clear-groups";

fn may_run_as_nobody() -> bool {
    let mut may_run = Command::new("test");
    may_run.arg("-x").arg(&probe()[0]).current_dir("/");
    let may_run = nix::unistd::geteuid().is_root() && may_run.uid(NOBODY).status().is_ok_and(|status| status.success());
    if !may_run {
        skipped_without_root("the probe cannot be run as another user here");
    }
    may_run
}

#[test]
fn descriptors_of_another_user_that_block_when_they_are_closed_block_nothing() {
    if !nix::unistd::geteuid().is_root() {
        return skipped_without_root("only root can send as another user");
    }
    let (sts, manager) = (FakeSts::start(), FakeManager::at_path());
    let command = ["env", "NOTIFY_SOCKET", "then", "print-signals"];
    let running = probing(notifying(restarting(&sts), &manager), &command).spawn();
    let to = address(socket(&running).as_ref());
    running.line("ready");
    send(&to, b"X_BEGIN=1", &[], true).expect("it reaches the socket");
    manager.until("X_BEGIN=1");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let before = descriptors(running.pid()).expect("it runs");
    // xassume must close its copies last, because the last close waits. Otherwise this test would wait.
    running.signal(libc::SIGSTOP);
    wait_until_stopped(&[running.pid()]);
    for _ in 0..3 {
        let mut stuck = TcpStream::connect(listener.local_addr().expect("it is bound")).expect("it listens");
        stuck.set_nonblocking(true).expect("it is a socket");
        while stuck.write(&[0; 1 << 14]).is_ok() {}
        let linger = Some(Duration::from_hours(1));
        socket2::SockRef::from(&stuck).set_linger(linger).expect("it is a TCP socket");
        send_as(NOBODY, &to, b"X_OTHER=1", &[stuck.as_fd()]).expect("it reaches the socket");
    }
    running.signal(libc::SIGCONT);
    send(&to, b"X_ROOT=1", &[], true).expect("it reaches the socket");
    assert_eq!(manager.until("X_ROOT=1"), ["X_ROOT=1"]);
    eventually("none of them remains", || descriptors(running.pid()).expect("it runs") <= before);
    running.signal(libc::SIGUSR1);
    running.line("USR1");
    running.signal(libc::SIGTERM);
    running.wait().exited(0);
}

#[test]
fn a_command_of_another_user_is_heard_without_proc() {
    if pid_namespace().is_none() {
        return skipped("no pid namespace can be created here");
    }
    if !may_run_as_nobody() {
        return;
    }
    let (sts, manager) = (FakeSts::start(), FakeManager::at_path());
    // Without --mount-proc, /proc has the IDs of another namespace.
    let unshare = Xassume::new(&sts).program("unshare").args(["--pid", "--fork", "--kill-child"]).arg(binary());
    let xassume = with_program_variables(unshare).args(["-r", ROLE, "--on-expiry", "restart"]);
    // The member must exist when xassume reads its message.
    let member = format!("{AS_NOBODY} $PROBE notify X_MEMBER=1 then barrier 1");
    let script = format!("{member}; exec {AS_NOBODY} $PROBE notify X_SELF=1");
    let running = scripted(notifying(xassume, &manager), &script).spawn();
    assert_eq!(manager.until("BARRIER=1"), ["X_MEMBER=1", "BARRIER=1"]);
    running.wait().exited(0);
    assert_eq!(manager.rest(), ["X_SELF=1", "STOPPING=1"]);
}

#[test]
fn another_user_is_heard_only_from_within_the_command() {
    if !may_run_as_nobody() {
        return;
    }
    let (sts, manager) = (FakeSts::start(), FakeManager::at_path());
    let script = format!("$PROBE env NOTIFY_SOCKET; {AS_NOBODY} $PROBE notify X_CHILD=1 then barrier 1; read line");
    let running = scripted(notifying(restarting(&sts), &manager), &script).stdin_open().spawn();
    let to = address(socket(&running).as_ref());
    assert_eq!(manager.until("BARRIER=1"), ["X_CHILD=1", "BARRIER=1"]);
    running.line("barrier");
    // This process is not a descendant of xassume. If it is root, it is accepted.
    let before = descriptors(running.pid()).expect("it runs");
    let null = File::open("/dev/null").expect("there is /dev/null");
    for text in ["READY=1", "STOPPING=1", "BARRIER=1", "X_OTHER=1"] {
        send_as(NOBODY, &to, text.as_bytes(), &[null.as_fd()]).expect("it reaches the socket");
    }
    send(&to, b"X_ROOT=1", &[], true).expect("it reaches the socket");
    assert_eq!(manager.until("X_ROOT=1"), ["X_ROOT=1"]);
    eventually("no descriptor is left", || descriptors(running.pid()).expect("it runs") <= before);
}
