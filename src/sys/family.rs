//! The command's family: the command's own process and those of its descendants that are in xassume's session or in a
//! session that the command's own process created (see [`crate::process::Target`]).
//!
//! A process that loses its parent becomes a child of xassume (`reap::adopt_orphans`), so every member of the family is
//! a descendant of xassume. A descendant of the command that created its own session is a daemon, which xassume leaves
//! alone. Helpers (`sys::helper`) do not belong to the family, and neither do processes that were descendants of
//! xassume before the command was first started.

use super::child::Child;
use super::processes::{self, ProcessStat};
use super::reap;
use super::signals;
use crate::process::signal::Signal;
use crate::process::{Pid, ProcessGroup, Remaining};
use nix::unistd::{getpgrp, getpid, getsid};
use std::io;

/// The maximum number of checks in one call of [`Family::remaining`]. If xassume's children have changed during a
/// check, that method checks again. There is a maximum because a daemon may continually leave orphans.
const MAX_CHECKS: u32 = 5;

/// The maximum number of ancestors of a process that [`Family::includes`] reads. A flood of notifications costs this much
/// for each of them.
const MAX_DEPTH: usize = 64;

/// Distinguishes the command's family from other descendants of xassume.
#[derive(Debug, Default)]
pub(crate) struct Family {
    /// The descendants that xassume had before the command was first started. They do not belong to the family. `None`
    /// until that start.
    strangers: Option<Vec<ProcessStat>>,
}

impl Family {
    /// Records which descendants xassume has before the command is first started. Later calls do nothing.
    pub(crate) fn begin(&mut self) {
        self.strangers.get_or_insert_with(|| {
            let children = processes::children();
            if children.is_empty() {
                return Vec::new();
            }
            let mut all = processes::all();
            let strangers = processes::descendants(&all, children);
            all.retain(|process| strangers.contains(&process.pid));
            all
        });
    }

    /// Sends the stop signal, and then CONT, to the command's own process group. If the command shares xassume's group,
    /// sends both signals to the command and to each other member of the family in that group.
    ///
    /// # Errors
    /// Fails with `EPERM` if the command runs as another user. The other methods that send a signal fail in the same
    /// way.
    pub(crate) fn stop(&self, child: &mut Child, signal: Signal) -> io::Result<()> {
        let result = self.signal_group(child, signal).and(send_to_group(child, Signal::CONT));
        if child.group == ProcessGroup::Shared {
            let mut asked = vec![child.pid()];
            // There are two passes: the second one finds processes that were forked during the first.
            for _ in 0..2 {
                let mut members = self.living(child);
                members.retain(|process| process.group == home(child) && !asked.contains(&process.pid));
                for member in &members {
                    let _ = member.signal(signal);
                    let _ = member.signal(Signal::CONT);
                }
                asked.extend(members.iter().map(|member| member.pid));
            }
        }
        result
    }

    /// Sends a signal to the command. If the command has its own process group, sends the signal to that whole group.
    pub(crate) fn signal_group(&self, child: &mut Child, signal: Signal) -> io::Result<()> {
        child.joined = self.joined(child);
        send_to_group(child, signal)
    }

    /// Sends a signal to the members of the family that are outside the command's group.
    pub(crate) fn signal_strays(&self, child: &Child, signal: Signal) {
        for stray in self.living(child).iter().filter(|process| !is_in_group(process, child)) {
            let _ = stray.signal(signal);
        }
    }

    /// Sends a signal to the command's own group, if it has one, and to the whole family.
    pub(crate) fn signal(&self, child: &Child, signal: Signal) -> io::Result<()> {
        if child.group == ProcessGroup::Own {
            let _ = signals::send(child.pid(), ProcessGroup::Own, signal);
        }
        let result = signals::send(child.pid(), ProcessGroup::Shared, signal);
        for member in self.living(child) {
            let _ = member.signal(signal);
        }
        result
    }

