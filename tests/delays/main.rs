//! Blocks each system call of xassume that a file system, a pipe or a terminal can delay, one call per run.
//! Signals must still be handled, the endpoint must answer, and a command that has ended must not be started again.
//!
//!     cargo test --locked --test delays -- [--every N] [--scenario NAME] [--binary PATH]
//!
//! A scenario is a supervised run with a refresh. Its first run lists the calls after the command is ready. Then each
//! call (with `--every 5`: each fifth) is blocked in two more runs: one gets SIGTERM, in the other one the command
//! exits (without a command, xassume gets SIGINT). If a refresh restarts the command, there is a third run, in which the
//! command exits and then the call continues. The program prints what went wrong; its status is 1 if anything did.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "the harness prints its results, and panics on errors"
)]
#![allow(missing_docs, unreachable_pub, reason = "this is not a public interface")]

#[path = "../support/mod.rs"]
mod support;

mod scenario;
#[path = "../tracer/mod.rs"]
mod tracer;

use scenario::{Outcome, Scenario};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use tracer::{Counted, Fault, Plan, in_parallel};

/// How many runs are active at the same time. They mostly wait.
const PARALLEL: usize = 6;

/// What ends a run after the call was blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndBy {
    /// SIGTERM to xassume.
    Term,
    /// The command exits by itself.
    Exit,
    /// The command exits by itself, and then the call continues.
    Late,
}

struct Options {
    every: usize,
    scenarios: Vec<Scenario>,
    binary: PathBuf,
}

fn options(words: &[String]) -> Options {
    let mut options = Options { every: 1, scenarios: Scenario::ALL.to_vec(), binary: support::binary() };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let value = words.next().unwrap_or_else(|| panic!("{word} needs a value"));
        match word.as_str() {
            "--every" => options.every = value.parse().expect("a number above 0"),
            "--scenario" => options.scenarios.retain(|scenario| scenario.to_string() == *value),
            "--binary" => options.binary = value.into(),
            other => panic!("unknown option {other}"),
        }
    }
    assert!(options.every > 0 && !options.scenarios.is_empty(), "nothing to do");
    options
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [first, hold, program @ ..] = &words[..]
        && first == "trace"
    {
        let hold = Some(hold.parse().expect("a number")).filter(|hold| *hold > 0);
        let plan = Plan { counted: Counted::Blockable, fault: hold.map(|hold| (hold, Fault::Hold)), call: None };
        let traced = tracer::run(plan, Box::new(std::io::stderr()), program);
        return ExitCode::from(traced.expect("the program can be traced"));
    }
    // xassume is not dumpable: only root sees its descriptors.
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: only root can trace xassume");
        return ExitCode::SUCCESS;
    }
    let Options { every, scenarios, binary } = options(&words);
    let mut jobs = Vec::new();
    for scenario in scenarios {
        let calls = scenario.calls(&binary);
        println!("{scenario}: {} calls from the command's start to the end of a refresh", calls.len());
        for (at, call) in calls.into_iter().enumerate().step_by(every) {
            jobs.extend(scenario.ends().iter().map(|&end_by| (scenario, at + 1, end_by, call.clone())));
        }
    }
    let (held, faults) = (AtomicUsize::new(0), AtomicUsize::new(0));
    in_parallel(jobs, PARALLEL, |(scenario, at, end_by, expected)| match scenario.run(&binary, at, end_by) {
        Outcome::NotReached => println!("{scenario}: {at} was not reached ({expected})"),
        Outcome::Good => drop(held.fetch_add(1, Ordering::Relaxed)),
        Outcome::Fault { call, what } => {
            faults.fetch_add(1, Ordering::Relaxed);
            println!("FAULT {scenario} {end_by:?}: held {call}: {what}");
        }
    });
    let (held, faults) = (held.into_inner(), faults.into_inner());
    println!("{held} delays did no harm, {faults} did");
    if faults > 0 || held == 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
