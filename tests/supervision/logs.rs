//! The messages of a supervised run: none, text, or one JSON object per line.

use super::{SHORT, count, denied, next_start, one_refresh, probing, restarting, scripted, signaling};
use crate::documents::read;
use crate::support::{Answer, DeniedCall, FakeSts, Finished};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The table in `docs/supervision.md`: the level of each event, and the keys that only it has. Unit tests check that
/// each event is in it.
fn documented() -> BTreeMap<String, (String, String)> {
    let page = read("docs/supervision.md");
    let (_, section) = page.split_once("\n## The log\n").expect("the section");
    let (section, _) = section.split_once("\n### ").expect("its end");
    let row = |line: &str| {
        let cells: Vec<_> = line.strip_prefix("| `")?.split(" | ").collect();
        let [event, level, _, keys] = cells[..] else { panic!("{line}") };
        Some((event.trim_matches('`').to_owned(), (level.to_owned(), keys.to_owned())))
    };
    section.lines().filter_map(row).collect()
}

/// The lines of `--log-format json`. Asserts that each has the common keys and the documented ones.
fn objects(finished: &Finished) -> Vec<Value> {
    let documented = documented();
    let parse = |line: &str| -> Value {
        let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let common = ["time", "level", "event", "message"];
        for key in common {
            assert!(object[key].is_string(), "no {key}: {line}");
        }
        assert!(is_time(&object["time"]), "{line}");
        let event = object["event"].as_str().and_then(|event| documented.get(event));
        let (level, keys) = event.unwrap_or_else(|| panic!("not in the table: {line}"));
        assert_eq!(&object["level"], level, "{line}");
        for key in object.as_object().into_iter().flat_map(|object| object.keys()) {
            let known = common.contains(&key.as_str()) || key == "hint" || keys.contains(&format!("`{key}`"));
            assert!(known, "{key} is not in the table: {line}");
        }
        object
    };
    finished.stderr.lines().map(parse).collect()
}

/// Like `2026-11-23T18:51:23Z`.
fn is_time(value: &Value) -> bool {
    let shape = |byte: u8| if byte.is_ascii_digit() { b'0' } else { byte };
    value.as_str().is_some_and(|text| text.bytes().map(shape).eq(*b"0000-00-00T00:00:00Z"))
}

#[test]
fn verbose_logs_each_step_of_a_restart() {
    let sts = one_refresh();
    let xassume = probing(restarting(&sts).arg("-v"), &["print-keys"]).spawn();
    let (first, second) = (next_start(&xassume), next_start(&xassume));
    // The last message about the start: wait for it so that all of them are there.
    xassume.error_line(&format!("started the command, pid {}", second.pid));
    xassume.signal(libc::SIGTERM);
    let finished = xassume.wait().exited(0);
    let said = finished.stderr.lines().filter_map(|line| line.strip_prefix("xassume: "));
    // Messages about getting a session are tested elsewhere.
    let said: Vec<&str> = said
        .filter(|line| !["cache: ", "source cred", "session token"].iter().any(|begin| line.starts_with(begin)))
        .collect();
    let begins = [
        "plan:",
        "assumed arn:aws:iam::111111111111:role/R as ",
        &format!("started the command, pid {}", first.pid),
        "next refresh at ",
        "session refreshed: expires at ",
        "next refresh at ",
        "restarting the command: session refreshed, expires at ",
        "the command was stopped and exited with status 0",
        &format!("started the command, pid {}", second.pid),
        "received SIGTERM, so the command will not be restarted",
        "the command exited with status 0",
    ];
    assert_eq!(said.len(), begins.len(), "{said:#?}");
    for (said, begin) in said.iter().zip(begins) {
        assert!(said.starts_with(begin), "{said:?} is not {begin:?}");
    }
    assert!(said[1].ends_with("(in 2s)") && said[4].ends_with("(in 1h)"), "{said:#?}");
    assert_eq!(count(&finished.stderr, "forwarded"), 0, "this needs -vv");
}

#[test]
fn more_verbose_logs_forwarded_signals() {
    let sts = FakeSts::start();
    let xassume = probing(restarting(&sts).arg("-vv"), &["print-signals"]).spawn();
    xassume.line("ready");
    xassume.signal(libc::SIGUSR1);
    xassume.error_line("forwarded SIGUSR1");
}

