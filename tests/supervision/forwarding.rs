//! Signals without a terminal: each reaches the command and its process group once, and none returns to xassume.

use super::processes::{wait_until_running, wait_until_stopped};
use super::{pid, probing, restarting, scripted, state};
use crate::support::sys::RTMIN;
use crate::support::{Answer, FakeSts};

#[test]
fn each_signal_reaches_the_command_once() {
    let sts = FakeSts::start();
    let xassume = probing(restarting(&sts), &["print-signals", "survive", "TERM", "exit-on", "QUIT"]).spawn();
    xassume.line("ready");
    let signals = [
        ("HUP", libc::SIGHUP),
        ("INT", libc::SIGINT),
        ("USR1", libc::SIGUSR1),
        ("USR2", libc::SIGUSR2),
        ("TERM", libc::SIGTERM),
        ("CONT", libc::SIGCONT),
        ("WINCH", libc::SIGWINCH),
        ("ALRM", libc::SIGALRM),
        ("VTALRM", libc::SIGVTALRM),
        ("PROF", libc::SIGPROF),
        ("XCPU", libc::SIGXCPU),
        ("IO", libc::SIGIO),
        ("PWR", libc::SIGPWR),
        ("RTMIN+3", RTMIN + 3),
        ("QUIT", libc::SIGQUIT),
    ];
    let us = xassume.pid();
    for (name, number) in signals {
        xassume.signal(number);
        assert_eq!(xassume.line("code="), format!("{name} code=SI_USER pid={us}"));
    }
    let finished = xassume.wait().exited(0);
    assert_eq!(finished.stdout_text().lines().count(), 1 + signals.len(), "{}", finished.describe());
}

#[test]
fn signals_that_concern_xassume_alone_are_not_forwarded() {
    let sts = FakeSts::start();
    let xassume = probing(restarting(&sts), &["print-signals", "exit-on", "RTMIN+1"]).spawn();
    xassume.line("ready");
    for signal in [libc::SIGCHLD, libc::SIGURG, libc::SIGPIPE, RTMIN + 1] {
        xassume.signal(signal);
    }
    // The highest number is delivered last, so all forwarded signals have arrived before it.
    let finished = xassume.wait().exited(0);
    assert_eq!(finished.stdout_text().lines().count(), 2, "{}", finished.describe());
}

#[test]
fn signals_from_the_command_do_not_come_back() {
    let sts = FakeSts::start();
    let commands = [
        "kill -TERM $PPID",
        "mkfifo done; (kill -TERM $PPID; echo >done; exec sleep 60) >/dev/null 2>&1 & read x <done",
    ];
    for kill in commands {
        let script = format!("{kill}; exec $PROBE print-signals exit-on RTMIN+1 then exit 4");
        let xassume = scripted(restarting(&sts), &script).spawn();
        xassume.line("ready");
        xassume.signal(RTMIN + 1);
        let finished = xassume.wait().exited(4);
        assert!(!finished.stdout_text().contains("TERM"), "{kill}: {}", finished.describe());
    }
}

#[test]
fn processes_that_the_command_started_are_signaled_too() {
    let sts = FakeSts::start();
    let script = "trap '' USR1; $PROBE print-signals exit-on USR1 & wait $!; exit 6";
    let xassume = scripted(restarting(&sts), script).spawn();
    xassume.line("ready");
    xassume.signal(libc::SIGUSR1);
    xassume.wait().exited(6);
}

#[test]
fn term_ends_all_processes_of_a_pipeline() {
    let sts = FakeSts::start();
    let xassume = scripted(restarting(&sts), "$PROBE print-signals | cat | cat | cat").spawn();
    xassume.line("ready");
    xassume.signal(libc::SIGTERM);
    xassume.wait().killed_by(libc::SIGTERM).left_no_process();
}

#[test]
fn a_burst_of_signals_is_survived() {
    let sts = FakeSts::start();
    let xassume = probing(restarting(&sts), &["print-signals", "exit-on", "RTMIN+1", "then", "exit", "5"]).spawn();
    xassume.line("ready");
    for _ in 0..500 {
        xassume.signal(libc::SIGUSR1);
    }
    xassume.line("USR1");
    xassume.signal(RTMIN + 1);
    xassume.wait().exited(5);
}

#[test]
fn before_the_command_starts_a_signal_ends_xassume_at_once() {
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGUSR1, RTMIN + 2] {
        let sts = FakeSts::builder().script([Answer::Hang]).start();
        // And not after the timeout for STS, which is longer than any test waits.
        let xassume = probing(restarting(&sts).args(["--sts-timeout", "1h"]), &["say", "ran"]).spawn();
        sts.wait_for_requests(1);
        xassume.signal(signal);
        let finished = xassume.wait().killed_by(signal);
        assert_eq!(finished.stdout_text(), "");
    }
}

#[test]
fn before_the_command_starts_harmless_signals_are_ignored() {
    let sts = FakeSts::builder().script([Answer::Held]).start();
    let xassume = probing(restarting(&sts), &["print-signals", "exit-on", "RTMIN+1"]).spawn();
    sts.wait_for_requests(1);
    for signal in [libc::SIGWINCH, libc::SIGCHLD, libc::SIGCONT, libc::SIGTSTP] {
        xassume.signal(signal);
    }
    wait_until_stopped(&[xassume.pid()]);
    xassume.signal(libc::SIGCONT);
    wait_until_running(&[xassume.pid()]);
    sts.release();
    xassume.line("ready");
    xassume.signal(RTMIN + 1);
    let finished = xassume.wait().exited(0);
    assert_eq!(finished.stdout_text().lines().count(), 2, "{}", finished.describe());
}

#[test]
fn signals_ignored_by_nohup_reach_neither() {
    let sts = FakeSts::start();
    let nohup = restarting(&sts).ignoring(&[libc::SIGHUP]);
    let xassume =
        probing(nohup, &["state", "then", "print-signals", "exit-on", "RTMIN+1", "then", "exit", "5"]).spawn();
    assert_eq!(state(&xassume)["SigIgn"], serde_json::json!(["HUP"]));
    xassume.line("ready");
    xassume.signal(libc::SIGHUP);
    xassume.signal(RTMIN + 1);
    let finished = xassume.wait().exited(5);
    assert!(!finished.stdout_text().contains("HUP code"), "{}", finished.describe());
}

#[test]
fn stopping_and_continuing_reach_both() {
    let sts = FakeSts::start();
    let xassume = probing(restarting(&sts), &["state", "then", "print-signals", "default", "TSTP,TTIN,TTOU"]).spawn();
    let both = [xassume.pid(), pid(&state(&xassume), "pid")];
    xassume.line("ready");
    for signal in [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU] {
        xassume.signal(signal);
        wait_until_stopped(&both);
        xassume.signal(libc::SIGCONT);
        xassume.line("CONT");
        wait_until_running(&both);
    }
    xassume.signal(libc::SIGTERM);
    xassume.wait().exited(0);
}
