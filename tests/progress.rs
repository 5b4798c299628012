//! The progress line, which says what xassume waits for: only on a terminal, only after some time, and erased at the
//! end.

use crate::support::{Answer, FakeContainer, FakeSts, Identity, Terminal, Xassume, probe};
use std::time::{Duration, Instant};

const HUB: &str = "arn:aws:iam::222222222222:role/Hub";
const ROLE: &str = "arn:aws:iam::111111111111:role/R";
const DEVICE: &str = "arn:aws:iam::222222222222:mfa/alice";
const ERASE: &str = "\r\x1b[K";
/// Longer than the time after which the line appears.
const SLOW: Duration = Duration::from_millis(1600);

/// A user at a terminal that supports escape sequences.
fn user(sts: &FakeSts) -> Xassume {
    Xassume::new(sts).env("TERM", "xterm")
}

fn with_command(xassume: Xassume, args: &[&str]) -> Xassume {
    xassume.args(args).arg("--").args(probe()).args(["say", "ran"])
}

/// The output of the terminal in a run that waits only for `pause`. On a busy machine it is tried again.
#[track_caller]
fn shown_when_quick(pause: Duration, make: impl Fn() -> (FakeSts, Xassume)) -> String {
    for _ in 0..20 {
        let (_sts, xassume) = make();
        let begun = Instant::now();
        let shown = Terminal::run(&xassume).wait().exited(0).stdout_text();
        if begun.elapsed() < pause + Duration::from_millis(900) {
            return shown;
        }
    }
    panic!("this machine is too busy to give a quick answer");
}

/// Asserts that the line was the last output before that of the command, and was erased.
#[track_caller]
fn ends_with_the_command(terminal: Terminal, line: &str) {
    let finished = terminal.wait().exited(0);
    let shown = finished.stdout_text();
    assert!(shown.ends_with(&format!("{line}{ERASE}ran\r\n")), "{shown:?}");
}

#[test]
fn during_a_slow_answer_the_line_names_the_role() {
    let sts = FakeSts::start();
    sts.script([Answer::Ok, Answer::Held]);
    let terminal = Terminal::run(&with_command(user(&sts), &["-r", HUB, "-r", ROLE]));
    let line = format!("xassume: waiting for STS: role 2 of 2, {ROLE}");
    terminal.through(&format!("{ERASE}{line}"));
    sts.release();
    ends_with_the_command(terminal, &line);
}

#[test]
fn a_printed_session_replaces_the_line() {
    let sts = FakeSts::start();
    sts.script([Answer::Held]);
    let xassume = user(&sts).env("NO_COLOR", "1").args(["-r", ROLE, "--print", "env"]);
    let terminal = Terminal::run(&xassume);
    let line = format!("{ERASE}xassume: waiting for STS: {ROLE}");
    terminal.through(&line);
    sts.release();
    let shown = terminal.wait().exited(0).stdout_text();
    let begin = format!("{line}{ERASE}xassume: warning: standard output is a terminal, which now shows secret");
    let (_, printed) = shown.split_once(&begin).expect(&shown);
    assert!(printed.contains("\nAWS_ACCESS_KEY_ID=") && !printed.contains(ERASE), "{shown:?}");
}

#[test]
fn a_check_replaces_the_line() {
    let sts = FakeSts::start();
    // `--check` first asks STS for the identity of the keys.
    sts.script([Answer::Ok, Answer::Held]);
    let terminal = Terminal::run(&user(&sts).env("NO_COLOR", "1").args(["-r", ROLE, "--check"]));
    let line = format!("{ERASE}xassume: waiting for STS: {ROLE}");
    terminal.through(&line);
    sts.release();
    let shown = terminal.wait().exited(0).stdout_text();
    let (_, page) = shown.split_once(&format!("{line}{ERASE}ok           config ")).expect(&shown);
    assert!(page.contains("\nok           session ") && !page.contains(ERASE), "{shown:?}");
}

#[test]
fn the_line_counts_the_attempts() {
    let sts = FakeSts::start();
    sts.script([Answer::unavailable(), Answer::Reset, Answer::Held]);
    let terminal = Terminal::run(&with_command(user(&sts), &["-r", ROLE]));
    let line = format!("xassume: waiting for STS (attempt 3): {ROLE}");
    terminal.through(&format!("{ERASE}{line}"));
    sts.release();
    ends_with_the_command(terminal, &line);
}

