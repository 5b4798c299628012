//! A refresh that fails: the command keeps running, and each change of the state is one line.

use super::{SHORT, count, denied, key, next_start, probing, restarting, signaling};
use crate::support::{Answer, FakeSts, RESTART};
use std::time::Duration;

#[test]
fn failing_then_expired_then_recovered() {
    // The first attempt comes well before the expiry, and the third after it, even on a busy machine.
    let lifetime = Answer::Lifetime(Duration::from_secs(3));
    let sts = FakeSts::builder().script([lifetime, denied(), denied(), denied()]).start();
    let xassume = probing(restarting(&sts), &["print-keys"]).spawn();
    let first = next_start(&xassume);
    let failing = xassume.error_line("refresh failed (session expires in ");
    assert!(failing.contains("s): cannot assume "), "{failing}");
    assert!(failing.ends_with("; retrying in 1s"), "{failing}");
    xassume.error_line("hint: ");
    let expired = xassume.error_line("expired");
    let said =
        "xassume: warning: the session has expired and the command is still running; it could not be refreshed: ";
    assert!(expired.starts_with(&format!("{said}cannot assume ")), "{expired}");
    xassume.error_line("hint: ");
    assert_eq!(xassume.error_line("refreshed after"), "xassume: warning: session refreshed after 3 failed attempts");
    let second = next_start(&xassume);
    assert_ne!(first.pid, second.pid);
    assert_eq!(second.key, key(&sts, 1));
    xassume.signal(libc::SIGTERM);
    let finished = xassume.wait().exited(0);
    let said: Vec<&str> = finished.stderr.lines().filter(|line| line.starts_with("xassume: ")).collect();
    assert_eq!(said.len(), 4, "one line for each change: {said:#?}");
    assert!(said[3].starts_with(RESTART), "{said:#?}");
    assert_eq!(sts.requests().len(), 5);
}

#[test]
fn a_recovery_in_time_is_a_restart_like_any_other() {
    let sts = FakeSts::builder().script([Answer::Lifetime(Duration::from_secs(3)), denied()]).start();
    let xassume = probing(restarting(&sts), &["print-keys"]).spawn();
    next_start(&xassume);
    xassume.error_line("refresh failed (session expires in ");
    assert_eq!(next_start(&xassume).key, key(&sts, 1));
    xassume.signal(libc::SIGTERM);
    let finished = xassume.wait().exited(0);
    assert!(!finished.stderr.contains("has expired"), "{}", finished.stderr);
    assert!(finished.stderr.contains("session refreshed after 1 failed attempt"), "{}", finished.stderr);
}

#[test]
fn further_failures_are_logged_only_with_v() {
    let sts = FakeSts::builder().script_forever([Answer::Lifetime(Duration::from_secs(1)), denied()]).start();
    let xassume = probing(signaling(&sts).arg("-v"), &["print-keys"]).spawn();
    next_start(&xassume);
    xassume.error_line("refresh failed (session ");
    let retry = xassume.error_line("refresh failed 2 times: cannot assume");
    assert!(retry.ends_with("; retrying in 1s"), "{retry}");
}

#[test]
fn quiet_hides_failed_refreshes() {
    let sts = FakeSts::builder().script([Answer::Lifetime(SHORT), denied()]).start();
    let xassume = probing(restarting(&sts).arg("-q"), &["print-keys"]).spawn();
    next_start(&xassume);
    next_start(&xassume);
    xassume.signal(libc::SIGTERM);
    assert_eq!(xassume.wait().exited(0).stderr, "");
}

#[test]
fn an_expired_session_stops_the_command_on_request() {
    let commands: [(&[&str], &str, usize); 2] =
        [(&["ignore-term"], "100ms", 0), (&["print-signals", "then", "say", "drained"], "1h", 1)];
    let cases = commands.map(|(verbs, patience, drained)| {
        let sts = FakeSts::builder().script_forever([Answer::Lifetime(Duration::from_secs(1)), denied()]).start();
        let stop = restarting(&sts).args(["--on-refresh-failure", "stop", "--stop-timeout", patience]);
        (probing(stop, verbs).spawn(), drained, sts)
    });
    for (xassume, drained, _sts) in cases {
        xassume.line("ready");
        xassume.error_line("stopping the command: the session has expired and could not be refreshed");
        let finished = xassume.wait().exited(125).left_no_process();
        assert_eq!(count(&finished.stdout_text(), "drained"), drained, "{}", finished.describe());
        assert_eq!(count(&finished.stdout_text(), "ready"), 1, "{}", finished.describe());
    }
}

