//! The line about the first session, which `-v` and CI jobs show, and the plan.

use crate::support::{Answer, FakeSts, Xassume, probe};
use serde_json::Value;
use std::time::Duration;

const ROLE: &str = "arn:aws:iam::521111111144:role/DeployMaster";

/// A user with keys in the environment and a fixed session name.
fn user(sts: &FakeSts) -> Xassume {
    Xassume::new(sts).args(["-r", ROLE, "--role-session-name", "me"])
}

/// Standard error of a run with the command `true`.
fn said(xassume: &Xassume) -> String {
    xassume.clone().args(["--", "true"]).run().exited(0).stderr
}

fn end(sts: &FakeSts) -> String {
    humantime::format_rfc3339_seconds(sts.issued()[0].expiration).to_string()
}

#[test]
fn a_ci_job_shows_which_role_is_used_and_until_when() {
    for (name, value) in [("CI", "true"), ("CI", "1"), ("JENKINS_URL", "https://jenkins.example.com/")] {
        let sts = FakeSts::start();
        let job = user(&sts).env(name, value);
        let shown = said(&job);
        let expected = format!(
            "xassume: assumed {ROLE} as me with keys in the environment (AKIAUSERDEFAULT00001), expires at {} (in 1h)\n",
            end(&sts)
        );
        assert_eq!(shown, expected, "{name}={value}");
        let shown = said(&job);
        let expected = format!("xassume: using the cached session of {ROLE} as me, expires at {} (in ", end(&sts));
        assert!(shown.starts_with(&expected) && shown.ends_with(")\n") && shown.lines().count() == 1, "{shown}");
        assert_eq!(sts.requests().len(), 1);
    }
}

#[test]
fn nothing_is_shown_elsewhere() {
    let sts = FakeSts::start();
    for (name, value) in [("TERM", "xterm"), ("CI", ""), ("CI", "false"), ("JENKINS_URL", "")] {
        assert_eq!(said(&user(&sts).env(name, value)), "", "{name}={value}");
    }
    let job = user(&sts).env("CI", "true");
    assert_eq!(said(&job.clone().arg("-q")), "");
    let for_sdk = job.clone().args(["--print", "credential-process"]);
    assert_eq!(for_sdk.run().exited(0).stderr, "", "an SDK runs xassume");
    let verbose = for_sdk.arg("-v").run().exited(0).stderr;
    assert!(verbose.contains("\nxassume: using the cached session of "), "{verbose}");
    assert!(
        job.arg("--print").arg("export").run().exited(0).stderr.starts_with("xassume: using the cached session of ")
    );
}

#[test]
fn verbose_shows_the_line_once() {
    let sts = FakeSts::start();
    let job = user(&sts).env("CI", "true").arg("-v");
    for words in ["assumed ", "using the cached session of "] {
        let shown = said(&job);
        assert_eq!(shown.matches(&format!("xassume: {words}{ROLE}")).count(), 1, "{shown}");
    }
}

#[test]
fn the_line_is_an_object_in_json() {
    let sts = FakeSts::start();
    let job = user(&sts).env("CI", "true").args(["--log-format", "json"]);
    let objects = [said(&job), said(&job)].map(|line| serde_json::from_str::<Value>(&line).expect("one object"));
    let issued = &sts.issued()[0];
    for (object, from) in objects.iter().zip(["source", "cache"]) {
        assert_eq!(
            (&object["event"], &object["level"], &object["from"]),
            (&"assumed".into(), &"info".into(), &from.into())
        );
        assert_eq!((&object["role"], &object["expiration"]), (&issued.arn.as_str().into(), &end(&sts).into()));
        assert_eq!(object["lifetime"], 3600.0);
        assert_eq!(object["source"], "keys in the environment (AKIAUSERDEFAULT00001)");
    }
}

#[test]
fn credentials_without_a_role_are_shown_too() {
    let sts = FakeSts::start();
    let config = "[profile p]\naws_access_key_id = AKIAPROFILE000000001\naws_secret_access_key = secret\n";
    let job = Xassume::new(&sts).without_keys().file(".aws/config", config).args(["-p", "p"]).env("CI", "true");
    assert_eq!(said(&job), "xassume: no role: keys of profile p (AKIAPROFILE000000001), no known expiry\n");
}

#[test]
fn a_supervised_command_has_the_line_once() {
    let sts = FakeSts::builder().script([Answer::Lifetime(Duration::from_secs(2))]).start();
    let job = user(&sts).env("CI", "true").args(["--no-cache", "--on-expiry", "restart", "--"]);
    let running = job.args(probe()).args(["print-keys"]).spawn();
    running.line("ready");
    running.line("ready");
    running.signal(libc::SIGTERM);
    let finished = running.wait().exited(0);
    assert_eq!(finished.stderr.matches("xassume: assumed ").count(), 1, "{}", finished.stderr);
    assert_eq!(finished.stderr.lines().count(), 2, "and the restart: {}", finished.stderr);
}

#[test]
fn the_plan_names_the_delivery_and_what_happens_before_the_expiry() {
    let sts = FakeSts::start();
    for (flags, line) in [
        (&[][..], "credentials via env, no refresh"),
        (&["--isolate"], "credentials via env, isolated, no refresh"),
        (
            &["--on-expiry", "restart"],
            "credentials via env, restarted after each refresh (SIGTERM, then SIGKILL after 10s)",
        ),
        (
            &["--on-expiry", "restart", "--stop-signal", "INT", "--stop-timeout", "1m", "--refresh-margin", "5m"],
            "credentials via env, restarted after each refresh (SIGINT, then SIGKILL after 1m), refresh margin 5m",
        ),
        (&["--on-expiry", "signal"], "credentials via file, SIGHUP after each refresh"),
        (&["--via", "file", "--file-mode", "640"], "credentials via file (0640), refreshed while it runs"),
        (
            &["--via", "endpoint", "--endpoint-token-file", "/tmp/token"],
            "credentials via endpoint, token also in /tmp/token, refreshed while it runs",
        ),
        (
            &["--on-expiry", "signal", "--via", "env", "--signal", "USR1"],
            "credentials via env, SIGUSR1 before the expiry",
        ),
        (
            &["--via", "endpoint", "--on-refresh-failure", "stop", "--process-group", "new"],
            "credentials via endpoint, refreshed while it runs, stopped if no refresh succeeds (SIGTERM, then SIGKILL \
             after 10s), in a new process group",
        ),
        (
            &["--via", "process", "--listen", "0"],
            "credentials via process, refreshed while it runs, listens on 127.0.0.1:",
        ),
    ] {
        let shown = said(&user(&sts).arg("-v").args(flags));
        let plan = format!("\n  command: {line}");
        assert!(shown.contains(&plan), "{flags:?}: {shown}");
        let ends = shown.contains(&format!("{plan}\n"));
        assert!(ends || line.ends_with(':'), "{flags:?}: {shown}");
    }
    let printed = user(&sts).args(["-v", "--print", "json"]).run().exited(0).stderr;
    assert!(printed.contains("xassume: plan:\n") && !printed.contains("\n  command: "), "{printed}");
}
