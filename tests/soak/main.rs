//! Runs supervisors for a while and injects random faults. No resource may grow, and no session may be lost.
//!
//!     cargo test --locked --test soak -- [SECONDS [SEED]] [--lifetime SECONDS] [--refreshes COUNT]
//!     cargo test --locked --test soak -- --replay LOG
//!
//! There are seven supervisors: one restarts its command, one signals it, one serves it through the endpoint, one is
//! PID 1 of a namespace, runs a hook after each session and restarts a command that leaves orphans, and one restarts a
//! server without a gap. Two are keepers (`--serve`) with a hook and a client. One client asks the endpoint all the
//! time, the other reads the credentials file and is signaled by its pid file. Sessions last three seconds, those of
//! keepers four. Each supervisor has its own fake STS, which denies, hangs, cuts off and delays answers. Each also gets
//! outside faults: signals, a stopped command, a removed cache, connections without the token, a new process that does
//! not get ready; keepers are killed, ended and started again. All faults are derived from the seed, which is printed
//! first, and are logged in `target/soak/SEED.log`. The same seed gives each supervisor the same faults in the same
//! order: `--replay` repeats a log and compares.
//!
//! Beside them run two supervisors with three roles each. Their faults are not in the log; see [`several`].
//!
//! With `--refreshes` the soak continues until each supervisor has made that many, for at most three times as long.
//!
//! At the end, every session that xassume got must have reached the command, in order and once. A session in an answer
//! that was cut off must not have. Each request to the server must have been answered. A keeper must have served each
//! session until it expired or was replaced, begun at most one refresh a second, and ended within two seconds of TERM.
//! Memory, descriptors, threads and zombies must not have grown, and no directory, no file and no process may be left.
//! Other speed is not checked: a busy machine makes a soak slower, but does not make it fail.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a soak prints its results, and panics on errors"
)]
#![allow(missing_docs, unreachable_pub, reason = "this is not a public interface")]

#[path = "../support/mod.rs"]
mod support;

mod clients;
mod journal;
mod kind;
mod plan;
mod resources;
mod several;
mod supervisor;
mod verdict;
mod worker;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use journal::{Faults, Journal};
use kind::Kind;
use plan::Plan;
use several::Several;
use supervisor::{Report, Supervisor};

/// How often each supervisor's faults are injected.
const TURN: Duration = Duration::from_millis(20);
/// How often its resources are measured. Refreshes come at whole seconds, and must not be measured at the same stage each
/// time.
const LOOK: Duration = Duration::from_millis(700);
/// The session before the first refresh, and some that the command may have reported twice.
const SPARE: usize = 4;

/// How far a plan reaches, even if the soak takes three times as long.
const LONGEST: Duration = Duration::from_hours(1);

/// Everything that two equal soaks have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    pub seed: u64,
    pub time: Duration,
    /// Of a session.
    pub lifetime: Duration,
    /// How many refreshes each supervisor must make.
    pub refreshes: usize,
}

impl Settings {
    /// Parses the output of `Display`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let ["seed", seed, "seconds", time, "lifetime", lifetime, "refreshes", refreshes] = words[..] else {
            return None;
        };
        Some(Self {
            seed: seed.parse().ok()?,
            time: Duration::from_secs(time.parse().ok()?),
            lifetime: Duration::from_secs(lifetime.parse().ok()?),
            refreshes: refreshes.parse().ok()?,
        })
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (time, lifetime) = (self.time.as_secs(), self.lifetime.as_secs());
        write!(f, "seed {} seconds {time} lifetime {lifetime} refreshes {}", self.seed, self.refreshes)
    }
}

