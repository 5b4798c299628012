//! Reaps orphans, but not the children that other code waits for.
//!
//! `sys::child` and `sys::offload` start all children, so each zombie is one of three: the command, which the
//! supervision reaps; a helper, which has a [`HelperEntry`]; or an orphan, which the kernel made a child of xassume. In
//! this file, a helper is a program that xassume itself needs (`sys::helper`) or a child of `sys::offload`.

use super::child::wait;
use super::{processes, signals};
use crate::process::signal::Signal;
use crate::process::{ChildChange, End, Pid, ProcessGroup};
use std::cell::RefCell;
use std::collections::BTreeMap;

thread_local! {
    /// All helpers that have a [`HelperEntry`]. The value is how the helper ended, or `None` if it has not been reaped
    /// yet. The map is thread-local because all helpers are started and reaped on the main thread.
    static HELPERS: RefCell<BTreeMap<Pid, Option<End>>> = const { RefCell::new(BTreeMap::new()) };
}

/// Marks a child as a helper, so that its exit status is kept for the code that waits for it.
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

    /// Sends the helper a signal, unless the helper has ended. The signal cannot reach another process: the process ID
    /// is not reused before the helper is reaped, and helpers are reaped only on this thread.
    pub(super) fn signal(&self, signal: Signal) {
        if !self.has_ended() {
            let _ = signals::send(self.pid, ProcessGroup::Shared, signal);
        }
    }

    /// Checks whether the helper has ended. Does not reap it, so its process ID and the ID of its group are not reused.
    pub(super) fn has_ended(&self) -> bool {
        self.recorded().is_some() || !matches!(wait(libc::P_PID, self.pid, libc::WEXITED | libc::WNOWAIT), Ok(None))
    }

    /// Returns how the helper ended, and reaps it unless it has been reaped already. Returns `None` while it is
    /// running.
    pub(super) fn end(&self) -> Option<End> {
        if self.has_ended() && self.recorded().is_none() && !reap(self.pid) {
            // Nothing else waits for the helper. If the helper is gone anyway, its status is lost.
            return Some(End::Exited(crate::process::outcome::FAILED));
        }
        self.recorded()
    }

    /// Returns how the helper ended, if it has been reaped. Returns `None` otherwise.
    fn recorded(&self) -> Option<End> {
        HELPERS.with_borrow(|helpers| helpers.get(&self.pid).copied().flatten())
    }
}

impl Drop for HelperEntry {
    fn drop(&mut self) {
        HELPERS.with_borrow_mut(|helpers| helpers.remove(&self.pid));
    }
}

/// Makes this process the parent of orphans among its descendants. If xassume is PID 1 of a PID namespace, it is their
/// parent even without this call. Child processes do not inherit this setting.
pub(crate) fn adopt_orphans() {
    let _ = nix::sys::prctl::set_child_subreaper(true);
}

/// Checks whether the process has a [`HelperEntry`].
pub(super) fn is_helper(pid: Pid) -> bool {
    HELPERS.with_borrow(|helpers| helpers.contains_key(&pid))
}

/// Reaps all zombies except the command's own processes. There are two of them during a handover.
pub(crate) fn orphans(commands: &[Pid]) {
    while let Ok(Some((pid, _))) = wait(libc::P_ALL, 0, libc::WEXITED | libc::WNOWAIT) {
        if commands.contains(&pid) {
            // While the command is not reaped, waitid(2) for any child may return the command each time. So the other
            // children are checked one by one.
            let others = processes::children().into_iter().filter(|child| !commands.contains(child));
            return others.for_each(|child| {
                let _ = reap(child);
            });
        }
        if !reap(pid) {
            return;
        }
    }
}

/// Reaps a child if it has exited. Returns whether it was reaped.
fn reap(pid: Pid) -> bool {
    let Ok(Some((_, ChildChange::Ended(end)))) = wait(libc::P_PID, pid, libc::WEXITED) else { return false };
    HELPERS.with_borrow_mut(|helpers| helpers.get_mut(&pid).map(|entry| *entry = Some(end)));
    true
}
