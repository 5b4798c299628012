//! Reads the state of processes from `/proc`, and waits for a state.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::log::PATIENCE;
use super::sys;

/// A process, and never a later one with the same ID.
#[derive(Debug)]
pub struct Process {
    pid: i32,
    /// `None` before Linux 5.3.
    pidfd: Option<OwnedFd>,
    /// The time of its start.
    started: String,
}

impl Process {
    /// The process with this ID, which may be a zombie; `None` if there is none.
    pub fn open(pid: i32) -> Option<Self> {
        let pidfd = match sys::pidfd(pid) {
            Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => None,
            pidfd => Some(pidfd.ok()?),
        };
        Some(Self { pid, pidfd, started: start_of(pid).unwrap_or_default() })
    }

    /// Waits until it has ended (a zombie has ended); `false` after the timeout.
    pub fn ends_within(&self, time: Duration) -> bool {
        if let Some(pidfd) = &self.pidfd {
            return sys::wait_readable(pidfd.as_fd(), time);
        }
        let begun = Instant::now();
        while self.is_alive() {
            if begun.elapsed() >= time {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
        true
    }

    pub fn kill(&self) {
        match &self.pidfd {
            Some(pidfd) => sys::kill_by_pidfd(pidfd),
            None if self.is_alive() => sys::send_signal(self.pid, libc::SIGKILL),
            None => {}
        }
    }

    fn is_alive(&self) -> bool {
        !matches!(state_of(self.pid), None | Some('Z' | 'X')) && start_of(self.pid).as_ref() == Some(&self.started)
    }
}

/// When a process was started, in clock ticks since the boot.
fn start_of(pid: i32) -> Option<String> {
    field(pid, 19)
}

/// Polls until the condition is true.
///
/// # Panics
/// Panics with `what` if that takes longer than [`PATIENCE`].
#[track_caller]
pub fn eventually(what: &str, is_so: impl FnMut() -> bool) {
    assert!(becomes_true(is_so), "never: {what}");
}

/// Whether the condition becomes true within [`PATIENCE`].
pub fn becomes_true(mut is_so: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while !is_so() {
        if begun.elapsed() >= PATIENCE {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}

/// The state letter, as in `ps`; `None` when there is no such process.
pub fn state_of(pid: i32) -> Option<char> {
    field(pid, 0)?.chars().next()
}

/// Whether a process has ended. It may not have been reaped yet.
pub fn has_ended(pid: i32) -> bool {
    matches!(state_of(pid), None | Some('Z'))
}

/// The number of open descriptors; `None` without permission. xassume is not dumpable, so only root may read its
/// descriptors.
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
pub fn wait_until_stopped(pids: &[i32]) {
    eventually("all are stopped", || pids.iter().all(|&pid| state_of(pid) == Some('T')));
}

/// Waits until none of them is stopped.
#[track_caller]
pub fn wait_until_running(pids: &[i32]) {
    eventually("all are running", || pids.iter().all(|&pid| matches!(state_of(pid), Some('S' | 'R'))));
}

/// All children of this process, including zombies.
pub fn children(parent: i32) -> Vec<i32> {
    all_processes().filter(|&pid| number(pid, 1) == Some(parent)).collect()
}

/// All living processes of the session whose leader is `leader`, except the leader.
pub fn session_members(leader: i32) -> Vec<i32> {
    let alive = |pid| !matches!(state_of(pid), None | Some('Z' | 'X'));
    all_processes().filter(|&pid| pid != leader && number(pid, 3) == Some(leader) && alive(pid)).collect()
}

/// All visible processes, including zombies.
pub fn all_processes() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// Arguments with which `unshare` runs a program as PID 1 of a new namespace on this machine; `None` where that is not
/// possible.
pub fn pid_namespace() -> Option<Vec<&'static str>> {
    let root = vec!["--pid", "--fork", "--mount-proc", "--kill-child"];
    let user = [vec!["--user", "--map-root-user"], root.clone()].concat();
    // --kill-child may need Linux 5.3.
    let old = root[..root.len() - 1].to_vec();
    let works = |flags: &Vec<&str>| {
        let tried = Command::new("unshare").args(flags).arg("true").stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    };
    [root, user, old].into_iter().find(works)
}

fn number(pid: i32, at: usize) -> Option<i32> {
    field(pid, at)?.parse().ok()
}

/// A field of `/proc/<pid>/stat`, counted after the name, which may contain any character: state, parent, group,
/// session, …
fn field(pid: i32, at: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(at).map(str::to_owned)
}
