//! Runs a scenario with one fault, and judges what happened.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::calls::Call;
use crate::next_start::next_start;
use crate::refreshed::{is_refreshed, starts, value};
use crate::scenario::{ROLE, STATUS, Scenario, World};
use crate::support::processes::{children, has_ended};
use crate::support::{Finished, Identity, Running, Terminal, Xassume, probe};
use crate::tracer::{Fault, MARK};

/// A run that takes longer hangs. A refresh that failed is tried again within it.
const DEADLINE: Duration = Duration::from_secs(25);
/// A session that is shorter is refreshed in the run.
const SHORT: Duration = Duration::from_mins(30);
/// A signal is handled within a second. The other second is for a machine that is busy with other runs.
const LIMIT: Duration = Duration::from_secs(2);

/// A good end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Good {
    /// As without a fault.
    Ran,
    /// One line gives the reason, and the command was never started. The status is 125.
    Refused,
    /// The same, with the status 126 or 127: the call was about the command's file.
    Unrunnable,
    /// SIGKILL ended xassume, and it left nothing that matters.
    Killed,
    /// The run ended before the call.
    NotReached,
}

/// What a fault did: the call as the tracer saw it, and how the run ended.
pub struct Outcome {
    pub call: String,
    pub result: Result<Good, String>,
}

/// Runs the scenario with a fault at this call.
pub fn outcome(scenario: Scenario, binary: &Path, call: &Call, fault: Fault) -> Outcome {
    let world = scenario.world(binary);
    let mut result = run(&world, Some((call, fault)));
    let log = fs::read_to_string(world.log()).unwrap_or_default();
    let reached = log.lines().find_map(|line| Some(line.strip_prefix(MARK)?.strip_prefix("at ")?.to_owned()));
    result = match result {
        Ok(_) if reached.is_none() => Ok(Good::NotReached),
        Ok(Good::Ran | Good::Refused) if fault == Fault::Kill => Err("SIGKILL did not end it".to_owned()),
        judged => judged,
    };
    let call = reached.unwrap_or_default();
    if result == Ok(Good::Unrunnable) && !call.contains(&*probe()[0].to_string_lossy()) {
        result = Err("126 or 127, but the command can be run".to_owned());
    }
    Outcome { call, result }
}

/// Runs the scenario and the start after it, and judges both.
pub fn run(world: &World, fault: Option<(&Call, Fault)>) -> Result<Good, String> {
    let traced = world.traced(fault);
    let by_exit = fault.is_none_or(|(call, _)| call.at % 2 == 0);
    let good = match world.scenario {
        Scenario::SignIn => signed_in(world, &traced),
        _ if world.scenario.is_supervised() => supervised(world, traced.spawn(), by_exit),
        _ => launched(world, traced.spawn()),
    }?;
    if good == Good::Killed && !matches!(fault, Some((_, Fault::Kill))) {
        return Err("it was killed".to_owned());
    }
    // The variables of `--env-file` are the sign that the session is served.
    if world.scenario == Scenario::Serve && good != Good::Killed && world.variables().exists() {
        return Err("left: the file of --env-file".to_owned());
    }
    let was_killed = matches!(fault, Some((_, Fault::Kill | Fault::KillCaller)));
    match next_start(world, was_killed) {
        // The fake of STS had no time on a busy machine.
        Err(what) if what.contains(" timed out after ") => next_start(world, was_killed)?,
        judged => judged?,
    }
    Ok(good)
}

/// Judges a run that ends by itself.
fn launched(world: &World, running: Running) -> Result<Good, String> {
    if !running.ends_within(DEADLINE) {
        return Err(format!("it hangs: {}", last_lines(&running.stderr.so_far())));
    }
    let finished = running.wait();
    ends_well(world, &finished)?;
    if finished.signal() == Some(libc::SIGKILL) {
        return Ok(Good::Killed);
    }
    let said = finished.stdout_text();
    match (world.scenario, finished.code()) {
        (Scenario::Check, Some(0)) => Ok(Good::Ran),
        (Scenario::Check, Some(125)) if !said.is_empty() && finished.stderr.is_empty() => Ok(Good::Refused),
        (Scenario::Print, Some(0)) => {
            let keys: serde_json::Value = serde_json::from_slice(&finished.stdout).map_err(|_| "no JSON".to_owned())?;
            let text = |name: &str| keys[name].as_str().unwrap_or_default().to_owned();
            are_issued(world, &["AccessKeyId", "SecretAccessKey", "SessionToken"].map(text))?;
            Ok(Good::Ran)
        }
        (Scenario::Cold | Scenario::Cached, Some(STATUS)) => {
            has_keys(world, &said)?;
            Ok(Good::Ran)
        }
        _ => refused(&finished),
    }
}

