//! The sources of a code: the flag, standard input, and a command.

use super::{CODE, DEVICE, ROLE, failed, ran, sts_with_mfa, with_command, with_device};
use crate::support::{Answer, FakeSts, Xassume};
use std::time::Duration;

#[test]
fn an_invalid_code_is_rejected_before_any_call() {
    let sts = sts_with_mfa(&[CODE]);
    for bad in ["31415", "3141592", "31415x"] {
        let error = failed(with_device(&sts).args(["--mfa-token", bad]));
        assert!(error.contains("--mfa-token: not a six-digit code"), "{error}");
        assert!(!error.contains(bad), "{error}");
    }
    let error = failed(Xassume::new(&sts).args(["-r", ROLE, "--mfa-serial", "short", "--mfa-token", CODE]));
    assert!(error.contains("invalid value 'short' for '--mfa-serial': must have 9"), "{error}");
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn a_code_without_a_device_is_a_usage_error() {
    let sts = FakeSts::start();
    let error = failed(Xassume::new(&sts).args(["-r", ROLE, "--mfa-token", CODE]));
    assert!(error.contains("--mfa-token requires an MFA device") && error.contains("\nusage: "), "{error}");
    assert_eq!(sts.requests().len(), 0);
    // The variable may be set for the roles that need a code.
    ran(Xassume::new(&sts).args(["-r", ROLE]).env("XASSUME_MFA_COMMAND", "exit 1"));
}

#[test]
fn a_token_and_a_command_conflict_if_both_are_typed() {
    let sts = sts_with_mfa(&[CODE]);
    let error = failed(with_device(&sts).args(["--mfa-token", CODE, "--mfa-command", "true"]));
    assert!(error.contains("--mfa-command cannot be used with --mfa-token\n"), "{error}");
    assert_eq!(sts.requests().len(), 0);
    let finished = ran(with_device(&sts).args(["-v", "--mfa-token", CODE]).env("XASSUME_MFA_COMMAND", "exit 1"));
    assert!(finished.stderr.contains("xassume: ignoring XASSUME_MFA_COMMAND (conflicts with --mfa-token)\n"));
}

#[test]
fn a_code_in_the_environment_is_not_read() {
    let sts = sts_with_mfa(&[CODE]);
    let error = failed(with_device(&sts).arg("-v").env("XASSUME_MFA_TOKEN", CODE));
    assert!(error.contains("ignoring XASSUME_MFA_TOKEN ("), "{error}");
    assert!(error.contains("the process has no terminal") && !error.contains(CODE), "{error}");
}

#[test]
fn variables_can_set_the_device_and_the_command() {
    let sts = sts_with_mfa(&[CODE]);
    let xassume = Xassume::new(&sts).args(["-r", ROLE]).env("XASSUME_MFA_SERIAL", DEVICE);
    let xassume = xassume.env("XASSUME_MFA_COMMAND", format!("echo {CODE}"));
    let shown = with_command(xassume.env("XASSUME_MFA_SESSION_DURATION", "1h"), &["environ"]).run().exited(0);
    assert_eq!(sts.requests()[0].param("DurationSeconds"), Some("3600"));
    for name in ["XASSUME_MFA_SERIAL", "XASSUME_MFA_COMMAND", "XASSUME_MFA_SESSION_DURATION"] {
        assert_eq!(shown.variable(name), None, "{name} must not reach the command");
    }
}

#[test]
fn only_the_first_line_of_standard_input_is_read() {
    for lines in ["314159\nrest\nof it\n", " 314159 \r\nrest\nof it\n"] {
        let sts = sts_with_mfa(&[CODE]);
        let finished =
            with_command(with_device(&sts).args(["--mfa-token", "-"]).stdin(lines), &["cat"]).run().exited(0);
        assert_eq!(finished.stdout_text(), "rest\nof it\n");
    }
    let sts = sts_with_mfa(&[CODE]);
    ran(with_device(&sts).args(["--mfa-token", "-"]).stdin(CODE));
    for (input, complaint) in [("", "standard input is empty"), ("\n314159", "standard input is not a six-digit code")]
    {
        let error = failed(with_device(&sts).args(["--mfa-token", "-"]).stdin(input));
        assert!(error.contains(complaint) && !error.contains(CODE), "{error}");
    }
    assert_eq!(sts.requests().len(), 2);
}

#[test]
fn a_command_prints_the_code_and_its_stderr_is_shown() {
    let sts = sts_with_mfa(&[CODE]);
    let finished = ran(with_device(&sts).args(["--mfa-command", &format!("echo a word >&2; echo ' {CODE} '")]));
    assert_eq!(finished.stderr, "a word\n");
}

#[test]
fn a_command_without_a_code_is_reported_without_its_output() {
    let sts = sts_with_mfa(&[CODE]);
    for (command, complaint) in [
        ("echo 314159; exit 3", "--mfa-command exited"),
        ("/no/such/program", "--mfa-command exited"),
        ("true", "the output of --mfa-command is not just a six-digit code"),
        ("echo 3141592653", "the output of --mfa-command is not just a six-digit code"),
        ("echo your code: 314159", "the output of --mfa-command is not just a six-digit code"),
        ("printf '\\377\\376'", "the output of --mfa-command is not just a six-digit code"),
        ("yes 314159 | head -c 5000", "--mfa-command printed more than 4096 bytes"),
    ] {
        let error = failed(with_device(&sts).args(["--mfa-command", command]));
        let output = error.lines().filter(|line| line.starts_with("xassume: ")).collect::<String>();
        assert!(output.contains(complaint), "{command}: {error}");
        assert!(!error.contains("314159"), "{command}: {error}");
    }
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn a_signal_ends_the_wait_for_a_command_that_hangs() {
    let sts = sts_with_mfa(&[CODE]);
    let running = with_command(with_device(&sts), &["say", "ran"]);
    let running = Xassume::spawn(&running.env("XASSUME_MFA_COMMAND", "echo it hangs >&2; exec sleep 600"));
    running.error_line("it hangs");
    running.signal(libc::SIGTERM);
    // Its output is still held open by the command, so only the end itself is awaited.
    assert!(running.ends_within(Duration::from_secs(30)));
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn a_code_is_neither_in_arguments_nor_in_a_log() {
    // No other test types it.
    let code = "662607";
    let sts = sts_with_mfa(&[code]);
    sts.script([Answer::Held]);
    let xassume = with_device(&sts).args(["-vv", "--mfa-command", "cat code"]);
    std::fs::write(xassume.sandbox().work().join("code"), code).expect("the directory is writable");
    let running = with_command(xassume, &["say", "ran"]).spawn();
    sts.wait_for_requests(1);
    for entry in std::fs::read_dir("/proc").expect("/proc is there").flatten() {
        let words = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&words).contains(code), "{}", entry.path().display());
    }
    sts.release();
    let finished = running.wait().exited(0);
    assert!(!finished.stderr.contains(code), "{}", finished.stderr);
}