#[test]
fn an_expired_session_stops_the_command_during_a_call_to_sts() {
    let sts = FakeSts::builder().script([Answer::Lifetime(SHORT), Answer::Hang]).start();
    let stop = restarting(&sts).args(["--sts-timeout", "10m", "--on-refresh-failure", "stop"]);
    let xassume = probing(stop, &["print-signals", "then", "say", "drained"]).spawn();
    xassume.line("ready");
    xassume.error_line("stopping the command: the session has expired and could not be refreshed");
    let finished = xassume.wait().exited(125).left_no_process();
    assert_eq!(count(&finished.stdout_text(), "drained"), 1, "{}", finished.describe());
    assert_eq!(sts.requests().len(), 2);
}

#[test]
fn an_expiry_during_a_call_to_sts_and_its_late_answer_are_logged() {
    let slow = Answer::Slow(Duration::from_secs(3));
    let sts = FakeSts::builder().script([Answer::Lifetime(SHORT), slow]).start();
    let xassume = probing(restarting(&sts), &["print-keys"]).spawn();
    next_start(&xassume);
    assert_eq!(
        xassume.error_line("expired"),
        "xassume: warning: the session has expired and the command is still running"
    );
    assert_eq!(xassume.error_line("refreshed after"), "xassume: warning: session refreshed after its expiry");
    assert_eq!(next_start(&xassume).key, key(&sts, 1));
    assert_eq!(sts.requests().len(), 2);
}

#[test]
fn a_reset_connection_is_retried_silently() {
    let sts = FakeSts::builder().script([Answer::Lifetime(SHORT), Answer::Reset]).start();
    let xassume = probing(restarting(&sts), &["print-keys"]).spawn();
    next_start(&xassume);
    next_start(&xassume);
    xassume.signal(libc::SIGTERM);
    assert_eq!(xassume.wait().exited(0).stderr_besides_restarts(), "");
    assert_eq!(sts.requests().len(), 3);
}

#[test]
fn a_failure_for_another_reason_is_a_warning_again() {
    let lifetime = Answer::Lifetime(Duration::from_secs(3));
    let unknown = Answer::error(403, "InvalidClientTokenId", "The security token included in the request is invalid");
    let answers = [lifetime, denied(), denied(), unknown.clone(), unknown];
    let sts = FakeSts::builder().script(answers).start();
    let xassume = probing(restarting(&sts).args(["--log-format", "json", "-v"]), &["print-keys"]).spawn();
    next_start(&xassume);
    next_start(&xassume);
    xassume.signal(libc::SIGTERM);
    let finished = xassume.wait().exited(0);
    let objects = finished.stderr.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect(line));
    let failures: Vec<(String, String, u64)> = objects
        .filter(|object| object["failures"].is_u64() && object["event"] != "recovered")
        .map(|object| {
            let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
            (text("event"), text("reason"), object["failures"].as_u64().unwrap_or_default())
        })
        .collect();
    let expected = [
        ("refresh_failing", "denied", 1),
        ("retry", "denied", 2),
        ("refresh_failing", "invalid-credentials", 3),
        ("retry", "invalid-credentials", 4),
    ];
    assert_eq!(failures, expected.map(|(event, reason, count)| (event.to_owned(), reason.to_owned(), count)));
}

#[test]
fn the_hint_of_a_failed_refresh_does_not_say_to_try_again() {
    let sts = FakeSts::builder().script_forever([Answer::Lifetime(SHORT), Answer::unavailable()]).start();
    let xassume = probing(restarting(&sts).args(["--sts-timeout", "500ms"]), &["print-keys"]).spawn();
    next_start(&xassume);
    xassume.error_line("refresh failed (session ");
    assert_eq!(xassume.error_line("hint: "), "hint: STS is temporarily unavailable");
    xassume.error_line("the session has expired and the command is still running; it could not be refreshed: ");
    assert_eq!(xassume.error_line("hint: "), "hint: STS is temporarily unavailable");
    // A launch is not repeated, so there the hint is right.
    let launch = probing(restarting(&sts).args(["--sts-timeout", "500ms"]), &["print-keys"]).run().exited(125);
    assert!(launch.stderr.ends_with("\nhint: STS is temporarily unavailable; try again later\n"), "{}", launch.stderr);
}
