//! Situations in which nobody is asked: the error says what to run, as it does without a terminal.

use super::{HINT, QUESTION, ROLE, agree, expired, saying};
use crate::support::{FakeSso, FakeSts, Login, Terminal, Xassume, probe, write_login};
use std::time::Duration;

/// The output of a run on a terminal that must not ask.
#[track_caller]
fn fails(xassume: &Xassume, sso: &FakeSso) -> String {
    let shown = Terminal::run(xassume).wait().exited(125).stdout_text();
    assert!(!shown.contains("Sign in at"), "{shown}");
    assert_eq!(sso.paths(), [""; 0]);
    shown
}

#[test]
fn a_flag_a_variable_or_a_mode_prevents_the_question() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = || expired(&sts, &sso);
    for xassume in [
        saying(xassume().arg("--no-login")),
        saying(xassume().env("XASSUME_NO_LOGIN", "1")),
        saying(xassume().env("XASSUME_NO_LOGIN", "true")),
        saying(xassume().arg("-q")),
        saying(xassume().env("XASSUME_QUIET", "1")),
        saying(xassume().env("CI", "true")),
        xassume().args(["--print", "credential-process"]),
        xassume().args(["--print", "json", "--no-login"]),
    ] {
        let shown = fails(&xassume, &sso);
        assert!(shown.ends_with(&format!("{HINT}\r\n")), "{shown}");
    }
    let shown = fails(&xassume().args(["--check", "--no-login"]), &sso);
    assert!(shown.contains("failed       source") && shown.contains(HINT), "{shown}");
}

#[test]
fn a_flag_without_effect_is_an_error_and_its_variable_is_ignored() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let print = ["--print", "credential-process"];
    let error = expired(&sts, &sso).args(print).arg("--no-login").run().exited(125).stderr;
    let reason = "--no-login cannot be used with --print credential-process, which never asks the user";
    assert!(error.starts_with(&format!("xassume: error: {reason}\nhint: remove one of them\n")), "{error}");
    let xassume = expired(&sts, &sso).args(print).args(["-v"]).env("XASSUME_NO_LOGIN", "1");
    let log = xassume.run().exited(125).stderr;
    assert!(log.contains("ignoring XASSUME_NO_LOGIN (conflicts with --print credential-process)"), "{log}");
}

#[test]
fn the_log_says_why_there_is_no_question() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = || expired(&sts, &sso).arg("-v");
    for (xassume, reason) in [
        (saying(xassume().arg("--no-login")), "--no-login or XASSUME_NO_LOGIN is set"),
        (saying(xassume().env("CI", "true")), "CI is set"),
        (saying(xassume().env("JENKINS_URL", "https://j.example.com/")), "JENKINS_URL is set"),
        (xassume().args(["--print", "credential-process"]), "--print credential-process is for programs"),
    ] {
        let shown = fails(&xassume, &sso);
        assert!(shown.contains(&format!("not asking to sign in, because {reason}\r\n")), "{shown}");
    }
    let shown = saying(xassume()).run().exited(125).stderr;
    assert!(shown.contains("not asking to sign in, because there is no terminal\n"), "{shown}");
}

#[test]
fn an_empty_or_false_variable_does_not() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    for (name, value) in [("XASSUME_NO_LOGIN", "0"), ("XASSUME_NO_LOGIN", ""), ("CI", ""), ("CI", "false")] {
        let terminal = Terminal::run(&saying(expired(&sts, &sso).env(name, value)));
        terminal.through(QUESTION);
        terminal.keys("n\n");
        terminal.wait().exited(125);
    }
}

#[test]
fn without_a_terminal_or_in_the_background_there_is_no_question() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let shown = saying(expired(&sts, &sso)).run().exited(125).stderr;
    assert!(shown.ends_with(&format!("{HINT}\n")), "{shown}");

    let bash = Terminal::bash(&expired(&sts, &sso).without_args());
    bash.keys(&format!("$BIN -v -p dev -r {ROLE} -- true & wait $!; echo status $?\n"));
    let shown = bash.through("status 125");
    assert!(shown.contains(HINT) && !shown.contains("[Y/n]"), "{shown}");
    assert!(shown.contains("because xassume runs in the background"), "{shown}");
    assert_eq!(sso.paths(), [""; 0]);
}

#[test]
fn without_a_home_there_is_no_question_because_the_token_could_not_be_stored() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = expired(&sts, &sso);
    let config = xassume.home().join(".aws/config");
    for xassume in [xassume.clone().env_remove("HOME"), xassume.env("HOME", "")] {
        let shown = fails(&saying(xassume.env("AWS_CONFIG_FILE", &config)), &sso);
        assert!(
            shown.contains("has expired or was never started\r\n") && shown.ends_with(&format!("{HINT}\r\n")),
            "{shown}"
        );
    }
}

#[test]
fn a_refresh_does_not_ask() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    sts.set_lifetime(Duration::from_secs(4));
    let xassume = expired(&sts, &sso).args(["--via", "process", "--no-cache", "--"]);
    let terminal = Terminal::run(&xassume.args(probe()).args(["say", "began", "then", "read-tty"]));
    agree(&terminal);
    terminal.line("began");
    write_login(&terminal.sandbox().home(), "corp", Login::Expired);
    let shown = terminal.through(HINT);
    assert!(shown.contains("refresh failed") && !shown.contains("[Y/n]"), "{shown}");
    terminal.keys("done\n");
    terminal.wait().exited(0);
}
