//! Looking at processes from outside, and waiting for what is seen there.

use std::fs;
use std::io::{self, ErrorKind};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::log::PATIENCE;

/// Looks again and again until it is so.
///
/// # Panics
/// Panics with `what` if it does not come to be.
#[track_caller]
pub fn eventually(what: &str, is_so: impl FnMut() -> bool) {
    assert!(comes_to_be(is_so), "never: {what}");
}

/// Whether it becomes so, on however busy a machine.
pub fn comes_to_be(mut is_so: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while !is_so() {
        if begun.elapsed() >= PATIENCE {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}

/// The letter of its state, as `ps` shows it; `None` when there is no such process.
pub fn state_of(pid: i32) -> Option<char> {
    field(pid, 0)?.chars().next()
}

/// How many descriptors it has open; `None` where that is not told: of xassume, which is not dumpable, only root learns it.
///
/// # Errors
/// There is no such process.
pub fn descriptors(pid: i32) -> io::Result<Option<usize>> {
    match fs::read_dir(format!("/proc/{pid}/fd")) {
        Ok(open) => Ok(Some(open.count())),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(None),
        Err(error) => Err(error),
    }
}

/// Waits until each of them is stopped.
#[track_caller]
pub fn stopped(pids: &[i32]) {
    eventually("all are stopped", || pids.iter().all(|&pid| state_of(pid) == Some('T')));
}

/// Waits until none of them is stopped.
#[track_caller]
pub fn running(pids: &[i32]) {
    eventually("all are running", || pids.iter().all(|&pid| matches!(state_of(pid), Some('S' | 'R'))));
}

/// Everyone whose parent this is, zombies too.
pub fn children(parent: i32) -> Vec<i32> {
    everyone().filter(|&pid| number(pid, 1) == Some(parent)).collect()
}

/// Everyone alive in the session that `leader` leads, except the leader.
pub fn session_members(leader: i32) -> Vec<i32> {
    let alive = |pid| !matches!(state_of(pid), None | Some('Z' | 'X'));
    everyone().filter(|&pid| pid != leader && number(pid, 3) == Some(leader) && alive(pid)).collect()
}

/// Everyone who can be seen, zombies too.
pub fn everyone() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// The words that make `unshare` run a program as PID 1 of a namespace here; `None` where there is none to be had.
pub fn pid_namespace() -> Option<Vec<&'static str>> {
    let root = vec!["--pid", "--fork", "--mount-proc", "--kill-child"];
    let user = [vec!["--user", "--map-root-user"], root.clone()].concat();
    let works = |flags: &Vec<&str>| {
        let tried = Command::new("unshare").args(flags).arg("true").stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    };
    [root, user].into_iter().find(works)
}

fn number(pid: i32, at: usize) -> Option<i32> {
    field(pid, at)?.parse().ok()
}

/// A field of `/proc/<pid>/stat`, counted after the name, which may hold anything: state, parent, group, session, …
fn field(pid: i32, at: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(at).map(str::to_owned)
}
