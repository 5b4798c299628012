//! Cached sessions: when one is used, when STS is called, and what the flags change.

mod concurrent;
mod files;
mod flags;
mod keys;
mod listing;

use crate::support::{Answer, FakeContainer, FakeImds, FakeSts, Finished, Xassume, probe};
use std::path::PathBuf;
use std::time::Duration;

const ROLE: &str = "arn:aws:iam::111111111111:role/R";
const MINUTE: Duration = Duration::from_mins(1);

fn xassume(sts: &FakeSts) -> Xassume {
    Xassume::new(sts).args(["-r", ROLE])
}

/// Runs a command that prints its environment, and asserts that it ran.
fn ran(xassume: &Xassume) -> Finished {
    xassume.clone().arg("--").args(probe()).arg("environ").run().exited(0)
}

fn failed(xassume: &Xassume) -> String {
    let finished = xassume.clone().arg("--").args(probe()).args(["say", "ran"]).run().exited(125);
    assert_eq!(finished.stdout_text(), "", "the command must not start");
    finished.stderr
}

fn key_id(finished: &Finished) -> String {
    finished.variable("AWS_ACCESS_KEY_ID").expect("a session")
}

/// The default directory of the cache.
fn directory(xassume: &Xassume) -> PathBuf {
    xassume.sandbox().runtime().join("xassume")
}

#[test]
fn a_second_run_uses_the_session_of_the_first_without_calls() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts);
    let first = ran(&xassume);
    // The certificates of STS and STS itself are not needed: neither works here.
    sts.stop();
    let second = ran(&xassume.args(["--ca-bundle", "/no/such/bundle"]));
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_CREDENTIAL_EXPIRATION",
        "AWS_REGION",
        "XASSUME_SESSION",
    ] {
        assert!(first.variable(name).is_some());
        assert_eq!(first.variable(name), second.variable(name), "{name}");
    }
    assert_eq!((sts.requests().len(), second.stderr.as_str()), (1, ""));
}

#[test]
fn a_chain_is_one_session_in_the_cache() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts).args(["-r", "222222222222:Second"]);
    assert_eq!(key_id(&ran(&xassume)), key_id(&ran(&xassume)));
    assert_eq!(sts.requests().len(), 2, "once for each role");
}

#[test]
fn an_instances_region_is_cached_with_its_session() {
    let (sts, imds) = (FakeSts::start(), FakeImds::start());
    let xassume = xassume(&sts).without_keys().env_remove("AWS_REGION").with_metadata_at(&imds.url());
    ran(&xassume);
    let asked = imds.requests().len();
    let second = ran(&xassume);
    assert_eq!(second.variable("AWS_REGION").as_deref(), Some("eu-west-1"));
    assert_eq!((sts.requests().len(), imds.requests().len()), (1, asked));
}

#[test]
fn a_container_is_not_called_again() {
    let (sts, container) = (FakeSts::start(), FakeContainer::start());
    let xassume = xassume(&sts)
        .without_keys()
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.full_uri())
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", container.token_file());
    ran(&xassume);
    ran(&xassume);
    assert_eq!((sts.requests().len(), container.requests().len()), (1, 1));
}

#[test]
fn the_expected_account_is_checked_for_cached_sessions_too() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts);
    ran(&xassume);
    assert!(
        failed(&xassume.args(["--expect-account", "222222222222"])).contains("wrong account: expected 222222222222")
    );
    assert_eq!(sts.requests().len(), 1);
}

#[test]
fn the_expiry_of_a_cached_session_is_in_local_clock_time_too() {
    let sts = FakeSts::builder().clock_offset(-3600).check_signature_time().start();
    let xassume = xassume(&sts);
    let expiry = |finished: &Finished| {
        let expiration = finished.variable("AWS_CREDENTIAL_EXPIRATION").expect("an expiry");
        humantime::parse_rfc3339(&expiration).expect("RFC 3339")
    };
    let (first, second) = (expiry(&ran(&xassume)), expiry(&ran(&xassume)));
    let apart = second.duration_since(first).unwrap_or_else(|error| error.duration());
    assert!(apart <= Duration::from_secs(2), "{apart:?}");
    assert_eq!(sts.issued().len(), 1);
}

