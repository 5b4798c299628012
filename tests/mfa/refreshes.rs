//! Codes for the refreshes of a supervised run.

use super::{CODE, DEVICE, notation_of_requests, ran, sts_with_mfa, with_command, with_device};
use crate::support::{Answer, FakeSts, Running, Terminal};
use std::time::Duration;

#[test]
fn a_refresh_never_prompts_even_after_a_cached_session() {
    let sts = sts_with_mfa(&[CODE]);
    sts.script([Answer::Ok, Answer::Lifetime(Duration::from_secs(8))]);
    let world = with_device(&sts);
    ran(world.clone().args(["--mfa-token", CODE]));
    // No cached MFA session has this duration.
    let staying = world.args(["--mfa-session-duration", "1h", "--via", "file", "--min-ttl", "1s"]);
    let terminal = Terminal::run(&with_command(staying, &["say", "it runs", "then", "read-tty"]));
    terminal.line("it runs");
    let line = terminal.line("refresh failed (session ");
    assert!(line.contains("each refresh"), "{line}");
    terminal.keys("hello\n");
    terminal.line("read hello");
    terminal.wait().exited(0);
    assert_eq!(sts.requests().len(), 2);
}

/// Prints a code of a list each time, and the last one from then on.
const NEXT_CODE: &str = "n=$(($(cat $HOME/n 2>/dev/null || echo 0) + 1)); echo $n >$HOME/n; \
                      sed -n ${n}p $HOME/codes | grep . || tail -n 1 $HOME/codes";

/// Restarts at each refresh, without a cache, with the codes 111111 and 222222.
fn restarting_with_codes(sts: &FakeSts) -> Running {
    let world = with_device(sts).env("XASSUME_NO_CACHE", "true").file("codes", "111111\n222222\n");
    with_command(world.args(["--mfa-command", NEXT_CODE, "--on-expiry", "restart"]), &["print-keys"]).spawn()
}

#[test]
fn an_mfa_session_from_a_refresh_is_used_by_the_next_one() {
    let sts = sts_with_mfa(&["111111", "222222"]);
    let brief = || Answer::Lifetime(Duration::from_secs(2));
    sts.script([brief(), brief(), Answer::Ok, brief(), Answer::Ok]);
    let running = restarting_with_codes(&sts);
    (0..3).for_each(|_| drop(running.line("ready")));
    let keys = [0, 2].map(|place| sts.issued()[place].access_key_id.clone());
    let gets_session = |code| format!("GetSessionToken by user {DEVICE} {code}");
    let assumes = |key| format!("AssumeRole by {key} - -");
    let expected =
        [gets_session("111111"), assumes(&keys[0]), gets_session("222222"), assumes(&keys[1]), assumes(&keys[1])];
    assert_eq!(notation_of_requests(&sts), expected);
}

#[test]
fn a_used_code_is_not_sent_again_at_the_next_refresh() {
    let sts = sts_with_mfa(&["111111", "222222"]);
    sts.script([(); 4].map(|()| Answer::Lifetime(Duration::from_secs(2))));
    let running = restarting_with_codes(&sts);
    (0..2).for_each(|_| drop(running.line("ready")));
    let line = running.error_line("refresh failed (session ");
    assert!(line.contains(&format!("no MFA code for {DEVICE}: ")), "{line}");
    running.error_line("hint: a device shows its next code within 30 seconds");
    assert_eq!(sts.requests().len(), 4);
}
