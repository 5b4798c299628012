//! How a command is stopped, together with the processes that it started, and how much time they get.

use super::processes::{children, eventually, has_ended, state_of, wait_until_stopped};
use super::{
    SHORT, count, next_start, number_in, one_late_refresh, one_refresh, probing, restarting, scripted, xassume,
};
use crate::support::{Answer, FakeSts, Running, binary, sys};

/// Ends a run after the test has seen what it needs.
fn end(xassume: Running) -> crate::support::Finished {
    xassume.signal(libc::SIGTERM);
    xassume.wait()
}

#[test]
fn a_command_that_left_its_group_is_stopped_and_started_again() {
    let sts = one_refresh();
    let xassume = probing(restarting(&sts), &["leave-group", "then", "print-keys"]).spawn();
    let worker = number_in(&xassume.line("worker pid="));
    let first = next_start(&xassume);
    xassume.line("worker pid=");
    assert_ne!(next_start(&xassume).pid, first.pid);
    assert!(has_ended(worker), "the group that the command has joined counts as its group");
    let finished = end(xassume).exited(0);
    assert_eq!(finished.stderr_besides_restarts(), "");
    assert_eq!(count(&finished.stdout_text(), "TERM code="), 2, "each is called once");
}

#[test]
fn a_command_that_left_its_group_and_ignores_term_is_killed() {
    let sts = one_refresh();
    let xassume = restarting(&sts).args(["--stop-timeout", "200ms", "-v"]);
    let xassume = probing(xassume, &["leave-group", "then", "ignore-term"]).spawn();
    for _ in 0..2 {
        xassume.line("worker pid=");
        xassume.line("ready");
    }
    xassume.error_line("the command did not stop within the stop timeout and was killed by SIGKILL");
}

#[test]
fn a_worker_started_by_a_shell_gets_the_stop_timeout() {
    let sts = one_refresh();
    let xassume = scripted(restarting(&sts).args(["--stop-timeout", "1h"]), "$PROBE end-slowly 1000; exit 5").spawn();
    for said in ["ready", "draining", "drained", "ready"] {
        xassume.line(said);
    }
    let finished = end(xassume);
    assert!(finished.stdout_text().starts_with("ready\ndraining\ndrained\nready\n"), "{}", finished.describe());
}

#[test]
fn a_member_that_ignores_the_stop_signal_is_killed_and_warned_about_once() {
    let sts = FakeSts::builder().lifetime(SHORT).start();
    let xassume = restarting(&sts).args(["--stop-timeout", "200ms"]);
    let xassume = probing(xassume, &["fork-worker", "ignore-term", "then", "print-keys"]).spawn();
    let mut workers = Vec::new();
    for _ in 0..3 {
        workers.push(number_in(&xassume.line("worker pid=")));
        next_start(&xassume);
    }
    assert!(has_ended(workers[0]) && has_ended(workers[1]));
    let finished = end(xassume).exited(0);
    let said = finished.stderr_besides_restarts();
    let [warning, hint] = said.lines().collect::<Vec<_>>()[..] else { panic!("{said}") };
    let which = format!("(pid {}), started by the command, ignores the stop signal", workers[0]);
    assert!(warning.contains(&which), "{warning}");
    assert!(hint.starts_with("hint: make ") && hint.contains(" handle the stop signal, or "), "{hint}");
}

#[test]
fn processes_that_remain_for_two_seconds_are_listed_with_v() {
    let sts = one_refresh();
    let xassume = restarting(&sts).args(["--stop-timeout", "1h", "--log-format", "json", "-v"]);
    let script = "$PROBE print-signals survive TERM exit-on USR1 & echo worker=$!; exec $PROBE print-keys";
    let xassume = scripted(xassume, script).spawn();
    let worker = number_in(&xassume.line("worker="));
    let line: serde_json::Value = serde_json::from_str(&xassume.error_line("still_stopping")).expect("JSON");
    assert_eq!((&line["event"], &line["level"]), (&"still_stopping".into(), &"info".into()));
    assert_eq!(line["pid"], worker);
    assert!(line["name"].as_str().is_some_and(|name| !name.is_empty()), "{line}");
    sys::send_signal(worker, libc::SIGUSR1);
    xassume.line("worker=");
}

#[test]
fn jobs_of_a_shell_with_job_control_are_stopped_after_the_command_has_ended() {
    let sts = one_refresh();
    let script = "$PROBE own-group then end-slowly 300 & exec $PROBE print-keys";
    let xassume = scripted(restarting(&sts).args(["--stop-timeout", "1h"]), script).spawn();
    let first = next_start(&xassume);
    for said in ["TERM code=", "draining", "drained"] {
        xassume.line(said);
    }
    assert_ne!(next_start(&xassume).pid, first.pid);
}

#[test]
fn a_daemon_survives_a_restart_as_a_child_of_xassume() {
    let sts = one_refresh();
    let script = "setsid sleep 600 >/dev/null 2>&1 & echo daemon=$!; exec $PROBE print-keys";
    let xassume = scripted(restarting(&sts).args(["--stop-timeout", "1h"]), script).spawn();
    let daemon = number_in(&xassume.line("daemon="));
    next_start(&xassume);
    let second = number_in(&xassume.line("daemon="));
    next_start(&xassume);
    assert_eq!(state_of(daemon), Some('S'));
    assert!(children(xassume.pid()).contains(&daemon));
    for daemon in [daemon, second] {
        sys::send_signal(daemon, libc::SIGKILL);
    }
    eventually("it is reaped", || state_of(daemon).is_none());
    end(xassume).exited(0);
}

