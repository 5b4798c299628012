//! A helper and what it has started, which end together.
//!
//! In a group of its own, that is the group. Beside xassume, at the user's terminal, the group is others' as well, such as
//! the rest of a pipeline: then it is the helper and those of its descendants that have stayed in the group. One that
//! was left behind by its parent, or has made itself a group or a session (an agent), is nobody's to end.

use crate::process::signal::Signal;
use crate::process::{Pid, ProcessGroup};
use crate::sys::processes::{self, ProcessStat, ProcessState};
use crate::sys::reap::HelperEntry;
use crate::sys::signals;
use std::time::{Duration, Instant};

/// How long a helper that was sent SIGTERM may take, to put the terminal back for one.
const GRACE: Duration = Duration::from_millis(500);
/// How long a helper that was sent SIGKILL is waited for; after that a zombie is the lesser evil.
const DYING: Duration = Duration::from_millis(100);
/// The pauses between two looks: the helper's own end is cheap to ask for, `/proc` is not.
const STEP: Duration = Duration::from_millis(1);
const LONGER_STEP: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct HelperFamily {
    pub(super) leader: Pid,
    pub(super) group: ProcessGroup,
}

impl HelperFamily {
    /// Ends all of them: by SIGTERM, and soon by SIGKILL. The leader is this process's child, and is reaped.
    pub(super) fn end(&self, entry: &HelperEntry) {
        let mut members = self.members();
        self.send(&members, Signal::TERM);
        // One that was stopped, for reading the terminal for one, does not end otherwise.
        self.send(&members, Signal::CONT);
        wait(GRACE, STEP, || entry.has_ended());
        if entry.has_ended() {
            wait(GRACE, LONGER_STEP, || !members.iter().any(is_alive));
        } else {
            members.extend(self.members());
        }
        // As long as the leader is not reaped, its group's id is nobody else's.
        self.send(&members, Signal::KILL);
        wait(DYING, STEP, || entry.end().is_some());
    }

    /// Those who are alive, the leader included.
    fn members(&self) -> Vec<ProcessStat> {
        let mut all = processes::all();
        all.retain(|process| process.state == ProcessState::Alive);
        match self.group {
            ProcessGroup::Own => all.retain(|process| process.group == self.leader),
            ProcessGroup::Shared => {
                let group = nix::unistd::getpgrp().as_raw();
                all.retain(|process| process.group == group);
                let family = processes::descendants(&all, vec![self.leader]);
                all.retain(|process| family.contains(&process.pid));
            }
        }
        all
    }

    /// Sends a signal to all of them. That one has ended meanwhile, or has become another user's, is no error.
    fn send(&self, members: &[ProcessStat], signal: Signal) {
        let _ = signals::send(self.leader, self.group, signal);
        if self.group == ProcessGroup::Shared {
            for member in members.iter().filter(|member| member.pid != self.leader && is_alive(member)) {
                let _ = signals::send(member.pid, ProcessGroup::Shared, signal);
            }
        }
    }
}

/// Whether it is still there, and its id not another's by now.
fn is_alive(process: &ProcessStat) -> bool {
    processes::of(process.pid).is_some_and(|now| now.started == process.started && now.state == ProcessState::Alive)
}

/// Looks again and again until it is so, or the time is up.
fn wait(most: Duration, step: Duration, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() && begun.elapsed() < most {
        std::thread::sleep(step);
    }
}
