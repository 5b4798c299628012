//! Tests the driver with a simulated host, session source and clock, so that a day of suspend takes no time.

mod simulated;

use super::*;
use crate::process::End;
use crate::supervise::policy::{DeliveryTime, Margin, OnExpiry, SignalTarget};
use simulated::*;
use std::time::Duration;

fn play<S: SessionSource>(sim: &Sim, source: &S, on_expiry: OnExpiry, during_publish: Option<SimEvent>) -> Final {
    play_at(Speed::AtOnce, sim, source, on_expiry, during_publish)
}

fn play_at<S: SessionSource>(
    speed: Speed,
    sim: &Sim,
    source: &S,
    on_expiry: OnExpiry,
    during_publish: Option<SimEvent>,
) -> Final {
    play_with(SimDelivery(sim.clone(), during_publish, speed), sim, source, on_expiry, &SimLog(sim.clone(), None))
}

fn play_with<S: SessionSource>(
    delivery: SimDelivery,
    sim: &Sim,
    source: &S,
    on_expiry: OnExpiry,
    events: &SimLog,
) -> Final {
    play_policy(Policy::usual(on_expiry, DeliveryTime::Live), delivery, sim, source, events)
}

fn play_policy<S: SessionSource>(
    policy: Policy,
    delivery: SimDelivery,
    sim: &Sim,
    source: &S,
    events: &SimLog,
) -> Final {
    let first = FirstSessions { default: sim.session(), others: Vec::new() };
    play_sessions(first, policy, delivery, sim, source, events)
}

