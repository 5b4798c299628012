//! Finds the process that a pid file names, and checks whether it may be signaled.

use crate::error::{Reason, reason_of};
use crate::event::Problem;
use crate::files::read_not_linked;
use crate::moment::Now;
use crate::process::Pid;
use crate::process::pid_file::{Earlier, MOST_BYTES, NamedProcess, is_in_future, is_stale, may_name, pid_in};
use crate::sys::clock::now;
use crate::sys::foreign::facts;
use crate::sys::pidfd::Pidfd;
use nix::unistd::{geteuid, getpid};
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// How many times the file is read again at once, if it was replaced while it was read.
const READS: u32 = 3;

/// What is known about a pid file.
#[derive(Clone, Copy)]
pub(super) struct Known {
    /// The process that the file named in the last successful attempt.
    pub(super) process: Option<NamedProcess>,
    /// When that was, or when xassume was started.
    pub(super) at: Now,
}

/// Returns the process that the file names, after all checks.
pub(super) fn find(path: &Path, known: Known, xassume: Pid) -> Result<(Pidfd, NamedProcess), Problem> {
    let shown = path.display();
    let unreadable = |error: io::Error| {
        let hint = "the process that gets the signal, or the program that starts it, must write the file";
        file(format!("cannot read {shown}: {}", reason_of(&error))).with_hint(hint)
    };
    for _ in 0..READS {
        let (contents, status) = read_not_linked(path, MOST_BYTES).map_err(unreadable)?;
        let found = judge(path, (&contents, &status), known, xassume);
        // If the file was replaced in the meantime, the result is about the earlier file.
        if version(&path.symlink_metadata().map_err(unreadable)?) == version(&status) {
            return found;
        }
    }
    Err(file(format!("{shown} changes while it is read")))
}

/// Returns what changes if a file is replaced or written.
fn version(status: &Metadata) -> [i128; 7] {
    let numbers = [status.dev(), status.ino(), status.size()].map(i128::from);
    let times = [status.mtime(), status.mtime_nsec(), status.ctime(), status.ctime_nsec()].map(i128::from);
    let ([dev, ino, size], [mtime, mtime_nsec, ctime, ctime_nsec]) = (numbers, times);
    [dev, ino, size, mtime, mtime_nsec, ctime, ctime_nsec]
}

/// Returns the process that this file names, if it may be signaled.
fn judge(
    path: &Path,
    (contents, status): (&[u8], &Metadata),
    known: Known,
    xassume: Pid,
) -> Result<(Pidfd, NamedProcess), Problem> {
    let shown = path.display();
    let pid = usable_pid(path, contents, xassume)?;
    check_writers(path, status)?;
    let pidfd = Pidfd::open(pid).map_err(|error| match error.raw_os_error() {
        Some(libc::ESRCH) => not_running(path, pid),
        Some(libc::EINVAL | libc::ENOENT) => thread(path, pid),
        _ => Problem::new(Reason::System, format!("cannot open process {pid} in {shown}: {}", reason_of(&error))),
    })?;
    let found = facts(&pidfd).ok_or_else(|| {
        let hint = "is /proc mounted with hidepid?";
        Problem::new(Reason::System, format!("process {pid} in {shown} is not visible in /proc")).with_hint(hint)
    })?;
    if !found.is_alive {
        return Err(not_running(path, pid));
    }
    if found.is_thread {
        return Err(thread(path, pid));
    }
    if !may_name(status.uid(), geteuid().as_raw(), found.user) {
        let owner = status.uid();
        let text = format!("{shown} belongs to another user (uid {owner}) than process {pid} (uid {})", found.user);
        let hint = "the file must belong to root, to xassume's user or to the user of the process";
        return Err(file(text).with_hint(hint));
    }
    let process = NamedProcess { pid, started: found.started };
    if known.process != Some(process) {
        check_age(path, status, known, process)?;
    }
    Ok((pidfd, process))
}

