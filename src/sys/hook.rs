//! The process of a refresh hook: a shell command that runs beside the supervised command and does not delay it.
//!
//! The hook runs in a new session. So it has no terminal and cannot prompt the user, leads its own process group, and
//! is not in the command's family (see `sys::family`). If xassume is killed, the kernel sends SIGTERM to the shell.

use super::child::{ChildSetup, fork, outcome, outcome_pipe};
use super::helper::exited;
use super::lookup::{Command, SHELL};
use super::processes;
use super::reap::HelperEntry;
use super::signals;
use crate::process::outcome::FAILED;
use crate::process::signal::Signal;
use crate::process::{End, Pid, ProcessGroup};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// The time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(1);
/// How long to wait after SIGKILL until the hook can be reaped. If it is stuck in a system call, it is reaped later.
const DYING: Duration = Duration::from_millis(100);
/// The pause between two checks whether all processes of a hook that is being stopped have exited.
const STEP: Duration = Duration::from_millis(50);

/// A hook that is running. The forked process is not reaped before [`Self::over`] returns, so neither its ID nor the ID
/// of its process group is reused.
#[derive(Debug)]
pub(crate) struct HookProcess {
    entry: HelperEntry,
    /// The outcome of execve(2).
    report: File,
    step: Step,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// The hook may run until this time.
    Runs(Instant),
    /// The group got SIGTERM. It gets SIGKILL at this time.
    Stopping(Instant),
}

/// How a hook ended.
#[derive(Debug)]
pub(crate) enum HookEnd {
    Ended(End),
    /// The shell could not be executed.
    NotExecuted(io::Error),
    /// xassume has stopped the hook.
    Stopped,
}

impl HookProcess {
    /// Starts `sh -c LINE` with `environment` as its whole environment. Its standard input is `/dev/null`, its output
    /// goes to xassume's standard error, and it has no other descriptors. [`Self::over`] stops it when `limit` has
    /// passed. Must be called on the main thread, within a Tokio runtime.
    ///
    /// # Errors
    /// Fails if no process can be forked, or if no descriptor is available.
    pub(crate) fn start(line: &str, environment: &[CString], limit: Duration) -> io::Result<Self> {
        let command = Command {
            path: SHELL.to_owned(),
            arguments: vec![c"sh".to_owned(), c"-c".to_owned(), CString::new(line)?],
        };
        let (nothing, errors) = (File::open("/dev/null")?, io::stderr());
        let setup = ChildSetup {
            group: ProcessGroup::Own,
            in_new_session: true,
            stdio: Some([nothing.as_fd(), errors.as_fd()]),
            only_stdio: true,
            descriptors: None,
        };
        let (report, writer) = outcome_pipe()?;
        // Reading the report must not block the supervision.
        fcntl(&report, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let pid = fork(&command, environment, setup, writer)?;
        Ok(Self { entry: HelperEntry::kept(pid), report, step: Step::Runs(Instant::now() + limit) })
    }

    pub(crate) fn pid(&self) -> Pid {
        self.entry.pid()
    }

    /// Stops the hook. Returns false if its own process has exited, or if it is being stopped already. In each case
    /// [`Self::over`] returns soon afterwards.
    pub(crate) fn stop(&mut self) -> bool {
        let runs = matches!(self.step, Step::Runs(_)) && !self.entry.has_ended();
        if runs {
            self.signal(Signal::TERM);
            // A stopped process handles SIGTERM only after it is continued.
            self.signal(Signal::CONT);
            self.step = Step::Stopping(Instant::now() + GRACE);
        }
        runs
    }

    /// Waits until the hook's own process exits, and reaps it. Stops the hook at its limit. All processes of a stopped
    /// hook have [`GRACE`] to exit. A hook that exits by itself may leave processes running. Nothing is lost if the
    /// future is dropped.
    pub(crate) async fn over(&mut self) -> HookEnd {
        if let Step::Runs(until) = self.step {
            tokio::select! {
                biased;
                () = exited(&self.entry) => return self.end(),
                // Otherwise the hook has exited by itself at the same time.
                () = sleep_until(until) => if !self.stop() {
                    return self.end();
                }
            }
        }
        if let Step::Stopping(until) = self.step {
            tokio::select! {
                biased;
                () = self.group_exited() => {}
                () = sleep_until(until) => self.signal(Signal::KILL),
            }
        }
        if timeout(DYING, exited(&self.entry)).await.is_ok() {
            self.end();
        }
        HookEnd::Stopped
    }

    /// Reaps the hook's own process, which has exited, and returns how it ended.
    fn end(&self) -> HookEnd {
        // A status that is lost is a failure, as in `reap`.
        let end = self.entry.end().unwrap_or(End::Exited(FAILED));
        // The process has exited, so its end of the report's pipe is closed.
        match outcome(&self.report) {
            Some(Err(error)) => HookEnd::NotExecuted(error),
            Some(Ok(())) | None => HookEnd::Ended(end),
        }
    }

    /// Waits until all processes of the group have exited, whether or not they have been reaped. Never returns without
    /// `/proc`, because the members of the group are then unknown.
    async fn group_exited(&self) {
        exited(&self.entry).await;
        let is_member = |process: &processes::ProcessStat| process.is_alive && process.group == self.pid();
        loop {
            let all = processes::all();
            if !all.is_empty() && !all.iter().any(is_member) {
                return;
            }
            sleep(STEP).await;
        }
    }

    /// Sends a signal to the group. Errors are ignored, because all members may have exited or changed their user. If
    /// the group does not exist yet, only the child gets the signal, because the child creates the group.
    fn signal(&self, signal: Signal) {
        if signals::send(self.pid(), ProcessGroup::Own, signal).is_err() {
            let _ = signals::send(self.pid(), ProcessGroup::Shared, signal);
        }
    }
}