fn play_sessions<S: SessionSource>(
    first: FirstSessions,
    policy: Policy,
    mut delivery: SimDelivery,
    sim: &Sim,
    source: &S,
    events: &SimLog,
) -> Final {
    let policy = Policy { margin: Margin::Fixed(Duration::from_mins(6)), ..policy };
    let mut host = sim.clone();
    let ports = Ports {
        source,
        delivery: &mut delivery,
        host: &mut host,
        clock: sim,
        dice: dice(),
        named: Some(sim),
        notifier: None,
        hook: None,
        events,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(supervise(policy, first, ports))
}

fn ended(status: u8) -> Final {
    Final::Ended(End::Exited(status))
}

#[test]
fn a_restart_is_assume_publish_stop_kill_reap_start() {
    let sim = Sim::new(&[(4000, SimEvent::End(End::Exited(3)))]);
    assert_eq!(play(&sim, &sim, OnExpiry::Restart, None), ended(3));
    let restart = ["assume", "publish", "stop SIGTERM", "look", "sweep", "reap", "start ASIA2"];
    assert_eq!(sim.done(), [&["start ASIA1"], &restart[..], &["reap"]].concat());
    assert_eq!(sim.times("assume"), [3240]);
}

#[test]
fn the_process_of_a_pid_file_is_signaled_after_the_delivery() {
    for speed in [Speed::AtOnce, Speed::Later] {
        let sim = Sim::new(&[(4000, SimEvent::End(End::Exited(3)))]);
        let usual = Policy::usual(OnExpiry::Signal(Signal::HUP), DeliveryTime::Live);
        let policy = Policy { signal_target: SignalTarget::PidFile, ..usual };
        let delivery = SimDelivery(sim.clone(), None, speed);
        assert_eq!(play_policy(policy, delivery, &sim, &sim, &SimLog(sim.clone(), None)), ended(3));
        assert_eq!(sim.done(), ["start ASIA1", "assume", "publish", "SIGHUP by pid file", "reap"]);
    }
}

/// A command with three sessions, which are refreshed at the same time.
fn play_three(sim: &Sim, speed: Speed, during_publish: Option<SimEvent>) -> Final {
    let first = FirstSessions { default: sim.session(), others: ["a", "b"].map(|name| (name, sim.session())).to_vec() };
    let policy = Policy::usual(OnExpiry::Signal(Signal::HUP), DeliveryTime::Live);
    let delivery = SimDelivery(sim.clone(), during_publish, speed);
    play_sessions(first, policy, delivery, sim, sim, &SimLog(sim.clone(), None))
}

#[test]
fn sessions_that_wait_for_a_delivery_are_delivered_together_and_one_signal_follows() {
    let at_once =
        ["publish ASIA4 ASIA2 ASIA3", "assume", "publish ASIA4 ASIA5 ASIA3", "assume", "publish ASIA4 ASIA5 ASIA6"];
    let later = ["publish ASIA4 ASIA2 ASIA3", "assume", "assume", "publish ASIA4 ASIA5 ASIA6"];
    for (speed, deliveries) in [(Speed::AtOnce, &at_once[..]), (Speed::Later, &later[..])] {
        let sim = Sim::new(&[(4000, SimEvent::End(End::Exited(3)))]);
        assert_eq!(play_three(&sim, speed, None), ended(3));
        assert_eq!(sim.done(), [&["start ASIA1", "assume"], deliveries, &["SIGHUP", "reap"]].concat());
        assert_eq!(sim.times("SIGHUP"), [3241], "a second after the first delivery");
    }
}

#[test]
fn a_stuck_delivery_of_one_of_three_sessions_delays_neither_signals_nor_the_exit() {
    let sim = Sim::new(&[]);
    let end = play_three(&sim, Speed::Never, Some(SimEvent::Term));
    assert_eq!(end, Final::Ended(End::Killed(Signal::TERM)));
    let done = sim.done();
    assert_eq!(done, ["start ASIA1", "assume", "publish ASIA4 ASIA2 ASIA3", "SIGTERM", "reap", "dropped"]);
}

#[test]
fn eight_hours_of_suspend_are_followed_by_one_refresh_at_once() {
    let sim = Sim::new(&[(600, SimEvent::Suspend(8 * HOUR)), (30_000, SimEvent::End(End::Exited(0)))]);
    play(&sim, &sim, OnExpiry::None, None);
    assert_eq!(sim.times("assume"), [600 + 8 * 3600]);
}

#[test]
fn a_wall_clock_set_back_does_not_delay_a_refresh() {
    let sim = Sim::new(&[(600, SimEvent::WallBack(HOUR)), (7000, SimEvent::End(End::Exited(0)))]);
    play(&sim, &sim, OnExpiry::None, None);
    assert_eq!(sim.times("assume"), [3240, 6480]);
}

#[test]
fn a_wall_clock_set_ahead_refreshes_early_and_once() {
    let sim = Sim::new(&[(600, SimEvent::WallAhead(HOUR)), (4000, SimEvent::End(End::Exited(0)))]);
    play(&sim, &sim, OnExpiry::None, None);
    assert_eq!(sim.times("assume"), [600, 3840]);
}

#[test]
fn a_command_that_exits_during_the_delivery_is_not_restarted() {
    for speed in [Speed::AtOnce, Speed::Later] {
        let sim = Sim::new(&[]);
        let end = play_at(speed, &sim, &sim, OnExpiry::Restart, Some(SimEvent::End(End::Exited(5))));
        assert_eq!(end, ended(5));
        assert_eq!(sim.done(), ["start ASIA1", "assume", "publish", "reap"]);
    }
}

#[test]
fn a_restart_waits_for_a_slow_delivery() {
    let sim = Sim::new(&[(4000, SimEvent::End(End::Exited(3)))]);
    assert_eq!(play_at(Speed::Later, &sim, &sim, OnExpiry::Restart, None), ended(3));
    let restart = ["assume", "publish", "stop SIGTERM", "look", "sweep", "reap", "start ASIA2"];
    assert_eq!(sim.done(), [&["start ASIA1"], &restart[..], &["reap"]].concat());
}

#[test]
fn a_stuck_delivery_delays_neither_signals_nor_the_exit() {
    let sim = Sim::new(&[]);
    let end = play_at(Speed::Never, &sim, &sim, OnExpiry::Restart, Some(SimEvent::Term));
    assert_eq!(end, Final::Ended(End::Killed(Signal::TERM)));
    assert_eq!(sim.done(), ["start ASIA1", "assume", "publish", "SIGTERM", "reap", "dropped"]);
}

#[test]
fn a_term_that_is_pending_after_the_stop_prevents_the_start() {
    let sim = Sim::new(&[]);
    let end = play(&sim, &sim, OnExpiry::Restart, Some(SimEvent::Term));
    assert_eq!(end, Final::Ended(End::Killed(Signal::TERM)));
    assert_eq!(sim.done(), ["start ASIA1", "assume", "publish", "stop SIGTERM", "look", "sweep", "reap"]);
}

#[test]
fn an_exit_during_the_sts_call_drops_the_call_and_ends_at_once() {
    let sim = Sim::new(&[]);
    assert_eq!(play(&sim, &Slow(sim.clone()), OnExpiry::Restart, None), ended(7));
    assert_eq!(sim.done(), ["start ASIA1", "assume", "reap", "dropped"]);
}

#[test]
fn an_exit_while_the_restart_is_logged_is_final() {
    let sim = Sim::new(&[]);
    let events = SimLog(sim.clone(), Some(SimEvent::End(End::Exited(7))));
    assert_eq!(
        play_with(SimDelivery(sim.clone(), None, Speed::AtOnce), &sim, &sim, OnExpiry::Restart, &events),
        ended(7)
    );
    assert_eq!(sim.done(), ["start ASIA1", "assume", "publish", "reap"]);
}

#[test]
fn a_signal_during_the_fork_goes_to_the_command() {
    let sim = Sim::new(&[]);
    sim.0.borrow_mut().at_fork = Some(SimEvent::Term);
    assert_eq!(play(&sim, &sim, OnExpiry::Restart, None), Final::Ended(End::Killed(Signal::TERM)));
    assert_eq!(sim.done(), ["start ASIA1", "SIGTERM", "reap"]);
}

#[test]
fn a_stuck_program_file_takes_ten_seconds_and_does_not_delay_a_signal() {
    let hanging = |plans: &[(u64, SimEvent)]| {
        let sim = Sim::new(plans);
        sim.0.borrow_mut().exec = Exec::Hangs;
        let end = play(&sim, &sim, OnExpiry::Restart, None);
        assert_eq!(sim.done(), ["start ASIA1", "abort"]);
        (end, sim.times("abort"))
    };
    assert_eq!(hanging(&[]), (Final::NotStarted { errno: libc::ETIMEDOUT }, vec![10]));
    assert_eq!(hanging(&[(3, SimEvent::Term)]), (Final::Ended(End::Killed(Signal::TERM)), vec![3]));
}
