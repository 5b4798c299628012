//! Tests when a session is refreshed, and what its expiry means for the command.

use super::super::*;
use super::play::*;
use crate::error::Reason;
use crate::event::{Event, Problem, RefreshEvent};
use crate::process::signal::Signal;
use crate::process::{End, ProcessGroup, Target};
use crate::supervise::policy::{DeliveryTime, OnRefreshFailure, SignalTarget};
use crate::supervise::ports::SessionId;
use crate::supervise::schedule::EXPIRES_SOON;
use std::time::Duration;

#[test]
fn a_refresh_is_published_before_the_command_is_stopped() {
    let play = Play::running(RESTART).due().assumed().is("Running", "Publishing").asks(&[Action::Publish(FIRST)]);
    let play = play.published().is("Stopping", "Waiting").asks(&[STOP]);
    play.emits(&["refreshed", "refresh_due", "restarting"]);
}

#[test]
fn a_refresh_signal_follows_the_file_and_goes_only_to_the_command() {
    let play = Play::running(HUP).due().assumed().asks(&[Action::Publish(FIRST)]).published();
    play.is("Running", "Waiting").asks(&[Action::Signal(CHILD, Target::Process, Signal::HUP)]);
}

#[test]
fn a_file_that_cannot_be_written_is_a_failed_refresh() {
    let problem = Problem::new(Reason::File, "disk full");
    let play = Play::running(HUP).due().assumed().event(Input::Session(FIRST, SessionInput::Published(Err(problem))));
    play.is("Running", "Waiting").asks(&[]).emits(&["refresh_failing"]).due().asks(&[Action::Assume(FIRST)]);
}

#[test]
fn a_command_that_the_refresh_signal_kills_is_logged() {
    let end = End::Killed(Signal::HUP);
    Play::running(HUP).refreshed().ended(end).emits(&["exited", "died_of_refresh_signal"]).exits(end);
    Play::running(HUP).ended(end).emits(&["exited"]).exits(end);
}

#[test]
fn with_an_environment_the_signal_only_announces_the_expiry() {
    let play = Play::of(Policy::usual(HUP, DeliveryTime::AtStart), ProcessGroup::Own)
        .wake()
        .started()
        .emits(&["started", "notice_only"]);
    let play = play.due().is("Running", "Idle").asks(&[Action::Signal(CHILD, Target::Process, Signal::HUP)]);
    let play = play.due().asks(&[]).emits(&["expired"]);
    assert_eq!(play.machine.deadline(), None);
}

#[test]
fn one_line_for_each_change_of_state_of_a_failing_refresh() {
    let mut lines = Vec::new();
    let mut play = Play::running(OnExpiry::None);
    while !lines.contains(&"expired") {
        play = play.due();
        lines.extend(play.emitted.clone());
        if play.asked == [Action::Assume(FIRST)] {
            play = play.refused();
            lines.extend(play.emitted.clone());
        }
    }
    lines.retain(|name| *name != "retry");
    assert_eq!(lines, ["refresh_failing", "expires_soon", "expired"]);
    while play.asked != [Action::Assume(FIRST)] {
        play = play.due();
    }
    play.assumed().published().is("Running", "Waiting").emits(&["recovered", "refreshed", "refresh_due"]);
}

#[test]
fn a_failure_for_another_reason_is_a_warning_again() {
    let play = Play::running(OnExpiry::None).due().refused().emits(&["refresh_failing"]);
    let play = play.due().refused().emits(&["retry"]);
    let play = play.due().failed(Reason::Network).emits(&["refresh_failing"]);
    let play = play.due().failed(Reason::Network).emits(&["retry"]);
    let play = play.due().assumed().published().emits(&["recovered", "refreshed", "refresh_due"]);
    play.due().failed(Reason::Network).emits(&["refresh_failing"]);
}

#[test]
fn the_line_at_the_expiry_has_the_last_reason() {
    let mut play = Play::running(OnExpiry::None).due().refused();
    while !play.emitted.contains(&"expired") {
        let calls = play.asked == [Action::Assume(FIRST)];
        play = if calls { play.failed(Reason::Clock) } else { play.due() };
    }
    let Some(Event::Refresh(RefreshEvent::Expired { problem, .. })) = play.events.last() else {
        panic!("{:?}", play.events)
    };
    assert_eq!(problem.as_ref().map(|problem| problem.reason), Some(Reason::Clock));
}

