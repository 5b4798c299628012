//! The prompt for a code on the terminal.

use super::{CODE, DEVICE, ROLE, failed, notation_of_requests, sts_with_mfa, with_command, with_device};
use crate::support::{Answer, FakeSts, Terminal, Xassume};
use std::time::{Duration, Instant};

const PROMPT: &str = "MFA code for arn:aws:iam::222222222222:mfa/alice: ";

#[test]
fn without_a_terminal_the_error_lists_the_other_sources() {
    let sts = sts_with_mfa(&[CODE]);
    let begun = Instant::now();
    let error = failed(with_device(&sts).stdin(format!("{CODE}\n")));
    assert!(
        error.contains(&format!("no MFA code for {DEVICE}: cannot prompt for a code (the process has no terminal)")),
        "{error}"
    );
    assert!(error.contains("--mfa-command") && error.contains("--mfa-token"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn the_terminal_shows_a_prompt() {
    let sts = sts_with_mfa(&[CODE]);
    let terminal = Terminal::run(&with_command(with_device(&sts), &["read-tty"]));
    terminal.through(PROMPT);
    assert!(terminal.is_cooked());
    terminal.keys("what\n");
    terminal.through("The code must have six digits.");
    terminal.through(PROMPT);
    terminal.keys("314159\n");
    terminal.through("314159\r\n");
    terminal.keys("the command's own line\n");
    terminal.line("read the command's own line");
    assert!(terminal.is_cooked());
    terminal.wait().exited(0);
    assert_eq!(notation_of_requests(&sts)[0], format!("GetSessionToken by user {DEVICE} {CODE}"));
}

#[test]
fn the_time_at_the_prompt_does_not_count_towards_the_timeout() {
    for args in [&[][..], &["--duration", "2h"]] {
        let sts = sts_with_mfa(&[CODE]);
        let terminal =
            Terminal::run(&with_command(with_device(&sts).args(["--sts-timeout", "1s"]).args(args), &["exit", "0"]));
        terminal.through(PROMPT);
        // A limit that begins only now is over: so would be one that had begun before the question.
        let hanging = FakeSts::builder().script([Answer::Hang]).start();
        let late = Xassume::new(&hanging).args(["-r", ROLE, "--sts-timeout", "1s", "--", "true"]).run().exited(125);
        assert!(late.stderr.contains("timed out after "), "{}", late.stderr);
        terminal.keys("314159\n");
        terminal.wait().exited(0);
    }
}

#[test]
fn three_invalid_codes_or_the_end_of_input_end_the_prompt() {
    let sts = sts_with_mfa(&[CODE]);
    let terminal = Terminal::run(&with_command(with_device(&sts), &["say", "ran"]));
    for answer in ["1\n", "12345x\n", "\n"] {
        terminal.through(PROMPT);
        terminal.keys(answer);
    }
    let finished = terminal.wait().exited(125);
    assert!(finished.stdout_text().contains("the typed code is not six digits"));

    let terminal = Terminal::run(&with_command(with_device(&sts), &["say", "ran"]));
    terminal.through(PROMPT);
    terminal.keys("\x04");
    let finished = terminal.wait().exited(125);
    assert!(finished.stdout_text().contains("no code was entered"), "{}", finished.describe());
    assert_eq!(sts.requests().len(), 0);
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
    let bash = Terminal::bash(&Xassume::new(&sts));
    bash.keys(&format!("$BIN -r {ROLE} --mfa-serial {DEVICE} -- echo it ran\n"));
    bash.through(PROMPT);
    bash.keys("\x1a");
    bash.through("Stopped");
    bash.through("prompt> ");
    bash.keys("fg\n");
    bash.through("echo it ran");
    bash.keys("314159\n");
    bash.line("it ran");
}
