//! Signals the process that the file of `--signal-pid-file` names.
//!
//! A child process makes each attempt, because the file may be on a file system that does not respond. The child opens
//! a pidfd of the named process before it checks that process, so no other process can get the signal. There is only
//! one such child at a time: if a child cannot be killed, later attempts wait for it and start no other child.

mod named;

use crate::error::{CHECK_LIMITS, Error, Reason, reason_of};
use crate::event::Problem;
use crate::process::Pid;
use crate::process::pid_file::NamedProcess;
use crate::process::signal::Signal;
use crate::supervise::ports::{SignalNamed, Signaling};
use crate::sys::clock::now;
use crate::sys::foreign::check_support;
use crate::sys::offload::{Life, Offload, Unfinished};
use named::{Known, find, not_running};
use nix::unistd::getpid;
use std::cell::Cell;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The time limit of an attempt.
const LIMIT: Duration = Duration::from_secs(10);
/// The maximum size in bytes of a child's answer. A path of 4096 bytes may be in the text and in the hint, and JSON may
/// escape each byte by six.
const MOST_ANSWER: usize = 64 << 10;

/// The answer of the child: the process that got the signal, or why no process did.
type Answer = Result<NamedProcess, Problem>;

/// A pid file, and what earlier attempts have found out about its process.
pub(crate) struct PidFile {
    path: PathBuf,
    offload: Offload,
    known: Cell<Known>,
    /// The child for which xassume no longer waits.
    unfinished: Unfinished,
}

impl PidFile {
    /// Prepares to signal the process of a pid file. The file need not exist yet. Must be called when xassume starts.
    ///
    /// # Errors
    /// Fails if the kernel or a sandbox does not allow signaling a process by a pidfd, or if `/proc` is not available.
    pub(crate) fn new(path: PathBuf, offload: Offload) -> Result<Self, Error> {
        check()?;
        let known = Cell::new(Known { process: None, at: now() });
        Ok(Self { path, offload, known, unfinished: Unfinished::default() })
    }

    async fn attempt(&self, signal: Signal) -> Result<Pid, Problem> {
        self.unfinished.earlier().await;
        let (known, xassume) = (self.known.get(), getpid().as_raw());
        let job = self.offload.start(Life::Bound, MOST_ANSWER, |answer| {
            let result: Answer = signal_named(&self.path, known, xassume, Some(signal));
            // Writing fails if the parent process has ended. Then no answer is needed.
            let _ = serde_json::to_vec(&result).map(|bytes| answer.write_all(&bytes));
        });
        let what = "start a process that reads the pid file";
        let job = job.map_err(|error| Problem::from(&Error::cannot(what, &error, CHECK_LIMITS)))?;
        let answer = self.unfinished.answer(job).await;
        let answer = answer.ok().and_then(|bytes| serde_json::from_slice::<Answer>(&bytes).ok());
        let killed = || Problem::new(Reason::System, "the process that reads the pid file was killed");
        let process = answer.ok_or_else(killed)??;
        self.known.set(Known { process: Some(process), at: now() });
        Ok(process.pid)
    }
}

impl SignalNamed for PidFile {
    fn send(&self, signal: Signal) -> Signaling<'_> {
        Box::pin(async move {
            tokio::time::timeout(LIMIT, self.attempt(signal)).await.unwrap_or_else(|_| {
                let limit = humantime::format_duration(LIMIT);
                let text = format!("the file system of {} did not answer within {limit}", self.path.display());
                let hint = "is its file system frozen, or its server unreachable?";
                Err(Problem::new(Reason::Timeout, text).with_hint(hint))
            })
        })
    }
}

/// Checks whether processes can be signaled by a pid file.
///
/// # Errors
/// Fails if the kernel is older than Linux 5.3, if a sandbox blocks the system calls, or if `/proc` is not available.
fn check() -> Result<(), Error> {
    check_support().map_err(|(what, error)| Error::Cannot {
        what: "signal a process by its pid file",
        reason: format!("{what}: {}", reason_of(&error)),
        hint: Some(
            "--signal-pid-file requires Linux 5.3, /proc, and a sandbox that allows pidfd_open and pidfd_send_signal",
        ),
    })
}

/// Checks the process that a pid file names now, and sends no signal. `--check` uses this. The inner result is the
/// process, or why it could not be signaled.
///
/// # Errors
/// The same errors as for [`PidFile::new`].
pub(crate) fn rehearse(path: &Path) -> Result<Result<Pid, Problem>, Error> {
    check()?;
    let known = Known { process: None, at: now() };
    Ok(signal_named(path, known, getpid().as_raw(), None).map(|process| process.pid))
}

/// Signals the process that the file names. Without a signal, checks only whether the process may be signaled.
fn signal_named(path: &Path, known: Known, xassume: Pid, signal: Option<Signal>) -> Answer {
    let (pidfd, process) = find(path, known, xassume)?;
    let NamedProcess { pid, .. } = process;
    match signal.map_or_else(|| pidfd.check(), |signal| pidfd.signal(signal)) {
        Ok(()) => Ok(process),
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Err(not_running(path, pid)),
        Err(error) => {
            let text = format!("cannot signal process {pid} in {}: {}", path.display(), reason_of(&error));
            Err(Problem::new(Reason::System, text).with_hint("run xassume as root or as the user of that process"))
        }
    }
}
