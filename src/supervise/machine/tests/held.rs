//! Tests the second session of a command that is restarted or signaled, which is fetched early and held.

use super::super::*;
use super::play::*;
use crate::error::Reason;
use crate::event::Problem;
use crate::process::Target;
use crate::process::signal::Signal;
use std::time::Duration;

#[test]
fn a_session_that_was_fetched_early_is_held_until_the_restart_is_due() {
    let play = Play::early(RESTART);
    let began = play.now.boot;
    let play = play.due().asks(&[Action::Assume(FIRST)]);
    assert_eq!(play.now.boot.saturating_sub(began).as_secs(), 30 * 60);
    let play = play.assumed().is("Running", "Waiting").asks(&[]).emits(&["refresh_due"]);
    let play = play.due().is("Running", "Publishing").asks(&[Action::Publish(FIRST)]);
    assert_eq!(play.now.boot.saturating_sub(began).as_secs(), 48 * 60);
    let play = play.published().is("Stopping", "Waiting").asks(&[STOP]);
    play.emits(&["refreshed", "refresh_due", "restarting"]);
}

#[test]
fn a_held_session_reaches_the_file_just_before_the_signal() {
    let play = Play::early(HUP).due().assumed().asks(&[]).due().asks(&[Action::Publish(FIRST)]).published();
    play.asks(&[Action::Signal(CHILD, Target::Process, Signal::HUP)]);
}

#[test]
fn after_an_outage_the_session_is_still_held() {
    let play = Play::early(RESTART).due().failed(Reason::Unavailable).emits(&["refresh_failing"]);
    let play = play.due().assumed().is("Running", "Waiting").asks(&[]).emits(&["recovered", "refresh_due"]);
    play.due().asks(&[Action::Publish(FIRST)]);
}

#[test]
fn a_session_that_comes_after_the_restart_was_due_is_not_held() {
    let mut play = Play::early(RESTART).due();
    play.now = Now { boot: play.now.boot + HOUR / 3, wall: play.now.wall + HOUR / 3 };
    play.assumed().is("Running", "Publishing").asks(&[Action::Publish(FIRST)]);
}

#[test]
fn after_a_failed_delivery_no_session_is_held_even_if_the_clock_is_set_back() {
    let mut play = Play::early(HUP).due();
    play.now = Now { boot: play.now.boot + HOUR / 3, wall: play.now.wall + HOUR / 3 };
    let failed = SessionInput::Published(Err(Problem::new(Reason::File, "disk full")));
    let mut play = play.assumed().event(Input::Session(FIRST, failed)).is("Running", "Waiting");
    play.now.wall -= HOUR;
    play.due().assumed().asks(&[Action::Publish(FIRST)]);
}

#[test]
fn a_held_session_that_expires_soon_after_a_suspend_is_replaced() {
    let mut play = Play::early(RESTART).due().assumed();
    let suspend = Duration::from_mins(58);
    play.now = Now { boot: play.now.boot + suspend, wall: play.now.wall + suspend };
    play.wake().asks(&[Action::Assume(FIRST)]).assumed().asks(&[Action::Publish(FIRST)]);
}

#[test]
fn only_the_second_session_is_held() {
    let play = Play::early(HUP).due().assumed().due().published();
    play.due().asks(&[Action::Assume(FIRST)]).assumed().asks(&[Action::Publish(FIRST)]);
}
