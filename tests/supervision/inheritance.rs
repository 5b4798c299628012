//! The command inherits what xassume inherited, and nothing that belongs to xassume.

use super::{one_refresh, probing, restarting, restarting_after, started_after, state};
use crate::support::sys::RTMIN;
use crate::support::{FakeSts, Xassume, probe};
use serde_json::{Value, json};
use std::fs::File;

/// A report without the fields that differ between processes, and with the descriptors' numbers only.
fn comparable(mut state: Value) -> Value {
    let table = state.as_object_mut().expect("a table");
    for name in ["pid", "ppid", "pgid", "sid", "pdeathsig"] {
        table.remove(name);
    }
    let numbers: Vec<String> = table["fds"].as_object().expect("a table").keys().cloned().collect();
    table.insert("fds".into(), json!(numbers));
    state
}

/// The lowest real-time signal whose action a test can set: musl keeps the first one for itself.
const LOWEST: i32 = if cfg!(target_env = "musl") { RTMIN + 2 } else { RTMIN };

fn with_unusual_state(xassume: Xassume) -> Xassume {
    let file = File::open("/dev/zero").expect("there is a /dev/zero");
    xassume
        .ignoring(&[libc::SIGHUP, libc::SIGINT, libc::SIGPIPE, libc::SIGTTOU, libc::SIGCHLD, LOWEST, RTMIN + 5])
        .blocking(&[libc::SIGTERM, libc::SIGUSR1, RTMIN + 1, libc::SIGRTMAX()])
        .descriptor(9, file)
}

const WORDS: &str = "umask 027; ulimit -Sn 333; ulimit -Sc 0; cd /usr; exec nice -n 5 \"$0\" \"$@\"";

#[test]
fn the_command_inherits_the_same_as_without_xassume() {
    let sts = FakeSts::start();
    let alone = with_unusual_state(started_after(WORDS, &sts)).args(probe()).arg("state").run().exited(0).stdout_json();
    let state = probing(with_unusual_state(restarting_after(WORDS, &sts)), &["state"]).run().exited(0).stdout_json();
    assert_eq!(alone["fds"].as_object().expect("a table").len(), 4);
    assert_eq!((&alone["umask"], &alone["cwd"]), (&json!("0027"), &json!("/usr")));
    assert_eq!(comparable(state), comparable(alone));
}

#[test]
fn limits_are_inherited() {
    let sts = FakeSts::start();
    let limits = |xassume: Xassume| xassume.args(["sh", "-c", "ulimit -a"]).run().exited(0).stdout_text();
    let alone = limits(started_after(WORDS, &sts));
    assert!(alone.contains("333"), "{alone}");
    assert_eq!(limits(restarting_after(WORDS, &sts).arg("--")), alone);
}

#[test]
fn a_restarted_command_inherits_the_same_as_the_first_one() {
    let sts = one_refresh();
    // TERM is blocked (inherited), so another signal must stop the first command.
    let xassume = with_unusual_state(restarting(&sts)).args(["--stop-signal", "USR2"]);
    let xassume = probing(xassume, &["state", "then", "print-signals", "exit-on", "USR2"]).spawn();
    let first = comparable(state(&xassume));
    assert_eq!(
        first["SigIgn"],
        json!(["HUP", "INT", "PIPE", "CHLD", "TTOU", format!("RTMIN+{}", LOWEST - RTMIN), "RTMIN+5"])
    );
    assert_eq!(first["SigBlk"], json!(["USR1", "TERM", "RTMIN+1", "RTMIN+30"]));
    assert_eq!(comparable(state(&xassume)), first);
}

#[test]
fn the_command_leads_a_new_group_in_the_same_session() {
    let sts = FakeSts::start();
    let xassume = probing(restarting(&sts), &["state"]).spawn();
    let us = xassume.pid();
    let state = xassume.wait().exited(0).stdout_json();
    assert_eq!((&state["ppid"], &state["sid"]), (&json!(us), &json!(us)));
    assert_eq!(state["pgid"], state["pid"]);
    let same = probing(restarting(&sts).args(["--process-group", "same"]), &["state"]).spawn();
    let us = same.pid();
    assert_eq!(same.wait().exited(0).stdout_json()["pgid"], us);
}
