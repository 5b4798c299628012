//! The sign-in in the other modes, and in the log.

use super::{QUESTION, agree, expired, never_signed_in, saying};
use crate::support::{FakeSso, FakeSts, Terminal, probe};
use serde_json::Value;

#[test]
fn a_check_signs_in_and_says_so() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let terminal = Terminal::run(&expired(&sts, &sso).arg("--check"));
    agree(&terminal);
    let shown = terminal.wait().exited(0).stdout_text();
    assert!(
        shown.contains("ok           source         SSO of profile dev (Developer in account 222222222222)"),
        "{shown}"
    );
    assert!(shown.contains("signed in to IAM Identity Center, until 2"), "{shown}");

    let terminal = Terminal::run(&expired(&sts, &sso).arg("--check"));
    terminal.through(QUESTION);
    terminal.keys("n\n");
    let shown = terminal.wait().exited(125).stdout_text();
    assert!(shown.contains("failed       source"), "{shown}");
}

/// The JSON document of a check that has signed in.
pub(crate) fn document_of_check() -> Value {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let terminal = Terminal::run(&expired(&sts, &sso).args(["--check", "--log-format", "json"]));
    agree(&terminal);
    let shown = terminal.wait().exited(0).stdout_text();
    let document = shown.find('{').map(|start| &shown[start..]).expect(&shown);
    serde_json::from_str(document).expect(document)
}

#[test]
fn a_session_is_printed_after_the_sign_in() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let bash = Terminal::bash(&expired(&sts, &sso).without_args());
    bash.keys("text=$($BIN -p dev -r arn:aws:iam::111111111111:role/R --print export)\n");
    agree(&bash);
    bash.through("prompt> ");
    assert!(bash.command("eval \"$text\"; echo got ${AWS_ACCESS_KEY_ID:-nothing}").contains("got ASIA"));
}

#[test]
fn a_supervised_command_starts_after_the_sign_in() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = never_signed_in(&sts, &sso).args(["--on-expiry", "restart", "--"]);
    let terminal = Terminal::run(&xassume.args(probe()).args(["say", "began", "then", "read-tty"]));
    agree(&terminal);
    terminal.line("began");
    terminal.keys("a line\n");
    terminal.line("read a line");
    terminal.wait().exited(0);
}

#[test]
fn the_log_has_an_event() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let terminal = Terminal::run(&saying(expired(&sts, &sso).args(["-vv", "--log-format", "json"])));
    let mut shown = agree(&terminal);
    shown += &terminal.wait().exited(0).stdout_text();
    let line = shown.lines().find(|line| line.contains(r#""event":"signed_in""#)).expect(&shown);
    let event: Value = serde_json::from_str(line).expect(line);
    assert_eq!((event["sso_session"].as_str(), event["level"].as_str()), (Some("corp"), Some("info")));
    assert!(event["expiration"].is_string(), "{event}");
    for secret in ["aoaAAAA", "aorAAAA", "device-code-1", "secret-of-client-1"] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
}
