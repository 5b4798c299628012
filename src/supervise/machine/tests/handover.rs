//! Tests the rules of a restart with `--restart-order start-first`.

use super::super::*;
use super::play::*;
use crate::error::Reason;
use crate::event::{CommandEvent, Event, Problem};
use crate::process::signal::Signal;
use crate::process::{End, ProcessGroup, Remaining, Sender, Target};
use crate::supervise::notify::Role;
use crate::supervise::policy::{DeliveryTime, Margin, OnRefreshFailure, ReadySign};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn policy() -> Policy {
    let ready = Some(ReadySign::Notification);
    Policy { restart_order: RestartOrder::StartFirst, ready, ..Policy::usual(RESTART, DeliveryTime::AtStart) }
}

/// A play in which a new process runs and is not ready.
fn preparing(policy: Policy) -> Play {
    let play = Play::of(policy, ProcessGroup::Own).wake().started().refreshed();
    let play = play.asks(&[Action::Spawn]).emits(&["refreshed", "refresh_due", "handover_started"]);
    play.other_started().beside("Preparing").is("Running", "Waiting").emits(&["started"])
}

fn signaled(pid: Pid, signal: Signal) -> Action {
    Action::Signal(pid, Target::Group, signal)
}

#[test]
fn the_old_process_is_stopped_once_the_new_one_is_ready() {
    let play = preparing(policy()).of_other(CommandInput::Ready(OTHER)).beside("Leaving").is("Running", "Waiting");
    let play = play.asks(&[Action::HandOver, STOP]).emits(&["ready"]).stop_sent();
    let play = play.gone(End::Exited(0)).beside("Alone").is("Running", "Waiting").emits(&["stopped"]);
    play.asks(&[Action::KillGroup(CHILD), Action::Reap(CHILD)]);
}

#[test]
fn a_process_that_runs_for_a_time_is_ready() {
    let policy = Policy { ready: Some(ReadySign::RunsFor(5 * SECOND)), ..policy() };
    let play = Play::of(policy, ProcessGroup::Own).wake().started().after(4 * SECOND).asks(&[]).after(SECOND);
    let play = play.asks(&[Action::ReportReady]).emits(&["ready"]).refreshed().other_started();
    let play = play.after(4 * SECOND).beside("Preparing").after(SECOND).beside("Leaving");
    play.asks(&[Action::HandOver, STOP]);
}

#[test]
fn a_new_process_that_is_not_started_in_time_is_aborted() {
    let play = Play::of(policy(), ProcessGroup::Own).wake().started().refreshed().asks(&[Action::Spawn]);
    let play = play.after(9 * SECOND).asks(&[]).beside("Launching").after(SECOND);
    play.asks(&[Action::AbortStart]).beside("Postponed").emits(&["handover_failed"]);
}

#[test]
fn a_process_that_is_late_is_stopped_and_the_next_attempt_has_the_same_session() {
    let play = preparing(policy()).after(59 * SECOND).asks(&[]).after(SECOND);
    let play = play.asks(&[Action::Stop(OTHER, Signal::TERM)]).emits(&["handover_failed"]).beside("Leaving");
    let Some(Event::Command(CommandEvent::HandoverFailed { problem, .. })) = play.events.last() else {
        panic!("{:?}", play.events)
    };
    assert_eq!(problem.text, "the new process has not sent READY=1 within 1m");
    let play = play.of_other(CommandInput::StopSent(OTHER)).other_gone(End::Exited(0)).beside("Postponed");
    play.due().beside("Launching").asks(&[Action::Spawn]).is("Running", "Waiting");
}

#[test]
fn a_process_that_exits_before_it_is_ready_leaves_nothing_behind() {
    let ended = CommandInput::Changed(OTHER, ChildChange::Ended(End::Exited(1)));
    let play = preparing(policy()).of_other(ended).emits(&["handover_failed"]).beside("Leaving");
    let rest = [signaled(OTHER, Signal::TERM), signaled(OTHER, Signal::CONT), Action::CheckRemaining(OTHER)];
    let play = play.asks(&rest).of_other(CommandInput::Remaining(OTHER, Remaining::default()));
    play.beside("Postponed").asks(&[Action::KillGroup(OTHER), Action::Reap(OTHER)]);
}

#[test]
fn the_pauses_between_failed_attempts_get_longer() {
    // The second session is held until it is due.
    let mut play = Play::early_of(policy()).due().assumed().due().published();
    for longest in [8, 60, 300].map(Duration::from_secs) {
        play = play.of_other(no_start());
        let Some(Event::Command(CommandEvent::HandoverFailed { retry_in, .. })) = play.events.last() else {
            panic!("{:?}", play.events)
        };
        assert!((longest.saturating_sub(SECOND)..=longest).contains(retry_in), "{retry_in:?}");
        play = play.due();
    }
}

