//! Plays every sequence of inputs up to a certain length, and checks each action of the machine against a model.
//!
//! The model has a child, an STS call and two clocks. It offers all possible next steps, and checks each action. If
//! different sequences lead to equal models, only one of these models is continued.

mod claims;
mod model;
mod moves;

use super::*;
use crate::process::ProcessGroup;
use crate::supervise::policy::{DeliveryTime, OnRefreshFailure};
use model::*;
use moves::*;
use std::collections::{BTreeSet, HashSet};

/// The number of steps in a sequence, including the answers to actions.
const LENGTH: usize = 10;

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
            policies.push(Policy { stop_signal, stop_timeout, on_refresh_failure, ..usual });
        }
    }
    policies
}

/// Returns the transitions in the diagram of `states.md`.
fn diagram() -> BTreeSet<(String, String)> {
    include_str!("../states.md")
        .lines()
        .filter_map(|line| line.split_once(" --> "))
        .filter(|(from, _)| !from.contains("[*]"))
        .map(|(from, rest)| (from.trim().into(), rest.split(':').next().unwrap_or(rest).trim().into()))
        .collect()
}

/// Plays all sequences of `length` steps that begin with this model, and adds the transitions of both halves of the
/// machine (command and session) to `seen`.
fn play(begin: Model, length: usize, seen: &mut BTreeSet<(String, String)>) {
    let mut models = HashSet::from([begin]);
    for _ in 0..length {
        let mut later = HashSet::new();
        for model in &models {
            let before = model.machine.state_names();
            for step in model.moves() {
                let next = model.after(step);
                let after = next.machine.state_names();
                for (from, to) in [(before.0, after.0), (before.1, after.1)] {
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
    assert_eq!(seen, diagram());
}