#[test]
fn the_service_manager_sees_the_next_refresh_its_failures_and_the_expiry() {
    let outlook = |play: &Play| play.machine.session_outlook().unwrap();
    let play = Play::running(OnExpiry::None);
    let (first, expires) = (outlook(&play), play.now.wall + HOUR);
    assert_eq!(first.refresh, play.machine.deadline());
    assert!(first.expires == expires && !first.has_expired && !first.is_failing);
    let Some(Event::Refresh(RefreshEvent::Due { at, within })) = play.events.last() else {
        panic!("{:?}", play.events)
    };
    assert_eq!((Some(*at), *at), (first.refresh.unwrap().wall, play.now.wall + *within));
    let play = play.due().refused();
    assert!(outlook(&play).is_failing && !outlook(&play).has_expired);
    let play = play.after(HOUR);
    assert!(outlook(&play).has_expired);
    // Without a refresh, there is only the expiry.
    let notice = Play::of(Policy::usual(HUP, DeliveryTime::AtStart), ProcessGroup::Own).wake().started();
    assert!(outlook(&notice).refresh.is_none());
}

#[test]
fn a_session_that_expires_soon_is_announced_between_two_retries() {
    let mut play = Play::early(OnExpiry::None);
    let expires = play.now.boot + HOUR;
    while !play.emitted.contains(&"expires_soon") {
        assert!(play.now.boot < expires, "it is announced");
        play = play.due();
        if play.asked == [Action::Assume(FIRST)] {
            play = play.refused();
        }
    }
    assert_eq!(expires.saturating_sub(play.now.boot), EXPIRES_SOON);
}

#[test]
fn the_expiry_of_a_further_session_names_its_profile_and_whether_there_is_a_command() {
    for (mut play, expected) in [(Play::new(OnExpiry::None), true), (Play::keeper(), false)] {
        play.machine.add("b", Some(&validity(play.now)), play.now, Dice::Loaded(0));
        play = if expected { play.wake().started() } else { play };
        play = play
            .after(2 * HOUR)
            .event(Input::Session(SessionId(1), SessionInput::Assumed(Err(Problem::new(Reason::Denied, "no")))));
        let Some(Event::OfProfile(profile, event)) = play.events.last() else { panic!("{:?}", play.events) };
        let Event::Refresh(RefreshEvent::Expired { has_command, .. }) = **event else { panic!("{event:?}") };
        assert_eq!((*profile, has_command), ("b", expected));
    }
}

#[test]
fn an_answer_without_new_credentials_ends_the_failures() {
    let play = Play::running(RESTART).due().refused().emits(&["refresh_failing"]).due().unchanged();
    let play = play.is("Running", "Waiting").emits(&["recovered", "unchanged"]);
    assert!(!play.machine.session_outlook().unwrap().is_failing);
    let play = play.due().unchanged().emits(&["unchanged"]).due().refused().emits(&["refresh_failing"]);
    let Some(Event::Refresh(RefreshEvent::Failing { failures, .. })) = play.events.last() else {
        panic!("{:?}", play.events)
    };
    assert_eq!(*failures, 1);
}

#[test]
fn the_line_at_the_expiry_does_not_have_the_reason_of_a_failure_that_is_over() {
    let keep = Policy::usual(RESTART, DeliveryTime::AtStart);
    for (policy, last) in [(keep, "expired"), (Policy { on_refresh_failure: OnRefreshFailure::Stop, ..keep }, "lapsed")]
    {
        let mut play = Play::of(policy, ProcessGroup::Own).wake().started().due().refused();
        while !play.emitted.contains(&last) {
            let calls = play.asked == [Action::Assume(FIRST)];
            play = if calls { play.unchanged() } else { play.due() };
        }
        let Some(Event::Refresh(RefreshEvent::Expired { problem, .. } | RefreshEvent::Lapsed { problem })) =
            play.events.last()
        else {
            panic!("{:?}", play.events)
        };
        let problem = problem.as_ref().map(|problem| problem.text.as_str());
        assert_eq!(problem, Some("the source has no new credentials"));
    }
}

#[test]
fn an_expired_session_ends_the_command_if_that_is_the_policy() {
    let strict = Policy { on_refresh_failure: OnRefreshFailure::Stop, ..Policy::usual(RESTART, DeliveryTime::AtStart) };
    let play = Play::of(strict, ProcessGroup::Own).wake().started().due().refused().is("Running", "Waiting");
    // There is no last attempt at the expiry, because it could take as long as the other attempts.
    let play = play.after(HOUR).is("Stopping", "Idle").asks(&[STOP]).emits(&["lapsed"]);
    let end = Action::Exit(Final::Lapsed);
    play.stop_sent().gone(End::Exited(0)).asks(&[Action::KillGroup(CHILD), Action::Reap(CHILD), end.clone()]);
    // The same if the new session expires during the stop for a restart.
    let play = Play::of(strict, ProcessGroup::Own).wake().started().refreshed().is("Stopping", "Waiting").stop_sent();
    let play = play.after(2 * HOUR).is("Killing", "Assuming").refused().emits(&["refresh_failing", "lapsed"]);
    let play = play.is("Killing", "Idle").gone(End::Exited(0));
    play.asks(&[Action::KillGroup(CHILD), Action::Reap(CHILD), end]);
}

