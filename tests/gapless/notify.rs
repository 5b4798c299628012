//! What the service manager hears during a handover.

use super::{PRINTS, READY_AT_USR1, generations, handing_over, is_gone, next_start, one_refresh};
use crate::support::processes::{children, eventually, state_of, wait_until_stopped};
use crate::support::{FakeManager, FakeSts, probe, sys};

#[test]
fn only_the_state_of_the_current_generation_is_relayed() {
    let (sts, manager) = (one_refresh(), FakeManager::at_path());
    let first = "exec $PROBE notify READY=1 then print-keys then notify STOPPING=1 X_LAST=1 STATUS=leaves";
    let later = "exec $PROBE print-keys exit-on USR1 then notify RELOADING=1 X_NEW=1 STATUS=new then notify READY=1 \
                 then notify X_AFTER=1 then print-signals";
    let world = handing_over(&sts, &["--ready", "notify"]).env("NOTIFY_SOCKET", manager.address());
    let xassume = generations(world, first, later).spawn();
    let (old, new) = (next_start(&xassume), next_start(&xassume));
    assert_eq!(manager.next_but_status().text, "READY=1");
    sys::send_signal(new.pid, libc::SIGUSR1);
    is_gone(old.pid);
    let mut heard = Vec::new();
    while !["X_NEW=1", "X_AFTER=1", "X_LAST=1"].iter().all(|text| heard.contains(&(*text).to_owned())) {
        heard.push(manager.next().text);
    }
    for text in &heard {
        let of_a_generation = ["READY", "STOPPING", "RELOADING", "leaves"].iter().any(|word| text.contains(word));
        assert!(!of_a_generation, "{heard:?}");
    }
    assert!(heard.iter().any(|text| text.starts_with("STATUS=new; session until ")), "{heard:?}");
    xassume.signal(libc::SIGTERM);
    xassume.wait().exited(0);
    assert_eq!(manager.rest(), ["STOPPING=1"]);
}

#[test]
fn only_the_selected_sign_completes_a_handover() {
    for (ready, first) in [("fd:8", "echo >&8; exec $PROBE print-keys"), ("30s", PRINTS)] {
        let (sts, manager) = (one_refresh(), FakeManager::at_path());
        let later = "$PROBE notify READY=1 X_SENT=1 then print-keys exit-on USR1; exit 3";
        let world = handing_over(&sts, &["--ready", ready]).env("NOTIFY_SOCKET", manager.address());
        let xassume = generations(world, first, later).spawn();
        let (old, new) = (next_start(&xassume), next_start(&xassume));
        while !manager.next().text.contains("X_SENT=1") {}
        sys::send_signal(new.pid, libc::SIGUSR1);
        // The exit of the new process closes its descriptor 8, and either is seen first.
        xassume.error_line("the old process keeps running");
        assert!(state_of(old.pid).is_some());
        xassume.signal(libc::SIGTERM);
        xassume.wait().exited(0);
    }
}

#[test]
fn the_last_message_of_a_replaced_process_does_not_end_the_service() {
    let (sts, manager) = (one_refresh(), FakeManager::at_path());
    let first = "$PROBE print-keys exit-on USR2 survive TERM then notify STOPPING=1 & exec $PROBE print-signals";
    let world = handing_over(&sts, &["-v", "--ready", "notify"]).env("NOTIFY_SOCKET", manager.address());
    let xassume = generations(world, first, READY_AT_USR1).spawn();
    let (worker, new) = (next_start(&xassume), next_start(&xassume));
    sys::send_signal(new.pid, libc::SIGUSR1);
    xassume.line("is-ready");
    xassume.line("TERM code=");
    xassume.line("TERM code=");
    eventually("the old process has ended", || children(xassume.pid()).contains(&worker.pid));
    // xassume finds the message and the exit at the same time.
    xassume.signal(libc::SIGSTOP);
    wait_until_stopped(&[xassume.pid()]);
    sys::send_signal(worker.pid, libc::SIGUSR2);
    eventually("the worker has ended", || state_of(worker.pid) == Some('Z'));
    xassume.signal(libc::SIGCONT);
    is_gone(worker.pid);
    xassume.error_line("the command was stopped");
    assert!(state_of(new.pid).is_some());
    xassume.signal(libc::SIGTERM);
    let said = xassume.wait().exited(0).stderr;
    assert!(!said.contains("sent STOPPING=1"), "{said}");
}

