//! Concurrent launches: one calls STS, and the others wait for its result.
#![allow(clippy::print_stdout, reason = "a skipped test prints the reason")]

use super::{ROLE, directory, key_id, ran, xassume};
use crate::support::processes::eventually;
use crate::support::{Answer, FakeSts, Finished, Running, StsRequest, Xassume, probe};
use std::time::Duration;

fn start(xassume: &Xassume) -> Running {
    xassume.clone().arg("--").args(probe()).arg("environ").spawn()
}

fn start_many(xassume: &Xassume, count: usize) -> Vec<Running> {
    (0..count).map(|_| start(xassume)).collect()
}

/// Asserts that every command ran, with a session that STS issued.
fn assert_all_ran(sts: &FakeSts, crowd: Vec<Running>) -> Vec<Finished> {
    let issued = sts.issued();
    let finished: Vec<_> = crowd.into_iter().map(|running| running.wait().exited(0)).collect();
    for one in &finished {
        let session = issued.iter().chain(&sts.issued()).find(|issued| issued.access_key_id == key_id(one)).cloned();
        let session = session.expect("a session that was issued");
        assert_eq!(one.variable("AWS_SECRET_ACCESS_KEY"), Some(session.secret_access_key));
        assert_eq!(one.variable("AWS_SESSION_TOKEN"), Some(session.session_token));
        assert_eq!(one.stderr, "");
    }
    finished
}

/// The number of calls, without retries.
fn calls(sts: &FakeSts) -> usize {
    let first =
        |request: &StsRequest| request.attempt.as_deref().is_none_or(|attempt| attempt.starts_with("attempt=1;"));
    sts.requests().iter().filter(|request| first(request)).count()
}

#[test]
fn two_hundred_cold_launches_are_one_call() {
    let sts = FakeSts::start();
    sts.script([Answer::Held]);
    let crowd = start_many(&xassume(&sts).args(["--sts-timeout", "2m"]), 200);
    sts.wait_for_requests(1);
    sts.release();
    assert_all_ran(&sts, crowd);
    assert_eq!(calls(&sts), 1);
}

#[test]
fn concurrent_forced_refreshes_share_a_new_session() {
    let sts = FakeSts::start();
    let xassume = xassume(&sts);
    let old = key_id(&ran(&xassume));
    sts.script([Answer::Held]);
    let forced = xassume.arg("--force-refresh");
    let first = start(&forced);
    sts.wait_for_requests(2);
    let crowd = start_many(&forced, 20);
    sts.release();
    let finished = assert_all_ran(&sts, std::iter::once(first).chain(crowd).collect());
    assert!(finished.iter().all(|one| key_id(one) != old));
    assert!(calls(&sts) < 22, "not each of them called");
}

#[test]
fn a_killed_lock_holder_passes_the_lock_on() {
    let sts = FakeSts::start();
    sts.script([Answer::Held]);
    // The first attempt must not time out before all have started.
    let xassume = xassume(&sts).args(["--sts-timeout", "10m"]);
    let holder = start(&xassume);
    sts.wait_for_requests(1);
    let crowd = start_many(&xassume, 60);
    holder.signal(libc::SIGKILL);
    holder.wait().killed_by(libc::SIGKILL);
    assert_all_ran(&sts, crowd);
    assert_eq!(calls(&sts), 2);
}

#[test]
fn a_denied_lock_holder_passes_the_lock_on_and_shares_nothing() {
    let sts = FakeSts::start();
    sts.script([Answer::error(403, "AccessDenied", "no")]);
    let xassume = xassume(&sts);
    start(&xassume).wait().exited(125);
    ran(&xassume);
    assert_eq!(calls(&sts), 2);
}

#[test]
fn a_waiter_that_times_out_makes_no_call() {
    let sts = FakeSts::start();
    sts.script_forever([Answer::Hang]);
    let xassume = xassume(&sts);
    let holder = start(&xassume.clone().args(["--sts-timeout", "1m"]));
    sts.wait_for_requests(1);
    for waiter in start_many(&xassume.clone().args(["--sts-timeout", "500ms"]), 40) {
        let finished = waiter.wait().exited(125);
        let expected = "xassume: error: timed out after 500ms waiting for another xassume to get the session for ";
        assert!(
            finished.stderr.starts_with(expected) && finished.stderr.contains(&format!("{ROLE}\nhint: ")),
            "{}",
            finished.stderr
        );
        assert_eq!(finished.stdout_text(), "");
    }
    assert_eq!(calls(&sts), 1);
    drop(holder);
}