#[test]
fn json_logs_each_step_as_an_object() {
    let sts = one_refresh();
    let xassume = restarting(&sts).args(["-v", "--log-format", "json"]);
    let xassume = probing(xassume, &["print-keys"]).spawn();
    let (first, second) = (next_start(&xassume), next_start(&xassume));
    xassume.error_line(&format!("\"pid\":{}", second.pid));
    xassume.signal(libc::SIGTERM);
    let mut objects = objects(&xassume.wait().exited(0));
    // Messages about getting a session are tested elsewhere.
    objects.retain(|object| {
        let own =
            |event: &str| !event.starts_with("cache_") && !["source_credentials", "session_token"].contains(&event);
        object["event"].as_str().is_none_or(own)
    });
    let events: Vec<&str> = objects.iter().filter_map(|object| object["event"].as_str()).collect();
    #[rustfmt::skip]
    assert_eq!(events, [
        "plan", "assumed", "started", "refresh_due",
        "refreshed", "refresh_due", "restarting", "stopped", "started", "restarts_cancelled", "exited",
    ]);
    let event = |name: &str| objects.iter().find(|object| object["event"] == name).expect("the event was logged");
    let level = |object: &Value| if object["event"] == "restarting" { "notice" } else { "info" };
    assert!(objects.iter().all(|object| object["level"] == level(object)), "{objects:#?}");
    let role = event("assumed")["role"].as_str().expect("text");
    assert!(role.starts_with("arn:aws:sts::111111111111:assumed-role/R/"), "{role}");
    assert_eq!(event("assumed")["lifetime"], SHORT.as_secs_f64());
    assert!(is_time(&event("assumed")["expiration"]) && is_time(&event("refresh_due")["at"]));
    assert!(event("refresh_due")["in"].as_f64().is_some_and(|due| due <= 1.3), "{}", event("refresh_due"));
    let left = event("refreshed")["left"].as_f64();
    assert!(left.is_some_and(|left| (3540.0..=3600.0).contains(&left)), "{left:?}");
    assert_eq!(event("restarting")["reason"], "session refreshed");
    assert_eq!(event("restarting")["expiration"], event("refreshed")["expiration"]);
    assert_eq!(event("exited")["status"], 0);
    assert_eq!(event("stopped")["how"], "stop signal");
    assert_eq!(event("stopped")["status"], 0);
    assert_eq!((&objects[2]["pid"], &objects[8]["pid"]), (&first.pid.into(), &second.pid.into()));
    assert_eq!(event("restarts_cancelled")["signal"], "SIGTERM");
}

#[test]
fn json_logs_a_failed_refresh_as_a_warning_with_its_hint() {
    // The first refresh comes well before the expiry, the third after it.
    let lifetime = Answer::Lifetime(Duration::from_secs(3));
    let sts = FakeSts::builder().script([lifetime, denied(), denied(), denied()]).start();
    let xassume = signaling(&sts).args(["--log-format", "json"]);
    let xassume = probing(xassume, &["print-keys", "exit-on", "HUP", "then", "die", "HUP"]).spawn();
    let objects = objects(&xassume.wait().killed_by(libc::SIGHUP));
    let events: Vec<&str> = objects.iter().filter_map(|object| object["event"].as_str()).collect();
    assert_eq!(events, ["refresh_failing", "expired", "recovered", "died_of_refresh_signal"]);
    assert!(objects.iter().all(|object| object["level"] == "warning"), "{objects:#?}");
    assert!(objects[0]["error"].as_str().is_some_and(|error| error.contains("AccessDenied")), "{}", objects[0]);
    assert!(objects[0]["hint"].is_string() && objects[3]["hint"].is_string());
    assert_eq!((&objects[0]["reason"], &objects[0]["failures"]), (&"denied".into(), &1.into()));
    for key in ["error", "reason", "hint"] {
        assert_eq!(objects[1][key], objects[0][key], "{}", objects[1]);
    }
    assert_eq!(objects[0]["retry_in"], 1.0);
    assert!(objects[0]["expires_in"].as_f64().is_some_and(|left| left > 0.0 && left <= 1.5), "{}", objects[0]);
    assert_eq!((&objects[2]["failures"], &objects[3]["signal"]), (&3.into(), &"SIGHUP".into()));
}

#[test]
fn a_failed_run_is_an_object_too() {
    let sts = FakeSts::builder().script_forever([Answer::Lifetime(SHORT / 2), denied()]).start();
    let stop = restarting(&sts).args(["--on-refresh-failure", "stop", "--log-format", "json"]);
    let objects = objects(&probing(stop, &["print-signals"]).run().exited(125));
    let events: Vec<&str> = objects.iter().filter_map(|object| object["event"].as_str()).collect();
    assert_eq!(events, ["refresh_failing", "lapsed", "failed"]);
    assert_eq!((&objects[1]["reason"], &objects[2]["reason"]), (&"denied".into(), &"session-expired".into()));
    assert_eq!((&objects[2]["level"], &objects[2]["status"]), (&"error".into(), &125.into()));
}

#[test]
fn the_events_of_a_launch_are_documented() {
    let sts = FakeSts::start();
    let json = || restarting(&sts).args(["--log-format", "json"]);
    // No kernel does this: the runtime panics.
    let waits = [
        #[cfg(target_arch = "x86_64")]
        DeniedCall::Call(libc::SYS_epoll_wait, libc::EPERM),
        DeniedCall::Call(libc::SYS_epoll_pwait, libc::EPERM),
    ];
    let panics = json().denying(&waits);
    let finished = [
        scripted(json().args(["-v", "--listen", "0"]), "true; true").run().exited(0),
        json().args(["--", "no-such-program"]).run().exited(127),
        probing(panics, &["exit", "0"]).run().exited(125),
    ];
    let objects: Vec<Value> = finished.iter().flat_map(objects).collect();
    let logged: BTreeSet<&str> = objects.iter().filter_map(|object| object["event"].as_str()).collect();
    for event in
        ["failed", "panicked", "warning", "plan", "cache_disabled", "source_credentials", "assumed", "listening"]
    {
        assert!(logged.contains(event), "{event} is not among {logged:?}");
    }
}
