//! xassume as PID 1 of a container: it reaps orphans, and its exit status reports what a signal cannot.

use super::processes::{children, eventually, pid_namespace};
use crate::support::{Answer, FakeSts, Running, Xassume, binary, probe, skipped, sys};

/// The arguments of `unshare` that create a pid namespace; `None`, with a message, where that is not possible.
fn namespace() -> Option<Vec<&'static str>> {
    let found = pid_namespace();
    if found.is_none() {
        skipped("no pid namespace can be created here");
    }
    found
}

/// xassume as PID 1, with the probe as its command.
fn as_pid_1(sts: &FakeSts, namespace: &[&str], verbs: &[&str]) -> Xassume {
    let flags = ["-r", super::ROLE, "--on-expiry", "restart", "--"];
    let unshare = Xassume::new(sts).program("unshare").args(namespace).arg(binary());
    unshare.args(flags).args(probe()).args(verbs)
}

/// The pid of xassume outside the namespace.
#[track_caller]
fn inside(unshare: &Running) -> i32 {
    let mut found = Vec::new();
    eventually("unshare has started something", || {
        found = children(unshare.pid());
        !found.is_empty()
    });
    found[0]
}

#[test]
fn the_commands_status_or_128_and_its_signal() {
    let Some(namespace) = namespace() else { return };
    let sts = FakeSts::start();
    let cases = [(["exit", "3"], 3), (["die", "TERM"], 143), (["die", "KILL"], 137), (["die", "HUP"], 129)];
    let running = cases.map(|(verbs, _)| as_pid_1(&sts, &namespace, &verbs).spawn());
    for ((verbs, status), running) in cases.into_iter().zip(running) {
        let finished = running.wait();
        assert_eq!(finished.code(), Some(status), "{verbs:?}: {}", finished.describe());
    }
}

#[test]
fn a_hundred_orphans_leave_no_zombie() {
    let Some(namespace) = namespace() else { return };
    let sts = FakeSts::start();
    let unshare = as_pid_1(&sts, &namespace, &["orphans", "100", "then", "count-zombies", "then", "exit", "7"]).spawn();
    unshare.line("ready");
    let xassume = inside(&unshare);
    eventually("the command is the only child", || children(xassume).len() == 1);
    // Sent from outside the namespace, as `docker stop` does.
    sys::send_signal(xassume, libc::SIGTERM);
    let finished = unshare.wait().exited(7);
    assert_eq!(finished.stdout_text(), "ready\nzombies=0\n");
}

#[test]
fn the_process_of_a_refresh_is_reaped() {
    let Some(namespace) = namespace() else { return };
    let sts = super::one_refresh();
    let unshare = as_pid_1(&sts, &namespace, &["print-keys"]).env("XASSUME_NO_CACHE", "true").spawn();
    let (first, second) = (super::next_start(&unshare), super::next_start(&unshare));
    assert_eq!([first.key, second.key], [0, 1].map(|place| super::key(&sts, place)));
    let xassume = inside(&unshare);
    eventually("the command is the only child", || children(xassume).len() == 1);
    sys::send_signal(xassume, libc::SIGTERM);
    unshare.wait().exited(0);
}

#[test]
fn after_term_the_group_gets_the_stop_timeout() {
    let Some(namespace) = namespace() else { return };
    let sts = FakeSts::start();
    let flags = ["-r", super::ROLE, "--on-expiry", "restart", "--", "sh", "-c"];
    let script = "$PROBE end-slowly 500 & exec $PROBE print-signals exit-on TERM then exit 7";
    let unshare = super::with_program_variables(Xassume::new(&sts)).program("unshare").args(namespace).arg(binary());
    let unshare = unshare.args(flags).arg(script).spawn();
    unshare.line("ready");
    unshare.line("ready");
    sys::send_signal(inside(&unshare), libc::SIGTERM);
    let said = unshare.wait().exited(7).stdout_text();
    assert!(said.contains("draining") && said.contains("drained"), "{said}");
}

#[test]
fn without_term_a_command_that_ends_is_final_at_once() {
    let Some(namespace) = namespace() else { return };
    let sts = FakeSts::start();
    let verbs = ["fork-worker", "ignore-term", "then", "exit", "5"];
    assert_eq!(as_pid_1(&sts, &namespace, &verbs).run().exited(5).stderr, "");
}

#[test]
fn before_the_command_starts_a_signal_ends_it_with_a_status() {
    let Some(namespace) = namespace() else { return };
    let sts = FakeSts::builder().script([Answer::Hang]).start();
    let unshare = as_pid_1(&sts, &namespace, &["say", "ran"]).spawn();
    sts.wait_for_requests(1);
    sys::send_signal(inside(&unshare), libc::SIGTERM);
    assert_eq!(unshare.wait().exited(143).stdout_text(), "");
}