/// Returns the process ID in the file.
fn usable_pid(path: &Path, contents: &[u8], xassume: Pid) -> Result<Pid, Problem> {
    let shown = path.display();
    let pid = pid_in(contents).ok_or_else(|| {
        let what = if contents.is_empty() { "is empty" } else { "does not contain a process ID in its first line" };
        file(format!("{shown} {what}"))
    })?;
    if pid <= 1 {
        let hint = "the process ID must be above 1";
        return Err(file(format!("{shown} contains {pid}, which is not signaled")).with_hint(hint));
    }
    if [xassume, getpid().as_raw()].contains(&pid) {
        let hint = "write the ID of the process that uses the credentials";
        return Err(file(format!("{shown} contains the process ID of xassume itself, {pid}")).with_hint(hint));
    }
    Ok(pid)
}

/// Checks that the owner of the file decides what the file contains.
fn check_writers(path: &Path, status: &Metadata) -> Result<(), Problem> {
    let shown = path.display();
    if status.nlink() > 1 {
        return Err(file(format!("{shown} has more than one hard link")).with_hint("remove the other links"));
    }
    if status.mode() & 0o002 != 0 {
        let text = format!("all users can write to {shown} (mode {:04o})", status.mode() & 0o7777);
        return Err(file(text).with_hint(format!("chmod o-w {shown}")));
    }
    Ok(())
}

/// Checks that the file was not written for an earlier process with the same ID.
fn check_age(path: &Path, status: &Metadata, known: Known, process: NamedProcess) -> Result<(), Problem> {
    let shown = path.display();
    let modified = status.modified().map_err(|error| file(reason_of(&error)))?;
    let named_before = known.process.map(|known| known.pid);
    // The file has not been written since it named the earlier process. The process with its ID may be only a second younger.
    let is_reused = named_before == Some(process.pid) && modified <= known.at.wall;
    let earlier = Earlier { at: known.at, is_replaced: named_before.is_some_and(|pid| pid != process.pid) };
    let now = now();
    if !is_reused && !is_stale(process.started, modified, earlier, now) {
        return Ok(());
    }
    if is_in_future(modified, now) {
        let hint = "was the clock set back? write the file again";
        let text = format!("{shown} was modified in the future, so it may name another process");
        return Err(file(text).with_hint(hint));
    }
    let pid = process.pid;
    let text = format!("process {pid} was started after {shown} was written, so it is another process");
    Err(Problem::new(Reason::NoProcess, text).with_hint("write the file again when the process is started"))
}

fn file(text: String) -> Problem {
    Problem::new(Reason::File, text)
}

pub(super) fn not_running(path: &Path, pid: Pid) -> Problem {
    Problem::new(Reason::NoProcess, format!("process {pid} in {} is not running", path.display()))
}

fn thread(path: &Path, pid: Pid) -> Problem {
    let text = format!("{pid} in {} is the ID of a thread, not of a process", path.display());
    Problem::new(Reason::NoProcess, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn a_file_that_is_replaced_while_it_is_read_names_one_of_its_processes() {
        let directory = tempfile::tempdir().expect("a directory");
        let (path, new) = (directory.path().join("pid"), directory.path().join("new"));
        let sleep = || Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().expect("it starts");
        let mut children = [sleep(), sleep()];
        let pids = children.each_ref().map(|child| i32::try_from(child.id()).expect("a pid"));
        let write = |pid: Pid| std::fs::write(&new, format!("{pid}\n")).and_then(|()| std::fs::rename(&new, &path));
        write(pids[0]).expect("the directory is ours");
        let known = Known { process: None, at: now() };
        let ends = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for pid in pids.into_iter().cycle().take_while(|_| !ends.load(Ordering::Relaxed)) {
                    write(pid).expect("the directory is ours");
                }
            });
            for _ in 0..500 {
                match find(&path, known, 0) {
                    Ok((_, NamedProcess { pid, .. })) => assert!(pids.contains(&pid), "{pid} {pids:?}"),
                    Err(problem) => assert!(problem.text.ends_with("changes while it is read"), "{problem:?}"),
                }
            }
            ends.store(true, Ordering::Relaxed);
        });
        for child in &mut children {
            child.kill().and_then(|()| child.wait()).expect("it runs");
        }
    }
}
