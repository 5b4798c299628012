//! Two runs that need a sign-in at the same time.

use super::{QUESTION, ROLE, agree, expired, saying};
use crate::support::{FakeSso, FakeSts, Login, Terminal, Xassume, write_login};

#[test]
fn two_runs_share_one_sign_in() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    sso.set_confirmed(false);
    let xassume = expired(&sts, &sso);
    let first = Terminal::run(&saying(xassume.clone()));
    agree(&first);
    let second = Terminal::run(&saying(xassume));
    second.through("Waiting for another xassume to sign in to corp\r\n");
    sso.set_confirmed(true);
    first.through("it ran");
    let shown = second.wait().exited(0).stdout_text();
    assert!(!shown.contains("[Y/n]") && shown.ends_with("it ran\r\n"), "{shown}");
    first.wait().exited(0);
    assert_eq!(sso.paths().iter().filter(|path| *path == "/device_authorization").count(), 1);
    assert_eq!(sts.requests().len(), 1, "they share the session, too");
}

/// A run that asks whether to sign in, and a run that waits for it.
fn asking_and_waiting(xassume: &Xassume) -> (Terminal, Terminal) {
    let [asking, waiting] = [QUESTION, "Waiting for another xassume to sign in to corp\r\n"].map(|text| {
        let run = Terminal::run(&saying(xassume.clone()));
        run.through(text);
        run
    });
    (asking, waiting)
}

#[test]
fn after_a_canceled_sign_in_the_next_run_asks() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = expired(&sts, &sso);
    let (first, second) = asking_and_waiting(&xassume);
    // What is typed before the question is not an answer.
    second.keys("\nyes\n");
    second.through("\r\nyes\r\n");
    first.keys("\x03");
    first.wait().killed_by(libc::SIGINT);
    second.through(QUESTION);
    second.keys("n\n");
    second.wait().exited(125);
    assert_eq!(sso.paths(), [""; 0]);
}

#[test]
fn after_a_declined_sign_in_the_next_run_asks() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = expired(&sts, &sso);
    let (first, second) = asking_and_waiting(&xassume);
    first.keys("n\n");
    first.wait().exited(125);
    agree(&second);
    second.wait().exited(0);
}

#[test]
fn after_a_sign_in_with_another_program_no_run_waits_or_signs_in() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = expired(&sts, &sso).arg("--no-cache");
    let (forgotten, second) = asking_and_waiting(&xassume);
    write_login(&xassume.home(), "corp", Login::Valid);
    let shown = second.wait().exited(0).stdout_text();
    assert!(!shown.contains("[Y/n]") && shown.ends_with("it ran\r\n"), "{shown}");
    forgotten.keys("\n");
    forgotten.wait().exited(0);
    assert_eq!(sso.paths(), ["/federation/credentials"; 2]);
}

#[test]
fn two_runs_in_a_pipeline_ask_once() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let bash = Terminal::bash(&expired(&sts, &sso).without_args());
    let run = format!("$BIN -p dev -r {ROLE} --");
    bash.keys(&format!("{run} echo passed on | {run} cat\n"));
    let waiting = "Waiting for another xassume to sign in to corp";
    // The two runs may show their texts in either order.
    if !bash.through(waiting).contains(QUESTION) {
        bash.through(QUESTION);
    }
    bash.keys("\n");
    let shown = bash.through("passed on");
    assert_eq!(shown.matches("Open this page").count(), 1, "{shown}");
    assert_eq!(sso.paths().iter().filter(|path| *path == "/device_authorization").count(), 1);
}