#[test]
fn an_error_replaces_the_line() {
    let sts = FakeSts::start();
    sts.script([Answer::Held]);
    sts.set_role(ROLE, crate::support::RoleRules { allowed: false, ..Default::default() });
    let terminal = Terminal::run(&with_command(user(&sts).env("NO_COLOR", "1"), &["-r", ROLE]));
    terminal.through("waiting for STS");
    sts.release();
    terminal.through(&format!("{ERASE}xassume: error: cannot assume {ROLE}"));
    terminal.wait().exited(125);
}

#[test]
fn a_warning_replaces_the_line() {
    let sts = FakeSts::builder().lifetime(Duration::from_mins(30)).start();
    let xassume = user(&sts).env("NO_COLOR", "1");
    with_command(xassume.clone(), &["-r", ROLE]).run().exited(0);
    sts.script_forever([Answer::Hang]);
    let args = ["-r", ROLE, "--min-ttl", "59m", "--sts-timeout", "4s"];
    let terminal = Terminal::run(&with_command(xassume, &args));
    terminal.through(&format!("xassume: waiting for STS: {ROLE}"));
    let warning = terminal.through("using the cached");
    assert!(warning.starts_with(&format!("{ERASE}xassume: warning: cannot assume {ROLE}")), "{warning:?}");
    terminal.line("ran");
    terminal.wait().exited(0);
}

#[test]
fn there_is_no_line_if_it_is_unwanted_or_unsupported() {
    for (args, term) in
        [(&["-q"][..], "xterm"), (&["--log-format", "json"], "xterm"), (&[], "dumb"), (&[], ""), (&["-q"], "dumb")]
    {
        let sts = FakeSts::start();
        sts.script([Answer::Slow(SLOW)]);
        let terminal = Terminal::run(&with_command(user(&sts).env("TERM", term).args(args), &["-r", ROLE]));
        assert_eq!(terminal.wait().exited(0).stdout_text(), "ran\r\n", "{args:?} {term}");
    }
    let sts = FakeSts::start();
    sts.script([Answer::Slow(SLOW)]);
    let finished = with_command(user(&sts), &["-r", ROLE]).run().exited(0);
    assert_eq!(finished.stderr, "", "a pipe");
}

#[test]
fn a_fast_answer_shows_no_line() {
    let shown = shown_when_quick(Duration::ZERO, || {
        let sts = FakeSts::start();
        let xassume = with_command(user(&sts), &["-r", ROLE]);
        (sts, xassume)
    });
    assert_eq!(shown, "ran\r\n");
}

#[test]
fn the_line_never_wraps() {
    let sts = FakeSts::start();
    sts.script([Answer::Held]);
    let terminal = Terminal::run(&with_command(user(&sts), &["-r", ROLE]));
    terminal.resize(24, 40);
    let line = terminal.through("…");
    assert_eq!(line.rsplit(ERASE).next(), Some("xassume: waiting for STS: arn:aws:iam…"));
    terminal.resize(24, 100);
    terminal.through(&format!("{ERASE}xassume: waiting for STS: {ROLE}"));
    sts.release();
    terminal.wait().exited(0);
}

