//! Flags that conflict with a handover, and where it is not possible.

use super::{ROLE, handing_over, one_refresh};
use crate::support::{FakeSts, Terminal, Xassume, probe};

#[test]
fn flags_without_effect_and_wrong_values_are_rejected_before_sts_is_called() {
    let sts = FakeSts::start();
    let cases: &[(&[&str], &str)] = &[
        (&["--restart-order", "start-first"], "--restart-order requires --on-expiry restart"),
        (&["--ready", "5s"], "--ready requires --restart-order start-first"),
        (&["--via", "file", "--restart-order", "start-first"], "--restart-order requires --on-expiry restart"),
        (
            &["--on-expiry", "signal", "--restart-order", "start-first"],
            "--restart-order cannot be used with --on-expiry signal",
        ),
        (&["--on-expiry", "restart", "--ready", "5s"], "--ready requires --restart-order start-first"),
        (&["--on-expiry", "restart", "--ready-timeout", "5s"], "--ready-timeout requires --restart-order start-first"),
        (
            &["--on-expiry", "restart", "--restart-order", "stop-first", "--ready-timeout", "5s"],
            "--ready-timeout cannot be used with --restart-order stop-first",
        ),
        (
            &["--on-expiry", "restart", "--restart-order", "start-first", "--process-group", "same"],
            "--process-group same cannot be used with --restart-order start-first",
        ),
        (&["--on-expiry", "restart", "--restart-order", "both"], "[possible values: stop-first, start-first]"),
        (&["--print", "json", "--ready", "5s"], "--ready cannot be used with --print"),
    ];
    for (flags, complaint) in cases {
        let finished = Xassume::new(&sts).args(["-r", ROLE]).args(*flags);
        let finished = if flags[0] == "--print" { finished.run() } else { finished.args(["--", "true"]).run() };
        assert!(finished.exited(125).stderr.contains(complaint), "{complaint}");
    }
    let cases: &[(&[&str], &str)] = &[
        (&["--ready", "soon"], "invalid value 'soon' for '--ready'"),
        (&["--ready", "fd:2"], "must be a number from 3 to 1023"),
        (&["--ready", "fd:1024"], "must be a number from 3 to 1023"),
        (&["--ready", "2h"], "must be between 1ms and 1h"),
        (&["--ready-timeout", "0s"], "must be between 1ms and 1h"),
        (&["--ready", "2m"], "the time of --ready (2m) must be shorter than --ready-timeout (1m)"),
        (&["--listen", "0", "--ready", "fd:3"], "cannot use descriptor 3 for --ready: it is already open (socket:"),
    ];
    for (flags, complaint) in cases {
        let finished = handing_over(&sts, flags).args(["--", "true"]).run();
        assert!(finished.exited(125).stderr.contains(complaint), "{complaint}");
    }
    assert!(sts.issued().is_empty());
}

#[test]
fn variables_without_effect_are_ignored() {
    let sts = FakeSts::start();
    let vars = [("XASSUME_RESTART_ORDER", "start-first"), ("XASSUME_READY", "notify"), ("XASSUME_READY_TIMEOUT", "1s")];
    for flags in [&[][..], &["--on-expiry", "signal"], &["--via", "endpoint"]] {
        let world = vars.iter().fold(Xassume::new(&sts), |world, (name, value)| world.env(name, value));
        let names = vars.map(|(name, _)| name);
        let finished = world.args(["-r", ROLE]).args(flags).arg("--").args(probe()).arg("env").args(names).run();
        let unset: Vec<_> = names.map(|name| format!("{name} is unset")).into();
        assert_eq!(finished.exited(0).stdout_text().trim().lines().collect::<Vec<_>>(), unset, "{flags:?}");
    }
}

#[test]
fn a_terminal_needs_a_new_process_group() {
    let sts = one_refresh();
    let on_terminal = |flags: &[&str]| Terminal::run(&handing_over(&sts, flags).args(["--", "true"]));
    let finished = on_terminal(&[]).wait();
    assert_eq!(finished.code(), Some(125), "{}", finished.describe());
    let said = finished.stdout_text();
    assert!(said.contains("--restart-order start-first on a terminal requires --process-group new"), "{said}");
    assert!(sts.issued().is_empty());
    assert_eq!(on_terminal(&["--process-group", "new"]).wait().code(), Some(0));
}

#[test]
fn a_check_describes_the_handover() {
    let sts = FakeSts::start();
    let page = handing_over(&sts, &["--check", "--ready", "fd:5"]).run().exited(0).stdout_text();
    let expected = "a new process is started and must write a newline to descriptor 5 within 1m; then the old one is stopped (SIGTERM,";
    assert!(page.contains(expected), "{page}");
    // With stop-first, readiness matters only to a service manager.
    let world = Xassume::new(&sts).env("NOTIFY_SOCKET", "/run/notify").args(["-r", ROLE, "--on-expiry", "restart"]);
    let page = world.args(["--check", "--ready", "7s"]).run().exited(0).stdout_text();
    assert!(page.contains("xassume sends READY=1 when the command has run for 7s"), "{page}");
}
