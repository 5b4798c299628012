//! The outcomes of all faults of a scenario.

use std::collections::BTreeMap;
use std::fmt;

use nix::errno::Errno;

use crate::calls::Call;
use crate::known;
use crate::scenario::Scenario;
use crate::tracer::Fault;
use crate::verdict::{Good, Outcome};

/// How often a fault had an outcome, by the name of the call, the fault and the outcome.
pub struct Table {
    scenario: Scenario,
    rows: BTreeMap<String, BTreeMap<String, BTreeMap<&'static str, usize>>>,
    /// How often an outcome was right for one of the known reasons.
    reasons: BTreeMap<&'static str, usize>,
    pub wrong: usize,
    /// How many runs have reached their call.
    pub reached: usize,
}

impl Table {
    pub fn new(scenario: Scenario) -> Self {
        Self { scenario, rows: BTreeMap::new(), reasons: BTreeMap::new(), wrong: 0, reached: 0 }
    }

    /// Adds an outcome, and prints it if it is wrong.
    pub fn note(&mut self, call: &Call, fault: Fault, Outcome { call: seen, result }: &Outcome) {
        let how = match fault {
            Fault::Hold => "hold".to_owned(),
            Fault::Fail(errno) => format!("{:?}", Errno::from_raw(errno)),
            Fault::Short(_) => "short".to_owned(),
            Fault::Kill => "SIGKILL".to_owned(),
            Fault::KillCaller => "SIGKILL to the process".to_owned(),
        };
        let whole = format!("{how} at {seen}");
        let outcome = match result {
            Ok(Good::Ran) => "ran",
            Ok(Good::Refused) => "125",
            Ok(Good::Unrunnable) => "126 or 127",
            Ok(Good::Killed) => "killed",
            Ok(Good::NotReached) => "not reached",
            Err(what) => {
                if let Some(reason) = known::reason(&whole, what) {
                    *self.reasons.entry(reason).or_default() += 1;
                    "known"
                } else {
                    self.wrong += 1;
                    let what = what.trim_end().replace('\n', " | ");
                    println!("WRONG {}: {whole} (expected {} {}): {what}", self.scenario, call.name, call.target);
                    "WRONG"
                }
            }
        };
        self.reached += usize::from(!seen.is_empty());
        let row = self.rows.entry(call.name.clone()).or_default();
        *row.entry(how).or_default().entry(outcome).or_default() += 1;
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (call, faults) in &self.rows {
            let faults = faults.iter().map(|(fault, outcomes)| {
                let outcomes: Vec<_> = outcomes.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
                format!("{fault} {}", outcomes.join(", "))
            });
            writeln!(f, "{} {call}: {}", self.scenario, faults.collect::<Vec<_>>().join("; "))?;
        }
        for (reason, count) in &self.reasons {
            writeln!(f, "{}: {count} known: {reason}", self.scenario)?;
        }
        Ok(())
    }
}