#[test]
fn xassume_reports_that_a_service_is_ready_if_the_command_does_not() {
    for (flags, script) in [
        (&["--ready", "fd:8", "--restart-order", "start-first"][..], "sleep 0.2; echo >&8; exec $PROBE print-signals"),
        (&["--ready", "200ms", "--restart-order", "start-first"], "exec $PROBE print-signals"),
        (&["--ready", "fd:8"], "echo >&8; exec $PROBE print-signals"),
    ] {
        let (sts, manager) = (FakeSts::start(), FakeManager::at_abstract_name());
        let [this, mark] = probe();
        let world = crate::support::Xassume::new(&sts).env("XASSUME_NO_CACHE", "true");
        let world = world.env("PROBE", [this.as_os_str(), mark.as_os_str()].join(" ".as_ref()));
        let world = world.env("NOTIFY_SOCKET", manager.address()).args(["-r", super::ROLE, "--on-expiry", "restart"]);
        let xassume = world.args(flags).args(["--", "sh", "-c", script]).spawn();
        let ready = manager.next_but_status();
        assert_eq!((ready.text.as_str(), ready.pid), ("READY=1", xassume.pid()));
        xassume.line("ready");
        xassume.signal(libc::SIGTERM);
        xassume.wait().exited(0);
    }
}

#[test]
fn a_reload_that_the_old_process_leaves_open_is_completed_at_the_handover() {
    let (sts, manager) = (one_refresh(), FakeManager::at_path());
    let first = "exec $PROBE notify READY=1 then print-keys exit-on HUP then notify RELOADING=1 then say reloads then print-signals";
    let world = handing_over(&sts, &["--ready", "notify"]).env("NOTIFY_SOCKET", manager.address());
    let xassume = generations(world, first, READY_AT_USR1).spawn();
    let (old, new) = (next_start(&xassume), next_start(&xassume));
    assert_eq!(manager.next_but_status().text, "READY=1");
    xassume.signal(libc::SIGHUP);
    xassume.line("reloads");
    assert_eq!(manager.next_but_status().text, "RELOADING=1");
    sys::send_signal(new.pid, libc::SIGUSR1);
    is_gone(old.pid);
    let text = manager.next_but_status().text;
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0] == "RELOADING=1" && lines[1].starts_with("MONOTONIC_USEC=") && lines[2] == "READY=1", "{text}");
    xassume.signal(libc::SIGTERM);
    xassume.wait().exited(0);
    assert_eq!(manager.rest(), ["STOPPING=1"]);
}

#[test]
fn watchdog_messages_continue_from_the_handover_to_the_first_one_of_the_new_process() {
    let (sts, manager) = (one_refresh(), FakeManager::at_path());
    let first = "exec $PROBE notify READY=1 WATCHDOG=1 then print-keys";
    let later = "exec $PROBE notify WATCHDOG=1 then print-keys exit-on USR1 then notify READY=1 then print-signals";
    let world = handing_over(&sts, &["--ready", "notify"]).env("NOTIFY_SOCKET", manager.address());
    let xassume = generations(world.env("WATCHDOG_USEC", "200000"), first, later).spawn();
    let (old, new) = (next_start(&xassume), next_start(&xassume));
    assert_eq!(manager.next_but_status().text, "READY=1\nWATCHDOG=1");
    assert_eq!(manager.rest(), [""; 0], "a new process that is not ready does not count");
    sys::send_signal(new.pid, libc::SIGUSR1);
    is_gone(old.pid);
    for _ in 0..3 {
        let heard = manager.next_but_status();
        assert_eq!((heard.text.as_str(), heard.pid), ("WATCHDOG=1", xassume.pid()));
    }
    xassume.signal(libc::SIGTERM);
    xassume.wait().exited(0);
}
