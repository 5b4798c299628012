//! A new process that does not become ready: the old one keeps running, and the handover is tried again.

use super::{PRINTS, READY_AT_USR1, SHORT, count, generations, handing_over, is_gone, next_start, one_refresh};
use crate::support::processes::state_of;
use crate::support::{Answer, FakeSts, in_words_of_glibc, sys};
use nix::sys::resource::Resource;

/// Fails at the second start, and prints its key at each other one.
const SECOND_FAILS: &str = "if [ -e \"$HOME/failed\" ]; then exec $PROBE print-keys; fi; touch \"$HOME/failed\"; ";

#[test]
fn a_new_process_that_exits_is_replaced_by_another_later() {
    let sts = one_refresh();
    let later = format!("{SECOND_FAILS} exit 3");
    let xassume = generations(handing_over(&sts, &["--ready", "1s"]), PRINTS, &later).spawn();
    let old = next_start(&xassume);
    let warning = xassume.error_line("xassume: warning: the new process exited with status 3 before it was ready; ");
    assert!(warning.contains("the old process keeps running; retrying in "), "{warning}");
    xassume.error_line("hint: the usual reason is that the old process has the port: use --listen");
    let new = next_start(&xassume);
    // The session is the same.
    assert_eq!(new.key, sts.issued()[1].access_key_id);
    is_gone(old.pid);
    xassume.signal(libc::SIGTERM);
    let finished = xassume.wait().exited(0);
    assert_eq!(count(&finished.stderr, "before it was ready"), 1, "{}", finished.stderr);
    assert_eq!(sts.issued().len(), 2);
}

#[test]
fn a_new_process_that_exits_leaves_nothing_behind_outside_its_group_either() {
    let sts = one_refresh();
    let later = format!(
        "{SECOND_FAILS} $PROBE own-group then print-keys & \
         exec $PROBE print-keys exit-on USR1 then say exits then exit 3"
    );
    let xassume = generations(handing_over(&sts, &["-v", "--ready", "notify"]), PRINTS, &later).spawn();
    let (old, one, other) = (next_start(&xassume), next_start(&xassume), next_start(&xassume));
    // Only the leader exits.
    sys::send_signal(one.pid, libc::SIGUSR1);
    sys::send_signal(other.pid, libc::SIGUSR1);
    xassume.line("exits");
    xassume.error_line("the new process exited with status 3 before it was ready");
    is_gone(one.pid);
    is_gone(other.pid);
    xassume.error_line("xassume: the new process exited with status 3");
    assert!(state_of(old.pid).is_some());
    xassume.signal(libc::SIGTERM);
    xassume.wait().exited(0);
}

#[test]
fn a_new_process_that_cannot_bind_its_port_leaves_the_old_one_running() {
    let sts = one_refresh();
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = port.local_addr().expect("it is bound").to_string();
    let later = format!("exec $PROBE serve-at {address}");
    let xassume = generations(handing_over(&sts, &[]), PRINTS, &later).spawn();
    let old = next_start(&xassume);
    xassume.error_line("before it was ready");
    xassume.error_line("the old process has the port: use --listen, or --restart-order stop-first");
    assert!(state_of(old.pid).is_some());
    xassume.signal(libc::SIGTERM);
    xassume.wait().exited(0);
}

#[test]
fn a_new_process_that_is_late_is_stopped_with_all_that_it_started() {
    let sts = one_refresh();
    let flags = ["--ready", "notify", "--ready-timeout", "1s", "--stop-timeout", "1s"];
    let later = format!("{SECOND_FAILS} exec $PROBE fork-worker ignore-term then print-keys");
    let xassume = generations(handing_over(&sts, &flags), PRINTS, &later).spawn();
    let (old, late) = (next_start(&xassume), {
        let line = xassume.line("worker pid=");
        let worker: i32 = line.trim_start_matches("worker pid=").parse().expect("a pid");
        (worker, next_start(&xassume))
    });
    xassume.error_line("the new process has not sent READY=1 within 1s; the old process keeps running; retrying in ");
    let (worker, late) = late;
    is_gone(late.pid);
    is_gone(worker);
    assert!(state_of(old.pid).is_some());
    xassume.signal(libc::SIGTERM);
    xassume.wait().exited(0);
}

