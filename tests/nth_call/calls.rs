//! The calls of a run without a fault.

use std::fs;
use std::path::Path;

use crate::scenario::Scenario;
use crate::tracer::MARK;
use crate::verdict::{Good, run};

/// A call of an undisturbed run.
#[derive(Debug, Clone)]
pub struct Call {
    /// Counted from 1.
    pub at: usize,
    pub caller: String,
    pub name: String,
    pub target: String,
    pub errnos: Vec<i32>,
    /// Of a transfer, if it can be shorter.
    pub length: Option<u64>,
}

/// The calls of an undisturbed run, in order.
pub fn calls(scenario: Scenario, binary: &Path) -> Vec<Call> {
    let world = scenario.world(binary);
    let ended = run(&world, None);
    assert!(ended == Ok(Good::Ran), "{scenario} without a fault: {ended:?}");
    let list = fs::read_to_string(world.log()).expect("the tracer has listed the calls");
    let parsed = list.lines().filter_map(|line| {
        let fields: Vec<&str> = line.strip_prefix(MARK)?.strip_prefix("call ")?.split('\t').collect();
        let [at, caller, name, target, errnos, length] = fields[..] else { return None };
        Some(Call {
            at: at.parse().ok()?,
            caller: caller.to_owned(),
            name: name.to_owned(),
            target: target.to_owned(),
            errnos: errnos.split_whitespace().filter_map(|errno| errno.parse().ok()).collect(),
            length: length.parse().ok(),
        })
    });
    parsed.collect()
}
