//! Sign-ins that fail: the user's decision, a signal, and answers that break the rules. Each is one line.

use super::{HINT, QUESTION, ROLE, WAITING, agree, expired, saying, signs_in};
use crate::support::http::{Reply, Response};
use crate::support::{FakeSso, FakeSts, Terminal, TokenAnswer, Xassume};
use serde_json::json;
use std::time::{Duration, Instant};

/// The hint if the service does not answer. The AWS CLI would not get an answer either.
const NETWORK: &str = "hint: check the network connection and the endpoint; if you need a proxy, set HTTPS_PROXY";

/// The reason with which a sign-in fails.
#[track_caller]
fn reason(sts: &FakeSts, sso: &FakeSso, prepare: impl FnOnce(Xassume) -> Xassume) -> String {
    // The error is not wrapped at this width.
    let terminal = Terminal::of_columns(&saying(prepare(expired(sts, sso))), 400);
    terminal.through(QUESTION);
    terminal.keys("\n");
    let shown = terminal.wait().exited(125).stdout_text();
    let (_, error) = shown.split_once("xassume: error: ").expect(&shown);
    let lines: Vec<&str> = error.split("\r\n").collect();
    let hint = if lines[0].ends_with("timed out after 1s") { NETWORK } else { HINT };
    assert_eq!(lines[1..], [hint, ""], "{shown}");
    let reason = lines[0].strip_prefix("cannot sign in to IAM Identity Center (profile 'dev'): ");
    assert_eq!(sts.requests().len(), 0);
    reason.expect(&shown).to_owned()
}

fn with_sso(prepare: impl FnOnce(&FakeSso)) -> String {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    prepare(&sso);
    reason(&sts, &sso, |xassume| xassume)
}

/// The same with a time limit of a second for each request.
fn with_timeout(prepare: impl FnOnce(&FakeSso)) -> String {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    prepare(&sso);
    reason(&sts, &sso, |xassume| xassume.args(["--sts-timeout", "1s"]))
}

#[test]
fn the_user_denies_the_request_or_the_code_expires() {
    assert_eq!(with_sso(|sso| sso.script_tokens([TokenAnswer::Denied])), "the request was denied in the browser");
    assert_eq!(with_sso(|sso| sso.script_tokens([TokenAnswer::Expired])), "the code has expired");
    let local = with_sso(|sso| {
        sso.set_confirmed(false);
        sso.set_code_valid_for(Duration::from_secs(1));
    });
    assert_eq!(local, "the code has expired");
}

#[test]
fn a_pause_ends_when_the_code_expires() {
    let begun = Instant::now();
    let reason = with_sso(|sso| {
        let page = "https://device.example/";
        let body = json!({
            "deviceCode": "d", "userCode": "c", "expiresIn": 1, "interval": 3600, "verificationUri": page,
        });
        sso.replace("/device_authorization", move || Response::json(200, &body).into());
    });
    assert_eq!(reason, "the code has expired");
    // Without the code's end, the pause would be a minute.
    assert!(begun.elapsed() < Duration::from_secs(50));
}

#[test]
fn the_service_slows_the_requests_down() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    sso.script_tokens([TokenAnswer::Pending, TokenAnswer::SlowDown]);
    signs_in(expired(&sts, &sso));
    assert_eq!(sso.paths().iter().filter(|path| *path == "/token").count(), 3);
}

#[test]
fn pages_of_other_schemes_and_hosts_are_not_shown() {
    let long = format!("https://device.example/{}", "a".repeat(2048));
    for page in ["http://device.example/", "javascript:alert(1)//", "https://device.example/\x1b[2J", &long] {
        let reason = with_sso(|sso| sso.set_page(page));
        let limits = "the sign-in page is not an https URL of at most 2048 printable ASCII characters: '";
        assert!(reason.starts_with(limits), "{reason}");
        assert!(!reason.contains('\x1b'), "{reason}");
    }
}

