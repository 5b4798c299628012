//! Job control: xassume and its command are stopped and continued together. Other processes on the terminal are not
//! affected.

use super::{Job, bash};
use crate::supervision::processes::{wait_until_running, wait_until_stopped};
use crate::supervision::{ROLE, state, xassume};
use crate::support::pty::PROMPT;
use crate::support::{FakeSts, Terminal, sys};
use serde_json::Value;

#[test]
fn the_stop_key_returns_to_the_prompt_and_fg_and_bg_continue() {
    let sts = FakeSts::start();
    let bash = bash(&sts);
    let job = Job::start(&bash, "print-signals default TSTP");
    for resume in ["fg", "bg"] {
        bash.keys("\x1a");
        bash.through("Stopped");
        bash.through(PROMPT);
        wait_until_stopped(&job.both());
        bash.keys(&format!("{resume}\n"));
        bash.line("CONT code=");
        wait_until_running(&job.both());
    }
    bash.keys("fg\n");
    bash.through("fg\r\n");
    let shown = job.end();
    assert_eq!(shown.matches("CONT code=").count(), 2, "{shown}");
}

#[test]
fn a_command_that_was_stopped_reads_again_after_fg() {
    let sts = FakeSts::start();
    let bash = bash(&sts);
    let job = Job::start(&bash, "read-tty");
    bash.keys("\x1a");
    bash.through("Stopped");
    bash.through(PROMPT);
    // The shell waits only for xassume. A command that has not stopped yet would read the next line.
    wait_until_stopped(&job.both());
    bash.keys("fg\n");
    bash.through("fg\r\n");
    bash.keys("hello\n");
    bash.line("read hello");
    bash.through(PROMPT);
}

#[test]
fn a_command_that_stops_itself_returns_to_the_prompt() {
    let sts = FakeSts::start();
    let bash = bash(&sts);
    let job = Job::start(&bash, "print-signals default TSTP");
    sys::send_signal(job.command, libc::SIGTSTP);
    bash.through("Stopped");
    bash.through(PROMPT);
    wait_until_stopped(&job.both());
    bash.keys("fg\n");
    bash.line("CONT code=");
    wait_until_running(&job.both());
    bash.keys("\x03");
    bash.line("INT code=SI_KERNEL");
    job.end();
}

#[test]
fn a_pager_in_the_commands_pipeline_reads_the_terminal() {
    let sts = FakeSts::start();
    let bash = bash(&sts);
    let pager = "sh -c 'read first; echo \"first=$first\"; exec $PROBE read-tty'";
    bash.keys(&format!("$STAY $PROBE print-signals exit-on INT | {pager}\n"));
    bash.line("first=ready");
    bash.line("ready");
    bash.keys("hello\n");
    bash.line("read hello");
    bash.keys("\x03");
    bash.through(PROMPT);
}

#[test]
fn a_shell_as_the_command_has_job_control() {
    let sts = FakeSts::start();
    let within = |terminal: &Terminal| {
        terminal.keys("echo \"flags=$-\"; : </dev/tty && echo opened=$?\n");
        let flags = terminal.line("flags=h");
        assert!(flags.contains('m'), "{flags}");
        terminal.line("opened=0");
    };
    let shell = ["bash", "--noprofile", "--norc", "--noediting", "-i"];
    let bash = bash(&sts);
    bash.keys(&format!("$STAY {}\n", shell.join(" ")));
    bash.through(PROMPT);
    within(&bash);

    let leader = xassume(&sts).env("PS1", PROMPT).env("TERM", "dumb").args(["--via", "file", "--"]).args(shell);
    let leader = Terminal::run(&leader);
    leader.through(PROMPT);
    within(&leader);
}

#[test]
fn exec_leaves_no_trace() {
    let sts = FakeSts::start();
    let bash = bash(&sts);
    let report = |line: &str| -> Value {
        bash.keys(&format!("{line}\n"));
        let mut state = state(&bash);
        bash.through(PROMPT);
        assert_eq!((&state["pgid"], &state["tty_pgrp"]), (&state["pid"], &state["pid"]), "a job like any other");
        for name in ["pid", "pgid", "tty_pgrp"] {
            state.as_object_mut().expect("a table").remove(name);
        }
        state
    };
    let alone = report("$PROBE state");
    assert_eq!(alone["ppid"], bash.pid());
    assert_eq!(report(&format!("$BIN -r {ROLE} -- $PROBE state")), alone);
}
