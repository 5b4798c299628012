//! Signals and job control at the prompt for a code.

use super::prompt::PROMPT;
use super::{CODE, DEVICE, ROLE, sts_with_mfa, with_command, with_device};
use crate::support::sys::send_signal;
use crate::support::{FakeSts, Terminal, Xassume};

/// A shell that changes no settings of the terminal. It runs xassume with these options, and the script before and
/// after that.
fn in_a_shell(sts: &FakeSts, options: &str, before: &str, after: &str) -> Terminal {
    let script = format!("{before}; \"$BIN\" -r {ROLE} --mfa-serial {DEVICE} {options} -- echo it ran; {after}");
    Terminal::run(&Xassume::new(sts).program("sh").args(["-c", &script]).env("BIN", crate::support::binary()))
}

/// A bash with xassume as a job that was stopped at its prompt.
fn stopped_in_bash(sts: &FakeSts, options: &str) -> Terminal {
    let bash = Terminal::bash(&Xassume::new(sts));
    bash.keys(&format!("$BIN -r {ROLE} --mfa-serial {DEVICE} {options} -- echo it ran\n"));
    bash.through(PROMPT);
    bash.keys("\x1a");
    bash.through("Stopped");
    bash.through("prompt> ");
    bash
}

#[test]
fn each_signal_that_ends_the_prompt_shows_input_again() {
    let sts = sts_with_mfa(&[CODE]);
    let common = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGALRM, libc::SIGTERM].map(|signal| (signal, ""));
    let in_both = [libc::SIGUSR1, libc::SIGABRT].into_iter().flat_map(|signal| [(signal, ""), (signal, "--via file")]);
    let supervised = [libc::SIGINT, libc::SIGTERM, libc::SIGPROF, 40].map(|signal| (signal, "--via file"));
    let rare = [
        libc::SIGUSR2,
        libc::SIGVTALRM,
        libc::SIGPROF,
        libc::SIGXCPU,
        libc::SIGPWR,
        libc::SIGSTKFLT,
        libc::SIGIO,
        libc::SIGSYS,
        libc::SIGTRAP,
        35,
        64,
    ];
    for (signal, options) in common.into_iter().chain(in_both).chain(supervised).chain(rare.map(|signal| (signal, "")))
    {
        let terminal =
            in_a_shell(&sts, options, &format!("trap : {signal}"), "echo ended $?; read line; echo read $line");
        terminal.through(PROMPT);
        assert!(!terminal.is_cooked());
        send_signal(-terminal.foreground(), signal);
        terminal.through(&format!("\r\nended {}", 128 + signal));
        assert!(terminal.is_cooked(), "{signal} {options}");
        terminal.keys("on\n");
        terminal.line("read on");
        terminal.wait().exited(0);
    }
}

#[test]
fn a_stopped_prompt_shows_input_and_a_continued_one_hides_it_again() {
    for (signal, options) in
        [(None, ""), (None, "--via file"), (Some(libc::SIGTTIN), ""), (Some(libc::SIGTTOU), "--via file")]
    {
        let sts = sts_with_mfa(&[CODE]);
        let terminal = in_a_shell(&sts, options, "set -m", "echo stopped; read line; fg; echo ended $?");
        terminal.through(PROMPT);
        match signal {
            Some(signal) => send_signal(-terminal.foreground(), signal),
            None => terminal.keys("\x1a"),
        }
        terminal.through("stopped\r\n");
        assert!(terminal.is_cooked(), "{options}");
        terminal.keys("on\n");
        terminal.through(PROMPT);
        assert!(!terminal.is_cooked(), "{options}");
        terminal.keys("314159\n");
        terminal.line("it ran");
        terminal.line("ended 0");
        let shown = terminal.wait().exited(0).stdout_text();
        assert!(!shown.contains(CODE), "{shown}");
    }
}

/// bash's `fg` sends SIGCONT only to a job that is stopped.
#[test]
fn a_prompt_that_continues_in_the_background_stops_again() {
    for options in ["", "--via file"] {
        let sts = sts_with_mfa(&[CODE]);
        let bash = stopped_in_bash(&sts, options);
        bash.command("bg");
        bash.command("until [[ $(jobs -s) ]]; do :; done");
        assert!(bash.is_cooked(), "{options}");
        bash.keys("fg\n");
        bash.through(PROMPT);
        assert!(!bash.is_cooked(), "{options}");
        bash.keys("314159\n");
        let shown = bash.through("it ran");
        assert!(!shown.contains(CODE), "{shown}");
    }
}

#[test]
fn a_stopped_prompt_ends_by_a_signal_from_the_shell() {
    // bash sends SIGCONT after SIGTERM.
    for (kill, reason) in [("kill %1", "Terminated"), ("kill -PROF %1; kill -CONT %1", "Profiling timer expired")] {
        let sts = sts_with_mfa(&[CODE]);
        let bash = stopped_in_bash(&sts, "");
        // `wait` does not wait for a job that bash has not yet seen continue.
        let shown = bash.command(&format!("job=$(jobs -p); {kill}; while kill -0 $job; do :; done 2>/dev/null"));
        assert!(shown.contains(reason), "{shown}");
        assert!(bash.is_cooked());
    }
}

/// No shell could continue xassume here, so the kernel ignores the signal.
#[test]
fn a_stop_without_a_shell_does_not_end_the_prompt() {
    let sts = sts_with_mfa(&[CODE]);
    let terminal = Terminal::run(&with_command(with_device(&sts), &["say", "it ran"]));
    terminal.through(PROMPT);
    terminal.keys("\x1a");
    terminal.through(PROMPT);
    assert!(!terminal.is_cooked());
    terminal.keys("314159\n");
    terminal.line("it ran");
    terminal.wait().exited(0);
}

#[test]
fn a_signal_ends_the_prompt_and_restores_the_terminal() {
    let sts = sts_with_mfa(&[CODE]);
    let terminal = Terminal::run(&with_command(with_device(&sts), &["say", "ran"]));
    terminal.through(PROMPT);
    terminal.keys("\x03");
    terminal.wait().killed_by(libc::SIGINT);

    let terminal = Terminal::run(&with_command(with_device(&sts), &["say", "ran"]));
    terminal.through(PROMPT);
    terminal.signal(libc::SIGTERM);
    terminal.wait().killed_by(libc::SIGTERM);

    let bash = Terminal::bash(&Xassume::new(&sts));
    bash.keys(&format!("$BIN -r {ROLE} --mfa-serial {DEVICE} -- true\n"));
    bash.through(PROMPT);
    bash.keys("\x03");
    bash.through("prompt> ");
    assert!(bash.is_cooked());
    assert!(bash.command("echo status $?").contains("status 130"));
}

#[test]
fn a_shell_stops_and_continues_the_prompt() {
    let sts = sts_with_mfa(&[CODE]);
    let bash = stopped_in_bash(&sts, "");
    bash.keys("fg\n");
    bash.through("echo it ran");
    bash.through(PROMPT);
    bash.keys("314159\n");
    bash.line("it ran");
}
