//! One test for each transition in the diagram (`states.md`), and for each rule about the transitions.

mod handover;
mod held;
mod hook;
mod keeper;
mod play;
mod refreshing;
mod stopping;

use super::*;
use crate::process::signal::Signal;
use crate::process::{End, ProcessGroup, Sender, Target};
use crate::supervise::machine::actions::START_RETRIES;
use crate::supervise::policy::DeliveryTime;
use play::*;
use std::time::Duration;

#[test]
fn the_command_is_started_at_once_and_the_refresh_is_announced() {
    let play = Play::new(RESTART).is("Starting", "Waiting").wake().asks(&[Action::Spawn]);
    play.started().is("Running", "Waiting").emits(&["started", "refresh_due"]);
}

#[test]
fn a_first_start_that_fails_is_final() {
    let end = Action::Exit(Final::NotStarted { errno: libc::EAGAIN });
    Play::new(RESTART).wake().not_started(libc::EAGAIN).is("Ended", "Idle").asks(&[end]);
}

#[test]
fn a_signal_before_the_start_ends_xassume() {
    Play::new(RESTART).signal(Signal::HUP, USER).exits(End::Killed(Signal::HUP));
    Play::new(RESTART).signal(Signal::WINCH, USER).is("Starting", "Waiting").asks(&[]);
}

#[test]
fn an_exit_by_itself_is_final_whatever_its_status() {
    for end in [End::Exited(0), End::Exited(5), End::Killed(Signal::TERM)] {
        Play::running(RESTART)
            .ended(end)
            .is("Ended", "Idle")
            .asks(&[Action::Reap(CHILD), Action::Exit(Final::Ended(end))]);
    }
}

#[test]
fn an_exit_during_the_sts_call_drops_the_call() {
    let end = End::Exited(0);
    let play = Play::running(RESTART).due().is("Running", "Assuming").asks(&[Action::Assume(FIRST)]);
    play.ended(end).asks(&[Action::Reap(CHILD), Action::Abandon(FIRST), Action::Exit(Final::Ended(end))]);
}

#[test]
fn a_restart_that_fails_for_a_passing_reason_is_retried() {
    use libc::{EAGAIN, EIO, EMFILE, ENFILE, ENOMEM, ENOSPC, ETIMEDOUT, ETXTBSY};
    for errno in [EAGAIN, ENOMEM, EMFILE, ENFILE, ENOSPC, ETXTBSY, EIO, ETIMEDOUT] {
        let mut play = Play::stopping().gone(End::Exited(0)).wake();
        for _ in 0..START_RETRIES {
            play = play.not_started(errno).emits(&["start_retry"]).wake().asks(&[]).due().asks(&[Action::Spawn]);
        }
        play.not_started(errno).asks(&[Action::Exit(Final::NotStarted { errno })]);
    }
    let errno = libc::ENOENT;
    let play = Play::stopping().gone(End::Exited(0)).wake();
    play.not_started(errno).asks(&[Action::Exit(Final::NotStarted { errno })]);
}

#[test]
fn term_cancels_every_later_restart_and_its_refreshes() {
    let play = Play::running(RESTART).signal(Signal::TERM, USER).is("Running", "Idle").asks(&[TERMED]);
    let play = play.emits(&["forwarded", "restarts_cancelled"]).after(2 * HOUR).asks(&[]).emits(&["expired"]);
    play.ended(End::Exited(3)).exits(End::Exited(3));
}

#[test]
fn a_command_that_announces_its_end_is_not_restarted() {
    let announced = || Input::Command(CommandInput::EndAnnounced);
    let play = Play::running(RESTART).event(announced()).is("Running", "Idle").asks(&[]).emits(&["stopping_announced"]);
    play.ended(End::Exited(3)).exits(End::Exited(3));
    let play = Play::stopping().event(announced()).is("Stopping", "Idle").emits(&["stopping_announced"]);
    play.gone(End::Exited(4)).exits(End::Exited(4));
}

#[test]
fn the_service_ends_once_the_command_will_not_run_again() {
    let is_ending = |play: &Play| play.machine.is_ending();
    assert!(!is_ending(&Play::new(RESTART)) && !is_ending(&Play::running(RESTART)) && !is_ending(&Play::keeper()));
    let restarting = Play::stopping();
    assert!(!is_ending(&restarting));
    assert!(is_ending(&restarting.signal(Signal::TERM, USER)));
    assert!(is_ending(&Play::running(RESTART).ended(End::Exited(0))));
}

#[test]
fn term_during_the_sts_call_drops_the_call() {
    let play = Play::running(RESTART).due().signal(Signal::TERM, USER);
    play.is("Running", "Idle").asks(&[TERMED, Action::Abandon(FIRST)]);
}

