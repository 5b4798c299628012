//! The family of a helper: the helper and the processes that it has started. They are ended together.
//!
//! If the helper has its own process group, its family is all processes in that group. If the helper may use the user's
//! terminal, it shares xassume's group, which may also contain other programs (the rest of a pipeline). Its family is
//! then the helper and its descendants in that group. A process that has lost its parent, or has moved to another group
//! or session (an agent), is left alone.

use crate::process::ProcessGroup;
use crate::process::signal::Signal;
use crate::sys::processes::{self, ProcessStat};
use crate::sys::reap::HelperEntry;
use crate::sys::signals;
use std::time::{Duration, Instant};

/// How long the helper may take to exit after SIGTERM, and then again how long the rest of its family may take. A
/// program may need this time to restore the terminal.
const GRACE: Duration = Duration::from_millis(500);
/// How long to wait until the helper can be reaped after SIGKILL. Leaving a zombie is better than a longer wait.
const DYING: Duration = Duration::from_millis(100);
/// The pause between two checks whether the helper has ended, and the longer pause between two checks of its family. A
/// check of the family takes longer, because it reads `/proc`.
const STEP: Duration = Duration::from_millis(1);
const LONGER_STEP: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct HelperFamily {
    pub(super) leader: HelperEntry,
    pub(super) group: ProcessGroup,
}

impl HelperFamily {
    /// Ends the family: sends SIGTERM, waits up to [`GRACE`] for the helper and then up to [`GRACE`] for the rest of
    /// the family, and sends SIGKILL. Reaps the helper itself, which is a child of xassume.
    pub(super) fn end(&self) {
        let mut members = self.members();
        self.send(&members, Signal::TERM);
        // A process that the kernel stopped because it read the terminal handles SIGTERM only after it is continued.
        self.send(&members, Signal::CONT);
        wait(GRACE, STEP, || self.leader.has_ended());
        if self.leader.has_ended() {
            wait(GRACE, LONGER_STEP, || !members.iter().any(is_alive));
        } else {
            members.extend(self.members());
        }
        // The helper is not reaped yet, so the ID of its group has not been reused.
        self.send(&members, Signal::KILL);
        wait(DYING, STEP, || self.leader.end().is_some());
    }

    /// Returns the members of the family that are still running, including the helper itself.
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

    /// Sends a signal to the helper's own group. If the helper shares xassume's group, sends the signal to the helper
    /// and to `members` instead. Errors are ignored, because a process may have exited or changed its user.
    fn send(&self, members: &[ProcessStat], signal: Signal) {
        let _ = signals::send(self.leader.pid(), self.group, signal);
        if self.group == ProcessGroup::Shared {
            for member in members.iter().filter(|member| member.pid != self.leader.pid() && is_alive(member)) {
                let _ = signals::send(member.pid, ProcessGroup::Shared, signal);
            }
        }
    }
}

/// Checks whether the process is alive and its ID has not been reused.
fn is_alive(process: &ProcessStat) -> bool {
    processes::of(process.pid).is_some_and(|now| now.started == process.started && now.is_alive)
}

/// Waits until the condition is true, but not longer than `most`. Checks it after each `step`.
fn wait(most: Duration, step: Duration, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() && begun.elapsed() < most {
        std::thread::sleep(step);
    }
}