/// A play in which no handover succeeds, up to the refresh after the old session has expired.
fn asking_for_a_newer_session() -> Play {
    let mut play = Play::of(policy(), ProcessGroup::Own).wake().started().refreshed();
    let refreshed_at = play.now.boot;
    while play.asked == [Action::Spawn] {
        play = play.of_other(no_start()).emits(&["handover_failed"]).beside("Postponed");
        while play.asked.is_empty() {
            play = play.due();
        }
    }
    let waited = play.now.boot.saturating_sub(refreshed_at);
    assert!(waited > HOUR / 4, "not before the old session has expired");
    assert!(waited < HOUR / 2, "not only when the next refresh is due");
    play.asks(&[Action::Assume(FIRST)]).beside("Postponed")
}

fn no_start() -> CommandInput {
    CommandInput::Started(Err(Fault { errno: libc::ENOENT, text: "no".into() }))
}

#[test]
fn when_a_quarter_of_the_session_has_passed_the_next_attempt_gets_a_new_one() {
    asking_for_a_newer_session().assumed().published().beside("Launching").asks(&[Action::Spawn]);
}

#[test]
fn without_a_newer_session_the_next_attempt_gets_the_one_in_hand() {
    let not_published = SessionInput::Published(Err(Problem::new(Reason::System, "no")));
    for play in [
        asking_for_a_newer_session().refused(),
        asking_for_a_newer_session().unchanged(),
        asking_for_a_newer_session().assumed().event(Input::Session(FIRST, not_published)),
    ] {
        play.beside("Launching").asks(&[Action::Spawn]);
    }
    // An answer after the expiry of that session begins no attempt.
    let mut late = asking_for_a_newer_session();
    late.now.boot += HOUR;
    let late = late.refused().beside("Postponed").asks(&[]);
    late.due().is("Running", "Assuming").assumed().published().beside("Launching").asks(&[Action::Spawn]);
}

#[test]
fn an_answer_of_a_refresh_does_not_shorten_the_pause_before_the_next_attempt() {
    let play = preparing(policy()).of_other(CommandInput::Ready(OTHER)).stop_sent().gone(End::Exited(0));
    let play = play.refreshed().of_other(no_start()).beside("Postponed").after(Duration::from_millis(500));
    play.refused().beside("Postponed").asks(&[]).due().asks(&[Action::Spawn]);
}

#[test]
fn the_exit_of_the_old_process_is_final_and_the_new_one_is_stopped_first() {
    let end = End::Exited(5);
    let play = preparing(policy()).ended(end).is("Stopping", "Idle").emits(&["exited"]);
    let play = play.asks(&[Action::Reap(CHILD), Action::Stop(OTHER, Signal::TERM)]);
    play.of_other(CommandInput::StopSent(OTHER)).other_gone(End::Exited(0)).exits(end);
    let play = Play::of(policy(), ProcessGroup::Own).wake().started().refreshed().ended(end);
    play.asks(&[Action::Reap(CHILD), Action::AbortStart, Action::Exit(Final::Ended(end))]);
}

#[test]
fn the_exit_of_the_new_process_is_final_once_it_is_ready() {
    let end = End::Exited(5);
    let play = preparing(policy()).of_other(CommandInput::Ready(OTHER)).stop_sent();
    let play = play.of_other(CommandInput::Changed(OTHER, ChildChange::Ended(end))).is("Stopping", "Idle");
    play.asks(&[Action::Reap(OTHER)]).gone(End::Exited(0)).exits(end);
}

#[test]
fn an_exit_of_the_old_process_right_before_its_stop_is_final() {
    let end = End::Exited(5);
    let play = preparing(policy()).of_other(CommandInput::Ready(OTHER)).ended(end).emits(&["exited"]);
    let play = play.asks(&[Action::Reap(CHILD), Action::Stop(OTHER, Signal::TERM)]).is("Stopping", "Idle");
    play.of_other(CommandInput::StopSent(OTHER)).other_gone(End::Exited(0)).exits(end);
}

#[test]
fn term_is_the_stop_signal_of_a_new_process_and_int_is_not() {
    let play = preparing(policy()).signal(Signal::TERM, USER).beside("Leaving").is("Running", "Idle");
    let play = play.asks(&[TERMED, signaled(OTHER, Signal::TERM)]).emits(&["forwarded", "restarts_cancelled"]);
    let play = play.other_ended(End::Exited(0)).of_other(CommandInput::Remaining(OTHER, Remaining::default()));
    play.beside("Alone").ended(End::Exited(3)).exits(End::Exited(3));
    let both = [signaled(CHILD, Signal::INT), signaled(OTHER, Signal::INT)];
    let play = preparing(policy()).signal(Signal::INT, USER).beside("Leaving");
    play.asks(&[&both[..], &[Action::Stop(OTHER, Signal::TERM)]].concat());
}

#[test]
fn hang_up_reaches_the_new_process_when_it_is_ready() {
    let play = preparing(policy()).signal(Signal::HUP, USER).asks(&[signaled(CHILD, Signal::HUP)]);
    let play = play.of_other(CommandInput::Ready(OTHER));
    play.asks(&[Action::HandOver, signaled(OTHER, Signal::HUP), STOP]);
    let play = preparing(policy()).signal(Signal::HUP, Sender::Kernel).beside("Leaving");
    assert!(play.asked.contains(&signaled(OTHER, Signal::HUP)), "a hang-up of the terminal cancels the handover");
}

