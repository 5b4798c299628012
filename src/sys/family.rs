//! The command's family: the command's own process and those of its descendants that are in xassume's session or in a
//! session that the command's own process created (see [`crate::process::Target`]).
//!
//! A process that loses its parent becomes a child of xassume (`reap::adopt_orphans`), so every member of the family is
//! a descendant of xassume. A descendant of the command that created its own session is a daemon, which xassume leaves
//! alone. Helpers (`sys::helper`) do not belong to the family, and neither do processes that were descendants of
//! xassume before the command was first started.
//!
//! During a handover, the command has two generations. A process whose parent has exited, and that is in a group and a
//! session of its own, belongs to the old one if it existed before the new one was started, or when the stop of the old
//! one began. Otherwise it belongs to the new one. What remains of a generation that was reaped belongs to neither.

use super::child::Child;
use super::processes::{self, ProcessStat};
use super::reap;
use super::signals;
use crate::process::signal::Signal;
use crate::process::{Pid, ProcessGroup, Remaining};
use nix::unistd::{getpgrp, getpid, getsid};
use std::collections::BTreeSet;
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
    /// The descendants that xassume had before the command was first started, and what remains of a generation that was
    /// reaped beside another one. They do not belong to the family. `None` until the first start.
    strangers: Option<Vec<ProcessStat>>,
    /// The command's own processes that are not reaped yet, one for each generation. The newer one is the last one.
    generations: Vec<Generation>,
}

#[derive(Debug)]
struct Generation {
    pid: Pid,
    /// Processes that are known to belong to this generation, and not to another one.
    known: Vec<ProcessStat>,
}