#[test]
fn a_code_cannot_move_the_cursor() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let body = json!({
        "deviceCode": "d", "userCode": format!("A\x1b[2J\n\u{202e}{}", "B".repeat(1000)), "expiresIn": 600,
        "verificationUri": "https://device.example/",
    });
    sso.replace("/device_authorization", move || Response::json(200, &body).into());
    let terminal = Terminal::run(&saying(expired(&sts, &sso)));
    let shown = agree(&terminal);
    assert!(shown.contains(&format!("code: A [2J  {}…\r\n", "B".repeat(33))), "{shown:?}");
}

#[test]
fn answers_that_break_the_rules_are_one_line() {
    for path in ["/client/register", "/device_authorization", "/token"] {
        let with = |reply: fn() -> Reply| with_sso(move |sso| sso.replace(path, reply));
        let html = with(|| Response::new(200, "text/html", "<html><body>Log in to the Wi-Fi</body></html>").into());
        assert_eq!(html, "invalid response", "{path}");
        let empty = with(|| Response::json(200, &json!({})).into());
        assert_eq!(empty, "invalid response", "{path}");
        let huge = with(|| Reply::Flood { response: Response::json(200, &json!({})), bytes: 1 << 30 });
        assert_eq!(huge, "the response is longer than 1048576 bytes", "{path}");
        let refused = with(|| Response::json(400, &json!({"error": "no", "error_description": "a\n\x1bb"})).into());
        assert_eq!(refused, "HTTP 400: a  b", "{path}");
        let redirected = with(|| Response::text(302, "").header("Location", "http://127.0.0.1:1/").into());
        assert_eq!(redirected, "HTTP 302", "{path}");
    }
}

#[test]
fn a_service_that_does_not_answer_ends_the_sign_in() {
    for path in ["/client/register", "/device_authorization", "/token"] {
        let silent = with_timeout(|sso| sso.replace(path, || Reply::Hang));
        assert!(silent.ends_with("timed out after 1s"), "{path}: {silent}");
        let slow = || Reply::Drip { response: Response::json(200, &json!({})), per_byte: Duration::from_millis(100) };
        let slow = with_timeout(|sso| sso.replace(path, slow));
        assert!(slow.ends_with("timed out after 1s"), "{path}: {slow}");
        let broken = with_sso(|sso| sso.replace(path, || Response::text(503, "out of order").into()));
        assert_eq!(broken, "HTTP 503", "{path}");
    }
}

#[test]
fn a_request_that_fails_for_a_moment_is_sent_again() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    sso.set_confirmed(false);
    let terminal = Terminal::run(&saying(expired(&sts, &sso)));
    agree(&terminal);
    sso.fail(503);
    let seen = sso.requests().len();
    sso.wait_for_requests(seen + 1);
    sso.recover();
    sso.set_confirmed(true);
    terminal.through("it ran");
    terminal.wait().exited(0);
}

#[test]
fn a_signal_cancels_the_sign_in_and_restores_the_terminal() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    sso.set_confirmed(false);
    let xassume = expired(&sts, &sso);
    let bash = Terminal::bash(&xassume.clone().without_args());
    for until in [QUESTION, WAITING] {
        bash.keys(&format!("$BIN -p dev -r {ROLE} -- true\n"));
        bash.through(QUESTION);
        if until == WAITING {
            bash.keys("\n");
            bash.through(WAITING);
        }
        bash.keys("\x03");
        bash.through("prompt> ");
        assert!(bash.is_cooked());
        assert!(bash.command("echo status $?").contains("status 130"));
    }
    // The same before a supervised command, which xassume starts later.
    for signal in [libc::SIGINT, libc::SIGTERM] {
        let supervised = Terminal::run(&saying(xassume.clone().args(["--via", "process"])));
        agree(&supervised);
        supervised.signal(signal);
        let shown = supervised.wait().killed_by(signal).stdout_text();
        assert!(!shown.contains("it ran") && !shown.contains("error"), "{shown}");
    }
    // No lock is left behind.
    sso.set_confirmed(true);
    signs_in(xassume);
}
