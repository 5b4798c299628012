//! A child between fork(2) and the outcome of execve(2), which is waited for beside other things: its program file may
//! be on a file system that gives no answer.

use super::spawn::{Program, Stdio, fork, outcome};
use super::{Child, signals};
use crate::process::signal::Signal;
use crate::process::{Pid, ProcessGroup};
use crate::sys::poll::polled;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::fs::File;
use std::io;
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep_until};

/// How long other things wait for the outcome: a signal that comes meanwhile is then the command's, as any other.
const UNDISTURBED: Duration = Duration::from_millis(500);

/// A child that is not the program yet.
#[derive(Debug)]
pub(crate) struct Unborn {
    pid: Pid,
    group: ProcessGroup,
    report: AsyncFd<File>,
    since: Instant,
}

impl Unborn {
    /// Forks. Within a runtime of tokio.
    ///
    /// # Errors
    /// fork(2)'s, or there is no descriptor.
    pub(crate) fn start(program: &Program, group: ProcessGroup, stdio: Stdio<'_>) -> io::Result<Self> {
        let (pid, report) = fork(program, group, stdio)?;
        let report =
            fcntl(&report, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(Into::into).and_then(|_| polled(report));
        match report {
            Ok(report) => Ok(Self { pid, group, report, since: Instant::now() }),
            Err(error) => {
                abort(pid);
                Err(error)
            }
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    /// The program, or why there is none; then the child is an orphan to be reaped like others.
    ///
    /// # Errors
    /// execve(2)'s.
    pub(crate) async fn outcome(&self) -> io::Result<Child> {
        loop {
            if let Some(outcome) = outcome(self.report.get_ref()) {
                return outcome.map(|()| Child::new(self.pid, self.group));
            }
            self.report.readable().await?.clear_ready();
        }
    }

    /// Waits until the time for the outcome alone is over.
    pub(crate) async fn undisturbed(&self) {
        sleep_until(self.since + UNDISTURBED).await;
    }

    /// Kills the child, which is then an orphan to be reaped like others: it may be stuck.
    pub(crate) fn abort(self) {
        abort(self.pid);
    }
}

fn abort(pid: Pid) {
    // It is ours, and not reaped.
    let _ = signals::send(pid, ProcessGroup::Shared, Signal::KILL);
}