impl Family {
    /// Records which processes exist before a generation is started: before the first one, which descendants xassume has,
    /// and before a later one, which of them belong to the generation that is running.
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
        if let [only] = self.generations.as_slice() {
            let known = self.of(&processes::all(), only.pid);
            self.generations = vec![Generation { pid: only.pid, known }];
        }
    }

    /// Adds a generation that has been forked.
    pub(crate) fn add(&mut self, pid: Pid) {
        self.generations.push(Generation { pid, known: Vec::new() });
    }

    /// Removes a generation that was reaped. If there is another one, it does not get what remains of this one: processes
    /// that cannot be killed, or that a command left behind that exited by itself.
    pub(crate) fn reaped(&mut self, pid: Pid) {
        let is_known = |child: &Pid| self.generations.iter().any(|generation| generation.pid == *child);
        if self.generations.len() > 1 && !processes::children().iter().all(is_known) {
            let rest = self.of(&processes::all(), pid);
            self.strangers.get_or_insert_default().extend(rest);
        }
        self.remove(pid);
    }

    /// Removes a generation that does not run the command.
    pub(crate) fn remove(&mut self, pid: Pid) {
        self.generations.retain(|generation| generation.pid != pid);
    }

    /// Records which processes descend from this generation, before it is stopped while another one stays. Its processes
    /// may exit before their descendants.
    fn know_descendants(&mut self, pid: Pid) {
        if self.generations.len() < 2 {
            return;
        }
        let family = self.of(&processes::all(), pid);
        if let Some(generation) = self.generations.iter_mut().find(|generation| generation.pid == pid) {
            generation.known = family;
        }
    }

    fn is_other_generation(&self, pid: Pid, than: Pid) -> bool {
        pid != than && self.generations.iter().any(|generation| generation.pid == pid)
    }

    /// Sends the stop signal, and then CONT, to the command's own process group. If the command shares xassume's group,
    /// sends both signals to the command and to each other member of the family in that group.
    ///
    /// # Errors
    /// Fails with `EPERM` if the command runs as another user. The other methods that send a signal fail in the same
    /// way.
    pub(crate) fn stop(&mut self, child: &mut Child, signal: Signal) -> io::Result<()> {
        self.know_descendants(child.pid());
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
        let mut remaining = Remaining::default();
        for _ in 0..MAX_CHECKS {
            remaining = self.check_once(child, &children);
            let now = processes::children();
            if remaining.in_group.is_some() || now == children {
                break;
            }
            // If a process exited during the check, its children became children of xassume. They may not have been in
            // the lists that were checked, so check again.
            children = now;
        }
        remaining
    }

    /// Checks once for remaining processes. Because the command has exited, each remaining process is a child of
    /// xassume or descends from such a child. Usually xassume has no child except the exited command, and then the
    /// check is cheap.
    fn check_once(&self, child: &Child, children: &[Pid]) -> Remaining {
        let mut others = children.iter().filter(|pid| !self.is_own(**pid, child)).filter_map(|pid| processes::of(*pid));
        if others.all(|process| !process.is_alive || self.is_stranger(&process)) {
            return Remaining::default();
        }
        let all = processes::all();
        let family = self.of(&all, child.pid());
        let in_group = match child.group {
            ProcessGroup::Own => all.iter().find(|process| process.is_alive && is_in_group(process, child)),
            ProcessGroup::Shared => family.iter().find(|process| is_in_group(process, child)),
        };
        let stray = family.iter().find(|process| !is_in_group(process, child));
        Remaining { in_group: in_group.map(ProcessStat::member), stray: stray.map(ProcessStat::member) }
    }

    fn living(&self, child: &Child) -> Vec<ProcessStat> {
        self.of(&processes::all(), child.pid())
    }

    /// Returns those of the processes in `all` that are living members of the family of the generation `command`.
    fn of(&self, all: &[ProcessStat], command: Pid) -> Vec<ProcessStat> {
        let ours: Vec<_> = all.iter().copied().filter(|process| !self.is_stranger(process)).collect();
        let me = getpid().as_raw();
        let family = processes::descendants(&ours, vec![me]);
        let sessions = [getsid(None).map_or(0, nix::unistd::Pid::as_raw), command];
        let belongs = self.belongs(&ours, command);
        let is_member = |process: &ProcessStat| {
            let is_near = process.pid != me && sessions.contains(&process.session);
            is_near && process.is_alive && family.contains(&process.pid) && belongs(process)
        };
        ours.iter().copied().filter(is_member).collect()
    }

    /// Returns a function that checks whether a process belongs to this generation. All do if there is no other one. The
    /// newer one of two has all that does not belong to the older one, so nothing is left over if the newer one fails.
    fn belongs(&self, all: &[ProcessStat], command: Pid) -> impl Fn(&ProcessStat) -> bool {
        let older = match self.generations.as_slice() {
            [older, _] => Some(older),
            _ => None,
        };
        let descendants = older.map_or_else(BTreeSet::new, |older| processes::descendants(all, vec![older.pid]));
        move |process| {
            older.is_none_or(|older| {
                let is_known = || older.known.iter().any(|known| known.identity() == process.identity());
                let is_of_older = [process.group, process.session].contains(&older.pid)
                    || descendants.contains(&process.pid)
                    || is_known();
                is_of_older == (command == older.pid)
            })
        }
    }

    /// Checks whether a child of xassume is this child or another generation, which are not left behind by this child.
    fn is_own(&self, pid: Pid, child: &Child) -> bool {
        pid == child.pid() || self.is_other_generation(pid, child.pid())
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
            let is_orphan = process.parent == me && !self.is_other_generation(process.pid, command);
            process.pid == command || is_orphan && !self.is_stranger(&process)
        })
    }

    fn is_stranger(&self, process: &ProcessStat) -> bool {
        let before = self.strangers.iter().flatten();
        reap::is_helper(process.pid) || before.into_iter().any(|one| one.identity() == process.identity())
    }

    /// Returns the process group that the command has moved to since its start. Returns `None` if the command has not
    /// moved, or if a process in the group does not belong to the family, because xassume must not signal that process.
    fn joined(&self, child: &Child) -> Option<Pid> {
        let group = signals::group_of(child.pid())?;
        if group == home(child) {
            return None;
        }
        let all = processes::all();
        let family = self.of(&all, child.pid());
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
mod tests;