#[test]
fn after_a_pause_a_new_process_gets_the_whole_time_again() {
    let both = [signaled(CHILD, Signal::CONT), signaled(OTHER, Signal::CONT)];
    let mut play = preparing(policy());
    play.now.boot += HOUR;
    let play = play.signal(Signal::CONT, USER).asks(&both).after(59 * SECOND).beside("Preparing");
    play.after(SECOND).beside("Leaving");
    let runs_for = Policy { ready: Some(ReadySign::RunsFor(5 * SECOND)), ..policy() };
    let play = Play::of(runs_for, ProcessGroup::Own).wake().started().after(5 * SECOND);
    let mut play = play.refreshed().other_started().beside("Preparing");
    play.now.boot += 4 * SECOND;
    let play = play.signal(Signal::CONT, USER).after(4 * SECOND).beside("Preparing");
    play.after(SECOND).beside("Leaving").asks(&[Action::HandOver, STOP]);
}

#[test]
fn the_stop_timeout_of_a_new_process_begins_when_its_stop_signal_is_sent() {
    let mut play = preparing(policy()).after(60 * SECOND).asks(&[Action::Stop(OTHER, Signal::TERM)]);
    play.now.boot += 5 * SECOND;
    let play = play.of_other(CommandInput::StopSent(OTHER)).after(9 * SECOND).asks(&[]).after(SECOND);
    play.asks(&[Action::Signal(OTHER, Target::Family, Signal::KILL)]);
}

#[test]
fn the_roles_of_two_processes_change_at_the_handover() {
    let roles = |play: &Play| [CHILD, OTHER].map(|pid| play.machine.role(pid));
    let play = preparing(policy());
    assert_eq!(roles(&play), [Role::Current, Role::Successor]);
    let play = play.of_other(CommandInput::Ready(OTHER));
    assert_eq!(roles(&play), [Role::Leaving, Role::Current]);
}

#[test]
fn a_notification_of_readiness_counts_from_the_successor_and_for_a_hook_that_is_due() {
    let expected = |play: &Play| {
        [Role::Current, Role::Successor, Role::Leaving].map(|role| play.machine.expects_notification(role))
    };
    assert_eq!(expected(&preparing(policy())), [false, true, false]);
    let with_hook = Policy { has_hook: true, ..policy() };
    assert_eq!(expected(&Play::of(with_hook, ProcessGroup::Own).wake().started()), [true, true, false]);
    let runs_for = Policy { ready: Some(ReadySign::RunsFor(SECOND)), ..with_hook };
    assert_eq!(expected(&Play::of(runs_for, ProcessGroup::Own).wake().started()), [false; 3]);
}

#[test]
fn the_old_session_expires_once_or_ends_both_processes() {
    let late = Policy { ready_timeout: HOUR, margin: Margin::Fixed(HOUR * 2 / 5), ..policy() };
    let play = preparing(late).due().emits(&["expired"]).asks(&[]).after(HOUR).beside("Leaving");
    play.emits(&["handover_failed"]);
    let play = preparing(Policy { on_refresh_failure: OnRefreshFailure::Stop, ..late }).due().emits(&["lapsed"]);
    let play = play.asks(&[Action::Stop(OTHER, Signal::TERM), STOP]).is("Stopping", "Idle").beside("Leaving");
    let play = play.of_other(CommandInput::StopSent(OTHER)).stop_sent().gone(End::Exited(0)).is("Stopping", "Idle");
    let play = play.other_gone(End::Exited(0));
    assert_eq!(play.asked.last(), Some(&Action::Exit(Final::Lapsed)));
}

#[test]
fn no_process_is_started_at_the_moment_the_old_session_expires() {
    let margin = Margin::Fixed(120 * SECOND);
    let policy = Policy { on_refresh_failure: OnRefreshFailure::Stop, margin, ..policy() };
    let play = preparing(policy).after(60 * SECOND).of_other(CommandInput::StopSent(OTHER));
    let play = play.other_gone(End::Exited(0)).beside("Postponed").after(60 * SECOND);
    play.asks(&[STOP]).emits(&["lapsed"]).is("Stopping", "Idle").beside("Alone");
}

#[test]
fn a_file_does_not_expire_with_the_session_of_the_old_process() {
    let late = Policy { ready_timeout: HOUR, margin: Margin::Fixed(HOUR * 2 / 5), ..policy() };
    let stop = Policy { delivery_time: DeliveryTime::Live, on_refresh_failure: OnRefreshFailure::Stop, ..late };
    preparing(stop).after(HOUR / 2).emits(&[]).asks(&[]).beside("Preparing");
}

#[test]
fn a_newer_session_is_followed_by_another_handover() {
    let late = Policy { ready_timeout: HOUR, margin: Margin::Fixed(HOUR * 2 / 5), ..policy() };
    let play = preparing(late).due().refreshed().beside("Preparing").asks(&[]);
    let play = play.of_other(CommandInput::Ready(OTHER)).stop_sent().gone(End::Exited(0)).beside("Launching");
    assert_eq!(play.asked.last(), Some(&Action::Spawn));
}
