//! Plays every sequence of inputs up to a certain length, and checks each action of the machine against a model.
//!
//! The model has a child, an STS call and two clocks. It offers all possible next steps, and checks each action. If
//! different sequences lead to equal models, only one of these models is continued.

mod claims;
mod hasher;
mod model;
mod moves;
mod others;

use super::*;
use crate::process::ProcessGroup;
use crate::supervise::policy::{DeliveryTime, OnRefreshFailure, ReadySign, RestartOrder, SignalTarget};
use crate::supervise::schedule::RefreshKind;
use hasher::Fast;
use model::*;
use moves::*;
use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

/// The number of steps in a sequence, including the answers to actions.
const LENGTH: usize = 10;

/// The number of steps after the beginning of a handover, or of a signal by a pid file.
const HANDOVER_LENGTH: usize = 7;

/// The number of steps after a session was fetched that is held.
const HELD_LENGTH: usize = 7;

const HOUR: Duration = Duration::from_hours(1);

/// The policies with `--restart-order start-first`.
fn handover_policies() -> Vec<Policy> {
    let mut policies = Vec::new();
    for ready in [ReadySign::Notification, ReadySign::RunsFor(Duration::from_secs(5))] {
        for on_refresh_failure in [OnRefreshFailure::Keep, OnRefreshFailure::Stop] {
            let (stop_signal, stop_timeout) = (stop_signal(), STOP_TIMEOUT);
            let (restart_order, ready) = (RestartOrder::StartFirst, Some(ready));
            let usual = Policy::usual(OnExpiry::Restart, DeliveryTime::AtStart);
            policies.push(Policy {
                stop_signal,
                stop_timeout,
                on_refresh_failure,
                restart_order,
                ready,
                has_hook: true,
                ..usual
            });
        }
    }
    let live = Policy { delivery_time: DeliveryTime::Live, ..policies[1] };
    policies.push(live);
    policies
}

fn policies() -> Vec<Policy> {
    let signal = OnExpiry::Signal(refresh_signal());
    let refreshes = [
        (OnExpiry::None, DeliveryTime::Live),
        (OnExpiry::Restart, DeliveryTime::AtStart),
        (OnExpiry::Restart, DeliveryTime::Live),
        (signal, DeliveryTime::Live),
        (signal, DeliveryTime::AtStart),
    ];
    let mut policies = Vec::new();
    for (on_expiry, delivery_time) in refreshes {
        for on_refresh_failure in [OnRefreshFailure::Keep, OnRefreshFailure::Stop] {
            let (stop_signal, stop_timeout) = (stop_signal(), STOP_TIMEOUT);
            let usual = Policy::usual(on_expiry, delivery_time);
            policies.push(Policy { stop_signal, stop_timeout, on_refresh_failure, has_hook: true, ..usual });
        }
    }
    policies
}

/// Returns the transitions in the diagram of `states.md`.
fn diagram() -> Transitions {
    include_str!("../states.md")
        .lines()
        .filter_map(|line| line.split_once(" --> "))
        .filter(|(from, _)| !from.contains("[*]"))
        .map(|(from, rest)| (from.trim().into(), rest.split(':').next().unwrap_or(rest).trim().into()))
        .collect()
}

type Transitions = BTreeSet<(String, String)>;

/// Plays all sequences of `length` steps that begin with this model, and adds the transitions of the three parts of the
/// machine (both generations, and the session) to `seen`.
fn play(begin: Model, length: usize, seen: &mut Transitions) {
    let mut models: HashSet<Model, Fast> = HashSet::from_iter([begin]);
    for _ in 0..length {
        let mut later = HashSet::default();
        for model in &models {
            let before = model.machine.state_names();
            for step in model.moves() {
                let next = model.after(step);
                for (from, to) in before.into_iter().zip(next.machine.state_names()) {
                    if from != to {
                        seen.insert((from.to_owned(), to.to_owned()));
                    }
                }
                later.insert(next);
            }
        }
        models = later;
    }
}

