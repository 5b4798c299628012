//! A terminal that is held by ^S.

use super::super::processes::eventually;
use super::super::{SHORT, denied, xassume};
use super::{ROLE, ends_by_term};
use crate::support::pty::PROMPT;
use crate::support::{Answer, FakeSts, Terminal, Xassume};
use std::fs;
use std::time::Duration;

const HOLD: &str = "\x13";
const RELEASE: &str = "\x11";

#[test]
fn sessions_are_refreshed_and_term_is_passed_on() {
    let sts = FakeSts::builder().lifetime(SHORT).start();
    let xassume = xassume(&sts).args(["-v", "--via", "file", "--", "sh", "-c", "exec $PROBE signals >$HOME/said"]);
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
fn what_was_held_is_shown_later() {
    let sts = FakeSts::builder().lifetime(SHORT).start();
    let xassume = xassume(&sts).args(["-v", "--via", "file", "--", "sh", "-c", "exec $PROBE signals >$HOME/said"]);
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
fn a_message_stops_a_background_job_where_the_terminal_is_set_to() {
    let sts = FakeSts::builder().script_forever([Answer::Lifetime(SHORT), denied()]).start();
    let bash = Terminal::bash(&Xassume::new(&sts));
    bash.command("stty tostop");
    bash.command(&format!("$BIN --no-cache -r {ROLE} --via file -- $PROBE signals exit-on INT >/dev/null &"));
    eventually("the job is stopped", || {
        std::thread::sleep(Duration::from_millis(100));
        bash.command("jobs").contains("Stopped")
    });
    bash.keys("fg\n");
    bash.through("cannot refresh the session");
    bash.keys("\x03");
    bash.through(PROMPT);
}
