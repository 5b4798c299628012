//! The notifications of a keeper to the service manager (`sd_notify(3)`).

use super::*;
use crate::support::{Answer, FakeManager};

fn notifying(sts: &FakeSts, manager: &FakeManager) -> Running {
    let xassume = keeper(sts).env("NOTIFY_SOCKET", manager.address());
    let place = Place::of(&xassume);
    place.given_to(xassume).spawn()
}

#[test]
fn a_keeper_is_ready_with_its_first_session_and_reports_its_state_and_its_end() {
    for manager in [FakeManager::at_path(), FakeManager::at_abstract_name()] {
        let sts = FakeSts::builder().script([Answer::Held]).start();
        let running = notifying(&sts, &manager);
        sts.wait_for_requests(1);
        assert!(manager.waiting().is_none());
        sts.release();
        let ready = manager.next();
        assert_eq!((ready.text.as_str(), ready.pid), ("READY=1", running.pid()));
        let state = manager.next().text;
        assert!(state.starts_with("STATUS=session until ") && state.contains(", next refresh "), "{state}");
        stop(running);
        assert_eq!(manager.rest(), ["STOPPING=1"]);
    }
}

/// The lines of the answer to a reload, without its time.
fn reload(manager: &FakeManager) -> Vec<String> {
    let text = manager.next_but_status().text;
    text.lines().map(|line| line.split_once("_USEC=").map_or(line, |(name, _)| name).to_owned()).collect()
}

#[test]
fn a_reload_is_answered_after_its_refresh_even_if_that_fails() {
    let (sts, manager) = (FakeSts::start(), FakeManager::at_path());
    let running = notifying(&sts, &manager);
    manager.until("READY=1");
    let answer = ["RELOADING=1", "MONOTONIC", "READY=1"];
    sts.script([Answer::Held]);
    running.signal(libc::SIGHUP);
    sts.wait_for_requests(2);
    assert!(manager.rest().is_empty(), "the refresh is not complete");
    sts.release();
    assert_eq!(reload(&manager), answer);
    sts.script([Answer::error(403, "AccessDenied", "no")]);
    running.signal(libc::SIGHUP);
    assert_eq!(reload(&manager), answer);
    running.error_line("refresh failed");
    stop(running);
    assert_eq!(manager.rest(), ["STOPPING=1"]);
}

#[test]
fn a_manager_that_does_not_read_stops_nothing() {
    let (sts, manager) = (FakeSts::start(), FakeManager::at_path());
    let filled = manager.fill("FULL=1");
    let running = notifying(&sts, &manager);
    running.error_line(SERVING);
    running.signal(libc::SIGHUP);
    running.error_line("session refreshed: ");
    let first: Vec<_> = (0..filled).map(|_| manager.next().text).collect();
    assert!(first.iter().all(|text| text == "FULL=1"));
    assert_eq!(manager.until("READY=1"), ["READY=1"]);
    assert_eq!(reload(&manager), ["RELOADING=1", "MONOTONIC", "READY=1"]);
    stop(running);
}
