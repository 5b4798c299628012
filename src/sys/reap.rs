//! Reaps orphans, but not the children that other code waits for.
//!
//! `sys::child` and `sys::offload` start all children, so each zombie is one of three: the command, which the
//! supervision reaps; a helper, which has a [`HelperEntry`]; or an orphan, which the kernel made a child of xassume. In
//! this file, a helper is a program that xassume itself needs (`sys::helper`), a child of `sys::offload`, or a refresh
//! hook (`sys::hook`).

use super::child::wait;
use super::{processes, signals};
use crate::process::signal::Signal;
use crate::process::{ChildChange, End, Pid, ProcessGroup};
use std::cell::RefCell;
use std::collections::BTreeMap;

thread_local! {
    /// All helpers that have a [`HelperEntry`]. The map is thread-local because all helpers are started and reaped on
    /// the main thread.
    static HELPERS: RefCell<BTreeMap<Pid, HelperState>> = const { RefCell::new(BTreeMap::new()) };
}

#[derive(Debug, Clone, Copy)]
enum HelperState {
    /// The helper has not been reaped yet. [`orphans`] may reap it.
    Any,
    /// The helper has not been reaped yet. Only [`HelperEntry::end`] reaps it.
    Kept,
    Ended(End),
}

/// Marks a child as a helper, so that its exit status is kept for the code that waits for it.
#[derive(Debug)]
pub(super) struct HelperEntry {
    pid: Pid,
}

impl HelperEntry {
    pub(super) fn new(pid: Pid) -> Self {
        HELPERS.with_borrow_mut(|helpers| helpers.insert(pid, HelperState::Any));
        Self { pid }
    }

    /// Marks a child as a helper that only [`Self::end`] reaps. Until then the ID of its group is not reused, so the
    /// group can be signaled after the helper has ended.
    pub(super) fn kept(pid: Pid) -> Self {
        HELPERS.with_borrow_mut(|helpers| helpers.insert(pid, HelperState::Kept));
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
        HELPERS.with_borrow(|helpers| match helpers.get(&self.pid) {
            Some(HelperState::Ended(end)) => Some(*end),
            Some(HelperState::Any | HelperState::Kept) | None => None,
        })
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

/// Reaps all zombies except kept helpers and the command's own processes. There are two of these during a handover.
pub(crate) fn orphans(commands: &[Pid]) {
    let stays = |pid: &Pid| commands.contains(pid) || is_kept(*pid);
    while let Ok(Some((pid, _))) = wait(libc::P_ALL, 0, libc::WEXITED | libc::WNOWAIT) {
        if stays(&pid) {
            // While this one is not reaped, waitid(2) for any child may return it each time. So the other children are
            // checked one by one.
            let others = processes::children().into_iter().filter(|child| !stays(child));
            return others.for_each(|child| {
                let _ = reap(child);
            });
        }
        if !reap(pid) {
            return;
        }
    }
}

fn is_kept(pid: Pid) -> bool {
    HELPERS.with_borrow(|helpers| matches!(helpers.get(&pid), Some(HelperState::Kept)))
}

/// Reaps a child if it has exited. Returns whether it was reaped.
fn reap(pid: Pid) -> bool {
    let Ok(Some((_, ChildChange::Ended(end)))) = wait(libc::P_PID, pid, libc::WEXITED) else { return false };
    HELPERS.with_borrow_mut(|helpers| helpers.get_mut(&pid).map(|state| *state = HelperState::Ended(end)));
    true
}
