//! Notifications of the command (`sd_notify(3)`) reach the service manager through xassume.

mod hostile;
mod restarts;

use super::{one_late_refresh, one_refresh, probing, restarting, scripted};
use crate::support::{FakeManager, FakeSts, Identity, Running, Xassume, binary, probe, skipped};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// xassume as the main process of a service of this manager.
fn notifying(xassume: Xassume, manager: &FakeManager) -> Xassume {
    xassume.env("NOTIFY_SOCKET", manager.address())
}

/// The value of `NOTIFY_SOCKET` that the command has printed.
fn socket(running: &Running) -> String {
    running.line("NOTIFY_SOCKET=").trim_start_matches("NOTIFY_SOCKET=").to_owned()
}

#[test]
fn the_manager_hears_from_xassume_at_both_kinds_of_address() {
    for manager in [FakeManager::at_path(), FakeManager::at_abstract_name()] {
        let sts = FakeSts::start();
        let command = ["notify", "READY=1", "MAINPID=1", "X_A=1", "then", "notify", "STATUS=3 clients", "then", "cat"];
        let running = probing(notifying(restarting(&sts), &manager), &command).spawn();
        let own = manager.next();
        assert_eq!(own.pid, running.pid());
        let state = own.text.strip_prefix("STATUS=session until ").expect("the state of the session");
        let times: Vec<&str> = state.split(", next refresh ").collect();
        assert!(times.len() == 2 && times[0].len() == 5 && times[1].ends_with(" UTC"), "{state}");
        let ready = manager.next();
        assert_eq!((ready.text.as_str(), ready.pid), ("READY=1\nX_A=1", running.pid()));
        assert_eq!(manager.next().text, format!("STATUS=3 clients; session until {state}"));
        running.wait().exited(0);
        assert_eq!(manager.rest(), ["STOPPING=1"]);
    }
}

#[test]
fn a_session_without_an_expiry_adds_no_status() {
    let (sts, manager) = (FakeSts::start(), FakeManager::at_path());
    let user = Identity::user();
    let keys =
        format!("aws_access_key_id = {}\naws_secret_access_key = {}", user.access_key_id, user.secret_access_key);
    let profile = Xassume::new(&sts).without_keys().file(".aws/config", format!("[profile dev]\n{keys}\n"));
    let supervised = notifying(profile, &manager).args(["-p", "dev", "--via", "file"]);
    probing(supervised, &["notify", "STATUS=x", "then", "notify", "READY=1"]).run().exited(0);
    let texts: Vec<String> = std::iter::from_fn(|| manager.waiting()).map(|datagram| datagram.text).collect();
    assert_eq!(texts, ["STATUS=x", "READY=1", "STOPPING=1"]);
}

#[test]
fn each_generation_has_a_socket_that_every_user_can_reach() {
    let (sts, manager) = (one_refresh(), FakeManager::at_path());
    let command = ["env", "NOTIFY_SOCKET", "then", "print-keys"];
    let running = probing(notifying(restarting(&sts), &manager), &command).spawn();
    let (first, second) = (socket(&running), socket(&running));
    assert_ne!(first, second);
    running.line("ready");
    if second.starts_with('@') {
        skipped("/dev/shm cannot be used, so the sockets are abstract");
    } else {
        let second = PathBuf::from(&second);
        assert!(!PathBuf::from(&first).exists(), "the socket of a finished generation is removed");
        let mode = |path: &PathBuf| fs::metadata(path).expect("it exists").permissions().mode() & 0o777;
        let directory = second.parent().expect("a directory").to_owned();
        assert_eq!((mode(&second), mode(&directory)), (0o666, 0o711));
        running.signal(libc::SIGTERM);
        running.wait().exited(0);
        assert!(!directory.exists());
    }
}

#[test]
fn the_sockets_of_a_killed_xassume_are_removed_by_the_next() {
    let (sts, manager) = (FakeSts::start(), FakeManager::at_path());
    let notifying = || probing(notifying(restarting(&sts), &manager), &["env", "NOTIFY_SOCKET", "then", "cat"]);
    let killed = notifying().stdin_open().spawn();
    let path = socket(&killed);
    killed.signal(libc::SIGKILL);
    killed.wait().killed_by(libc::SIGKILL);
    notifying().run().exited(0);
    let directory = PathBuf::from(&path).parent().map(std::path::Path::to_owned);
    assert!(path.starts_with('@') || !directory.is_some_and(|directory| directory.exists()), "{path}");
}

#[test]
fn term_alone_is_not_the_end_but_the_end_is_announced() {
    let (sts, manager) = (FakeSts::start(), FakeManager::at_path());
    let command = ["notify", "READY=1", "then", "print-signals", "survive", "TERM", "exit-on", "USR1", "then"];
    let command = [&command[..], &["notify", "X_LAST=1", "then", "exit", "3"]].concat();
    let running = probing(notifying(restarting(&sts), &manager), &command).spawn();
    // The notification must not be on its way when the signal is sent.
    assert_eq!(manager.next_but_status().text, "READY=1");
    running.line("ready");
    running.signal(libc::SIGTERM);
    running.line("TERM");
    assert!(manager.rest().is_empty());
    running.signal(libc::SIGUSR1);
    running.wait().exited(3);
    assert_eq!(manager.rest(), ["X_LAST=1", "STOPPING=1"]);
}

