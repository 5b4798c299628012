//! The refresh signal: which one, to which process, and what happens if the command does not handle it.

use super::{count, key, next_start, one_late_refresh, one_refresh, probing, scripted, signaling, xassume};
use crate::support::sys::RTMIN;
use std::fs;

#[test]
fn the_command_continues_with_new_credentials() {
    let sts = one_refresh();
    let xassume = probing(signaling(&sts).arg("-v"), &["print-keys", "exit-on", "RTMIN+1"]).spawn();
    let before = next_start(&xassume);
    assert_eq!(xassume.line("HUP"), format!("HUP code=SI_USER pid={}", xassume.pid()));
    assert_eq!(xassume.line("key="), format!("key={}", key(&sts, 1)));
    xassume.error_line(&format!("sent SIGHUP to the command, pid {}", before.pid));
    xassume.signal(RTMIN + 1);
    let finished = xassume.wait().exited(0);
    assert_eq!(count(&finished.stdout_text(), "HUP"), 1, "{}", finished.describe());
    assert_eq!(count(&finished.stdout_text(), "ready"), 1, "{}", finished.describe());
}

#[test]
fn all_common_names_of_signals_are_accepted() {
    let names = [
        ("HUP", "HUP"),
        ("SIGUSR1", "USR1"),
        ("usr2", "USR2"),
        ("10", "USR1"),
        ("RTMIN+3", "RTMIN+3"),
        ("SIGRTMAX-1", "RTMIN+29"),
    ];
    let running = names.map(|(given, expected)| {
        let sts = one_refresh();
        let xassume =
            probing(signaling(&sts).args(["--signal", given]), &["print-signals", "exit-on", expected]).spawn();
        (sts, xassume)
    });
    for ((given, expected), (_sts, xassume)) in names.into_iter().zip(running) {
        xassume.line("ready");
        assert_eq!(xassume.line("code="), format!("{expected} code=SI_USER pid={}", xassume.pid()), "{given}");
        xassume.wait().exited(0);
    }
}

#[test]
fn a_variable_can_set_the_signal() {
    let sts = one_refresh();
    let configured = xassume(&sts).env("XASSUME_ON_EXPIRY", "signal").env("XASSUME_SIGNAL", "WINCH");
    let xassume = probing(configured, &["print-signals", "exit-on", "WINCH", "then", "exit", "4"]).spawn();
    xassume.line("WINCH");
    xassume.wait().exited(4);
}

#[test]
fn only_the_command_is_signaled_and_not_its_children() {
    let sts = one_refresh();
    let script = "$PROBE print-signals exit-on USR1 >worker & $PROBE say began; exec $PROBE print-signals exit-on USR1";
    let xassume = scripted(signaling(&sts), script).spawn();
    let work = xassume.sandbox().work();
    xassume.line("ready");
    xassume.line("HUP");
    // This signal goes to both. If the worker had got the other one, it would have printed that first.
    xassume.signal(libc::SIGUSR1);
    xassume.line("USR1");
    let mut said = String::new();
    super::processes::eventually("the worker has its signal", || {
        said = fs::read_to_string(work.join("worker")).unwrap_or_default();
        said.contains("USR1")
    });
    assert!(!said.contains("HUP"), "{said}");
    xassume.wait().exited(0);
}

#[test]
fn a_command_that_dies_of_the_signal_ends_the_run_with_a_hint() {
    let cases = [("HUP", libc::SIGHUP), ("RTMIN+3", RTMIN + 3)].map(|(name, number)| {
        let sts = one_refresh();
        (scripted(signaling(&sts).args(["--signal", name]), "exec sleep 60").spawn(), name, number, sts)
    });
    for (xassume, name, number, _sts) in cases {
        let finished = xassume.wait().killed_by(number);
        let expected = format!(
            "xassume: warning: the command was killed by SIG{name} (the refresh signal)\n\
             hint: handle SIG{name} in the command, use another --signal, or use --on-expiry restart\n"
        );
        assert_eq!(finished.stderr, expected);
    }
}

#[test]
fn without_a_file_the_signal_only_announces_the_expiry() {
    let sts = one_refresh();
    let xassume = probing(signaling(&sts).args(["--via", "env"]), &["print-keys"]).spawn();
    assert_eq!(next_start(&xassume).key, key(&sts, 0));
    let notice = xassume.error_line("the command gets SIGHUP before the session expires");
    assert_eq!(
        notice,
        "xassume: warning: with --via env, the command gets SIGHUP before the session expires, but no new credentials, \
         because its environment variables cannot be updated"
    );
    xassume.line("HUP");
    assert_eq!(xassume.line("key="), format!("key={}", key(&sts, 0)));
    xassume.error_line("the session has expired and the command is still running");
    xassume.signal(libc::SIGTERM);
    let finished = xassume.wait().exited(0);
    assert_eq!(count(&finished.stderr, "the command gets SIGHUP"), 1, "{}", finished.stderr);
    assert_eq!(count(&finished.stderr, "has expired"), 1, "{}", finished.stderr);
    assert_eq!(count(&finished.stdout_text(), "HUP"), 1);
    assert_eq!(sts.requests().len(), 1, "another session could not reach the command");
}

#[test]
fn a_draining_command_is_still_served() {
    let sts = one_late_refresh();
    let xassume = probing(signaling(&sts), &["print-keys", "survive", "TERM", "exit-on", "RTMIN+1"]).spawn();
    next_start(&xassume);
    xassume.signal(libc::SIGTERM);
    xassume.line("TERM");
    xassume.line("HUP");
    assert_eq!(xassume.line("key="), format!("key={}", key(&sts, 1)));
    xassume.signal(RTMIN + 1);
    xassume.wait().exited(0);
}
