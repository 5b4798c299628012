//! Reaps orphans, without reaping children that are waited for.
//!
//! `sys::child` starts all programs, so each zombie is one of three: the command, which the supervision reaps; a
//! helper, which has a [`HelperEntry`]; or an orphan from the kernel.

use super::child::wait;
use super::{processes, signals};
use crate::process::signal::Signal;
use crate::process::{ChildChange, End, Pid, ProcessGroup};
use std::cell::RefCell;
use std::collections::BTreeMap;

thread_local! {
    /// The helpers, with their end if [`orphans`] has reaped them. Thread-local: all are started and reaped on the main
    /// thread.
    static HELPERS: RefCell<BTreeMap<Pid, Option<End>>> = const { RefCell::new(BTreeMap::new()) };
}

/// The entry of a helper, while it is waited for.
#[derive(Debug)]
pub(super) struct HelperEntry {
    pid: Pid,
}

impl HelperEntry {
    pub(super) fn new(pid: Pid) -> Self {
        HELPERS.with_borrow_mut(|helpers| helpers.insert(pid, None));
        Self { pid }
    }

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// Sends it a signal, unless it has ended. Its ID is not reused while it is not reaped, which happens only on this
    /// thread.
    pub(super) fn signal(&self, signal: Signal) {
        if !self.has_ended() {
            let _ = signals::send(self.pid, ProcessGroup::Shared, signal);
        }
    }

    /// Whether the helper has ended. This does not reap it: its ID and its group's are not reused.
    pub(super) fn has_ended(&self) -> bool {
        self.recorded().is_some() || !matches!(wait(libc::P_PID, self.pid, libc::WEXITED | libc::WNOWAIT), Ok(None))
    }

    /// The helper's end, if it has ended; reaps it, unless it was reaped before.
    pub(super) fn end(&self) -> Option<End> {
        if let Some(end) = self.recorded() {
            return Some(end);
        }
        match wait(libc::P_PID, self.pid, libc::WEXITED) {
            Ok(Some((_, ChildChange::Ended(end)))) => {
                HELPERS.with_borrow_mut(|helpers| helpers.insert(self.pid, Some(end)));
                Some(end)
            }
            Ok(Some((_, ChildChange::Paused(_))) | None) => None,
            Err(_) => Some(End::Exited(crate::process::outcome::FAILED)),
        }
    }

    /// The end, if [`orphans`] has reaped it.
    fn recorded(&self) -> Option<End> {
        HELPERS.with_borrow(|helpers| helpers.get(&self.pid).copied().flatten())
    }
}

impl Drop for HelperEntry {
    fn drop(&mut self) {
        HELPERS.with_borrow_mut(|helpers| helpers.remove(&self.pid));
    }
}

/// Makes this process the parent of orphans among its descendants, as PID 1 of a PID namespace is anyway. Neither a
/// child nor an executed program inherits this.
pub(crate) fn adopt_orphans() {
    let _ = nix::sys::prctl::set_child_subreaper(true);
}

/// Whether it is a helper that is waited for.
pub(super) fn is_helper(pid: Pid) -> bool {
    HELPERS.with_borrow(|helpers| helpers.contains_key(&pid))
}

/// Reaps all zombies except the command.
pub(crate) fn orphans(command: Option<Pid>) {
    while let Ok(Some((pid, _))) = wait(libc::P_ALL, 0, libc::WEXITED | libc::WNOWAIT) {
        if Some(pid) == command {
            // waitid(2) would return the command again and again.
            let others = processes::children().into_iter().filter(|child| Some(*child) != command);
            return others.for_each(|child| {
                let _ = reap(child);
            });
        }
        if !reap(pid) {
            return;
        }
    }
}

/// Reaps a child, if it has exited.
fn reap(pid: Pid) -> bool {
    let Ok(Some((_, ChildChange::Ended(end)))) = wait(libc::P_PID, pid, libc::WEXITED) else { return false };
    HELPERS.with_borrow_mut(|helpers| helpers.get_mut(&pid).map(|entry| *entry = Some(end)));
    true
}
