//! Every history of a bounded length, played against a toy world that knows what must never happen.
//!
//! The world keeps account of a child, an STS call and two clocks, offers whatever could happen next, and checks
//! each action when it is asked for. Worlds that different histories make alike are played on once.

mod claims;
mod moves;
mod world;

use super::*;
use crate::process::ProcessGroup;
use crate::supervise::policy::{DeliveryTime, OnRefreshFailure};
use moves::*;
use std::collections::{BTreeSet, HashSet};
use world::*;

/// How many things happen in one history, the answers to what the machine asks included.
const LENGTH: usize = 10;

fn policies() -> Vec<Policy> {
    let signal = OnExpiry::Signal(refresh_signal());
    let ways = [
        (OnExpiry::None, DeliveryTime::Live),
        (OnExpiry::Restart, DeliveryTime::AtStart),
        (OnExpiry::Restart, DeliveryTime::Live),
        (signal, DeliveryTime::Live),
        (signal, DeliveryTime::AtStart),
    ];
    let mut policies = Vec::new();
    for (on_expiry, delivery_time) in ways {
        for on_refresh_failure in [OnRefreshFailure::Keep, OnRefreshFailure::Stop] {
            let (stop_signal, stop_timeout) = (stop_signal(), STOP_TIMEOUT);
            let usual = Policy::usual(on_expiry, delivery_time);
            policies.push(Policy { stop_signal, stop_timeout, on_refresh_failure, ..usual });
        }
    }
    policies
}

/// The arrows of the picture in `supervise`'s head.
fn picture() -> BTreeSet<(String, String)> {
    include_str!("../states.md")
        .lines()
        .filter_map(|line| line.split_once(" --> "))
        .filter(|(from, _)| !from.contains("[*]"))
        .map(|(from, rest)| (from.trim().into(), rest.split(':').next().unwrap_or(rest).trim().into()))
        .collect()
}

/// Plays on from this world, and adds the arrows of each machine that it sees.
fn play(begin: World, length: usize, seen: &mut BTreeSet<(String, String)>) {
    let mut worlds = HashSet::from([begin]);
    for _ in 0..length {
        let mut later = HashSet::new();
        for world in &worlds {
            let before = world.machine.state_names();
            for step in world.moves() {
                let next = world.after(step);
                let after = next.machine.state_names();
                for (from, to) in [(before.0, after.0), (before.1, after.1)] {
                    if from != to {
                        seen.insert((from.to_owned(), to.to_owned()));
                    }
                }
                later.insert(next);
            }
        }
        worlds = later;
    }
}

#[test]
fn every_history_keeps_the_promises_and_the_picture_shows_them_all() {
    let mut seen = BTreeSet::new();
    for policy in policies() {
        let first_process = (policy.on_expiry == OnExpiry::Restart).then_some((ProcessGroup::Own, 1));
        for (group, me) in [(ProcessGroup::Own, ME), (ProcessGroup::Shared, ME)].into_iter().chain(first_process) {
            let begin = World::new(policy, group, me);
            // Once more from where a stop begins: what is left of a command may take long to end.
            if policy.on_expiry == OnExpiry::Restart {
                let to_a_stop = [Move::Wait, Move::Start, Move::Wait, Move::Obtain, Move::Publish];
                let begin = to_a_stop.into_iter().fold(begin.clone(), |world, step| world.after(step));
                play(begin, LENGTH - 2, &mut seen);
            }
            play(begin, LENGTH, &mut seen);
        }
    }
    assert_eq!(seen, picture());
}
