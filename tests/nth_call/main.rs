//! Makes the n-th system call of xassume fail, transfer less, or be its last one, for every n.
//!
//!     cargo test --locked --test nth_call -- [--kind fail|short|kill] [--every N] [--from N] [--scenario NAME]
//!         [--call NAME] [--at N] [--parallel N] [--binary PATH]
//!
//! The first run of a scenario lists the calls of xassume, its threads and its helper processes, from the first call of
//! `main` to the end. The dynamic linker and Rust's runtime before `main` are not tested. Then each call gets its
//! faults, one per run: each error of its manual page that can happen to it, shorter transfers, and SIGKILL before the
//! call. (SIGKILL after a call is SIGKILL before the next one.) The program prints a table of the outcomes and each
//! wrong outcome; its status is 1 if there are any.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "the harness prints its results, and panics on errors"
)]
#![allow(missing_docs, unreachable_pub, reason = "this is not a public interface")]

#[path = "../support/mod.rs"]
mod support;
#[path = "../tracer/mod.rs"]
mod tracer;

mod calls;
mod known;
mod next_start;
mod refreshed;
mod scenario;
mod table;
mod verdict;

use calls::{Call, calls};
use scenario::Scenario;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;
use table::Table;
use tracer::{Counted, Fault, Plan, in_parallel};

/// How many similar calls about processes in `/proc` get faults.
const SCANS: usize = 10;

#[derive(Debug)]
struct Options {
    kinds: Vec<String>,
    every: usize,
    from: usize,
    scenarios: Vec<Scenario>,
    call: Option<String>,
    at: Option<usize>,
    parallel: usize,
    binary: PathBuf,
}

fn options(words: &[String]) -> Options {
    let mut options = Options {
        kinds: ["fail", "short", "kill"].map(str::to_owned).to_vec(),
        every: 1,
        from: 0,
        scenarios: Vec::new(),
        call: None,
        at: None,
        parallel: 0,
        binary: support::binary(),
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let value = words.next().unwrap_or_else(|| panic!("{word} needs a value"));
        match word.as_str() {
            "--kind" => options.kinds.retain(|kind| kind == value),
            "--every" => options.every = value.parse().expect("a number above 0"),
            "--from" => options.from = value.parse().expect("a number"),
            "--scenario" => {
                let named = Scenario::ALL.into_iter().filter(|scenario| scenario.to_string() == *value);
                options.scenarios.extend(named);
            }
            "--call" => options.call = Some(value.clone()),
            "--at" => options.at = Some(value.parse().expect("a number")),
            "--parallel" => options.parallel = value.parse().expect("a number above 0"),
            "--binary" => options.binary = value.into(),
            other => panic!("unknown option {other}"),
        }
    }
    if options.scenarios.is_empty() {
        options.scenarios = Scenario::ALL.to_vec();
    }
    assert!(options.every > 0 && !options.kinds.is_empty(), "nothing to do");
    options
}

/// Calls that change nothing outside the process. SIGKILL after one of them is the same as SIGKILL before it.
const CHANGE_NOTHING: &str = "\
    access brk epoll_create epoll_ctl epoll_wait eventfd fcntl fstat futex futex_wake getcwd getdents getegid \
    geteuid getgid getpeername getpgid getpid getppid getrandom getsockname getsockopt gettid getuid lseek madvise \
    mmap mprotect mremap munmap pread prlimit readlink rseq sched_yield set_robust_list sigaction sigaltstack \
    signalfd sigprocmask sigreturn stat statfs timerfd_create timerfd_settime uname";

/// The faults of a call, after this other call.
fn faults(call: &Call, earlier: Option<&Call>, kinds: &[String]) -> Vec<Fault> {
    let has = |kind: &str| kinds.iter().any(|known| known == kind);
    let fail = call.errnos.iter().map(|errno| Fault::Fail(*errno)).filter(|_| has("fail"));
    let short = call.length.into_iter().flat_map(|length| [1, length / 2]).filter(|_| has("short"));
    let kill = [Fault::Kill].into_iter().chain((call.caller == "child").then_some(Fault::KillCaller));
    let is_new = earlier.is_none_or(|earlier| !CHANGE_NOTHING.split_whitespace().any(|name| name == earlier.name));
    let kill = kill.filter(|_| has("kill") && is_new);
    fail.chain(short.map(Fault::Short)).chain(kill).collect()
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [first, log, at, call, caller, name, value, program @ ..] = &words[..]
        && first == "trace"
    {
        let fault = scenario::fault(name, value).map(|fault| (at.parse().expect("a number"), fault));
        let log = File::create(log).expect("the sandbox is writable");
        let plan = Plan { counted: Counted::All, fault, call: Some([call.clone(), caller.clone()]) };
        let traced = tracer::run(plan, Box::new(log), program);
        return ExitCode::from(traced.expect("the program can be traced"));
    }
    // xassume is not dumpable: only root sees its descriptors.
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: only root can trace xassume");
        return ExitCode::SUCCESS;
    }
    let options = options(&words);
    let wrong: usize = options.scenarios.iter().map(|scenario| all_faults(*scenario, &options)).sum();
    println!("{wrong} outcomes are wrong");
    if wrong > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Injects all faults into a scenario, and prints the outcomes. Returns the number of wrong ones.
fn all_faults(scenario: Scenario, options: &Options) -> usize {
    let begun = Instant::now();
    let calls = calls(scenario, &options.binary);
    println!("{scenario}: {} calls", calls.len());
    let earlier = std::iter::once(None).chain(calls.iter().map(Some));
    let jobs = calls
        .iter()
        .zip(earlier)
        .flat_map(|(call, earlier)| faults(call, earlier, &options.kinds).into_iter().map(move |fault| (call, fault)));
    let wanted = |call: &Call| {
        options.call.as_ref().is_none_or(|name| *name == call.name) && options.at.is_none_or(|at| at == call.at)
    };
    let scanned = scanned(&calls);
    if !scanned.is_empty() {
        println!("{scenario}: {} of them look through /proc as {SCANS} others do, and get no fault", scanned.len());
    }
    let jobs =
        jobs.filter(|(call, _)| wanted(call) && !scanned.contains(&call.at)).skip(options.from).step_by(options.every);
    let jobs: Vec<_> = jobs.collect();
    let count = jobs.len();
    let table = Mutex::new(Table::new(scenario));
    let parallel = match options.parallel {
        0 if scenario.is_supervised() => 12,
        0 => 4,
        given => given,
    };
    in_parallel(jobs, parallel, |(call, fault)| {
        let outcome = verdict::outcome(scenario, &options.binary, call, fault);
        table.lock().expect("no panic").note(call, fault, &outcome);
    });
    let table = table.into_inner().expect("no panic");
    println!("{table}{scenario}: {count} faults in {} s", begun.elapsed().as_secs());
    assert!(count == 0 || table.reached > 0, "{scenario}: no run has reached its call");
    table.wrong
}

/// The calls about processes in `/proc` that have the same caller and name, and the same target apart from the process
/// ID, as [`SCANS`] earlier ones. Their number depends on the other processes of the machine.
fn scanned(calls: &[Call]) -> BTreeSet<usize> {
    let mut seen = BTreeMap::<_, usize>::new();
    let repeated = calls.iter().filter(|call| {
        let Some(target) = call.target.strip_prefix("/proc/") else { return false };
        let rest = target.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let count = seen.entry((&call.caller, &call.name, rest)).or_default();
        *count += 1;
        rest.len() < target.len() && *count > SCANS
    });
    repeated.map(|call| call.at).collect()
}