#[test]
fn after_term_the_file_is_refreshed_and_the_command_is_not_restarted() {
    let play = Play::of(Policy::usual(RESTART, DeliveryTime::Live), ProcessGroup::Own)
        .wake()
        .started()
        .signal(Signal::TERM, USER);
    play.is("Running", "Waiting").refreshed().is("Running", "Waiting").asks(&[]).emits(&["refreshed", "refresh_due"]);
}

#[test]
fn between_stop_and_start_term_int_and_quit_make_the_end_final() {
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT] {
        let sent = Action::Signal(CHILD, Target::Group, signal);
        let play = Play::stopping().signal(signal, USER).is("Stopping", "Idle").asks(&[sent]);
        play.gone(End::Exited(4)).exits(End::Exited(4));
        let play = Play::stopping().due().is("Killing", "Waiting").signal(signal, USER);
        play.gone(End::Killed(Signal::KILL)).exits(End::Killed(Signal::KILL));
        let play = Play::stopping().gone(End::Exited(4)).signal(signal, USER);
        play.exits(End::Exited(4));
    }
}

#[test]
fn a_terminal_that_hangs_up_between_stop_and_start_makes_the_end_final() {
    let play = Play::stopping().signal(Signal::HUP, Sender::Kernel).is("Stopping", "Idle");
    play.gone(End::Exited(4)).exits(End::Exited(4));
    Play::stopping().gone(End::Exited(4)).signal(Signal::HUP, Sender::Kernel).exits(End::Exited(4));
    Play::running(RESTART).signal(Signal::HUP, Sender::Kernel).refreshed().is("Stopping", "Waiting");
}

#[test]
fn int_while_the_command_runs_and_hup_from_a_process_cancel_nothing() {
    Play::running(RESTART).signal(Signal::INT, USER).refreshed().is("Stopping", "Waiting");
    for signal in [Signal::HUP, "USR1".parse().unwrap(), Signal::WINCH] {
        let play = Play::stopping().signal(signal, USER).gone(End::Exited(0)).is("Starting", "Waiting");
        play.signal(signal, USER).wake().asks(&[Action::Spawn]);
    }
}

#[test]
fn a_signal_from_the_command_cancels_nothing() {
    let child = Sender::Process { pid: CHILD, group: Some(CHILD) };
    Play::running(RESTART).signal(Signal::TERM, child).is("Running", "Waiting").asks(&[]).emits(&[]);
}

#[test]
fn on_a_terminal_a_child_that_was_stopped_alone_stops_xassume() {
    let stopped = |group, signal| {
        let play = Play::of(Policy::usual(OnExpiry::None, DeliveryTime::Live), group).wake().started();
        play.event(Input::Command(CommandInput::Changed(CHILD, ChildChange::Paused(signal))))
    };
    let both = [Action::Pause(Signal::TTIN), Action::Signal(CHILD, Target::Process, Signal::CONT)];
    stopped(ProcessGroup::Shared, Signal::TTIN).asks(&both);
    stopped(ProcessGroup::Shared, Signal::STOP).asks(&[]);
    stopped(ProcessGroup::Own, Signal::TTIN).asks(&[]);
}

#[test]
fn a_stop_signal_to_xassume_stops_both_in_an_own_group() {
    let sent = Action::Signal(CHILD, Target::Group, Signal::TSTP);
    Play::running(RESTART).signal(Signal::TSTP, USER).asks(&[sent, Action::Pause(Signal::STOP)]);
}

#[test]
fn a_start_without_an_answer_is_aborted() {
    let play = Play::new(RESTART).wake().asks(&[Action::Spawn]).after(Duration::from_secs(9)).asks(&[]);
    let late = Action::Exit(Final::NotStarted { errno: libc::ETIMEDOUT });
    play.after(Duration::from_secs(1)).is("Ended", "Idle").asks(&[Action::AbortStart, late]);
    let play = Play::stopping().gone(End::Exited(0)).wake().asks(&[Action::Spawn]);
    play.due().asks(&[Action::AbortStart]).emits(&["start_retry"]).due().asks(&[Action::Spawn]);
}

#[test]
fn a_signal_during_the_first_start_aborts_it() {
    let died = |signal| Action::Exit(Final::Ended(End::Killed(signal)));
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        Play::new(RESTART).wake().signal(signal, USER).asks(&[Action::AbortStart, died(signal)]);
    }
    let play = Play::stopping().gone(End::Exited(4)).wake().signal(Signal::TERM, USER);
    play.asks(&[Action::AbortStart, Action::Exit(Final::Ended(End::Exited(4)))]);
}

#[test]
fn a_new_session_during_a_start_causes_another_restart() {
    let mut play = Play::stopping().gone(End::Exited(0)).wake();
    play.now.wall += HOUR;
    let play = play.after(Duration::from_secs(2)).asks(&[Action::Assume(FIRST)]).assumed().published();
    play.is("Starting", "Waiting").asks(&[]).started().is("Stopping", "Waiting").asks(&[STOP]);
}