/// Judges a run that signs in at a terminal.
pub fn signed_in(world: &World, xassume: &Xassume) -> Result<Good, String> {
    let terminal = Terminal::run(xassume);
    let begun = Instant::now();
    let mut agreed = false;
    while !terminal.ends_within(Duration::from_millis(20)) {
        if !agreed && terminal.stdout.so_far().contains("[Y/n] ") {
            terminal.keys("\n");
            agreed = true;
        }
        if begun.elapsed() > DEADLINE {
            return Err(format!("it hangs: {}", last_lines(&terminal.stdout.so_far())));
        }
    }
    let is_cooked = terminal.is_cooked();
    let mut finished = terminal.wait();
    let shown = finished.stdout_text();
    finished.stderr.clone_from(&shown);
    ends_well(world, &finished)?;
    if !is_cooked && finished.signal() != Some(libc::SIGKILL) {
        return Err("the terminal has no echo".to_owned());
    }
    let key = value(&shown, "AWS_ACCESS_KEY_ID");
    match finished.code() {
        None if finished.signal() == Some(libc::SIGKILL) => Ok(Good::Killed),
        Some(STATUS) if world.sts.issued().iter().any(|one| Some(&one.access_key_id) == key.as_ref()) => Ok(Good::Ran),
        Some(STATUS) => Err("wrong keys".to_owned()),
        _ if key.is_some() => Err(format!("it ends with {} after output", finished.status)),
        _ => {
            finished.stdout.clear();
            refused(&finished)
        }
    }
}

/// A command was never started, and one line says why.
fn refused(finished: &Finished) -> Result<Good, String> {
    let errors = finished.stderr.lines().filter(|line| line.starts_with("xassume: error: ")).count();
    match finished.code() {
        _ if !finished.stdout.is_empty() => Err(format!("it ends with {} after output", finished.status)),
        Some(125) if errors == 1 => Ok(Good::Refused),
        Some(126 | 127) if errors == 1 => Ok(Good::Unrunnable),
        _ => Err(format!("{}, {errors} error lines: {}", finished.status, last_lines(&finished.stderr))),
    }
}

/// The keys that the command printed are those of one session of the role.
pub fn has_keys(world: &World, said: &str) -> Result<(), String> {
    let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
    are_issued(world, &keys.map(|name| value(said, name).unwrap_or_default()))
}

fn are_issued(world: &World, keys: &[String; 3]) -> Result<(), String> {
    let issued = world.sts.issued().into_iter().filter(|issued| issued.role_arn == ROLE);
    let mut issued = issued.map(|issued| [issued.access_key_id, issued.secret_access_key, issued.session_token]);
    if issued.any(|issued| issued == *keys) { Ok(()) } else { Err("wrong keys".to_owned()) }
}

/// What holds for each end: no secret and no panic in the messages, and no living process.
fn ends_well(world: &World, finished: &Finished) -> Result<(), String> {
    let said = &finished.stderr;
    let issued = world.sts.issued();
    let mut secrets = issued.iter().flat_map(|issued| [&issued.secret_access_key, &issued.session_token]);
    if said.contains(&Identity::user().secret_access_key) || secrets.any(|secret| said.contains(secret)) {
        return Err("a secret in its messages".to_owned());
    }
    if said.contains("internal error") || said.contains("panicked") {
        let line = said.lines().find(|line| line.contains("internal error") || line.contains("panicked"));
        return Err(format!("a panic: {}", line.unwrap_or_default()));
    }
    // The end of PID 1 ends all processes of its namespace, whose IDs mean nothing here.
    let mut started = starts(&finished.stdout_text());
    started.retain(|_| world.scenario != Scenario::Pid1);
    if !becomes_true(|| finished.survivors().is_empty() && started.iter().all(|pid| has_ended(*pid))) {
        return Err("a process runs after the end".to_owned());
    }
    Ok(())
}

