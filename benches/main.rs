//! The costs of a launch, of supervision and of the endpoint: whole processes, compared with the cost of the kernel's
//! part.
//!
//!     cargo bench --locked -- [GROUP] [--quick | --long] [--build] [--program PATH]
//!
//! GROUP is a part of the name of a group: launch, crowd, memory, idle, keeper, roles, restart, listen, handover,
//! signal, endpoint, scale, size. `endpoint` includes `flood`. `--long` restarts the servers of `listen` and `handover`
//! 200 times. `--build` also times a clean build; `--program` measures another build of xassume. The table goes to
//! standard output, the same figures to `target/bench.json`. A missed target is reported, but is not a failure.
#![allow(clippy::expect_used, clippy::panic, reason = "a bench stops with a panic at the first error")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the table is the purpose")]

#[path = "../tests/support/mod.rs"]
mod support;

mod endpoint;
mod flood;
mod handover;
mod keeper;
mod launch;
mod listen;
mod load;
mod measure;
mod report;
mod roles;
mod scale;
mod size;
mod subject;
mod supervise;

use measure::Effort;
use report::{Machine, Report};
use subject::Subject;

/// A name, and the function that measures.
type Group = (&'static str, fn(&Subject, Effort, &mut Report));

const GROUPS: &[Group] = &[
    ("launch", launch::launches),
    ("crowd", launch::crowds),
    ("memory", supervise::memory),
    ("idle", supervise::idle),
    ("keeper", keeper::keepers),
    ("roles", roles::memory),
    ("restart", supervise::restarts),
    ("listen", listen::restarts),
    ("handover", handover::handovers),
    ("signal", supervise::signals),
    ("endpoint", endpoint::requests),
    ("endpoint flood", flood::flood),
    ("scale", scale::fleet),
    ("size", size::sizes),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|word| word == flood::STRANGER) {
        flood::run_stranger(&arguments[1..]);
        return;
    }
    // `cargo test --all-targets` runs benches too, without this argument.
    if !arguments.iter().any(|argument| argument == "--bench") {
        println!("a benchmark, not a test: run `cargo bench`");
        return;
    }
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let program = arguments.iter().skip_while(|argument| *argument != "--program").nth(1);
    let filter = arguments.iter().find(|argument| !argument.starts_with('-') && Some(*argument) != program);
    let effort = match (has("--quick"), has("--long")) {
        (true, _) => Effort::Quick,
        (false, true) => Effort::Long,
        (false, false) => Effort::Full,
    };
    let subject = Subject::new(program.map(Into::into));
    let machine = Machine::here();
    let mut report = Report::default();
    for (name, measure) in GROUPS {
        if filter.is_none_or(|filter| name.contains(filter.as_str())) {
            eprintln!("{name}");
            measure(&subject, effort, &mut report);
        }
    }
    if has("--build") {
        size::clean_build(&mut report);
    }
    println!("{}", report.table(&machine));
    eprintln!("\nwritten to {}", report.save(&machine).display());
}
