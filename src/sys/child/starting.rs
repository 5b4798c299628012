//! A child between fork(2) and the outcome of execve(2). The supervision does not block until execve(2) returns,
//! because the program file may be on a file system that does not respond.

use super::spawn::{ChildSetup, CommandDescriptors, fork, outcome, outcome_pipe};
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

/// During this time after the fork, xassume waits only for the outcome of execve(2) and reads no signals. A signal that
/// arrives during this time is handled after the outcome, so it is handled as a signal for the running command.
const OUTCOME_FIRST: Duration = Duration::from_millis(500);

/// A child that has been forked but does not run the program yet.
#[derive(Debug)]
pub(crate) struct StartingChild {
    pid: Pid,
    group: ProcessGroup,
    report: AsyncFd<File>,
    since: Instant,
}

impl StartingChild {
    /// Forks the child. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// Fails with an error of fork(2), or if no file descriptor is available.
    pub(crate) fn start(
        command: &Command,
        environment: &[CString],
        group: ProcessGroup,
        descriptors: CommandDescriptors<'_>,
    ) -> io::Result<Self> {
        let setup =
            ChildSetup { group, in_new_session: false, stdio: None, only_stdio: false, descriptors: Some(descriptors) };
        let (report, writer) = outcome_pipe()?;
        let report = polled_pipe(report)?;
        let pid = fork(command, environment, setup, writer)?;
        Ok(Self { pid, group, report, since: Instant::now() })
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    /// Waits for the outcome of execve(2), and returns the running program or the error. After an error,
    /// `reap::orphans` reaps the child.
    pub(crate) async fn outcome(&self) -> io::Result<Child> {
        loop {
            if let Some(outcome) = outcome(self.report.get_ref()) {
                return outcome.map(|()| Child::new(self.pid, self.group));
            }
            self.report.readable().await?.clear_ready();
        }
    }

    /// Waits until [`OUTCOME_FIRST`] has passed since the fork.
    pub(crate) async fn outcome_only(&self) {
        sleep_until(self.since + OUTCOME_FIRST).await;
    }

    /// Kills the child without waiting for it, because it may be stuck. `reap::orphans` reaps it later.
    pub(crate) fn abort(self) {
        // The process ID is not reused, because the process is a child of xassume that has not been reaped.
        let _ = signals::send(self.pid, ProcessGroup::Shared, Signal::KILL);
    }
}