#[test]
fn a_call_is_not_awaited_beyond_the_expiry_if_that_is_the_policy() {
    let strict = Policy { on_refresh_failure: OnRefreshFailure::Stop, ..Policy::usual(RESTART, DeliveryTime::AtStart) };
    let play = Play::of(strict, ProcessGroup::Own).wake().started().due().is("Running", "Assuming");
    let play = play.due().is("Stopping", "Idle").asks(&[Action::Abandon(FIRST), STOP]).emits(&["lapsed"]);
    assert_eq!(play.now.boot, Duration::from_secs(1000) + HOUR);
}

#[test]
fn an_expiry_during_the_sts_call_is_logged_and_so_is_the_late_answer() {
    let play = Play::running(RESTART).due().due().is("Running", "Assuming").asks(&[]).emits(&["expired"]);
    assert_eq!(play.machine.deadline(), None);
    let play = play.assumed().published().is("Stopping", "Waiting");
    play.emits(&["recovered", "refreshed", "refresh_due", "restarting"]);

    let play = Play::running(RESTART).due().due().refused().is("Running", "Waiting").emits(&["refresh_failing"]);
    play.due().asks(&[Action::Assume(FIRST)]).assumed().published().emits(&[
        "recovered",
        "refreshed",
        "refresh_due",
        "restarting",
    ]);
}

#[test]
fn the_warning_before_the_expiry_comes_during_a_retry_too() {
    let mut play = Play::running(RESTART).due().refused();
    // The loop ends when a retry waits for its answer. The next deadline is then the time at which five minutes are
    // left.
    for _ in 0..20 {
        if play.asked == [Action::Assume(FIRST)] && play.machine.deadline().is_some_and(|at| at.boot > play.now.boot) {
            break;
        }
        play = play.due();
    }
    let play = play.due();
    play.is("Running", "Assuming").asks(&[]).emits(&["expires_soon"]);
}

#[test]
fn a_refusal_after_the_expiry_ends_the_command_if_that_is_the_policy() {
    let strict = Policy { on_refresh_failure: OnRefreshFailure::Stop, ..Policy::usual(RESTART, DeliveryTime::AtStart) };
    let play = Play::of(strict, ProcessGroup::Own).wake().started().after(8 * HOUR).is("Running", "Assuming");
    assert_eq!(play.machine.deadline(), None);
    play.wake().is("Running", "Assuming").refused().is("Stopping", "Idle").emits(&["refresh_failing", "lapsed"]);
}

#[test]
fn after_eight_hours_of_suspend_the_refresh_comes_before_any_alarm() {
    let strict = Policy { on_refresh_failure: OnRefreshFailure::Stop, ..Policy::usual(RESTART, DeliveryTime::AtStart) };
    let play =
        Play::of(strict, ProcessGroup::Own).wake().started().after(8 * HOUR).asks(&[Action::Assume(FIRST)]).emits(&[]);
    play.assumed().published().is("Stopping", "Waiting");
}

#[test]
fn a_wall_clock_set_ahead_refreshes_once_and_not_again() {
    let mut play = Play::running(OnExpiry::None);
    play.now.wall += HOUR;
    let play = play.after(Duration::from_secs(2)).asks(&[Action::Assume(FIRST)]).assumed().published();
    play.after(Duration::from_secs(30)).is("Running", "Waiting").asks(&[]);
}

#[test]
fn no_two_refreshes_begin_within_a_second() {
    let mut play = Play::running(OnExpiry::None);
    play.now.wall += HOUR;
    let play = play.wake().asks(&[]).due().asks(&[Action::Assume(FIRST)]);
    assert_eq!(play.now.boot, Duration::from_secs(1001));
}

#[test]
fn the_process_of_a_pid_file_is_signaled_instead_of_the_command_until_it_works() {
    let policy = Policy { signal_target: SignalTarget::PidFile, ..Policy::usual(HUP, DeliveryTime::Live) };
    let named = Action::SignalNamed(Signal::HUP);
    let answered = |play: Play, result| play.event(Input::NamedSignaled(result));
    let play = Play::of(policy, ProcessGroup::Own).wake().started().refreshed().asks(std::slice::from_ref(&named));
    let play = answered(play, Err(Problem::new(Reason::File, "no"))).asks(&[]).emits(&["signal_failing"]);
    let play = answered(play.due().asks(std::slice::from_ref(&named)), Ok(7)).emits(&["signal_recovered", "signalled"]);
    // A new session replaces the attempt for the one before.
    let play = play.refreshed().asks(std::slice::from_ref(&named)).refreshed().asks(&[named]);
    answered(play, Ok(7)).emits(&["signalled"]).is("Running", "Waiting");
}