/// Judges a run with a refresh, which ends by TERM, or by the command's exit.
fn supervised(world: &World, running: Running, by_exit: bool) -> Result<Good, String> {
    let begun = Instant::now();
    let refreshed = loop {
        if running.ends_within(Duration::from_millis(20)) {
            break false;
        }
        let count = match world.scenario {
            Scenario::Serve => usize::from(world.variables().exists()),
            _ => starts(&running.stdout.so_far()).len(),
        };
        if count > 0 {
            // There is only one refresh.
            world.sts.set_lifetime(2 * SHORT);
        }
        if count > usize::from(world.scenario.restarts()) && is_refreshed(world, &running) {
            break true;
        }
        if begun.elapsed() > DEADLINE {
            return Err(format!("no refresh: {}", last_lines(&running.stderr.so_far())));
        }
    };
    let started = starts(&running.stdout.so_far());
    if refreshed {
        end(world, &running, by_exit)?;
    }
    let finished = running.wait();
    ends_well(world, &finished)?;
    let later = starts(&finished.stdout_text());
    let served = world.scenario == Scenario::Serve && finished.stderr.contains("serving credentials: ");
    // unshare(1) has a message for SIGKILL of PID 1. PID 1 itself has a status for SIGKILL of the command.
    let of_pid_1 = finished.stderr.contains("unshare: ") || finished.code() == Some(128 + libc::SIGKILL);
    if finished.signal() == Some(libc::SIGKILL) || of_pid_1 {
        return Ok(Good::Killed);
    }
    if !refreshed && later.is_empty() && !served {
        return refused(&finished);
    }
    if !refreshed {
        return Err(format!("it ends with {}: {}", finished.status, last_lines(&finished.stderr)));
    }
    // On a busy machine, the second session may be short too: then there is a second refresh, and its restart.
    let short = world.sts.issued().iter().filter(|one| one.role_arn == ROLE && one.lifetime < SHORT).count();
    if later.len() > started.len().max(short + 1) {
        return Err("the command was started once more".to_owned());
    }
    if matches!(world.scenario, Scenario::Restart | Scenario::Handover | Scenario::Pid1) {
        has_keys(world, &finished.stdout_text())?;
    }
    let wanted = if world.scenario == Scenario::Serve { 0 } else { STATUS };
    if finished.code() != Some(wanted) {
        return Err(format!("it ends otherwise than the command: {}", finished.status));
    }
    Ok(Good::Ran)
}

/// Ends a run in its refreshed state.
fn end(world: &World, running: &Running, by_exit: bool) -> Result<(), String> {
    let launched = children(running.pid()).first().copied();
    let xassume = match (world.scenario, launched) {
        (Scenario::Pid1, Some(launched)) => children(launched).first().copied(),
        _ => launched,
    };
    // The fault may have ended it.
    let Some(xassume) = xassume else { return Ok(()) };
    let living = children(xassume);
    let command = match world.scenario {
        // Its process IDs are those of its namespace. A helper has the program of xassume.
        Scenario::Pid1 => {
            let probe = std::env::current_exe().ok();
            living.iter().copied().find(|pid| fs::read_link(format!("/proc/{pid}/exe")).ok() == probe)
        }
        _ => starts(&running.stdout.so_far()).last().copied().filter(|pid| living.contains(pid)),
    };
    let (pid, signal) = match command {
        Some(command) if by_exit && world.scenario != Scenario::Handover => (command, Signal::SIGUSR2),
        _ => (xassume, Signal::SIGTERM),
    };
    let _ = kill(Pid::from_raw(pid), signal);
    if running.ends_within(LIMIT) { Ok(()) } else { Err(format!("it does not end within {LIMIT:?}")) }
}

/// Whether it becomes true within [`LIMIT`].
pub fn becomes_true(is_so: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while !is_so() {
        if begun.elapsed() > LIMIT {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}

/// The end of the messages, for the reader of a verdict.
fn last_lines(said: &str) -> String {
    let lines: Vec<_> = said.trim_end().lines().rev().take(4).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
}
