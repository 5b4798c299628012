//! Flags without effect, and combinations that are not allowed: an error with the reason, before STS is called.

use super::{probing, xassume};
use crate::support::{FakeSts, Xassume};

#[test]
fn flags_without_effect_are_rejected() {
    let sts = FakeSts::start();
    let cases: &[(&[&str], &str)] = &[
        (&["--signal", "HUP"], "--signal requires --on-expiry signal"),
        (&["--signal", "HUP", "--on-expiry", "restart"], "--signal cannot be used with --on-expiry restart"),
        (&["--signal-pid-file", "p"], "--signal-pid-file requires --on-expiry signal"),
        (
            &["--signal-pid-file", "p", "--on-expiry", "restart"],
            "--signal-pid-file cannot be used with --on-expiry restart, which sends no signal",
        ),
        (
            &["--signal-pid-file", "p", "--on-expiry", "signal", "--via", "env"],
            "--signal-pid-file cannot be used with --via env, only with --via file",
        ),
        (
            &["--signal-pid-file=", "--on-expiry", "signal"],
            "invalid value '' for '--signal-pid-file': must not be empty",
        ),
        (&["--stop-timeout", "5s"], "--stop-timeout has no effect"),
        (&["--stop-signal", "INT"], "--stop-signal has no effect"),
        (&["--refresh-margin", "5m"], "--refresh-margin has no effect"),
        (&["--on-refresh-failure", "stop"], "--on-refresh-failure has no effect"),
        (&["--process-group", "new"], "--process-group has no effect"),
        (&["--file-mode", "0640"], "--file-mode requires --via file"),
        (
            &["--file-mode", "0640", "--via", "env", "--on-expiry", "restart"],
            "--file-mode cannot be used with --via env",
        ),
        (&["--credentials-file", "x", "--via", "env"], "--credentials-file cannot be used with --via env"),
    ];
    for (flags, complaint) in cases {
        rejected(&sts, xassume(&sts).args(*flags), complaint);
    }
}

#[test]
fn invalid_values_are_rejected() {
    let sts = FakeSts::start();
    let cases: &[(&[&str], &str)] = &[
        (&["--on-expiry", "reload"], "[possible values: none, restart, signal]"),
        (&["--via", "pipe"], "--via"),
        (&["--on-expiry", "restart", "--on-refresh-failure", "panic"], "[possible values: keep, stop]"),
        (&["--on-expiry", "restart", "--process-group", "old"], "[possible values: auto, same, new]"),
        (&["--on-expiry", "restart", "--stop-timeout", "2h"], "must be at most 1h"),
        (&["--on-expiry", "restart", "--stop-timeout", "soon"], "--stop-timeout"),
        (&["--on-expiry", "restart", "--refresh-margin", "0s"], "must be greater than zero"),
        (&["--via", "file", "--file-mode", "0666"], "invalid file mode"),
        (&["--via", "file", "--file-mode", "rw"], "invalid file mode"),
    ];
    for (flags, complaint) in cases {
        rejected(&sts, xassume(&sts).args(*flags), complaint);
    }
    for name in ["0", "65", "32", "SIGNAL", "SIG15", "RTMIN+99", "-1", "HUP "] {
        let flags = [format!("--signal={name}"), format!("--stop-signal={name}")];
        for flag in flags {
            rejected(&sts, xassume(&sts).args(["--on-expiry", "signal", &flag]), "unknown signal");
        }
    }
}

#[test]
fn a_missing_command_is_a_usage_error() {
    let sts = FakeSts::start();
    let finished = xassume(&sts).args(["--on-expiry", "restart"]).run().exited(125);
    assert!(finished.stderr.contains("no command given"), "{}", finished.stderr);
    assert!(finished.stderr.contains("\nusage: "), "{}", finished.stderr);
}

#[test]
fn variables_for_other_runs_are_not_an_error() {
    let sts = FakeSts::start();
    let configured = xassume(&sts).env("XASSUME_SIGNAL", "USR1").env("XASSUME_STOP_TIMEOUT", "5s");
    let configured = configured.env("XASSUME_CREDENTIALS_FILE", "/no/such/directory/file").env("XASSUME_VIA", "env");
    assert_eq!(probing(configured, &["exit", "3"]).run().exited(3).stderr, "");
}

#[track_caller]
fn rejected(sts: &FakeSts, xassume: Xassume, complaint: &str) {
    let finished = probing(xassume, &["say", "ran"]).run().exited(125);
    assert!(finished.stderr.starts_with("xassume: error: "), "{}", finished.stderr);
    assert!(finished.stderr.contains(complaint), "{complaint}: {}", finished.stderr);
    assert_eq!(finished.stdout_text(), "");
    assert_eq!(sts.requests().len(), 0);
}