/// The settings, and the log of an earlier soak to compare with.
fn arguments(words: &[String]) -> (Settings, Option<(PathBuf, Faults)>) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs();
    let time = Duration::from_mins(2);
    let mut settings = Settings { seed: now, time, lifetime: Duration::from_secs(3), refreshes: 0 };
    let mut positional = 0;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_else(|| panic!("{word} needs a value"));
        let number = |text: &str| text.parse::<u64>().unwrap_or_else(|_| panic!("{text:?} is not a number"));
        match word.as_str() {
            "--replay" => {
                let path = PathBuf::from(value());
                let (settings, faults) = journal::read(&path).expect("the log of a soak");
                return (settings, Some((path, faults)));
            }
            "--lifetime" => settings.lifetime = Duration::from_secs(number(value())),
            "--refreshes" => settings.refreshes = usize::try_from(number(value())).expect("a count"),
            option if option.starts_with('-') => panic!("no such option: {option}"),
            text => {
                match positional {
                    0 => settings.time = Duration::from_secs(number(text)),
                    1 => settings.seed = number(text),
                    _ => panic!("unexpected argument {text:?}"),
                }
                positional += 1;
            }
        }
    }
    assert!(settings.time <= LONGEST, "a soak lasts at most {LONGEST:?}: its faults are planned ahead");
    (settings, None)
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("worker", rest)) = words.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return worker::run(rest);
    }
    let (settings, earlier) = arguments(&words);
    println!("{settings}");

    let target =
        Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("cargo's directory for tests is below its target");
    let name =
        if earlier.is_some() { format!("{}.replay.log", settings.seed) } else { format!("{}.log", settings.seed) };
    let mut journal = Journal::create(target.join("soak").join(name), &settings).expect("the log can be written");
    println!("every fault is logged in {}", journal.path.display());

    let until = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970") + 3 * settings.time;
    let until = until.as_secs() + 300;
    let several = Several::start(&settings);
    let mut supervisors: Vec<Supervisor> = Kind::ALL.map(|kind| Supervisor::start(kind, &settings, until)).into();
    watch(&mut supervisors, &several, &settings, &mut journal);
    let took = journal.elapsed();
    let several = several.end();
    let reports: Vec<Report> = supervisors.into_iter().map(Supervisor::end).collect();

    let mut wrong = Vec::new();
    wrong.extend(replays(&journal, &settings, earlier));
    table(&reports, took);
    wrong.extend(several.iter().flat_map(|outcome| outcome.complaints(&settings, &journal.path)));
    for report in &reports {
        wrong.extend(report.wrong.iter().map(|complaint| format!("{}: {complaint}", report.kind)));
        if report.verdict.refreshes < settings.refreshes {
            wrong.push(format!(
                "{}: {} refreshes, and {} were asked for",
                report.kind, report.verdict.refreshes, settings.refreshes
            ));
        }
        if !report.wrong.is_empty() {
            let story = journal.path.with_extension(report.kind.to_string());
            std::fs::write(&story, &report.story).expect("the story can be written");
            println!("the output and log of {} are in {}", report.kind, story.display());
        }
    }
    for complaint in &wrong {
        println!("WRONG {complaint}");
    }
    let failed = reports.iter().filter(|report| !report.wrong.is_empty()).count();
    println!("{} passed, {} failed", reports.len() - failed, failed.max(usize::from(!wrong.is_empty())));
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs the supervisors until the time is up and each has made its refreshes, for at most three times as long.
fn watch(supervisors: &mut [Supervisor], several: &Several, settings: &Settings, journal: &mut Journal) {
    let begun = Instant::now();
    let mut looked = begun;
    let mut enough = settings.refreshes == 0;
    loop {
        for supervisor in &mut *supervisors {
            supervisor.inject_due(journal);
        }
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            for supervisor in &mut *supervisors {
                supervisor.measure();
            }
            let have_made = supervisors.iter().all(|supervisor| supervisor.reported() >= settings.refreshes + SPARE);
            enough = enough || (have_made && several.have_made(settings.refreshes));
        }
        let time = if enough { settings.time } else { 3 * settings.time };
        if begun.elapsed() >= time || supervisors.iter().any(Supervisor::is_gone) {
            return;
        }
        std::thread::sleep(TURN);
    }
}

/// Compares the log with the faults of the seed, and with the log that this soak repeats.
fn replays(journal: &Journal, settings: &Settings, earlier: Option<(PathBuf, Faults)>) -> Vec<String> {
    let (read, faults) = journal::read(&journal.path).expect("the log was just written");
    let mut wrong = Vec::new();
    if read != *settings {
        wrong.push(format!("the log says {read}"));
    }
    let planned: Faults =
        Kind::ALL.iter().flat_map(|&kind| journal::planned(kind, &Plan::new(kind, settings.seed))).collect();
    if let Some(difference) = journal::difference(&faults, &planned) {
        wrong.push(format!("the log is not what the seed gives: {difference}"));
    }
    if let Some((path, earlier)) = earlier {
        match journal::difference(&faults, &earlier) {
            Some(difference) => wrong.push(format!("the faults differ from {}: {difference}", path.display())),
            None => println!("the same faults as in {}, as far as both go", path.display()),
        }
    }
    wrong
}

fn table(reports: &[Report], took: Duration) {
    println!("{} s", took.as_secs());
    println!("          refreshes  STS calls   faults  failures  lost on the way  overtaken  stalls  gaps");
    for Report { kind, verdict, requests, outside_faults, .. } in reports {
        println!(
            "{:<8} {:>10} {requests:>10} {outside_faults:>8} {:>9} {:>16} {:>10} {:>7} {:>5}",
            kind.to_string(),
            verdict.refreshes,
            verdict.failures,
            verdict.lost_on_the_way,
            verdict.overtaken,
            verdict.stalls,
            verdict.gaps,
        );
    }
    for Report { kind, resources, .. } in reports {
        println!("{:<8} {}", kind.to_string(), resources.summary);
    }
}
