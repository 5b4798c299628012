//! A helper and the processes that it has started, which end together.
//!
//! In a new group, these are the group. On the user's terminal the group is shared, for example with the rest of
//! a pipeline: then these are the helper and its descendants in that group. A process that lost its parent, or moved to
//! another group or session (an agent), is left alone.

use crate::process::ProcessGroup;
use crate::process::signal::Signal;
use crate::sys::processes::{self, ProcessStat};
use crate::sys::reap::HelperEntry;
use crate::sys::signals;
use std::time::{Duration, Instant};

/// The time after SIGTERM, for example to restore the terminal.
const GRACE: Duration = Duration::from_millis(500);
/// The wait after SIGKILL; a zombie is better than a longer wait.
const DYING: Duration = Duration::from_millis(100);
/// The pauses between two checks: the helper itself is cheap to check, `/proc` is not.
const STEP: Duration = Duration::from_millis(1);
const LONGER_STEP: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct HelperFamily {
    pub(super) leader: HelperEntry,
    pub(super) group: ProcessGroup,
}

impl HelperFamily {
    /// Ends all of them with SIGTERM, then SIGKILL. The leader is this process's child, and is reaped.
    pub(super) fn end(&self) {
        let mut members = self.members();
        self.send(&members, Signal::TERM);
        // A stopped process (it read the terminal) does not end otherwise.
        self.send(&members, Signal::CONT);
        wait(GRACE, STEP, || self.leader.has_ended());
        if self.leader.has_ended() {
            wait(GRACE, LONGER_STEP, || !members.iter().any(is_alive));
        } else {
            members.extend(self.members());
        }
        // While the leader is not reaped, the group's ID is not reused.
        self.send(&members, Signal::KILL);
        wait(DYING, STEP, || self.leader.end().is_some());
    }

    /// The living processes, the leader included.
    fn members(&self) -> Vec<ProcessStat> {
        let mut all = processes::all();
        all.retain(|process| process.is_alive);
        match self.group {
            ProcessGroup::Own => all.retain(|process| process.group == self.leader.pid()),
            ProcessGroup::Shared => {
                let group = nix::unistd::getpgrp().as_raw();
                all.retain(|process| process.group == group);
                let family = processes::descendants(&all, vec![self.leader.pid()]);
                all.retain(|process| family.contains(&process.pid));
            }
        }
        all
    }

    /// Sends a signal to all. A process that has exited, or has changed its user, is not an error.
    fn send(&self, members: &[ProcessStat], signal: Signal) {
        let _ = signals::send(self.leader.pid(), self.group, signal);
        if self.group == ProcessGroup::Shared {
            for member in members.iter().filter(|member| member.pid != self.leader.pid() && is_alive(member)) {
                let _ = signals::send(member.pid, ProcessGroup::Shared, signal);
            }
        }
    }
}

/// Whether it is alive, and its ID not reused.
fn is_alive(process: &ProcessStat) -> bool {
    processes::of(process.pid).is_some_and(|now| now.started == process.started && now.is_alive)
}

/// Waits until the condition is true, at most for this time.
fn wait(most: Duration, step: Duration, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() && begun.elapsed() < most {
        std::thread::sleep(step);
    }
}