#[test]
fn a_signal_leaves_no_line_behind() {
    let (sts, container) = (FakeSts::start(), FakeContainer::start());
    container.hang();
    let xassume = user(&sts).without_keys().env("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.full_uri());
    for (args, signal) in [
        (&["-r", ROLE][..], libc::SIGINT),
        (&["-r", ROLE], libc::SIGTERM),
        (&["-r", ROLE, "--via", "file"], libc::SIGINT),
    ] {
        let terminal = Terminal::run(&with_command(xassume.clone(), args));
        terminal.through(&format!("{ERASE}xassume: waiting for the container's credentials endpoint"));
        if signal == libc::SIGINT {
            terminal.keys("\x03");
        } else {
            terminal.signal(signal);
        }
        let finished = terminal.wait().killed_by(signal);
        assert!(finished.stdout_text().ends_with(ERASE), "{args:?}: {:?}", finished.stdout_text());
    }
}

#[test]
fn a_signal_ends_it_while_the_line_cannot_be_erased() {
    for args in [&["-r", ROLE][..], &["-r", ROLE, "--via", "file"]] {
        let sts = FakeSts::builder().script_forever([Answer::Hang]).start();
        let terminal = Terminal::run(&with_command(user(&sts), args));
        terminal.through(&format!("{ERASE}xassume: waiting for STS"));
        terminal.keys("\x13");
        terminal.signal(libc::SIGTERM);
        assert!(terminal.ends_within(Duration::from_secs(5)), "TERM has no effect: {args:?}");
        terminal.wait().killed_by(libc::SIGTERM);
    }
}

#[test]
fn the_wait_for_another_xassume_is_shown() {
    let sts = FakeSts::start();
    sts.script([Answer::Held]);
    let xassume = with_command(user(&sts), &["-r", ROLE]);
    let first = xassume.spawn();
    sts.wait_for_requests(1);
    let terminal = Terminal::run(&xassume);
    let line = format!("xassume: waiting for another xassume to get the same session: {ROLE}");
    terminal.through(&format!("{ERASE}{line}"));
    sts.release();
    ends_with_the_command(terminal, &line);
    first.wait().exited(0);
}

#[test]
fn there_is_no_line_while_a_program_uses_the_terminal() {
    let slow = "printf 'touch the key: ' >&2; sleep 1.6";
    let keys = r#"{"Version":1,"AccessKeyId":"AKIAUSERDEFAULT00001","SecretAccessKey":"s"}"#;
    let config =
        format!("[default]\nrole_arn = {ROLE}\nsource_profile = p\n[profile p]\ncredential_process = sh script\n");
    let shown = shown_when_quick(SLOW, || {
        let sts = FakeSts::start();
        let xassume = user(&sts).without_keys().file(".aws/config", &config);
        std::fs::write(xassume.sandbox().work().join("script"), format!("{slow}; echo '{keys}'")).expect("writable");
        (sts, with_command(xassume, &[]))
    });
    assert_eq!(shown, "touch the key: ran\r\n");

    let command = format!("{slow}; echo 314159");
    let shown = shown_when_quick(SLOW, || {
        let sts = FakeSts::builder().mfa_codes(&["314159"]).start();
        let args = ["-r", ROLE, "--mfa-serial", DEVICE, "--mfa-command", &command];
        let xassume = with_command(user(&sts), &args);
        (sts, xassume)
    });
    assert_eq!(shown, "touch the key: ran\r\n");
}

#[test]
fn a_prompt_replaces_the_line() {
    let config = format!(
        "[default]\nrole_arn = {ROLE}\nsource_profile = hub\nmfa_serial = {DEVICE}\n\
         [profile hub]\nrole_arn = {HUB}\ncredential_source = Environment\n"
    );
    let sts = FakeSts::builder().mfa_codes(&["314159"]).start();
    sts.script([Answer::Held, Answer::Held]);
    let xassume = user(&sts).with_keys_of(&Identity::task()).file(".aws/config", config);
    let terminal = Terminal::run(&with_command(xassume, &[]));
    terminal.through(&format!("waiting for STS: role 1 of 2, {HUB}"));
    sts.release();
    assert_eq!(terminal.through(&format!("MFA code for {DEVICE}: ")), format!("{ERASE}MFA code for {DEVICE}: "));
    terminal.keys("314159\n");
    terminal.through(&format!("{ERASE}xassume: waiting for STS: role 2 of 2, {ROLE}"));
    sts.release();
    ends_with_the_command(terminal, &format!("role 2 of 2, {ROLE}"));
}

#[test]
fn in_the_background_there_is_no_line_and_no_stop() {
    let sts = FakeSts::start();
    sts.script([Answer::Held]);
    let bash = Terminal::bash(&Xassume::new(&sts));
    bash.command("stty tostop");
    bash.keys(&format!("TERM=xterm $BIN -r {ROLE} -- true\n"));
    bash.through(&format!("{ERASE}xassume: waiting for STS: {ROLE}"));
    bash.keys("\x1a");
    bash.through("Stopped");
    bash.through("prompt> ");
    bash.command("bg");
    sts.release();
    let shown = bash.command("wait %1; echo status $?");
    assert!(shown.contains("status 0"), "{shown:?}");
    assert!(!shown.contains(ERASE) && !shown.contains("waiting"), "{shown:?}");
}

#[test]
fn a_refresh_shows_no_line() {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(4)).start();
    sts.script([Answer::Ok, Answer::Slow(SLOW)]);
    let xassume = user(&sts).args(["-r", ROLE, "--via", "file", "--no-cache", "--refresh-margin", "2s", "--"]);
    let terminal = Terminal::run(&xassume.args(probe()).args(["say", "ready", "then", "read-tty"]));
    terminal.line("ready");
    // The answer after the slow one.
    sts.wait_for_requests(3);
    terminal.keys("the end\n");
    let finished = terminal.wait().exited(0);
    assert!(!finished.stdout_text().contains("waiting"), "{:?}", finished.stdout_text());
}