/// In the command's group is a zombie. Its parent is in another session and does not reap it.
#[test]
fn a_zombie_that_is_not_reaped_does_not_delay_a_restart() {
    let sts = one_refresh();
    let script = "sh -c 'sleep 0.3 & echo zombie=$!; exec setsid sleep 600 >/dev/null 2>&1' & \
                  echo daemon=$!; exec $PROBE print-keys";
    let xassume = scripted(restarting(&sts).args(["--stop-timeout", "1h"]), script).spawn();
    let mut daemons = Vec::new();
    let mut zombies = Vec::new();
    for _ in 0..2 {
        let lines = [xassume.line("="), xassume.line("="), xassume.line("=")];
        for line in lines {
            if line.contains("daemon") {
                daemons.push(number_in(&line));
            } else if line.contains("zombie") {
                zombies.push(number_in(&line));
            }
        }
    }
    assert_eq!(state_of(zombies[0]), Some('Z'));
    for daemon in daemons {
        sys::send_signal(daemon, libc::SIGKILL);
    }
}

#[test]
fn orphans_are_reaped_and_the_commands_children_are_not() {
    let sts = FakeSts::start();
    let script = "(sleep 600 >/dev/null 2>&1 & echo orphan=$!); \
                  (exit 3); a=$?; sh -c 'kill -9 $$' 2>/dev/null; b=$?; sh -c 'sleep 0.1; exit 4' & wait $!; \
                  echo $a $b $?; exec $PROBE print-keys";
    let xassume = scripted(restarting(&sts), script).spawn();
    let orphan = number_in(&xassume.line("orphan="));
    assert_eq!(xassume.line("3 "), "3 137 4");
    next_start(&xassume);
    assert!(children(xassume.pid()).contains(&orphan));
    sys::send_signal(orphan, libc::SIGKILL);
    eventually("the command is the only child", || children(xassume.pid()).len() == 1);

    let xassume = probing(restarting(&sts), &["orphans", "100", "then", "exit", "7"]).spawn();
    xassume.line("ready");
    eventually("the command is the only child", || children(xassume.pid()).len() == 1);
    end(xassume).exited(7);
}

/// The inner xassume would wait an hour for its command. The outer one kills the inner one, and then what that leaves.
#[test]
fn processes_that_an_inner_xassume_cannot_end_are_ended_by_the_outer_one() {
    let sts = one_late_refresh();
    let inner = format!("{} -r arn:aws:iam::333333333333:role/Inner --via file --stop-timeout 1h", binary().display());
    let script = format!("exec {inner} -- sh -c 'echo command=$$; exec $PROBE ignore-term'");
    let xassume = scripted(restarting(&sts).args(["--stop-timeout", "500ms"]), &script).spawn();
    let first = number_in(&xassume.line("command="));
    xassume.line("ready");
    let second = number_in(&xassume.line("command="));
    assert!(has_ended(first), "one copy at a time");
    assert!(!has_ended(second));
}

/// xassume is blocked by a message that is not read, between the refresh and the stop.
#[test]
fn a_command_that_ends_while_xassume_is_stopped_is_not_restarted() {
    let sts = FakeSts::builder().script([Answer::Lifetime(SHORT), Answer::Held]).start();
    let verbs = ["print-keys", "exit-on", "USR1", "then", "exit", "7"];
    let xassume = probing(restarting(&sts), &verbs).spawn();
    let command = next_start(&xassume).pid;
    sts.wait_for_requests(2);
    xassume.signal(libc::SIGSTOP);
    wait_until_stopped(&[xassume.pid()]);
    sts.release();
    let alive = || children(xassume.pid()).into_iter().filter(|child| !has_ended(*child)).collect::<Vec<_>>();
    eventually("the new session waits for xassume", || alive() == [command]);
    sys::send_signal(command, libc::SIGUSR1);
    eventually("the command has ended", || alive().is_empty());
    xassume.signal(libc::SIGCONT);
    let finished = xassume.wait().exited(7);
    assert_eq!(count(&finished.stdout_text(), "ready pid="), 1);
}

#[test]
fn a_signal_goes_to_a_command_that_left_its_group() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts).args(["--via", "file"]);
    let xassume =
        probing(xassume, &["leave-group", "then", "print-signals", "exit-on", "USR1", "then", "exit", "6"]).spawn();
    xassume.line("ready");
    xassume.signal(libc::SIGUSR1);
    xassume.line("USR1 code=");
    xassume.wait().exited(6);
}

/// One process of the first group is still there, so the signal has a receiver.
#[test]
fn a_command_that_left_a_group_with_others_is_ended_from_outside() {
    let (sts, verbs) = (FakeSts::start(), ["fork-worker", "then", "leave-group", "then", "print-keys"]);
    let xassume = probing(restarting(&sts), &verbs).spawn();
    let workers = ["worker pid=", "worker pid="].map(|said| number_in(&xassume.line(said)));
    next_start(&xassume);
    let finished = end(xassume).exited(0);
    assert_eq!(count(&finished.stdout_text(), "TERM code="), 1);
    eventually("both groups are the command's", || workers.into_iter().all(has_ended));
}