    /// Returns which processes remain after the command's own process has exited.
    pub(crate) fn remaining(&self, child: &Child) -> Remaining {
        let mut children = processes::children();
        for _ in 0..MAX_CHECKS {
            let remaining = self.check_once(child, &children);
            let now = processes::children();
            if remaining != Remaining::default() || now == children {
                return remaining;
            }
            // If a process exited during the check, its children became children of xassume. They were not in the list
            // that was checked, so check the new list.
            children = now;
        }
        Remaining::default()
    }

    /// Checks once for remaining processes. Because the command has exited, each remaining process is a child of
    /// xassume or descends from such a child. Usually xassume has no child except the exited command, and then the
    /// check is cheap.
    fn check_once(&self, child: &Child, children: &[Pid]) -> Remaining {
        let mut others = children.iter().filter(|pid| **pid != child.pid()).filter_map(|pid| processes::of(*pid));
        if others.all(|process| !process.is_alive || self.is_stranger(&process)) {
            return Remaining::default();
        }
        let all = processes::all();
        let family = self.of(&all, child);
        let in_group = match child.group {
            ProcessGroup::Own => all.iter().find(|process| process.is_alive && is_in_group(process, child)),
            ProcessGroup::Shared => family.iter().find(|process| is_in_group(process, child)),
        };
        let stray = family.iter().find(|process| !is_in_group(process, child));
        Remaining { in_group: in_group.map(ProcessStat::member), stray: stray.map(ProcessStat::member) }
    }

    fn living(&self, child: &Child) -> Vec<ProcessStat> {
        self.of(&processes::all(), child)
    }

    /// Returns those of the processes in `all` that are living members of the family.
    fn of(&self, all: &[ProcessStat], child: &Child) -> Vec<ProcessStat> {
        let ours: Vec<_> = all.iter().copied().filter(|process| !self.is_stranger(process)).collect();
        let me = getpid().as_raw();
        let family = processes::descendants(&ours, vec![me]);
        let sessions = [getsid(None).map_or(0, nix::unistd::Pid::as_raw), child.pid()];
        let is_member = |process: &ProcessStat| {
            let is_near = process.pid != me && sessions.contains(&process.session);
            is_near && process.is_alive && family.contains(&process.pid)
        };
        ours.into_iter().filter(is_member).collect()
    }

    /// Checks whether a process is the command's own process `command`, is in the process group of that process, or
    /// descends from it. Here a daemon counts as a descendant. Only the search for ancestors needs `/proc`.
    pub(crate) fn includes(&self, command: Pid, pid: Pid) -> bool {
        // The kernel reports 0 for a process that is not visible in this PID namespace.
        if pid <= 0 {
            return false;
        }
        let group = signals::group_of(command);
        if pid == command || group.is_some() && signals::group_of(pid) == group {
            return true;
        }
        let me = getpid().as_raw();
        processes::with_ancestors(pid).take(MAX_DEPTH).any(|process| {
            // A process that has lost its parent is a child of xassume.
            process.pid == command || process.parent == me && !self.is_stranger(&process)
        })
    }

    fn is_stranger(&self, process: &ProcessStat) -> bool {
        let before = self.strangers.iter().flatten();
        reap::is_helper(process.pid)
            || before.into_iter().any(|one| one.pid == process.pid && one.started == process.started)
    }

    /// Returns the process group that the command has moved to since its start. Returns `None` if the command has not
    /// moved, or if a process in the group does not belong to the family, because xassume must not signal that process.
    fn joined(&self, child: &Child) -> Option<Pid> {
        let group = signals::group_of(child.pid())?;
        if group == home(child) {
            return None;
        }
        let all = processes::all();
        let family = self.of(&all, child);
        let mut members = all.iter().filter(|process| process.group == group && process.is_alive);
        members.all(|member| family.contains(member)).then_some(group)
    }
}

/// Returns the process group that the command was started in.
fn home(child: &Child) -> Pid {
    match child.group {
        ProcessGroup::Own => child.pid(),
        ProcessGroup::Shared => getpgrp().as_raw(),
    }
}

fn is_in_group(process: &ProcessStat, child: &Child) -> bool {
    process.group == home(child) || Some(process.group) == child.joined
}

