//! The probe reports correctly and behaves as its steps say.

use super::super::command::Xassume;
use super::super::running::Running;
use super::super::sys;
use super::super::sys::RTMIN;
use super::*;
use serde_json::Value;
use std::time::Duration;

/// Runs the probe directly, without xassume.
fn alone(verbs: &[&str]) -> Xassume {
    let [program, mark] = probe();
    Xassume::without_sts().program(program).arg(mark).args(verbs)
}

#[test]
fn it_shows_its_arguments_and_environment_byte_for_byte() {
    let odd = OsString::from_vec(b"\xff a=\"b\" ".to_vec());
    let shown = alone(&["argv", "then", ""]).arg(&odd).run().exited(0);
    assert_eq!(shown.stdout_fields()[1..], [MARK.as_bytes(), b"argv", b"then", b"", odd.as_bytes()]);
    let shown = alone(&["environ"]).env("ODD", &odd).run().exited(0);
    assert!(shown.stdout_fields().contains(&[b"ODD=", odd.as_bytes()].concat()));
    assert_eq!(shown.variable("AWS_REGION").as_deref(), Some("us-east-1"));
    assert_eq!(shown.variable("AWS_PROFILE"), None);
}

#[test]
fn it_reports_the_state_that_it_inherited() {
    let plain = alone(&["state"]).run().exited(0).stdout_json();
    assert_eq!(plain["SigIgn"], serde_json::json!([]), "SIGPIPE is as std leaves it to children");
    assert_eq!(plain["SigBlk"], serde_json::json!([]));
    assert_eq!(plain["pid"], plain["sid"], "it leads a new session");
    assert_eq!(plain["tty_pgrp"], Value::Null);
    let fds: Vec<_> = plain["fds"].as_object().expect("a table").keys().map(String::as_str).collect();
    assert_eq!(fds, ["0", "1", "2"]);
    let file = fs::File::open("/dev/zero").expect("there is a /dev/zero");
    let passed = alone(&["state"]).descriptor(20, file).run().exited(0).stdout_json();
    assert_eq!(passed["fds"]["20"], "/dev/zero");
    let altered = alone(&["state"]).ignoring(&[libc::SIGHUP, libc::SIGPIPE]).blocking(&[libc::SIGUSR1]).run();
    assert_eq!(altered.stdout_json()["SigIgn"], serde_json::json!(["HUP", "PIPE"]));
    assert_eq!(altered.stdout_json()["SigBlk"], serde_json::json!(["USR1"]));
}

#[test]
fn it_ends_as_the_last_step_says() {
    alone(&["exit", "7"]).run().exited(7);
    alone(&["die", "QUIT"]).ignoring(&[libc::SIGQUIT]).run().killed_by(libc::SIGQUIT);
    let said = alone(&["say", "a", "b", "then", "say-to-stderr", "c", "then", "exit", "3"]).run().exited(3);
    assert_eq!((said.stdout_text().as_str(), said.stderr.as_str()), ("a b\n", "c\n"));
    assert_eq!(alone(&["cat"]).stdin("in and out").run().exited(0).stdout_text(), "in and out");
}

#[test]
fn it_prints_every_signal_with_its_sender() {
    let running = alone(&["print-signals", "survive", "TERM", "exit-on", "QUIT", "then", "exit", "5"]).spawn();
    running.line("ready");
    let us = std::process::id();
    for signal in [libc::SIGHUP, libc::SIGTERM, libc::SIGWINCH, RTMIN + 3] {
        running.signal(signal);
        assert_eq!(running.line("code="), format!("{} code=SI_USER pid={us}", signals::name(signal)));
    }
    sys::queue_signal(running.pid(), libc::SIGUSR1);
    assert_eq!(running.line("USR1"), format!("USR1 code=SI_QUEUE pid={us}"));
    running.signal(libc::SIGQUIT);
    running.wait().exited(5);
}

#[test]
fn it_reads_its_credentials_again_after_hup() {
    let running = alone(&["print-keys"])
        .without_keys()
        .file("credentials", "[default]\naws_access_key_id = ASIA1\n")
        .env("AWS_SHARED_CREDENTIALS_FILE", "../home/credentials")
        .spawn();
    assert_eq!(running.line("ready"), format!("ready pid={} key=ASIA1", running.pid()));
    let file = running.sandbox().home().join("credentials");
    fs::write(file, "[default]\naws_access_key_id=ASIA2\n").expect("the home is writable");
    running.signal(libc::SIGHUP);
    running.line("HUP");
    assert_eq!(running.line("key="), "key=ASIA2");
    running.signal(libc::SIGTERM);
    running.wait().exited(0);
}

#[test]
fn it_can_end_slowly_or_ignore_term() {
    let graceful = alone(&["end-slowly", "1"]).spawn();
    graceful.line("ready");
    graceful.signal(libc::SIGTERM);
    assert_eq!(graceful.wait().exited(0).stdout_text(), "ready\ndraining\ndrained\n");

    let stubborn = alone(&["ignore-term"]).spawn();
    stubborn.line("ready");
    stubborn.signal(libc::SIGTERM);
    stubborn.signal(libc::SIGKILL);
    stubborn.wait().killed_by(libc::SIGKILL);
}

#[test]
fn workers_that_outlive_it_are_seen_and_killed() {
    let finished = alone(&["fork-worker", "ignore-term"]).run().exited(0);
    let worker: i32 = finished.stdout_text().trim().trim_start_matches("worker pid=").parse().expect("a pid");
    assert_eq!(finished.survivors(), [worker]);
    drop(finished);
    assert!(sys::wait_gone(worker, Duration::from_secs(10)));

    let running: Running = alone(&["fork-worker", "then", "orphans", "3"]).spawn();
    let worker: i32 = running.line("worker").trim_start_matches("worker pid=").parse().expect("a pid");
    running.line("ready");
    drop(running);
    assert!(sys::wait_gone(worker, Duration::from_secs(10)), "a dropped program takes its family along");
}
