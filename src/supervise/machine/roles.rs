//! Which of two generations a process is.

use super::state::{Beside, Machine, Phase};
use crate::process::Pid;
use crate::supervise::notify::Role;

impl Machine {
    /// Returns what the generation that is starting is.
    pub(crate) fn next_role(&self) -> Role {
        if let Beside::Launching(..) = self.beside { Role::Successor } else { Role::Current }
    }

    /// Returns what the generation with this process is. The process has been reported as started.
    pub(crate) fn role(&self, pid: Pid) -> Role {
        let current = match self.phase {
            Phase::Running { child, .. } => Some(child),
            Phase::Stopping(stop, _) => Some(stop.child),
            Phase::Starting(_) | Phase::Keeping { .. } | Phase::Ended => None,
        };
        match self.beside {
            Beside::Preparing(new) if new.child == pid => Role::Successor,
            // This includes a generation whose stop is complete, and that is about to be reaped.
            Beside::Alone
            | Beside::Postponed(..)
            | Beside::Launching(..)
            | Beside::Preparing(_)
            | Beside::Leaving(..) => {
                if current.is_none_or(|current| current == pid) {
                    Role::Current
                } else {
                    Role::Leaving
                }
            }
        }
    }
}
