//! Tests when the refresh hook runs.

use super::super::*;
use super::play::*;
use crate::process::signal::Signal;
use crate::process::{End, ProcessGroup, Target};
use crate::supervise::policy::{DeliveryTime, ReadySign};
use std::time::Duration;

fn play(policy: Policy) -> Play {
    Play::of(Policy { has_hook: true, ..policy }, ProcessGroup::Own).wake()
}

fn start_first(delivery_time: DeliveryTime) -> Policy {
    let ready = Some(ReadySign::Notification);
    Policy { restart_order: RestartOrder::StartFirst, ready, ..Policy::usual(RESTART, delivery_time) }
}

#[test]
fn with_an_environment_the_hook_follows_each_start() {
    let play = play(Policy::usual(RESTART, DeliveryTime::AtStart)).started().asks(&[Action::RunHook(FIRST)]);
    let play = play.refreshed().asks(&[STOP]).stop_sent().gone(End::Exited(0)).wake().asks(&[Action::Spawn]);
    play.started().asks(&[Action::RunHook(FIRST)]);
}

#[test]
fn with_a_file_the_hook_follows_the_refresh_signal() {
    let play = play(Policy::usual(HUP, DeliveryTime::Live)).started().asks(&[Action::RunHook(FIRST)]).refreshed();
    play.asks(&[Action::Signal(CHILD, Target::Process, Signal::HUP), Action::RunHook(FIRST)]);
}

#[test]
fn with_a_file_a_restart_does_not_run_the_hook_again() {
    let play = play(Policy::usual(RESTART, DeliveryTime::Live)).started().asks(&[Action::RunHook(FIRST)]);
    let play = play.refreshed().asks(&[STOP, Action::RunHook(FIRST)]).stop_sent().gone(End::Exited(0)).wake();
    play.started().asks(&[]);
}

#[test]
fn a_child_that_got_an_older_session_does_not_count() {
    let mut play = play(Policy::usual(RESTART, DeliveryTime::AtStart));
    play.now.wall += HOUR;
    let play = play.after(Duration::from_secs(2)).asks(&[Action::Assume(FIRST)]).assumed().published().asks(&[]);
    let play = play.started().asks(&[STOP]).stop_sent().gone(End::Exited(0)).wake();
    play.started().asks(&[Action::RunHook(FIRST)]);
}

#[test]
fn with_start_first_the_hook_follows_the_readiness() {
    for delivery_time in [DeliveryTime::AtStart, DeliveryTime::Live] {
        let ready = |pid| CommandInput::Ready(pid);
        let play = play(start_first(delivery_time)).started().asks(&[]).of_other(ready(CHILD));
        let play = play.asks(&[Action::RunHook(FIRST)]).of_other(ready(CHILD)).asks(&[]);
        let play = play.refreshed().asks(&[Action::Spawn]).other_started().asks(&[]);
        play.of_other(ready(OTHER)).asks(&[Action::HandOver, Action::RunHook(FIRST), STOP]);
    }
}

#[test]
fn with_start_first_and_a_time_the_hook_waits_for_it() {
    let ready = Some(ReadySign::RunsFor(Duration::from_secs(5)));
    let play = play(Policy { ready, ..start_first(DeliveryTime::AtStart) }).started().asks(&[]);
    play.after(Duration::from_secs(5)).asks(&[Action::ReportReady, Action::RunHook(FIRST)]);
}

#[test]
fn a_session_that_was_replaced_before_the_readiness_is_skipped() {
    let play = play(start_first(DeliveryTime::AtStart)).started().refreshed().other_started();
    let play = play.of_other(CommandInput::Ready(CHILD)).asks(&[]);
    play.of_other(CommandInput::Ready(OTHER)).asks(&[Action::HandOver, Action::RunHook(FIRST), STOP]);
}

#[test]
fn after_term_a_file_is_handed_over_without_a_restart() {
    let play = play(start_first(DeliveryTime::Live)).started().of_other(CommandInput::Ready(CHILD));
    play.signal(Signal::TERM, USER).refreshed().asks(&[Action::RunHook(FIRST)]);
}

#[test]
fn without_a_hook_none_runs() {
    Play::running(HUP).asks(&[]).refreshed().asks(&[Action::Signal(CHILD, Target::Process, Signal::HUP)]);
}
