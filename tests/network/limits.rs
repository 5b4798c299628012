//! How a launch uses its time limit, and what it reports when the time is up.

use super::{ROLE, ran};
use crate::support::{Answer, FakeSts, RefusedPort, Xassume};
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// The error of a launch that fails: one line and its hint.
fn failed(xassume: Xassume) -> String {
    super::failed(xassume).replace("\n  ", " ")
}

#[test]
fn a_hanging_sts_is_abandoned_in_time() {
    let sts = FakeSts::start();
    sts.script_forever([Answer::Hang]);
    let begun = Instant::now();
    let error = failed(Xassume::new(&sts).args(["--sts-timeout", "2s"]));
    assert!(error.contains(" timed out after 2s\n"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn an_answer_can_take_more_than_ten_seconds() {
    let sts = FakeSts::builder().script([Answer::Slow(Duration::from_secs(11))]).start();
    ran(Xassume::new(&sts).args(["--sts-timeout", "2m"]));
    assert_eq!(sts.requests().len(), 1);
}

/// The error of a launch whose time is up while it waits for a retry. The length of that wait is random.
fn out_of_time_between_tries(xassume: &Xassume) -> String {
    let launches = (0..50).map(|_| failed(xassume.clone().args(["--sts-timeout", "200ms"])));
    let mut timed_out = launches.filter(|error| error.contains("ms)\nhint: "));
    timed_out.next().expect("one of fifty waits for longer than it has")
}

#[test]
fn the_last_error_and_the_attempts_are_reported() {
    let port = RefusedPort::reserve();
    let error = out_of_time_between_tries(&Xassume::at(&port.url()));
    assert!(error.contains(" cannot be reached: Connection refused ("), "{error}");
    for (answer, cause) in [
        (Answer::throttling(), ": Throttling: Rate exceeded ("),
        (Answer::unavailable(), ": ServiceUnavailable: The request has failed due to a temporary failure"),
        (Answer::body(429, "text/html", "busy"), ": HTTP 429: no reason was given ("),
        (Answer::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n".to_vec()), " cannot be reached: "),
    ] {
        let sts = FakeSts::builder().script_forever([answer]).start();
        let error = out_of_time_between_tries(&Xassume::new(&sts));
        assert!(error.contains(cause) && !error.contains("timed out"), "{error}");
    }
}

/// Throttled once, then no answer.
fn silent_at_last() -> FakeSts {
    FakeSts::builder().script_forever([Answer::throttling(), Answer::Hang]).start()
}

const SILENT_AT_LAST: &str = ": Throttling: Rate exceeded (2 attempts in 3s; the last one timed out)";

#[test]
fn every_kind_of_call_reports_the_answer() {
    let limit = ["--sts-timeout", "3s"];
    let sts = silent_at_last();
    let error = failed(Xassume::new(&sts).args(limit));
    assert!(error.contains(SILENT_AT_LAST), "{error}");

    let sts = silent_at_last();
    let by_token = Xassume::new(&sts).file("token", "a-token");
    let token = by_token.home().join("token");
    let error = failed(by_token.arg("--web-identity-token-file").arg(token).args(limit));
    assert!(error.contains(SILENT_AT_LAST), "{error}");

    let sts = silent_at_last();
    let by_device = Xassume::new(&sts).args(["--mfa-serial", "arn:aws:iam::222222222222:mfa/phone"]);
    let finished = by_device.args(["--mfa-token", "314159", "-r", ROLE]).args(limit).args(["--", "true"]).run();
    let error = finished.exited(125).stderr;
    assert!(
        error.starts_with("xassume: error: GetSessionToken with MFA failed") && error.contains(SILENT_AT_LAST),
        "{error}"
    );

    let sts = silent_at_last();
    let check = Xassume::new(&sts).args(["--check", "-r", ROLE]).args(limit).run().exited(125);
    let output = check.stdout_text();
    assert!(output.contains("GetCallerIdentity failed") && output.contains(SILENT_AT_LAST), "{output}");
}

#[test]
fn a_cached_session_is_used_if_sts_stops_answering() {
    let sts = FakeSts::builder().lifetime(Duration::from_mins(30)).start();
    let xassume = Xassume::new(&sts).args(["-r", ROLE]);
    xassume.clone().args(["--", "true"]).run().exited(0);
    sts.script_forever([Answer::throttling(), Answer::Hang]);
    let bridged = xassume.args(["--min-ttl", "40m", "--sts-timeout", "3s", "--", "true"]).run().exited(0);
    let expected = format!("{SILENT_AT_LAST}; using the cached session (29m");
    assert!(bridged.stderr.contains(&expected), "{}", bridged.stderr);
}

#[test]
fn a_connection_that_is_not_established_is_reported() {
    // The connection waits in the queue of a listening socket that never accepts, so TLS never begins.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("https://{}", silent.local_addr().expect("an address"));
    let error = failed(Xassume::at(&endpoint).args(["--sts-timeout", "7s"]));
    let expected = " cannot be reached: no connection within 5s (2 attempts in 7s; the last one timed out)\nhint: ";
    assert!(error.contains(expected), "{error}");
}
