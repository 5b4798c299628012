//! The sign-in to IAM Identity Center at a terminal.

mod browser;
mod concurrent;
mod failures;
mod files;
mod modes;
mod unasked;

pub(crate) use modes::document_of_check;

use crate::support::{FakeSso, FakeSts, Login, Terminal, USER_CODE, Xassume, probe, write_login};

const ROLE: &str = "arn:aws:iam::111111111111:role/R";
const QUESTION: &str = "Sign in at https://corp.awsapps.example/start? [Y/n] ";
const PAGE: &str = "https://device.sso.us-east-1.amazonaws.com/?user_code=WXYZ-1234";
const WAITING: &str = "Waiting for the sign-in (^C to cancel)";
const HINT: &str = "hint: log in with: aws sso login --sso-session corp";

const CONFIG: &str = "[profile dev]\nsso_session = corp\nsso_account_id = 222222222222\nsso_role_name = Developer\n\
    [sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.example/start\n";

/// A user with an expired session and a role.
fn expired(sts: &FakeSts, sso: &FakeSso) -> Xassume {
    let xassume = never_signed_in(sts, sso);
    write_login(&xassume.home(), "corp", Login::Expired);
    xassume
}

/// A user who has never signed in.
fn never_signed_in(sts: &FakeSts, sso: &FakeSso) -> Xassume {
    let xassume = Xassume::new(sts).without_keys().file(".aws/config", CONFIG);
    let xassume = xassume.env("AWS_ENDPOINT_URL_SSO", sso.url()).env("AWS_ENDPOINT_URL_SSO_OIDC", sso.url());
    xassume.args(["-p", "dev", "-r", ROLE])
}

/// Runs a command that says that it ran.
fn saying(xassume: Xassume) -> Xassume {
    xassume.arg("--").args(probe()).args(["say", "it", "ran"])
}

/// Answers the question with yes, and waits until the page is shown.
#[track_caller]
fn agree(terminal: &Terminal) -> String {
    terminal.through(QUESTION);
    terminal.keys("\n");
    terminal.through(WAITING)
}

/// Agrees on a new terminal and waits for the end of the command.
#[track_caller]
fn signs_in(xassume: Xassume) -> String {
    let terminal = Terminal::run(&saying(xassume));
    agree(&terminal);
    terminal.wait().exited(0).stdout_text()
}

#[test]
fn the_user_agrees_confirms_the_code_and_the_command_runs() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    sso.set_confirmed(false);
    let terminal = Terminal::run(&saying(expired(&sts, &sso)));
    let asked = terminal.through(QUESTION);
    assert!(asked.contains("The SSO session of profile 'dev' has expired or was never started.\r\n"), "{asked}");
    terminal.keys("y\n");
    let shown = terminal.through(WAITING);
    assert!(shown.contains(PAGE) && shown.contains(&format!("code: {USER_CODE}\r\n")), "{shown}");
    // The second request for the token comes after the answer `authorization_pending` to the first.
    sso.wait_for_requests(4);
    sso.set_confirmed(true);
    terminal.through("Signed in\r\nit ran\r\n");
    assert!(terminal.is_cooked());
    terminal.wait().exited(0);
    let paths = sso.paths();
    assert_eq!(paths[..2], ["/client/register", "/device_authorization"]);
    assert_eq!(paths.last().map(String::as_str), Some("/federation/credentials"));
    assert!(paths.iter().filter(|path| *path == "/token").count() >= 2, "{paths:?}");
    assert_eq!(sts.requests().len(), 1);
}

#[test]
fn the_next_run_does_not_ask() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = never_signed_in(&sts, &sso);
    signs_in(xassume.clone());
    let shown = Terminal::run(&saying(xassume.arg("--no-cache"))).wait().exited(0).stdout_text();
    assert_eq!(shown, "it ran\r\n");
}

#[test]
fn a_user_who_declines_gets_the_command_to_run() {
    for keys in ["n\n", "no\n", "N\n", "\x04"] {
        let (sts, sso) = (FakeSts::start(), FakeSso::start());
        let terminal = Terminal::run(&saying(expired(&sts, &sso)));
        terminal.through(QUESTION);
        terminal.keys(keys);
        let shown = terminal.wait().exited(125).stdout_text();
        let error = "\r\nxassume: error: the SSO session of profile 'dev' has expired or was never started\r\n";
        assert!(shown.contains(&format!("{error}{HINT}\r\n")), "{keys:?}: {shown}");
        assert_eq!(sso.paths(), [""; 0], "{keys:?}");
    }
}

