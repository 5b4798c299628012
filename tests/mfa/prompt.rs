//! The prompt for a code on the terminal.

use super::{CODE, DEVICE, ROLE, failed, notation_of_requests, sts_with_mfa, with_command, with_device};
use crate::support::{Answer, FakeSts, Terminal, Xassume};
use std::time::{Duration, Instant};

pub(super) const PROMPT: &str = "MFA code for arn:aws:iam::222222222222:mfa/alice: ";

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
    assert!(!terminal.is_cooked(), "the code is not shown");
    terminal.keys("what\n");
    terminal.through("The code must have six digits.");
    terminal.through(PROMPT);
    terminal.keys("314159\n");
    terminal.through("\r\n");
    terminal.keys("the command's own line\n");
    terminal.line("read the command's own line");
    assert!(terminal.is_cooked());
    let shown = terminal.wait().exited(0).stdout_text();
    assert!(!shown.contains("what") && !shown.contains("314159"), "{shown}");
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
fn a_long_line_is_one_invalid_code() {
    let sts = sts_with_mfa(&[CODE]);
    let terminal = Terminal::run(&with_command(with_device(&sts), &["say", "it ran"]));
    terminal.through(PROMPT);
    terminal.keys(&format!("{CODE}{}{CODE}\n", " ".repeat(200)));
    terminal.through("The code must have six digits.");
    terminal.through(PROMPT);
    terminal.keys(&format!("{CODE}\n"));
    terminal.through("it ran");
    terminal.wait().exited(0);
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
fn a_rejected_code_is_asked_for_again() {
    for (args, action) in [(&[][..], "GetSessionToken"), (&["--duration", "2h"], "AssumeRole"), (&["--check"], "")] {
        let sts = sts_with_mfa(&[CODE]);
        let xassume = with_device(&sts).args(args);
        let xassume = if action.is_empty() { xassume } else { with_command(xassume, &["say", "it ran"]) };
        let terminal = Terminal::run(&xassume);
        terminal.through(PROMPT);
        terminal.keys("000000\n");
        terminal.through("AWS rejected the code. Each code works once: enter the next one.");
        terminal.through(PROMPT);
        // This code is not sent to AWS.
        terminal.keys("000000\n");
        terminal.through("This code was already used. Enter the next one.");
        terminal.through(PROMPT);
        terminal.keys(&format!("{CODE}\n"));
        let shown = terminal.wait().exited(0).stdout_text();
        assert!(action.is_empty() || shown.contains("it ran"), "{shown}");
        let requests = notation_of_requests(&sts);
        let codes =
            requests.iter().filter(|request| request.contains(DEVICE)).map(|request| &request[request.len() - 6..]);
        assert_eq!(codes.collect::<Vec<_>>(), ["000000", CODE], "{requests:?}");
        assert!(requests.iter().any(|request| request.starts_with(action)), "{requests:?}");
    }
}

#[test]
fn three_rejected_codes_end_the_run() {
    let sts = sts_with_mfa(&[CODE]);
    let terminal = Terminal::run(&with_command(with_device(&sts), &["say", "ran"]));
    for code in ["000001\n", "000002\n", "000003\n"] {
        terminal.through(PROMPT);
        terminal.keys(code);
    }
    let shown = terminal.wait().exited(125).stdout_text();
    assert!(shown.contains("with invalid MFA one time pass code"), "{shown}");
    assert_eq!(shown.matches(PROMPT).count(), 3, "{shown}");
    assert_eq!(sts.requests().len(), 3);
}

#[test]
fn only_a_typed_code_is_asked_for_again() {
    for args in [["--mfa-token", "000000"], ["--mfa-command", "echo 000000"], ["--mfa-token", "-"]] {
        let sts = sts_with_mfa(&[CODE]);
        let terminal = Terminal::run(&with_command(with_device(&sts).args(args), &["say", "ran"]));
        if args[1] == "-" {
            terminal.keys("000000\n");
        }
        let shown = terminal.wait().exited(125).stdout_text();
        assert!(!shown.contains(PROMPT) && shown.contains("with invalid MFA one time pass code"), "{shown}");
        assert_eq!(sts.requests().len(), 1, "{args:?}");
    }
}

#[test]
fn a_rejected_device_is_not_asked_again() {
    let sts = sts_with_mfa(&[CODE]);
    let message = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number \
                   is valid and associated with this user.";
    sts.script([Answer::error(403, "AccessDenied", message)]);
    let terminal = Terminal::run(&with_command(with_device(&sts), &["say", "ran"]));
    terminal.through(PROMPT);
    terminal.keys(&format!("{CODE}\n"));
    let shown = terminal.wait().exited(125).stdout_text();
    assert!(shown.contains(&format!("check that {DEVICE} is the caller's own device")), "{shown}");
    assert_eq!(shown.matches(PROMPT).count(), 1, "{shown}");
}
