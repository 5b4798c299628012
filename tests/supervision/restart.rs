//! A restart: the old command ends, and the new one differs only in its credentials.

use super::processes::{eventually, has_ended, state_of, wait_until_stopped};
use super::{
    SHORT, Start, count, key, next_start, number_in, one_late_refresh, one_refresh, probing, restarting, scripted,
};
use crate::support::times::iso;
use crate::support::{Answer, FakeSts, RESTART, Running, sys};
use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, SystemTime};

/// Ends only after TERM and then USR1, so a stop lasts as long as the test needs.
#[rustfmt::skip]
pub(super) const SLOW_TO_STOP: [&str; 13] = [
    "say", "began", "then", "print-signals", "then",
    "print-signals", "survive", "TERM", "exit-on", "USR1", "then", "exit", "4",
];

/// Ends a run after the test has seen what it needs.
fn end(xassume: Running) -> crate::support::Finished {
    xassume.signal(libc::SIGTERM);
    xassume.wait()
}

#[test]
fn a_restarted_command_differs_only_in_its_credentials() {
    let sts = one_refresh();
    let script = "env >environment.$$; exec $PROBE print-keys";
    let xassume = scripted(restarting(&sts), script).spawn();
    let (first, second) = (next_start(&xassume), next_start(&xassume));
    assert_eq!((&first.key, &second.key), (&key(&sts, 0), &key(&sts, 1)));
    assert_ne!(first.pid, second.pid);
    assert_eq!(state_of(first.pid), None, "the first has ended and is reaped before the second begins");

    let environment = |of: &Start| -> BTreeMap<String, String> {
        let path = xassume.sandbox().work().join(format!("environment.{}", of.pid));
        let text = fs::read_to_string(path).expect("the script wrote it");
        text.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.into(), value.into())).collect()
    };
    let (before, after) = (environment(&first), environment(&second));
    assert_eq!(after["AWS_SESSION_TOKEN"], sts.issued()[1].session_token);
    let names = before.keys().chain(after.keys());
    let changed: std::collections::BTreeSet<_> = names.filter(|&name| before.get(name) != after.get(name)).collect();
    let credentials = ["AWS_ACCESS_KEY_ID", "AWS_CREDENTIAL_EXPIRATION", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
    assert!(changed.iter().eq(credentials.iter()), "{changed:?}");
    let finished = end(xassume).exited(0);
    let said: Vec<&str> = finished.stderr.lines().collect();
    assert!(said.len() == 1 && said[0].starts_with(RESTART) && said[0].ends_with(" (in 1h)"), "one line: {said:#?}");
}

#[test]
fn every_session_is_followed_by_the_next() {
    let sts = FakeSts::builder().lifetime(SHORT).start();
    let xassume = probing(restarting(&sts), &["print-keys"]).spawn();
    for place in 0..3 {
        assert_eq!(next_start(&xassume).key, key(&sts, place));
    }
    end(xassume).exited(0);
    assert_eq!(sts.requests().len(), 3, "one call for each session");
}

#[test]
fn an_equal_session_also_causes_a_restart() {
    let answer = |lifetime: Duration| {
        let expiration = iso(SystemTime::now() + lifetime);
        let body = format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
             <AssumedRoleUser><AssumedRoleId>AROA:s</AssumedRoleId>\
             <Arn>arn:aws:sts::111111111111:assumed-role/R/s</Arn></AssumedRoleUser>\
             <Credentials><AccessKeyId>ASIASAME</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
             <SessionToken>token</SessionToken><Expiration>{expiration}</Expiration></Credentials>\
             </AssumeRoleResult></AssumeRoleResponse>"
        );
        Answer::body(200, "text/xml", body)
    };
    let sts = FakeSts::builder().script([answer(SHORT), answer(Duration::from_hours(1))]).start();
    let xassume = probing(restarting(&sts), &["print-keys"]).spawn();
    let (first, second) = (next_start(&xassume), next_start(&xassume));
    assert_eq!((first.key.as_str(), second.key.as_str()), ("ASIASAME", "ASIASAME"));
    assert_ne!(first.pid, second.pid);
    end(xassume).exited(0);
}

