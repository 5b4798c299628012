//! The start after a run with a fault.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::scenario::{STATUS, Scenario, World};
use crate::verdict::{Good, becomes_true, has_keys, signed_in};

/// A next start works, and nothing is left after it. SIGKILL, and the signal that ends a refresh, may leave a temporary
/// file of the cache: a later start removes it after 15 minutes.
pub fn next_start(world: &World, was_killed: bool) -> Result<(), String> {
    match world.scenario {
        Scenario::SignIn => {
            let next = signed_in(world, &world.plain());
            return if next == Ok(Good::Ran) { Ok(()) } else { Err(format!("the next start: {next:?}")) };
        }
        Scenario::Serve => serves_again(world)?,
        _ => {}
    }
    let finished = world.next_launch().run();
    if finished.code() != Some(STATUS) || !finished.stderr.is_empty() {
        return Err(format!("the next start: {}, {}", finished.status, finished.stderr));
    }
    if !world.scenario.is_supervised() {
        has_keys(world, &finished.stdout_text())?;
    }
    // xassume waits half a second for the process that removes its directory.
    if becomes_true(|| left(world, was_killed).is_empty()) {
        return Ok(());
    }
    Err(format!("left: {:?}", left(world, was_killed)))
}

/// The files that must not be left.
fn left(world: &World, was_killed: bool) -> Vec<PathBuf> {
    // A run that was killed between creating its directory and locking it leaves an empty directory, which a later run
    // removes after a minute.
    let (mut left, sandbox) = (world.sandbox().run_directories(), world.sandbox());
    left.retain(|path| !(was_killed && files(path).is_empty()));
    left.extend(files(&sandbox.tmp()));
    if was_killed || world.scenario.is_supervised() {
        return left;
    }
    let of_cache = [sandbox.runtime().join("xassume"), sandbox.home().join(".cache/xassume")];
    let is_new = |path: &PathBuf| path.extension().is_some_and(|suffix| suffix == "new");
    left.extend(of_cache.iter().flat_map(|directory| files(directory)).filter(is_new));
    left
}

/// The same for `--serve`: it serves, and its file is gone at the end.
fn serves_again(world: &World) -> Result<(), String> {
    let running = world.plain().spawn();
    let serves = running.stderr.line_with("serving credentials: ").is_some();
    let _ = kill(Pid::from_raw(running.pid()), Signal::SIGTERM);
    let finished = running.wait();
    if serves && finished.code() == Some(0) && !world.variables().exists() {
        return Ok(());
    }
    Err(format!("the next start: {}, {}", finished.status, finished.stderr))
}

fn files(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect()
}