#[test]
fn a_hanging_sts_is_not_called_by_all() {
    let sts = FakeSts::start();
    sts.script_forever([Answer::Hang]);
    for one in start_many(&xassume(&sts).args(["--sts-timeout", "2s"]), 40) {
        one.wait().exited(125);
    }
    // A holder of the lock that fails passes the lock on to a waiter that has time left, that is, to one that began
    // later than all holders before it. In a random order of 40 these are four on average, more than 10 in two of a
    // thousand runs, and never 20 in practice.
    assert!(calls(&sts) <= 20, "{} calls of 40", calls(&sts));
}

#[test]
fn a_waiter_uses_an_older_session_when_its_time_is_up() {
    let sts = FakeSts::builder().lifetime(Duration::from_mins(30)).start();
    let xassume = xassume(&sts);
    let old = key_id(&ran(&xassume));
    sts.script_forever([Answer::Hang]);
    let xassume = xassume.args(["--min-ttl", "40m"]);
    let holder = start(&xassume.clone().args(["--sts-timeout", "1m"]));
    sts.wait_for_requests(2);
    let waiter = ran(&xassume.args(["--sts-timeout", "500ms"]));
    assert_eq!(key_id(&waiter), old);
    assert!(waiter.stderr.contains("another xassume") && waiter.stderr.contains("using the cached session"));
    drop(holder);
}

#[test]
fn a_directory_removed_in_between_causes_at_most_one_call() {
    let sts = FakeSts::start();
    sts.script([Answer::Held]);
    let xassume = xassume(&sts);
    let holder = start(&xassume);
    sts.wait_for_requests(1);
    let before = start_many(&xassume, 20);
    // Launches that have just begun may create files meanwhile.
    eventually("it is removed", || std::fs::remove_dir_all(directory(&xassume)).is_ok());
    let after = start_many(&xassume, 20);
    sts.release();
    assert_all_ran(&sts, std::iter::once(holder).chain(before).chain(after).collect());
    assert!(calls(&sts) <= 2, "{} calls", calls(&sts));
    ran(&xassume);
    assert!(calls(&sts) <= 2, "the session was cached anyway");
}

/// Runs concurrent launches in a mount namespace in which `$FULL` is a small full file system; `None` where that is not
/// possible.
fn on_a_full_disk(xassume: &Xassume, count: usize, warned: usize, launch: &str) -> Option<Vec<String>> {
    let full = xassume.home().join("full");
    std::fs::create_dir(&full).expect("the home is writable");
    let script = format!(
        "mount -t tmpfs -o size=64k,mode=700 none \"$FULL\" || exit 99\n\
         mkdir -m 700 \"$FULL/xassume\" && cat /dev/zero >\"$FULL/xassume/zeros\" 2>/dev/null\n\
         for one in $(seq {count}); do {launch} -- sh -c 'echo \"$AWS_ACCESS_KEY_ID\"' || echo failed & done\nwait\n"
    );
    let xassume = xassume.clone().without_args().env("FULL", &full).env("XASSUME", crate::support::binary());
    let finished = xassume.program("unshare").args(["--mount", "sh", "-c", &script]).run();
    if finished.code() != Some(0) {
        println!("skipped: no mount namespace can be created here: {}", finished.stderr);
        return None;
    }
    let warning = "No space left on device\nhint: free space there, or use another directory with --cache-dir; until";
    assert_eq!(finished.stderr.matches(warning).count(), warned, "{}", finished.stderr);
    assert_eq!(finished.stderr.lines().count(), 2 * warned, "{}", finished.stderr);
    let keys: Vec<_> = finished.stdout_text().lines().map(str::to_owned).collect();
    assert_eq!(keys.len(), count);
    Some(keys)
}

#[test]
fn a_full_runtime_directory_is_skipped_for_the_next() {
    let sts = FakeSts::start();
    let launch = format!("XDG_RUNTIME_DIR=\"$FULL\" \"$XASSUME\" -r {ROLE}");
    let Some(keys) = on_a_full_disk(&xassume(&sts), 40, 0, &launch) else { return };
    assert!(keys.iter().all(|key| *key == sts.issued()[0].access_key_id), "{keys:?}");
    assert_eq!(calls(&sts), 1);
}

#[test]
fn where_every_disk_is_full_each_launch_calls_sts() {
    let sts = FakeSts::start();
    let launch = format!("\"$XASSUME\" --cache-dir \"$FULL/xassume\" -r {ROLE}");
    let Some(mut keys) = on_a_full_disk(&xassume(&sts), 20, 20, &launch) else { return };
    keys.sort();
    let mut issued: Vec<_> = sts.issued().into_iter().map(|issued| issued.access_key_id).collect();
    issued.sort();
    assert_eq!(keys, issued);
}
