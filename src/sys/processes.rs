//! Reads facts about processes from `/proc`; see `proc_pid_stat(5)`. If there is no `/proc`, or if it belongs to
//! another PID namespace, no process is visible.

use super::pidfd::Pidfd;
use super::signals;
use crate::process::signal::Signal;
use crate::process::{Member, Pid, ProcessGroup};
use std::collections::BTreeSet;
use std::fs;
use std::io;

/// The maximum number of ancestors that are read.
const MAX_DEPTH: usize = 1000;

/// The state of a process at the time when it was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ProcessStat {
    pub(super) pid: Pid,
    pub(super) parent: Pid,
    pub(super) group: Pid,
    pub(super) session: Pid,
    /// Whether the process is not a zombie. A zombie has only its exit status left; its files and ports are closed.
    pub(super) is_alive: bool,
    /// When the process was started, in clock ticks since the boot. This distinguishes it from a later process with the
    /// same ID.
    pub(super) started: u64,
}

/// Returns all visible processes.
pub(super) fn all() -> Vec<ProcessStat> {
    if !has_our_ids() {
        return Vec::new();
    }
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| of(entry.file_name().to_str()?.parse().ok()?)).collect()
}

/// Returns the process with this ID. Returns `None` if it does not exist or is not visible.
pub(super) fn of(pid: Pid) -> Option<ProcessStat> {
    parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Returns a process and its ancestors, from the process itself to the last visible ancestor. Returns nothing if the
/// process is not visible.
pub(super) fn with_ancestors(pid: Pid) -> impl Iterator<Item = ProcessStat> {
    let first = if has_our_ids() { of(pid) } else { None };
    std::iter::successors(first, |process| of(process.parent)).take(MAX_DEPTH)
}

/// Returns the children of this process, including zombies. If the kernel has `/proc/PID/task/TID/children`
/// (`CONFIG_PROC_CHILDREN`), this takes a single read of the main thread's file. That file lists all children, because
/// the main thread forks all of them and adopts all orphans. No entry is lost during the read, because only this
/// process reaps its children.
pub(super) fn children() -> Vec<Pid> {
    if !has_our_ids() {
        return Vec::new();
    }
    let me = std::process::id();
    if let Ok(list) = fs::read_to_string(format!("/proc/self/task/{me}/children")) {
        return list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect();
    }
    let mut children = all();
    children.retain(|process| u32::try_from(process.parent) == Ok(me));
    children.into_iter().map(|process| process.pid).collect()
}

/// Returns the IDs of `roots` and of the processes in `all` that descend from them. Must be fast, because there may be
/// thousands of processes.
pub(super) fn descendants(all: &[ProcessStat], mut roots: Vec<Pid>) -> BTreeSet<Pid> {
    let mut pairs: Vec<_> = all.iter().map(|process| (process.parent, process.pid)).collect();
    pairs.sort_unstable();
    let mut found: BTreeSet<_> = roots.iter().copied().collect();
    while let Some(parent) = roots.pop() {
        let first = pairs.partition_point(|pair| pair.0 < parent);
        let children = pairs[first..].iter().take_while(|pair| pair.0 == parent).map(|pair| pair.1);
        roots.extend(children.filter(|child| found.insert(*child)));
    }
    found
}

/// Checks whether `/proc` uses the process IDs of this PID namespace. If it belongs to another PID namespace (after
/// `unshare --pid` without `--mount-proc`), an ID from this namespace names a different process there.
pub(super) fn has_our_ids() -> bool {
    fs::read_link("/proc/self").is_ok_and(|link| link.as_os_str().to_str() == Some(&std::process::id().to_string()))
}

impl ProcessStat {
    /// Sends a signal to the process, but never to a later process with the same ID. If the process has exited, this is
    /// not an error.
    ///
    /// # Errors
    /// Fails with `EPERM` if the process belongs to another user.
    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        let pidfd = Pidfd::open(self.pid);
        // If the start time still matches, this process had not been replaced when the pidfd was opened, so the pidfd
        // refers to this process.
        if of(self.pid).is_none_or(|now| now.started != self.started) {
            return Ok(());
        }
        match pidfd.and_then(|pidfd| pidfd.signal(signal)) {
            // The pidfd calls fail before Linux 5.3, or if a seccomp filter blocks them.
            Err(error) if error.raw_os_error() != Some(libc::ESRCH) => {
                signals::send(self.pid, ProcessGroup::Shared, signal)
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Returns what distinguishes the process from all others.
    pub(super) fn identity(&self) -> (Pid, u64) {
        (self.pid, self.started)
    }

    pub(super) fn member(&self) -> Member {
        let name = fs::read(format!("/proc/{}/comm", self.pid)).unwrap_or_default();
        let name = String::from_utf8_lossy(&name);
        let printable = name.trim_end().chars().map(|char| if char.is_control() { '?' } else { char });
        Member { pid: self.pid, name: printable.collect() }
    }
}

/// Parses the fields after the process name, which may contain any character. Counted from 1 after the name, field 1 is
/// the state, 2 the parent, 3 the group, 4 the session, 18 the number of threads and 20 the start time. If the first
/// thread of a process has exited, the state is that of a zombie even while other threads run.
fn parse(pid: Pid, stat: &str) -> Option<ProcessStat> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let ended =
        matches!(*fields.first()?, "Z" | "X") && fields.get(17).is_none_or(|threads| matches!(*threads, "0" | "1"));
    Some(ProcessStat {
        pid,
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        is_alive: !ended,
        started: fields.get(19)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_after_the_name_are_read() {
        let is_alive = |state: &str, threads: u32| {
            let stat = format!("77 (a) Z 1 5 (b)) {state} 1 5 6 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 {threads} 0 912 0 0");
            let process = parse(77, &stat).expect("a complete line");
            assert_eq!((process.parent, process.group, process.session, process.started), (1, 5, 6, 912));
            process.is_alive
        };
        assert!(is_alive("S", 1));
        assert!(!is_alive("Z", 1));
        assert!(is_alive("Z", 3), "other threads run");
        assert_eq!(parse(77, "77 (cut"), None);
    }

    #[test]
    fn thousands_of_descendants_are_found_quickly() {
        const LAST: Pid = 5000;
        let process = |pid, parent| ProcessStat { pid, parent, group: 1, session: 1, is_alive: true, started: 0 };
        // Half of the processes form a chain. The others are children of one process.
        let mut all: Vec<_> = (2..=LAST).map(|pid| process(pid, (pid - 1).min(LAST / 2))).collect();
        all.extend([process(LAST + 1, 0), process(LAST + 2, LAST + 1), process(0, 0)]);
        let begun = std::time::Instant::now();
        assert_eq!(descendants(&all, vec![1]), (1..=LAST).collect());
        assert!(begun.elapsed() < std::time::Duration::from_secs(5));
    }

    #[test]
    fn this_process_is_visible() {
        let me = nix::unistd::getpid().as_raw();
        let seen = of(me).expect("it runs");
        assert_eq!((seen.parent, seen.is_alive), (nix::unistd::getppid().as_raw(), true));
        assert_eq!(seen.session, nix::unistd::getsid(None).expect("it has one").as_raw());
        assert!(all().iter().any(|process| process.pid == me && process.started == seen.started));
    }

    #[test]
    fn a_later_process_of_the_same_id_is_not_signaled() {
        let me = of(nix::unistd::getpid().as_raw()).expect("it runs");
        let before = ProcessStat { started: me.started - 1, ..me };
        before.signal(Signal::KILL).expect("nothing is sent");
    }
}
