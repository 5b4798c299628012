//! How a hook is ended: at its time limit, and when the command ends.

use super::{LIMITED, TIMED_OUT, both_are_reported, hooked, last_number, probing};
use crate::supervision::{count, one_refresh};
use crate::support::log::PATIENCE;
use crate::support::processes::{eventually, has_ended};
use crate::support::{FakeSts, Running};
use std::io::pipe;
use std::time::{Duration, Instant};

/// Ignores TERM, as a process that it starts does.
const IGNORES: &str = "trap '' TERM; sleep 300 & echo child $!; echo leader $$; wait; sleep 300";

/// The processes of a hook that prints two of them, with words that no message has.
#[track_caller]
fn both(xassume: &Running) -> [i32; 2] {
    ["child ", "leader "].map(|text| last_number(&xassume.error_line(text)))
}

#[track_caller]
fn are_gone(pids: &[i32]) {
    eventually("the hook has ended", || pids.iter().copied().all(has_ended));
}

#[track_caller]
fn ends_with_two_warnings(xassume: Running) {
    both_are_reported(&xassume);
    xassume.signal(libc::SIGTERM);
    xassume.wait().exited(0);
}

#[test]
fn at_its_limit_a_hook_gets_term() {
    let sts = one_refresh();
    let hook = "trap 'echo polite; exit' TERM; sleep 300 & echo child $!; echo leader $$; wait";
    let xassume = hooked(&sts, &LIMITED, hook);
    let xassume = probing(xassume, &["print-signals"]).spawn();
    for _ in 0..2 {
        let pids = both(&xassume);
        xassume.error_line("polite");
        are_gone(&pids);
    }
    ends_with_two_warnings(xassume);
}

#[test]
fn a_hook_that_ignores_term_is_killed_a_second_later() {
    let sts = one_refresh();
    let xassume = hooked(&sts, &LIMITED, IGNORES);
    let begun = Instant::now();
    let xassume = probing(xassume, &["print-signals"]).spawn();
    // One after the other, each takes its limit and then a second.
    for ended in 1..=2 {
        are_gone(&both(&xassume));
        assert!(begun.elapsed() >= ended * Duration::from_secs(2));
    }
    ends_with_two_warnings(xassume);
}

/// The warning is not lost if the command ends between the limit and the end of the hook.
#[test]
fn a_hook_at_its_limit_is_a_warning_although_the_command_ends() {
    let sts = FakeSts::start();
    let hook = "trap 'echo caught' TERM; while :; do sleep 0.1; done";
    let xassume = hooked(&sts, &LIMITED, hook).arg("-v");
    let xassume = probing(xassume, &["print-signals"]).spawn();
    xassume.line("ready");
    xassume.error_line("caught");
    xassume.signal(libc::SIGTERM);
    let finished = xassume.wait().exited(0);
    assert_eq!(count(&finished.stderr, TIMED_OUT), 1, "{}", finished.stderr);
    assert_eq!(count(&finished.stderr, "stopping the refresh hook"), 0, "{}", finished.stderr);
}

#[test]
fn a_stopped_hook_is_ended_too() {
    let sts = FakeSts::start();
    let xassume = hooked(&sts, &LIMITED, "echo leader $$; kill -STOP $$");
    let xassume = probing(xassume, &["print-signals"]).spawn();
    let pid = last_number(&xassume.error_line("leader "));
    xassume.error_line(TIMED_OUT);
    are_gone(&[pid]);
}

#[test]
fn when_the_command_ends_a_hook_that_runs_is_stopped() {
    let polite = "echo child $$; exec $PROBE say leader 0 then print-signals exit-on USR1";
    for (hook, least) in [(polite, Duration::ZERO), (IGNORES, Duration::from_secs(1))] {
        let sts = FakeSts::start();
        let xassume = hooked(&sts, &["-v", "--via", "file"], hook);
        let xassume = probing(xassume, &["print-signals", "exit-on", "USR1", "then", "exit", "7"]).spawn();
        let pid = last_number(&xassume.error_line("child "));
        xassume.line("ready");
        xassume.error_line("leader ");
        let begun = Instant::now();
        xassume.signal(libc::SIGUSR1);
        let finished = xassume.wait().exited(7);
        assert!(begun.elapsed() >= least && begun.elapsed() < PATIENCE);
        assert_eq!(count(&finished.stderr, "warning"), 0, "{}", finished.stderr);
        assert!(finished.stderr.contains("because xassume is about to exit"), "{}", finished.stderr);
        are_gone(&[pid]);
    }
}

#[test]
fn term_ends_the_command_first_and_then_the_hook() {
    let sts = FakeSts::start();
    let xassume = probing(hooked(&sts, &["--on-expiry", "restart"], IGNORES), &["print-signals", "then", "exit", "6"]);
    let xassume = xassume.spawn();
    let pids = both(&xassume);
    xassume.line("ready");
    xassume.signal(libc::SIGTERM);
    xassume.line("TERM code=");
    let finished = xassume.wait().exited(6);
    assert_eq!(finished.stderr_besides_restarts().lines().count(), 2, "{}", finished.stderr);
    are_gone(&pids);
}

#[test]
fn a_command_that_dies_of_a_signal_and_a_hook() {
    let sts = FakeSts::start();
    let xassume = probing(hooked(&sts, &["--via", "file"], IGNORES), &["print-signals", "then", "die", "HUP"]).spawn();
    let pids = both(&xassume);
    xassume.line("ready");
    xassume.signal(libc::SIGTERM);
    xassume.wait().killed_by(libc::SIGHUP);
    are_gone(&pids);
}

#[test]
fn a_killed_xassume_ends_its_hook() {
    let sts = FakeSts::start();
    let xassume = hooked(&sts, &["--via", "file"], "echo leader $$; exec sleep 300");
    let xassume = probing(xassume, &["print-signals"]).spawn();
    let pid = last_number(&xassume.error_line("leader "));
    xassume.line("ready");
    xassume.signal(libc::SIGKILL);
    xassume.wait().killed_by(libc::SIGKILL);
    are_gone(&[pid]);
}

#[test]
fn a_hook_whose_output_is_not_read_is_ended_at_its_limit() {
    let sts = one_refresh();
    let (reader, writer) = pipe().expect("a pipe");
    let hook = "echo $$ >>\"$HOME/hooks\"; exec cat /dev/zero";
    let xassume = hooked(&sts, &LIMITED, hook).stderr(writer);
    let xassume = probing(xassume, &["print-signals"]).spawn();
    xassume.line("ready");
    let home = xassume.sandbox().home();
    let pids = || std::fs::read_to_string(home.join("hooks")).unwrap_or_default();
    eventually("the hook runs for the second session", || pids().lines().count() == 2);
    xassume.signal(libc::SIGTERM);
    xassume.wait().exited(0);
    are_gone(&pids().lines().map(last_number).collect::<Vec<_>>());
    drop(reader);
}
