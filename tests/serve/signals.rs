//! Signals to a keeper, before and after its first session.

use super::*;
use crate::support::log::PATIENCE;
use crate::support::processes::Process;
use crate::support::{Answer, Terminal};
use std::time::Duration;

#[test]
fn before_the_first_session_a_signal_ends_a_keeper_as_any_launch() {
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGUSR1] {
        let sts = FakeSts::builder().script([Answer::Hang]).start();
        let xassume = keeper(&sts);
        let place = Place::of(&xassume);
        let running = place.given_to(xassume).spawn();
        sts.wait_for_requests(1);
        assert_eq!(place.health().status, 503);
        assert_eq!(place.has_files(), [false; 2], "the files mean that there is a session");
        running.signal(signal);
        running.wait().killed_by(signal).left_no_process();
        assert_eq!(place.has_files(), [false; 2]);
    }
}

#[test]
fn term_int_and_quit_end_a_keeper_with_success_and_its_files_are_removed() {
    let sts = FakeSts::start();
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT] {
        let (running, place) = started(&sts);
        assert_eq!(place.has_files(), [true; 2]);
        running.signal(signal);
        running.wait().exited(0).left_no_process();
        assert_eq!(place.has_files(), [false; 2], "signal {signal}");
    }
}

#[test]
fn a_signal_that_comes_as_soon_as_a_file_is_there_finds_a_keeper() {
    let sts = FakeSts::start();
    for signals in [&[libc::SIGTERM][..], &[libc::SIGHUP, libc::SIGTERM], &[libc::SIGUSR1, libc::SIGINT]] {
        let xassume = keeper(&sts);
        let place = Place::of(&xassume);
        let running = place.given_to(xassume).spawn();
        while !place.token.exists() {
            assert!(!running.ends_within(Duration::from_millis(1)));
        }
        for signal in signals {
            running.signal(*signal);
        }
        running.wait().exited(0).left_no_process();
        assert_eq!(place.has_files(), [false; 2]);
    }
}

#[test]
fn other_signals_end_a_keeper_as_any_program_and_its_files_are_removed() {
    let (running, place) = started(&FakeSts::start());
    running.signal(libc::SIGALRM);
    running.wait().killed_by(libc::SIGALRM);
    assert_eq!(place.has_files(), [false; 2]);
}

#[test]
fn a_hang_up_of_the_terminal_ends_a_keeper() {
    let sts = FakeSts::start();
    let xassume = keeper(&sts);
    let place = Place::of(&xassume);
    let mut terminal = Terminal::run(&place.given_to(xassume));
    terminal.through(SERVING);
    terminal.hang_up();
    terminal.wait().exited(0);
    assert_eq!(place.has_files(), [false; 2]);
}

#[test]
fn a_keeper_in_the_background_of_a_shell_ends_with_the_terminal() {
    let sts = FakeSts::start();
    let xassume = keeper(&sts);
    let place = Place::of(&xassume);
    let command = place.given_to(xassume.clone()).command();
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut terminal = Terminal::bash(&xassume.without_args());
    terminal.keys(&format!("'{}' {} & echo \"pid=$!;\"\n", crate::support::binary().display(), words.join(" ")));
    let shown = terminal.through(SERVING);
    let pid = shown.rsplit("pid=").next().and_then(|rest| rest.split(';').next()).and_then(|pid| pid.parse().ok());
    let keeper = Process::open(pid.unwrap_or_else(|| panic!("no process ID in {shown}"))).expect("it runs");
    terminal.hang_up();
    assert!(keeper.ends_within(PATIENCE));
    assert_eq!(place.has_files(), [false; 2]);
}

#[test]
fn usr1_and_usr2_are_ignored_and_hup_refreshes_without_the_cache() {
    let sts = FakeSts::start();
    let xassume = keeper(&sts);
    let place = Place::of(&xassume);
    let running = serving(&place.given_to(xassume.clone()));
    let first = place.key();
    for signal in [libc::SIGUSR1, libc::SIGUSR2, libc::SIGWINCH, libc::SIGHUP] {
        running.signal(signal);
    }
    running.error_line("refresh requested (SIGHUP)");
    running.error_line("session refreshed: ");
    let second = place.key();
    assert_ne!(first, second);
    assert_eq!(sts.issued_count(), 2);
    // The new session is in the cache.
    let printed = xassume.without_args().args(["-r", ROLE, "--print", "json"]).run().exited(0);
    assert_eq!(printed.stdout_json()["AccessKeyId"], second.as_str());
    assert_eq!(sts.issued_count(), 2);
    stop(running);
}

#[test]
fn hang_ups_during_a_refresh_add_one_more() {
    let sts = FakeSts::start();
    let (running, _place) = started(&sts);
    sts.script([Answer::Held]);
    running.signal(libc::SIGHUP);
    sts.wait_for_requests(2);
    for _ in 0..20 {
        running.signal(libc::SIGHUP);
    }
    running.error_line("refresh requested (SIGHUP)");
    running.error_line("refresh requested (SIGHUP)");
    sts.release();
    running.error_line("session refreshed: ");
    running.error_line("session refreshed: ");
    stop(running);
    assert_eq!(sts.requests().len(), 3);
}

#[test]
fn a_storm_of_hang_ups_makes_at_most_one_call_a_second() {
    let sts = FakeSts::start();
    let (running, place) = started(&sts);
    let begun = std::time::Instant::now();
    // The storm goes on until the third refresh.
    while sts.issued_count() < 4 {
        running.signal(libc::SIGHUP);
        assert_eq!(place.health().status, 200);
    }
    assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}", begun.elapsed());
    stop(running);
}

#[test]
fn a_failed_refresh_never_ends_a_keeper() {
    let sts = FakeSts::start();
    sts.set_lifetime(Duration::from_secs(8));
    let (running, place) = started(&sts);
    let first = place.key();
    sts.script_forever([Answer::error(403, "AccessDenied", "no")]);
    running.signal(libc::SIGHUP);
    running.error_line("refresh failed (session expires in ");
    assert_eq!(place.key(), first, "the session is served until it expires");
    running.error_line("the session has expired");
    let unhealthy = place.health();
    assert_eq!((unhealthy.status, unhealthy.text().as_str()), (503, "{}"));
    sts.script([]);
    sts.set_lifetime(Duration::from_hours(1));
    running.error_line("session refreshed after ");
    assert_ne!(place.key(), first);
    assert_eq!(place.health().status, 200);
    stop(running);
}