#[test]
fn a_command_that_ends_slowly_is_waited_for() {
    let sts = one_refresh();
    let xassume = restarting(&sts).args(["--stop-timeout", "1h", "-v"]);
    let xassume = probing(xassume, &["say", "began", "then", "end-slowly", "300"]).spawn();
    for said in ["began", "draining", "drained", "began", "ready"] {
        xassume.line(said);
    }
    xassume.error_line("the command was stopped and exited with status 0");
    let finished = end(xassume).exited(0);
    assert_eq!(count(&finished.stdout_text(), "began"), 2);
}

#[test]
fn a_command_that_does_not_end_is_killed_after_the_stop_timeout() {
    let sts = one_refresh();
    let xassume = restarting(&sts).args(["--stop-timeout", "200ms", "-v"]);
    let xassume = scripted(xassume, "echo pid=$$; exec $PROBE ignore-term").spawn();
    let first = number_in(&xassume.line("pid="));
    xassume.line("ready");
    let second = number_in(&xassume.line("pid="));
    assert_eq!(state_of(first), None);
    assert_ne!(first, second);
    xassume.error_line("the command did not stop within the stop timeout and was killed by SIGKILL");
}

#[test]
fn a_stopped_command_is_restarted_like_any_other() {
    let sts = one_refresh();
    let xassume = restarting(&sts).args(["--stop-timeout", "1h"]);
    let xassume = scripted(xassume, "echo began; exec $PROBE print-keys").spawn();
    xassume.line("began");
    let first = next_start(&xassume);
    crate::support::sys::send_signal(first.pid, libc::SIGSTOP);
    xassume.line("began");
    assert_ne!(next_start(&xassume).pid, first.pid);
}

#[test]
fn the_stop_signal_can_be_chosen() {
    let sts = one_refresh();
    let xassume = restarting(&sts).args(["--stop-signal", "SIGRTMIN+2"]);
    let xassume = probing(xassume, &["print-signals", "exit-on", "RTMIN+2"]).spawn();
    xassume.line("ready");
    assert_eq!(xassume.line("RTMIN+2"), format!("RTMIN+2 code=SI_USER pid={}", xassume.pid()));
    xassume.line("ready");
    let finished = end(xassume).exited(0);
    assert_eq!(count(&finished.stdout_text(), "RTMIN+2"), 1);
}

#[test]
fn no_process_that_the_command_started_outlives_a_restart() {
    let sts = one_refresh();
    let xassume = restarting(&sts).args(["--stop-timeout", "200ms"]);
    let xassume = probing(xassume, &["fork-worker", "ignore-term", "then", "print-keys"]).spawn();
    let worker = number_in(&xassume.line("worker pid="));
    let first = next_start(&xassume);
    let next = number_in(&xassume.line("worker pid="));
    assert!(has_ended(worker), "the old worker is dead before the new command begins");
    assert_ne!((worker, first.pid), (next, next_start(&xassume).pid));
}

#[test]
fn a_command_that_ends_during_a_call_to_sts_is_not_restarted() {
    let cases = ["0", "5"].map(|code| {
        let sts = FakeSts::builder().script([Answer::Lifetime(SHORT), Answer::Held]).start();
        let command = ["say", "began", "then", "print-signals", "exit-on", "USR1", "then", "exit", code];
        (probing(restarting(&sts), &command).spawn(), code, sts)
    });
    for (xassume, code, sts) in cases {
        xassume.line("ready");
        sts.wait_for_requests(2);
        xassume.signal(libc::SIGUSR1);
        // STS has not answered yet. xassume does not wait for it.
        let finished = xassume.wait().exited(code.parse().expect("a number"));
        assert_eq!(count(&finished.stdout_text(), "began"), 1);
    }
}

