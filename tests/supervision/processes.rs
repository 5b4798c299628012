//! Looking at processes from outside, and waiting for what is seen there.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::log::PATIENCE;

/// Looks again and again until it is so.
///
/// # Panics
/// Panics with `what` if it does not come to be.
#[track_caller]
pub(super) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The letter of its state, as `ps` shows it; `None` when there is no such process.
pub(super) fn state_of(pid: i32) -> Option<char> {
    field(pid, 0)?.chars().next()
}

/// Waits until each of them is stopped.
#[track_caller]
pub(super) fn stopped(pids: &[i32]) {
    eventually("all are stopped", || pids.iter().all(|&pid| state_of(pid) == Some('T')));
}

/// Waits until none of them is stopped.
#[track_caller]
pub(super) fn running(pids: &[i32]) {
    eventually("all are running", || pids.iter().all(|&pid| matches!(state_of(pid), Some('S' | 'R'))));
}

/// Everyone whose parent this is, zombies too.
pub(super) fn children(parent: i32) -> Vec<i32> {
    let entries = fs::read_dir("/proc").expect("the kernel shows processes");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|&pid| field(pid, 1).and_then(|field| field.parse().ok()) == Some(parent)).collect()
}

/// A field of `/proc/<pid>/stat`, counted after the name, which may hold anything: state, parent, …
fn field(pid: i32, at: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(at).map(str::to_owned)
}
