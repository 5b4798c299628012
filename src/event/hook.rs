//! Events of the refresh hook.

use super::record::{Problem, Record, info, warning};
use crate::process::Pid;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum HookEvent {
    /// The hook was started for the session with this number, which is 0 for the first one.
    Started { pid: Pid, session: u32 },
    /// The hook has exited with status 0.
    Finished,
    /// The hook has failed, could not be started, or was stopped at its time limit.
    Failed { problem: Problem },
    /// The hook is being stopped, because xassume is about to exit.
    Stopped { pid: Pid },
}

impl HookEvent {
    pub(super) fn record(&self) -> Record {
        match self {
            Self::Started { pid, session } => {
                let text = format!("started the refresh hook for session {session}, pid {pid}");
                info("hook_started", text).number("pid", *pid).number("refresh", *session)
            }
            Self::Finished => info("hook_finished", "the refresh hook has finished"),
            Self::Failed { problem } => warning("hook_failed", &problem.text).error(problem),
            Self::Stopped { pid } => {
                let text = format!("stopping the refresh hook, pid {pid}, because xassume is about to exit");
                info("hook_stopped", text).number("pid", *pid)
            }
        }
    }
}