/// Sends a signal to the command's own group and to the group that the command has moved to. If the command is in
/// neither group, the signal is also sent to the command itself.
fn send_to_group(child: &Child, signal: Signal) -> io::Result<()> {
    let own = match child.group {
        ProcessGroup::Own => signals::send(child.pid(), ProcessGroup::Own, signal),
        ProcessGroup::Shared => Ok(()),
    };
    match child.joined {
        Some(group) => signals::send(group, ProcessGroup::Own, signal),
        None if child.group == ProcessGroup::Own && signals::group_of(child.pid()) == Some(child.pid()) => own,
        None => signals::send(child.pid(), ProcessGroup::Shared, signal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::ChildChange;
    use std::time::{Duration, Instant};

    fn eventually(is_so: impl Fn() -> bool) {
        while !is_so() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Returns a shell that has exited, whose group contains another process that is still running.
    fn ended() -> Child {
        shell("sleep 600 & exit 0")
    }

    fn shell(line: &str) -> Child {
        reap::adopt_orphans();
        let child = Child::start("/bin/sh", &["sh", "-c", line]).unwrap();
        eventually(|| matches!(child.change(), Some(ChildChange::Ended(_))));
        child
    }

    #[test]
    fn living_members_of_the_group_remain_and_zombies_do_not() {
        let (family, child) = (Family::default(), ended());
        let member = family.remaining(&child).in_group.expect("the shell has ended, what it started has not");
        eventually(|| family.remaining(&child).in_group.is_some_and(|member| member.name == "sleep"));
        child.signal(ProcessGroup::Own, Signal::KILL).unwrap();
        eventually(|| family.remaining(&child).in_group.is_none());
        assert!(processes::of(member.pid).is_some_and(|process| !process.is_alive), "it is not reaped");
        child.reap();
    }

    #[test]
    fn a_process_that_loses_its_parent_during_a_check_is_found() {
        for _ in 0..30 {
            let child = shell("(sleep 600 & sleep 0.05) & exit 0");
            let (family, begun) = (Family::default(), Instant::now());
            while begun.elapsed() < Duration::from_millis(100) {
                assert!(family.remaining(&child).in_group.is_some());
            }
            child.signal(ProcessGroup::Own, Signal::KILL).unwrap();
            child.reap();
        }
    }

    #[test]
    fn descendants_are_included_up_to_a_depth() {
        // A chain of shells. The last process leaves the group, so that only its ancestors count.
        let line = "f() { if [ $1 = 0 ]; then exec setsid sleep 600; fi; (f $(($1 - 1)); true); }; f $0";
        for (depth, is_included) in [(MAX_DEPTH / 2, true), (MAX_DEPTH + 5, false)] {
            reap::adopt_orphans();
            let child = Child::start("/bin/sh", &["sh", "-c", line, &depth.to_string()]).unwrap();
            let leaf = || {
                let all = processes::all();
                let family = processes::descendants(&all, vec![child.pid()]);
                all.into_iter().find(|process| process.session == process.pid && family.contains(&process.pid))
            };
            eventually(|| leaf().is_some());
            let leaf = leaf().unwrap();
            let family = Family::default();
            assert_eq!(family.includes(child.pid(), leaf.pid), is_included, "{depth}");
            assert!(family.includes(child.pid(), child.pid()) && !family.includes(child.pid(), 0));
            child.signal(ProcessGroup::Own, Signal::KILL).unwrap();
            leaf.signal(Signal::KILL).unwrap();
            child.reap();
        }
    }

    #[test]
    fn descendants_from_before_the_first_start_are_not_of_the_family() {
        let child = ended();
        let of_the_group = |family: &Family| {
            let mut members = family.living(&child);
            members.retain(|process| process.group == child.pid());
            members.len()
        };
        let mut family = Family::default();
        assert_eq!(of_the_group(&family), 1);
        family.begin();
        assert_eq!(of_the_group(&family), 0);
        child.signal(ProcessGroup::Own, Signal::KILL).unwrap();
        child.reap();
    }
}
