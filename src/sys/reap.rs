//! Reaping orphans, beside children that are waited for.
//!
//! Every program is started by `sys::child`, so each zombie is one of three: the command, whose end the supervision
//! looks at and reaps; a helper, whose road is told here; or an orphan that the kernel gave us.

#![allow(unsafe_code)]

use super::child::wait;
use super::processes;
use crate::process::{ChildChange, End, Pid};
use std::cell::RefCell;
use std::collections::BTreeMap;

thread_local! {
    /// Helpers that run, and how the ones ended that [`orphans`] came across first. Of this thread: all is started
    /// and reaped on the main one.
    static HELPERS: RefCell<BTreeMap<Pid, Option<End>>> = const { RefCell::new(BTreeMap::new()) };
}

/// A helper's place in the books, for as long as somebody waits for it.
#[derive(Debug)]
pub(super) struct HelperEntry {
    pid: Pid,
}

impl HelperEntry {
    pub(super) fn new(pid: Pid) -> Self {
        HELPERS.with_borrow_mut(|helpers| helpers.insert(pid, None));
        Self { pid }
    }

    /// Whether the helper has ended. It is not reaped by this: its id, and its group's, stay its own.
    pub(super) fn has_ended(&self) -> bool {
        self.noted().is_some() || !matches!(wait(libc::P_PID, self.pid, libc::WEXITED | libc::WNOWAIT), Ok(None))
    }

    /// The helper's end, if it has ended; it is reaped then, here or before.
    pub(super) fn end(&self) -> Option<End> {
        if let Some(end) = self.noted() {
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

    /// The end that [`orphans`] has come across.
    fn noted(&self) -> Option<End> {
        HELPERS.with_borrow(|helpers| helpers.get(&self.pid).copied().flatten())
    }
}

impl Drop for HelperEntry {
    fn drop(&mut self) {
        HELPERS.with_borrow_mut(|helpers| helpers.remove(&self.pid));
    }
}

/// Has the kernel give this process the orphans among its descendants, as the first process of a pid namespace has
/// them anyway. Neither a child nor a program that this process becomes inherits it.
pub(crate) fn adopt_orphans() {
    // SAFETY: prctl(2) with these arguments touches no memory of ours.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) };
}

/// Whether it is a helper that is waited for.
pub(super) fn is_helper(pid: Pid) -> bool {
    HELPERS.with_borrow(|helpers| helpers.contains_key(&pid))
}

/// Reaps every zombie but the command.
pub(crate) fn orphans(command: Option<Pid>) {
    while let Ok(Some((pid, _))) = wait(libc::P_ALL, 0, libc::WEXITED | libc::WNOWAIT) {
        if Some(pid) == command {
            // waitid(2) would show it again and again, and no process behind it.
            let others = processes::children().into_iter().filter(|child| Some(*child) != command);
            return others.for_each(|child| {
                let _ = reap(child);
            });
        }
        if reap(pid).is_none() {
            return;
        }
    }
}

/// Reaps a child, if it has ended.
fn reap(pid: Pid) -> Option<()> {
    let Ok(Some((_, ChildChange::Ended(end)))) = wait(libc::P_PID, pid, libc::WEXITED) else { return None };
    HELPERS.with_borrow_mut(|helpers| {
        if let Some(entry) = helpers.get_mut(&pid) {
            *entry = Some(end);
        }
    });
    Some(())
}
