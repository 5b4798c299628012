//! A run without a command.

use super::*;
use crate::error::Reason;
use crate::supervise::policy::SignalTarget;

#[test]
fn a_keeper_is_ready_at_once_and_refreshes_when_due() {
    let mut play = Play::keeper().is("Keeping", "Waiting");
    assert_eq!(play.machine.begin_keeping(play.now).first(), Some(&Action::ReportReady));
    let play = play.due().asks(&[Action::Assume(FIRST)]).assumed().asks(&[Action::Publish(FIRST)]);
    play.published().asks(&[]).emits(&["refreshed", "refresh_due"]).is("Keeping", "Waiting");
}

#[test]
fn a_keeper_signals_the_process_of_a_pid_file_after_each_refresh() {
    let policy = Policy { signal_target: SignalTarget::PidFile, ..Policy::usual(HUP, DeliveryTime::Live) };
    let play = Play::keeper_of(policy).due().asks(&[Action::Assume(FIRST)]).assumed().asks(&[Action::Publish(FIRST)]);
    play.published().asks(&[Action::SignalNamed(Signal::HUP)]);
}

#[test]
fn signals_end_a_keeper_with_success_or_are_ignored() {
    let ends = [
        (Signal::TERM, USER, End::Exited(0)),
        (Signal::INT, Sender::Kernel, End::Exited(0)),
        (Signal::QUIT, USER, End::Exited(0)),
        (Signal::HUP, Sender::Kernel, End::Exited(0)),
        ("ALRM".parse().unwrap(), USER, End::Killed("ALRM".parse().unwrap())),
    ];
    for (signal, sender, end) in ends {
        Play::keeper().signal(signal, sender).exits(end);
        Play::keeper().due().signal(signal, sender).exits(end);
    }
    for signal in ["USR1", "USR2", "WINCH", "CONT", "CHLD"] {
        Play::keeper().signal(signal.parse().unwrap(), USER).is("Keeping", "Waiting").asks(&[]).emits(&[]);
    }
    Play::keeper().signal(Signal::XFSZ, Sender::Kernel).is("Keeping", "Waiting").asks(&[]);
}

#[test]
fn a_hang_up_refreshes_without_the_cache_and_is_answered_once() {
    let play = Play::keeper().after(HOUR / 4).signal(Signal::HUP, USER);
    let play =
        play.asks(&[Action::AssumeNew(FIRST)]).emits(&["refresh_requested"]).assumed().asks(&[Action::Publish(FIRST)]);
    let play = play.published().asks(&[Action::ReportReady]);
    play.due().asks(&[Action::Assume(FIRST)]).assumed().published().asks(&[]);
}

#[test]
fn hang_ups_during_a_refresh_add_one_more_a_second_after_its_begin() {
    let play = Play::keeper().due().asks(&[Action::Assume(FIRST)]);
    let play = (0..3).fold(play, |play, _| play.signal(Signal::HUP, USER).asks(&[]));
    let play = play.assumed().signal(Signal::HUP, USER).asks(&[]).published().asks(&[]);
    let play = play.wake().asks(&[]).is("Keeping", "Waiting").after(Duration::from_millis(999)).asks(&[]);
    let play = play.after(Duration::from_millis(1)).asks(&[Action::AssumeNew(FIRST)]).assumed();
    play.published().asks(&[Action::ReportReady]).wake().asks(&[]);
}

#[test]
fn a_storm_of_hang_ups_makes_one_call_a_second() {
    let (mut play, mut calls) = (Play::keeper().after(HOUR / 4), 0);
    for _ in 0..50 {
        play = play.signal(Signal::HUP, USER);
        let begins = |play: &Play| play.asked == [Action::AssumeNew(FIRST)];
        let mut begun = begins(&play);
        if !begun {
            play = play.after(Duration::from_millis(100));
            begun = begins(&play);
        }
        if begun {
            calls += 1;
            play = play.assumed().published();
        }
    }
    assert!((4..=6).contains(&calls), "{calls} calls in about 5 s");
}

#[test]
fn a_failed_refresh_answers_the_hang_up_and_is_retried_without_the_cache() {
    let play = Play::keeper().after(HOUR / 4).signal(Signal::HUP, USER).refused();
    let play = play.asks(&[Action::ReportReady]).emits(&["refresh_failing"]);
    let play = play.due().asks(&[Action::AssumeNew(FIRST)]).failed(Reason::Denied).asks(&[]);
    play.due().asks(&[Action::AssumeNew(FIRST)]).assumed().published().asks(&[]).due().asks(&[Action::Assume(FIRST)]);
}

#[test]
fn a_keeper_outlives_its_session() {
    let (mut play, mut has_expired) = (Play::keeper(), false);
    while !has_expired {
        play = play.due();
        has_expired = play.emitted.contains(&"expired");
        if play.asked == [Action::Assume(FIRST)] {
            play = play.refused();
        }
    }
    play.is("Keeping", "Waiting").due().asks(&[Action::Assume(FIRST)]).assumed().published().emits(&[
        "recovered",
        "refreshed",
        "refresh_due",
    ]);
}