/// Plays sequences that begin with a session that is held, with those of the policies that hold one.
fn play_held(policies: &[Policy], seen: &mut Transitions) {
    let is_held = |policy: &&Policy| policy.first_effect(HOUR) != policy.leads(HOUR, RefreshKind::First);
    for policy in policies.iter().filter(is_held) {
        let mut begin = Model::early(*policy).after(Move::Wait).after(Move::Start);
        while !begin.call {
            begin = begin.after(Move::Wait);
        }
        let begin = begin.after(Move::Grant);
        assert_eq!(begin.machine.state_names()[2], "Waiting", "the session is held");
        play(begin, HELD_LENGTH, seen);
    }
}

/// Checks whether a transition occurs only with a generation beside the current one.
fn is_of_handover((from, to): &(String, String)) -> bool {
    ["Alone", "Postponed", "Launching", "Preparing", "Leaving"].contains(&from.as_str())
        || (from.as_str(), to.as_str()) == ("Running", "Killing")
}

#[test]
fn every_sequence_satisfies_the_claims_and_the_diagram_has_all_transitions() {
    let mut seen = BTreeSet::new();
    for policy in policies() {
        let first_process = (policy.on_expiry == OnExpiry::Restart).then_some((ProcessGroup::Own, 1));
        for (group, me) in [(ProcessGroup::Own, ME), (ProcessGroup::Shared, ME)].into_iter().chain(first_process) {
            let begin = Model::new(policy, group, me);
            // In addition to the sequences that begin at the start, these begin at a stop, because the remaining
            // processes of a command may take many steps to exit.
            if policy.on_expiry == OnExpiry::Restart {
                let to_a_stop = [Move::Wait, Move::Start, Move::Wait, Move::Grant, Move::Publish];
                let begin = to_a_stop.into_iter().fold(begin.clone(), |model, step| model.after(step));
                play(begin, LENGTH - 2, &mut seen);
            }
            play(begin, LENGTH, &mut seen);
        }
    }
    play_held(&policies(), &mut seen);
    play(Model::keeper(), LENGTH, &mut seen);
    let mut expected = diagram();
    expected.retain(|transition| !is_of_handover(transition));
    assert_eq!(seen, expected);
}

#[test]
fn every_sequence_with_a_pid_file_satisfies_the_claims() {
    let (stop_signal, stop_timeout) = (stop_signal(), STOP_TIMEOUT);
    let usual = Policy::usual(OnExpiry::Signal(refresh_signal()), DeliveryTime::Live);
    let policy = Policy { stop_signal, stop_timeout, signal_target: SignalTarget::PidFile, has_hook: true, ..usual };
    let to_a_signal = [Move::Wait, Move::Start, Move::Wait, Move::Grant, Move::Publish];
    let begin =
        to_a_signal.into_iter().fold(Model::new(policy, ProcessGroup::Own, ME), |model, step| model.after(step));
    assert!(begin.naming, "the delivered session begins an attempt");
    play(begin, HANDOVER_LENGTH, &mut BTreeSet::new());
}

#[test]
fn every_sequence_with_a_handover_satisfies_the_claims_and_the_diagram_has_all_its_transitions() {
    let mut seen = BTreeSet::new();
    for policy in handover_policies() {
        for me in [ME, 1] {
            let begin = Model::new(policy, ProcessGroup::Own, me);
            let until_ready: &[Move] = match policy.ready {
                Some(ReadySign::RunsFor(_)) => &[Move::Wait],
                Some(ReadySign::Notification | ReadySign::Newline(_)) | None => &[],
            };
            let to_a_handover = [&[Move::Wait, Move::Start], until_ready, &[Move::Wait, Move::Grant, Move::Publish]];
            let begin = to_a_handover.concat().into_iter().fold(begin, |model, step| model.after(step));
            play(begin, HANDOVER_LENGTH, &mut seen);
        }
    }
    play_held(&handover_policies(), &mut seen);
    assert!(seen.is_subset(&diagram()), "{seen:?}");
    let of_handover = |transitions: Transitions| transitions.into_iter().filter(is_of_handover).collect::<Vec<_>>();
    assert_eq!(of_handover(seen), of_handover(diagram()));
}
