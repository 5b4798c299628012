//! A child between fork(2) and the outcome of execve(2). The supervision does not block on it: the program file may be
//! on a file system that does not answer.

use super::spawn::{fork, outcome};
use super::{Child, signals};
use crate::process::signal::Signal;
use crate::process::{Pid, ProcessGroup};
use crate::sys::lookup::Command;
use crate::sys::poll::polled_pipe;
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep_until};

/// How long the outcome is awaited before signals are read: a signal that arrives meanwhile is then handled as one for
/// the command.
const OUTCOME_FIRST: Duration = Duration::from_millis(500);

/// A child that does not run the program yet.
#[derive(Debug)]
pub(crate) struct StartingChild {
    pid: Pid,
    group: ProcessGroup,
    report: AsyncFd<File>,
    since: Instant,
}

impl StartingChild {
    /// Forks. To be called within a tokio runtime.
    ///
    /// # Errors
    /// Those of fork(2), or no descriptor.
    pub(crate) fn start(command: &Command, environment: &[CString], group: ProcessGroup) -> io::Result<Self> {
        let (pid, report) = fork(command, environment, group, None)?;
        let report = polled_pipe(report).inspect_err(|_| abort(pid))?;
        Ok(Self { pid, group, report, since: Instant::now() })
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    /// The running program, or the error; after an error the child is reaped like an orphan.
    pub(crate) async fn outcome(&self) -> io::Result<Child> {
        loop {
            if let Some(outcome) = outcome(self.report.get_ref()) {
                return outcome.map(|()| Child::new(self.pid, self.group));
            }
            self.report.readable().await?.clear_ready();
        }
    }

    /// Waits until the time in which only the outcome is awaited has passed.
    pub(crate) async fn outcome_only(&self) {
        sleep_until(self.since + OUTCOME_FIRST).await;
    }

    /// Kills the child, which is then reaped like an orphan: it may be stuck.
    pub(crate) fn abort(self) {
        abort(self.pid);
    }
}

fn abort(pid: Pid) {
    // It is our child, and not reaped.
    let _ = signals::send(pid, ProcessGroup::Shared, Signal::KILL);
}
