//! Keys that send a signal: the command gets it once, and xassume ends as its command does.

use super::{Job, bash};
use crate::supervision::restart::SLOW_TO_STOP;
use crate::supervision::{ROLE, one_refresh, pid, state};
use crate::support::pty::PROMPT;
use crate::support::{FakeSts, sys};
use std::fs;
use std::thread;
use std::time::Duration;

#[test]
fn a_key_interrupts_the_command_once() {
    let sts = FakeSts::start();
    let bash = bash(&sts);
    for input in ["", " </dev/null"] {
        let job = Job::start(&bash, &format!("print-signals{input}"));
        for _ in 0..5 {
            bash.keys("\x03");
            assert!(bash.line("INT code=").ends_with("INT code=SI_KERNEL pid=0"));
        }
        let shown = job.end();
        let since = shown.rfind("\"SigIgn\"").expect("the state");
        assert_eq!(shown[since..].matches("INT code=").count(), 5, "{shown}");
    }
}

#[test]
fn an_interrupt_from_elsewhere_is_forwarded_once() {
    let sts = FakeSts::start();
    let bash = bash(&sts);
    let job = Job::start(&bash, "print-signals");
    let us = job.xassume;
    for (name, signal) in
        [("INT", libc::SIGINT), ("QUIT", libc::SIGQUIT), ("HUP", libc::SIGHUP), ("WINCH", libc::SIGWINCH)]
    {
        sys::send_signal(us, signal);
        assert!(bash.line("code=").ends_with(&format!("{name} code=SI_USER pid={us}")));
    }
    let shown = job.end();
    assert_eq!(shown.matches("code=").count(), 5, "{shown}");
}

#[test]
fn an_interrupt_aborts_a_script() {
    let sts = FakeSts::start();
    let script = "for round in 1 2 3; do $STAY sh -c 'echo began; exec sleep 60'; done; echo finished";
    let bash = bash(&sts);
    fs::write(bash.sandbox().home().join("script"), script).expect("the home is ours");
    bash.keys("bash $HOME/script\n");
    bash.line("began");
    bash.keys("\x03");
    bash.through(PROMPT);
    bash.keys("echo status=$?\n");
    bash.line("status=130");
    let shown = bash.stdout.so_far();
    assert_eq!((shown.matches("began").count(), shown.matches("finished").count()), (1, 0), "{shown}");
}

#[test]
fn the_quit_key_ends_both_with_one_core_at_most() {
    let sts = FakeSts::start();
    let bash = bash(&sts);
    bash.command("ulimit -c unlimited");
    bash.keys("$STAY sh -c 'printf be%s gan; echo; exec sleep 60'\n");
    bash.line("began");
    bash.keys("\x1c");
    bash.through("Quit");
    let output = bash.through(PROMPT);
    assert!(!output.contains("core dumped"), "by xassume: {output}");
    bash.keys("echo status=$?\n");
    bash.line("status=131");
}

/// It ends either xassume (before the command has started) or the command. There is no gap between them.
#[test]
fn an_interrupt_during_the_start_is_never_lost() {
    let sts = FakeSts::start();
    let bash = bash(&sts);
    for round in 1..=30 {
        bash.keys("$STAY sleep 60\n");
        sts.wait_for_requests(round);
        // The start takes some milliseconds from here. Try each of them.
        thread::sleep(Duration::from_micros(200 * u64::try_from(round).expect("a small number")));
        bash.keys("\x03");
        bash.through(PROMPT);
    }
}

#[test]
fn an_interrupt_between_stop_and_start_ends_the_run() {
    let sts = one_refresh();
    let bash = bash(&sts);
    let command = SLOW_TO_STOP.join(" ");
    bash.keys(&format!("$BIN -r {ROLE} --on-expiry restart -- $PROBE state then {command}\n"));
    let us = pid(&state(&bash), "ppid");
    bash.line("TERM code=");
    bash.line("ready");
    bash.keys("\x03");
    assert!(bash.line("INT code=").ends_with("INT code=SI_KERNEL pid=0"));
    sys::send_signal(us, libc::SIGUSR1);
    bash.through(PROMPT);
    bash.keys("echo status=$?\n");
    bash.line("status=4");
    assert_eq!(bash.stdout.so_far().matches("\"SigIgn\"").count(), 1);
}