#[test]
fn an_answer_that_is_neither_yes_nor_no_is_asked_for_once_more() {
    for (keys, status) in [("y\n", 0), ("n\n", 125), ("what\n", 125)] {
        let (sts, sso) = (FakeSts::start(), FakeSso::start());
        let terminal = Terminal::run(&saying(expired(&sts, &sso)));
        terminal.through(QUESTION);
        terminal.keys("maybe\n");
        terminal.through("Answer y or n: ");
        terminal.keys(keys);
        let shown = terminal.wait().exited(status).stdout_text();
        assert_eq!(shown.contains(HINT), status != 0, "{keys:?}: {shown}");
    }
}

#[test]
fn an_answer_may_end_without_a_line_break() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let terminal = Terminal::run(&saying(expired(&sts, &sso)));
    terminal.through(QUESTION);
    terminal.keys("y\x04\x04");
    terminal.through("\r\nOpen this page");
    terminal.wait().exited(0);
}

#[test]
fn the_shell_does_not_run_the_rest_of_a_long_answer() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let bash = Terminal::bash(&expired(&sts, &sso).without_args());
    for padding in [63, 64, 128, 200] {
        bash.keys(&format!("$BIN -p dev -r {ROLE} -- true\n"));
        bash.through(QUESTION);
        bash.keys(&format!("y{}echo $((6 * 7)) spilled\n", " ".repeat(padding)));
        let mut shown = bash.through("prompt> ");
        shown += &bash.command("echo status $?");
        assert!(shown.contains("status 125") && !shown.contains("42 spilled"), "{shown}");
    }
    assert_eq!(sso.paths(), [""; 0]);
}

#[test]
fn a_token_that_the_portal_has_refused_is_replaced() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = never_signed_in(&sts, &sso);
    write_login(&xassume.home(), "corp", Login::Revoked);
    signs_in(xassume);
    let paths = sso.paths();
    assert_eq!(paths.first(), paths.last(), "{paths:?}");
    assert_eq!(paths[1], "/client/register");
}

#[test]
fn a_session_in_the_profile_itself() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let config = "[profile dev]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.example/start\n\
                  sso_account_id = 222222222222\nsso_role_name = Developer\n";
    let xassume = never_signed_in(&sts, &sso).file(".aws/config", config);
    signs_in(xassume.clone());
    assert!(xassume.home().join(".aws/sso/cache/1667e2e8d0e47b926b6e3048caee923410901ca4.json").exists());
}

#[test]
fn a_role_profile_whose_source_is_iam_identity_center() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let config = format!("{CONFIG}[profile deploy]\nrole_arn = {ROLE}\nsource_profile = dev\n");
    let xassume = never_signed_in(&sts, &sso).file(".aws/config", config).without_args().args(["-p", "deploy"]);
    signs_in(xassume);
    assert_eq!(sts.requests().len(), 1);
}

#[test]
fn the_credentials_of_a_profile_without_a_role_are_cached() {
    for first in [&["--check"][..], &["--", "true"]] {
        let (sts, sso) = (FakeSts::start(), FakeSso::start());
        let xassume = never_signed_in(&sts, &sso).without_args().args(["-p", "dev"]);
        let terminal = Terminal::run(&xassume.clone().args(first));
        agree(&terminal);
        terminal.wait().exited(0);
        let asked = sso.requests().len();
        xassume.args(["--", "true"]).run().exited(0);
        assert_eq!(sso.requests().len(), asked, "{first:?}");
    }
}

#[test]
fn the_time_of_the_sign_in_does_not_count_towards_the_timeout() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    sso.set_confirmed(false);
    let terminal = Terminal::run(&saying(expired(&sts, &sso).args(["--sts-timeout", "1s"])));
    terminal.through(QUESTION);
    terminal.keys("\n");
    // Two requests for the token take two seconds.
    sso.wait_for_requests(4);
    sso.set_confirmed(true);
    terminal.through("it ran");
    terminal.wait().exited(0);
}
