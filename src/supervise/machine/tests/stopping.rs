//! Tests how a command is stopped together with all processes that it started.

use super::super::*;
use super::play::*;
use crate::process::signal::Signal;
use crate::process::{End, ProcessGroup, Target};
use crate::supervise::policy::DeliveryTime;
use std::time::Duration;

#[test]
fn after_a_stop_the_group_is_killed_the_command_reaped_and_restarted() {
    let play = Play::stopping().gone(End::Exited(0)).is("Starting", "Waiting").emits(&["stopped"]);
    let play = play.asks(&[Action::KillGroup(CHILD), Action::Reap(CHILD)]).wake().asks(&[Action::Spawn]);
    play.started().is("Running", "Waiting").emits(&["started"]);
}

#[test]
fn a_command_that_outlives_the_stop_timeout_is_killed_and_restarted() {
    let play = Play::stopping().after(Duration::from_secs(9)).is("Stopping", "Waiting").asks(&[]);
    let play = play.after(Duration::from_secs(1)).is("Killing", "Waiting").asks(&[KILLED]);
    play.gone(End::Killed(Signal::KILL)).is("Starting", "Waiting").wake().asks(&[Action::Spawn]);
}

#[test]
fn the_stop_timeout_begins_when_the_stop_signal_is_sent() {
    let play = Play::running(RESTART).refreshed().asks(&[STOP]).after(Duration::from_secs(5)).stop_sent();
    let play = play.after(Duration::from_secs(9)).is("Stopping", "Waiting").asks(&[]);
    play.after(Duration::from_secs(1)).is("Killing", "Waiting").asks(&[KILLED]);
}

#[test]
fn after_a_stop_the_terminal_is_restored() {
    let play =
        Play::of(Policy::usual(RESTART, DeliveryTime::AtStart), ProcessGroup::Shared).wake().started().refreshed();
    play.asks(&[STOP]).stop_sent().gone(End::Exited(0)).asks(&[Action::Reap(CHILD), Action::RestoreTerminal]);
}

#[test]
fn an_exit_right_before_the_stop_signal_is_final() {
    let end = End::Exited(7);
    let play = Play::running(RESTART).refreshed().is("Stopping", "Waiting").asks(&[STOP]);
    play.ended(end)
        .is("Ended", "Idle")
        .asks(&[Action::Reap(CHILD), Action::Exit(Final::Ended(end))])
        .emits(&["exited"]);
}

#[test]
fn a_stop_lasts_until_the_group_has_ended() {
    let play = Play::stopping().ended(End::Exited(0)).is("Stopping", "Waiting").asks(&[Action::CheckRemaining(CHILD)]);
    let mut play = play.remaining(Some(300), None).asks(&[]);
    let mut looks = 0;
    let begun = play.now.boot;
    while play.now.boot < begun + Duration::from_secs(3) {
        play = play.due().asks(&[Action::CheckRemaining(CHILD)]).remaining(Some(300), None).asks(&[]);
        looks += 1;
    }
    assert!((30..40).contains(&looks), "{looks} in three seconds");
    let play = play
        .event(Input::Command(CommandInput::OrphanReaped))
        .asks(&[Action::CheckRemaining(CHILD)])
        .remaining(None, None);
    play.is("Starting", "Waiting").asks(&[Action::KillGroup(CHILD), Action::Reap(CHILD)]).emits(&["stopped"]);
}

#[test]
fn a_process_that_remains_for_two_seconds_is_named_once() {
    let play = Play::stopping().ended(End::Exited(0)).remaining(Some(300), None).emits(&[]);
    let play = play.after(Duration::from_secs(2)).remaining(Some(300), None).emits(&["still_stopping"]);
    play.after(Duration::from_secs(1)).remaining(Some(300), None).emits(&[]);
}

#[test]
fn the_family_outside_the_group_is_signaled_once_after_the_group() {
    let play = Play::stopping().ended(End::Exited(0)).remaining(Some(300), Some(400)).asks(&[]);
    let asked = [Signal::TERM, Signal::CONT].map(|signal| Action::Signal(CHILD, Target::Strays, signal));
    let play = play.due().remaining(None, Some(400)).asks(&asked);
    play.due().remaining(None, Some(400)).asks(&[]).due().remaining(None, None).is("Starting", "Waiting");
}

#[test]
fn processes_that_outlive_the_stop_timeout_are_killed_repeatedly_and_logged_once() {
    let mut play = Play::stopping();
    for warned in [&["stop_ignored"][..], &[]] {
        play = play.ended(End::Exited(0)).remaining(None, Some(400));
        // The checks become rare.
        for _ in 0..8 {
            play = play.due().remaining(None, Some(400));
        }
        play = play.after(Duration::from_secs(10)).is("Killing", "Waiting").asks(&[Action::CheckRemaining(CHILD)]);
        let look_in = play.machine.deadline().unwrap().boot.saturating_sub(play.now.boot);
        assert!(look_in < Duration::from_millis(50), "a check follows SIGKILL soon: {look_in:?}");
        play = play.remaining(None, Some(400)).asks(&[KILLED]).emits(warned);
        play = play.due().asks(&[Action::CheckRemaining(CHILD)]).remaining(Some(401), None).asks(&[KILLED]);
        play = play.due().remaining(None, None).is("Starting", "Waiting").emits(&["stopped"]);
        play = play.wake().started().refreshed().stop_sent();
    }
}

#[test]
fn an_unkillable_process_does_not_delay_a_restart_forever() {
    let play = Play::stopping().ended(End::Exited(0)).remaining(Some(300), None).after(Duration::from_secs(10));
    let play = play.remaining(Some(300), None).asks(&[KILLED]).after(Duration::from_secs(1)).remaining(Some(300), None);
    play.is("Starting", "Waiting").asks(&[Action::KillGroup(CHILD), Action::Reap(CHILD)]);
}

#[test]
fn a_command_that_survives_sigkill_is_killed_again_and_logged() {
    let play = Play::stopping().due().is("Killing", "Waiting").asks(&[KILLED]).emits(&[]);
    let play = play.due().asks(&[Action::Signal(CHILD, Target::Process, Signal::KILL)]).emits(&["not_killed"]);
    let play = play.after(HOUR / 60).asks(&[]).gone(End::Killed(Signal::KILL));
    play.is("Starting", "Waiting").emits(&["stopped"]);
}

#[test]
fn pid_1_waits_for_the_group_only_after_term() {
    let policy = Policy::usual(RESTART, DeliveryTime::AtStart);
    let running = |me| Play::as_process(me, policy, ProcessGroup::Own).wake().started();
    let end = End::Exited(3);
    let play =
        running(1).signal(Signal::TERM, USER).ended(end).is("Stopping", "Idle").asks(&[Action::CheckRemaining(CHILD)]);
    play.remaining(Some(300), None).asks(&[]).due().remaining(None, None).exits(end);
    let play = running(1).signal(Signal::TERM, USER).ended(end).remaining(Some(300), None);
    play.after(Duration::from_secs(10)).is("Killing", "Idle").remaining(Some(300), None).asks(&[KILLED]);
    running(1).ended(end).exits(end);
    running(100).signal(Signal::TERM, USER).ended(end).exits(end);
}