#[test]
fn without_a_directory_there_is_no_cache_and_verbose_says_so() {
    let sts = FakeSts::start();
    let homeless = xassume(&sts).env_remove("HOME").env_remove("XDG_RUNTIME_DIR");
    // No user can create a directory there, not even root.
    let read_only = homeless.clone().env("HOME", "/proc");
    for (xassume, reason) in [(&homeless, "no usable HOME or XDG directory"), (&read_only, "/proc/.cache/xassume")] {
        let before = sts.requests().len();
        assert_eq!(ran(xassume).stderr, "");
        let stderr = ran(&xassume.clone().arg("-v")).stderr;
        assert!(stderr.contains("xassume: cache: disabled: ") && stderr.contains(reason), "{stderr}");
        assert_eq!(sts.requests().len(), before + 2);
    }
}

#[test]
fn verbose_logs_hit_and_miss() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts).arg("-v");
    assert!(ran(&xassume).stderr.contains("xassume: cache: miss\n"));
    let hit = ran(&xassume).stderr;
    assert!(hit.contains("xassume: cache: hit: ") && hit.contains(" left of 1h\n"), "{hit}");
}

#[test]
fn a_session_needs_three_quarters_of_its_lifetime() {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(8)).start();
    let xassume = xassume(&sts).arg("-v");
    ran(&xassume);
    let stderr = loop {
        let stderr = ran(&xassume).stderr;
        if sts.requests().len() > 1 {
            break stderr;
        }
        assert!(stderr.contains("cache: hit: "), "{stderr}");
    };
    assert!(stderr.contains(" left (need 6s)\n"), "{stderr}");
}

#[test]
fn an_older_session_is_used_while_sts_is_down() {
    let busy = |status| Answer::body(status, "text/html", "<html>busy</html>");
    for (answer, limit, reason) in [
        (Answer::unavailable(), "20s", ": ServiceUnavailable: "),
        (Answer::throttling(), "20s", ": Throttling: "),
        (busy(429), "20s", ": HTTP 429: "),
        (busy(503), "20s", ": HTTP 503: "),
        (Answer::Hang, "2s", " timed out after 2s; "),
    ] {
        let sts = FakeSts::builder().lifetime(30 * MINUTE).start();
        let xassume = xassume(&sts);
        let first = key_id(&ran(&xassume));
        sts.script_forever([answer]);
        let second = ran(&xassume.args(["--min-ttl", "40m", "--sts-timeout", limit]));
        assert_eq!(key_id(&second), first);
        let stderr = &second.stderr;
        assert!(stderr.contains(reason), "{stderr}");
        assert!(stderr.contains("; using the cached session (29m") && stderr.lines().count() == 1, "{stderr}");
    }
    let sts = FakeSts::builder().lifetime(30 * MINUTE).start();
    let xassume = xassume(&sts);
    ran(&xassume);
    sts.stop();
    assert!(ran(&xassume.args(["--min-ttl", "40m"])).stderr.contains("cannot be reached"));
}

#[test]
fn a_denial_does_not_use_an_older_session() {
    let sts = FakeSts::builder().lifetime(30 * MINUTE).start();
    let xassume = xassume(&sts);
    ran(&xassume);
    sts.script_forever([Answer::error(403, "AccessDenied", "no")]);
    assert!(failed(&xassume.args(["--min-ttl", "40m"])).contains("AccessDenied"));
}

#[test]
fn recursive_xassumes_do_not_wait_for_each_other() {
    let sts = FakeSts::start();
    let config = format!(
        "[profile loop]\ncredential_process = {} -p loop -r {ROLE} -- true\n",
        crate::support::binary().display()
    );
    let error = failed(&Xassume::new(&sts).without_keys().file(".aws/config", config).args(["-p", "loop", "-r", ROLE]));
    assert!(error.contains("recursive credential_process"), "{error}");
    assert_eq!(sts.requests().len(), 0);
}
