//! A terminal that was stopped with Ctrl-S.

use super::super::processes::{children, eventually, state_of};
use super::super::{SHORT, denied, xassume};
use super::{ROLE, SOON, ends_by_term};
use crate::support::pty::PROMPT;
use crate::support::{Answer, FakeSts, Terminal, Xassume, sys};
use std::fs;
use std::time::Duration;

const HOLD: &str = "\x13";
const RELEASE: &str = "\x11";

#[test]
fn sessions_are_refreshed_and_term_is_passed_on() {
    let sts = FakeSts::builder().lifetime(SHORT).start();
    let xassume =
        xassume(&sts).args(["-v", "--via", "file", "--", "sh", "-c", "exec $PROBE print-signals >$HOME/said"]);
    let terminal = Terminal::run(&xassume);
    terminal.through("started the command");
    let said = xassume.home().join("said");
    eventually("the command runs", || fs::read_to_string(&said).is_ok_and(|said| said.contains("ready")));
    terminal.keys(HOLD);
    sts.wait_for_requests(sts.requests().len() + 3);
    let (shown, issued) = (terminal.stdout.so_far().matches("refreshed: ").count(), sts.issued_count());
    assert!(shown + 2 < issued, "the terminal is not held: {shown} of {issued}");
    ends_by_term(&terminal);
    terminal.wait().exited(0);
}

#[test]
fn held_messages_are_shown_later() {
    let sts = FakeSts::builder().lifetime(SHORT).start();
    let xassume =
        xassume(&sts).args(["-v", "--via", "file", "--", "sh", "-c", "exec $PROBE print-signals >$HOME/said"]);
    let terminal = Terminal::run(&xassume);
    terminal.through("started the command");
    terminal.keys(HOLD);
    sts.wait_for_requests(sts.requests().len() + 3);
    terminal.keys(RELEASE);
    for _ in 0..3 {
        terminal.through("refreshed: expires at ");
    }
}

#[test]
fn a_signal_ends_it_while_a_prompt_cannot_be_shown() {
    let sts = FakeSts::builder().mfa_codes(&["314159"]).start();
    let device = "arn:aws:iam::222222222222:mfa/alice";
    let bash = Terminal::bash(&Xassume::new(&sts));
    bash.keys(&format!("$BIN --no-cache -r {ROLE} --mfa-serial {device} --via file -- true\n{HOLD}"));
    let mut job = None;
    eventually("it sleeps over its question", || {
        job = children(bash.pid()).into_iter().next();
        let named = |pid| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "xassume");
        job.is_some_and(|pid| named(pid) && state_of(pid) == Some('S'))
    });
    let job = job.expect("a job");
    sys::send_signal(job, libc::SIGTERM);
    assert!(sys::wait_gone(job, SOON), "TERM has no effect");
    bash.keys(RELEASE);
    bash.through("Terminated");
}

#[test]
fn a_message_stops_a_background_job_if_tostop_is_set() {
    let sts = FakeSts::builder().script_forever([Answer::Lifetime(SHORT), denied()]).start();
    let bash = Terminal::bash(&Xassume::new(&sts));
    bash.command("stty tostop");
    bash.command(&format!("$BIN --no-cache -r {ROLE} --via file -- $PROBE print-signals exit-on INT >/dev/null &"));
    eventually("the job is stopped", || {
        std::thread::sleep(Duration::from_millis(100));
        bash.command("jobs").contains("Stopped")
    });
    bash.keys("fg\n");
    bash.through("refresh failed (session ");
    bash.keys("\x03");
    bash.through(PROMPT);
}