/// xassume finds the end of the command and STS's answer at the same time.
#[test]
fn a_command_that_has_already_ended_is_neither_stopped_nor_waited_for() {
    let sts = FakeSts::builder().script([Answer::Lifetime(SHORT), Answer::Held]).start();
    let command = ["print-keys", "exit-on", "USR1", "then", "exit", "5"];
    // A stop would take longer than any test waits.
    let xassume = probing(restarting(&sts).args(["--stop-timeout", "1h"]), &command).spawn();
    let command = next_start(&xassume).pid;
    sts.wait_for_requests(2);
    xassume.signal(libc::SIGSTOP);
    wait_until_stopped(&[xassume.pid()]);
    sys::send_signal(command, libc::SIGUSR1);
    eventually("the command has ended", || state_of(command) == Some('Z'));
    sts.release();
    eventually("STS has answered", || sts.issued_count() == 2);
    xassume.signal(libc::SIGCONT);
    let finished = xassume.wait().exited(5);
    assert_eq!(count(&finished.stdout_text(), "ready"), 1);
}

#[test]
fn a_restart_that_cannot_start_ends_with_the_reason() {
    let sts = one_refresh();
    let xassume = restarting(&sts).script("bin/tool", "#!/bin/sh\nexec $PROBE print-keys\n");
    let tool = xassume.home().join("bin/tool");
    let xassume = xassume.arg("--").arg(&tool).spawn();
    next_start(&xassume);
    fs::remove_file(&tool).expect("the home is ours");
    let finished = xassume.wait().exited(127);
    assert!(finished.stderr.contains("command not found"), "{}", finished.stderr);
}

#[test]
fn term_from_outside_cancels_every_later_restart() {
    let sts = one_late_refresh();
    let xassume = restarting(&sts).arg("-v");
    let xassume = probing(xassume, &["print-keys", "survive", "TERM", "exit-on", "USR1"]).spawn();
    next_start(&xassume);
    xassume.signal(libc::SIGTERM);
    xassume.line("TERM");
    xassume.error_line("received SIGTERM, so the command will not be restarted");
    xassume.error_line("the session has expired and the command is still running");
    xassume.signal(libc::SIGUSR1);
    let finished = xassume.wait().exited(0);
    assert_eq!(count(&finished.stdout_text(), "ready"), 1);
    assert_eq!(sts.requests().len(), 1, "a session that no command would get is not requested");
}

#[test]
fn other_signals_from_outside_cancel_none() {
    let sts = one_late_refresh();
    let xassume = probing(restarting(&sts), &["print-keys"]).spawn();
    next_start(&xassume);
    for (name, signal) in
        [("INT", libc::SIGINT), ("QUIT", libc::SIGQUIT), ("HUP", libc::SIGHUP), ("USR1", libc::SIGUSR1)]
    {
        xassume.signal(signal);
        xassume.line(&format!("{name} code="));
    }
    assert_eq!(next_start(&xassume).key, key(&sts, 1));
    end(xassume).exited(0);
}

#[test]
fn an_interrupt_between_stop_and_start_ends_the_run() {
    let cases = [libc::SIGINT, libc::SIGQUIT, libc::SIGTERM].map(|signal| {
        let sts = one_refresh();
        (probing(restarting(&sts).arg("-v"), &SLOW_TO_STOP).spawn(), signal, sts)
    });
    for (xassume, signal, _sts) in cases {
        xassume.line("TERM");
        xassume.line("ready");
        xassume.signal(signal);
        xassume.error_line("the command will not be restarted");
        xassume.signal(libc::SIGUSR1);
        let finished = xassume.wait().exited(4);
        assert_eq!(count(&finished.stdout_text(), "began"), 1);
    }
}

#[test]
fn between_stop_and_start_other_signals_change_nothing() {
    let sts = one_refresh();
    let xassume = probing(restarting(&sts), &SLOW_TO_STOP).spawn();
    xassume.line("TERM");
    xassume.line("ready");
    for (name, signal) in [("WINCH", libc::SIGWINCH), ("HUP", libc::SIGHUP), ("USR2", libc::SIGUSR2)] {
        xassume.signal(signal);
        xassume.line(&format!("{name} code="));
    }
    xassume.signal(libc::SIGUSR1);
    xassume.line("began");
}