#[test]
fn a_closed_descriptor_without_a_newline_is_a_failure() {
    let sts = one_refresh();
    // It may be stopped as soon as it has closed the descriptor, so it prints its process ID before.
    let later = format!("{SECOND_FAILS} $PROBE say late $$; exec 7>&-; exec sleep 600");
    let xassume = generations(handing_over(&sts, &["--ready", "fd:7"]), PRINTS, &later).spawn();
    let (old, late) = (next_start(&xassume), xassume.line("late "));
    xassume.error_line("the new process has closed descriptor 7 without writing a newline to it");
    is_gone(late.trim_start_matches("late ").parse().expect("a pid"));
    assert!(state_of(old.pid).is_some());
    xassume.signal(libc::SIGTERM);
    xassume.wait().exited(0);
}

#[test]
fn a_program_that_cannot_be_started_again_leaves_the_old_process_running() {
    let sts = one_refresh();
    let world = handing_over(&sts, &["--ready", "100ms"]);
    let program = world.home().join("server");
    let world = world.script(&program, "#!/bin/sh\nrm \"$0\"\nexec $PROBE print-keys\n");
    let xassume = world.arg("--").arg(&program).spawn();
    let old = next_start(&xassume);
    xassume.error_line("cannot start the new process: No such file or directory; the old process keeps running");
    assert!(state_of(old.pid).is_some());
    xassume.signal(libc::SIGTERM);
    xassume.wait().exited(0);
}

#[test]
fn without_a_ready_process_the_old_one_serves_until_the_expiry_and_is_then_stopped_if_asked() {
    let sts = one_refresh();
    let flags = ["--ready", "notify", "--on-refresh-failure", "stop"];
    let xassume = generations(handing_over(&sts, &flags), PRINTS, READY_AT_USR1).spawn();
    let (old, new) = (next_start(&xassume), next_start(&xassume));
    let finished = xassume.wait().exited(125);
    assert!(
        finished.stderr.contains("stopping the command: its session has expired, and no new process is ready"),
        "{}",
        finished.stderr
    );
    assert_eq!(count(&finished.stdout_text(), "TERM code="), 2, "{}", finished.stdout_text());
    is_gone(old.pid);
    is_gone(new.pid);
}

#[test]
fn without_a_ready_process_the_old_one_keeps_running_after_the_expiry() {
    let sts = FakeSts::builder().script([Answer::Lifetime(SHORT)]).start();
    let xassume = generations(handing_over(&sts, &["--ready", "notify"]), PRINTS, READY_AT_USR1).spawn();
    let (old, new) = (next_start(&xassume), next_start(&xassume));
    xassume.error_line("the session has expired and the command is still running");
    assert!(state_of(old.pid).is_some() && state_of(new.pid).is_some());
    sys::send_signal(new.pid, libc::SIGUSR1);
    is_gone(old.pid);
    xassume.signal(libc::SIGTERM);
    xassume.wait().exited(0);
}

#[test]
fn a_limit_of_processes_delays_only_the_handover() {
    let sts = one_refresh();
    let later = format!("{SECOND_FAILS} exit 3");
    let xassume = generations(handing_over(&sts, &["--ready", "5s"]), PRINTS, &later).spawn();
    let old = next_start(&xassume);
    xassume.error_line("before it was ready");
    // The next attempt is at least a second later. The limit of processes does not apply to root.
    let is_root = nix::unistd::geteuid().is_root();
    let (limit, reason) = if is_root {
        (Resource::RLIMIT_NOFILE, "Too many open files")
    } else {
        (Resource::RLIMIT_NPROC, "Resource temporarily unavailable")
    };
    let former = sys::limit_soft(xassume.pid(), limit, 0);
    let warning = in_words_of_glibc(&xassume.error_line("cannot start the new process: "));
    assert!(warning.contains(reason) && warning.contains("the old process keeps running; retrying in "), "{warning}");
    assert!(state_of(old.pid).is_some());
    sys::limit_soft(xassume.pid(), limit, former);
    xassume.signal(libc::SIGTERM);
    xassume.wait().exited(0);
}