#[test]
fn a_command_that_announces_its_end_is_not_restarted() {
    let (sts, manager) = (one_late_refresh(), FakeManager::at_path());
    let command = ["notify", "READY=1", "then", "notify", "STOPPING=1", "then", "print-signals", "exit-on", "USR1"];
    let running = probing(notifying(restarting(&sts).arg("-v"), &manager), &command).spawn();
    running.error_line("the command sent STOPPING=1, so it will not be restarted");
    running.line("ready");
    running.signal(libc::SIGUSR1);
    let stderr = running.wait().exited(0).stderr;
    assert!(!stderr.contains("restarting"), "{stderr}");
    assert_eq!(manager.rest(), ["READY=1", "STOPPING=1"], "it is announced once");
}

#[test]
fn an_inner_xassume_notifies_through_the_outer_one() {
    let (sts, manager) = (FakeSts::start(), FakeManager::at_path());
    let outer = notifying(restarting(&sts), &manager).arg("--").arg(binary());
    let inner = outer.args(["-r", super::ROLE, "--on-expiry", "restart", "--"]).args(probe());
    let running = inner.args(["notify", "READY=1", "X_A=1", "then", "barrier", "1", "then", "cat"]).spawn();
    let ready = manager.next_but_status();
    assert_eq!((ready.text.as_str(), ready.pid), ("READY=1\nX_A=1", running.pid()));
    let barrier = manager.next_but_status();
    assert_eq!((barrier.text.as_str(), barrier.descriptors.len()), ("BARRIER=1", 1));
    drop(barrier);
    running.line("barrier");
    running.wait().exited(0);
    assert_eq!(manager.rest(), ["STOPPING=1"]);
}

#[test]
fn without_a_manager_that_listens_a_barrier_is_passed_at_once() {
    let sts = FakeSts::start();
    let absent = restarting(&sts).env("NOTIFY_SOCKET", "/proc/none");
    let running = probing(absent, &["notify", "READY=1", "then", "barrier", "1", "then", "print-signals"]).spawn();
    let warning = "xassume: warning: cannot send notifications to NOTIFY_SOCKET: ";
    running.error_line(warning);
    running.line("barrier");
    running.line("ready");
    running.signal(libc::SIGTERM);
    let stderr = running.wait().exited(0).stderr;
    assert_eq!(stderr.matches(warning).count(), 1, "{stderr}");
}

#[test]
fn a_manager_that_vanishes_while_notifications_wait_is_reported() {
    let (sts, manager) = (FakeSts::start(), FakeManager::at_path());
    manager.fill("FULL=1");
    let script = "$PROBE notify X_A=1; $PROBE notify X_B=1; exec $PROBE print-signals";
    let waiting = scripted(notifying(restarting(&sts), &manager), script).spawn();
    waiting.line("ready");
    drop(manager);
    // No input of xassume follows.
    waiting.error_line("xassume: warning: cannot send notifications to NOTIFY_SOCKET: ");
    waiting.signal(libc::SIGTERM);
    waiting.wait().exited(0);
}

#[test]
fn descriptors_that_wait_survive_a_stop() {
    let (sts, manager) = (one_refresh(), FakeManager::at_path());
    let full = manager.fill("FULL=1");
    let fds = "notify-with 200";
    let script = format!(
        "$PROBE notify X_A=1; $PROBE {fds} FDSTORE=1 FDNAME=a; $PROBE {fds} FDSTORE=1 FDNAME=b; \
         exec $PROBE print-signals survive TERM exit-on USR1"
    );
    let running = scripted(notifying(restarting(&sts).args(["--stop-timeout", "1m"]), &manager), &script).spawn();
    // The stop for the refresh.
    running.line("TERM");
    (0..full).for_each(|_| assert_eq!(manager.next().text, "FULL=1"));
    for text in ["FDSTORE=1\nFDNAME=a", "FDSTORE=1\nFDNAME=b"] {
        let found = std::iter::from_fn(|| Some(manager.next())).find(|datagram| !datagram.descriptors.is_empty());
        let found = found.map(|datagram| (datagram.text, datagram.descriptors.len()));
        assert_eq!(found, Some((text.to_owned(), 200)));
    }
}

#[test]
fn a_manager_that_does_not_read_delays_nothing_and_loses_no_order() {
    let (sts, manager) = (one_late_refresh(), FakeManager::at_path());
    let waiting = manager.fill("FULL=1");
    let steps = [
        "notify READY=1",
        "notify STATUS=1",
        "notify WATCHDOG=1",
        "notify X_A=1",
        "notify STATUS=2",
        "notify-with 2 FDSTORE=1 FDNAME=a",
        "notify WATCHDOG=1",
        "print-signals exit-on USR1",
        "barrier 1",
        "print-keys",
    ]
    .join(" then ");
    let command: Vec<&str> = steps.split(' ').collect();
    let running = probing(notifying(restarting(&sts), &manager), &command).spawn();
    running.line("ready");
    // The signal is forwarded although notifications wait.
    running.signal(libc::SIGUSR1);
    running.line("USR1");
    for _ in 0..waiting {
        assert_eq!(manager.next().text, "FULL=1");
    }
    let mut texts = Vec::new();
    while texts.last().is_none_or(|text: &String| text != "BARRIER=1") {
        let datagram = manager.next();
        let expected = match datagram.text.as_str() {
            "BARRIER=1" => 1,
            text if text.starts_with("FDSTORE") => 2,
            _ => 0,
        };
        assert_eq!(datagram.descriptors.len(), expected, "{}", datagram.text);
        texts.push(datagram.text);
    }
    let at = |line: &str| texts.iter().position(|text| text.starts_with(line)).unwrap_or_else(|| panic!("{texts:?}"));
    assert!(at("READY=1") < at("X_A=1") && at("X_A=1") < at("FDSTORE=1") && at("FDSTORE=1") < at("BARRIER=1"));
    running.line("barrier");
    running.line("ready");
    running.signal(libc::SIGTERM);
    running.wait().exited(0);
}
