//! Runs helpers: programs that xassume itself needs (`credential_process`, `--mfa-command`).
//!
//! A helper gets the inherited signal state and no standard input. xassume reads its standard output. Its standard
//! error is not redirected. xassume waits for a helper by pidfd and not by SIGCHLD, because only a supervision reads
//! SIGCHLD, and a helper can also run without a supervision. A helper ends when xassume ends. If xassume is killed by
//! SIGKILL, the kernel sends SIGTERM to the helper's shell, but not necessarily to the programs that the shell started.

mod family;
mod output;

use super::child::{ChildSetup, spawn};
use super::lookup::{Command, SHELL};
use super::pidfd::Pidfd;
use super::poll::{polled, polled_pipe};
use super::reap::HelperEntry;
use super::signals::{self, SignalNotice};
use super::tty::Terminal;
use crate::error::ProcessFailure;
use crate::origin::Origin;
use crate::process::{End, ProcessGroup};
use family::HelperFamily;
pub(super) use output::HelperOutput;
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;
use tokio::io::unix::AsyncFd;

/// How long a helper may run: `left` is what remains of the whole limit `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProgramLimit {
    pub(crate) left: Duration,
    /// The whole time limit, of which `left` remains. Error messages state it.
    pub(crate) of: Duration,
    /// The flag or variable that sets the limit. `None` if nothing sets it, so the limit is the default.
    pub(crate) by: Option<Origin>,
}

impl ProgramLimit {
    /// The default limit. It is this long because the user may have to unlock something, such as a password manager.
    pub(crate) const OWN: Self = Self { left: Duration::from_mins(1), of: Duration::from_mins(1), by: None };

    /// The default limit for all runs of a helper that may run more than once for one session.
    pub(crate) const ALL_RUNS: Self = Self { left: Duration::from_mins(2), of: Duration::from_mins(2), by: None };
}

/// How often a helper is checked if the kernel does not support pidfds.
const POLL: Duration = Duration::from_millis(20);

/// Whether the helper may prompt the user.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attendance {
    #[default]
    Attended,
    /// The command is using the terminal, so the helper must not prompt. If the helper reads the terminal, the kernel
    /// stops the helper (SIGTTIN), and xassume ends the helper at the time limit.
    Unattended,
    /// The helper runs in a new session, so it cannot open the terminal.
    Detached,
}

/// A running helper. If the value is dropped, the helper and all processes that it has started are ended.
struct Helper {
    family: HelperFamily,
    /// How the helper ended. `None` while it is running.
    end: Option<End>,
    /// The user's terminal. `None` if there is none, or if the helper may not prompt. If the helper was killed by a
    /// signal or ended by xassume, the terminal's settings are restored.
    terminal: Option<Terminal>,
}

/// Runs a line with `sh -c`, and returns its output if it exits with status 0. The helper is ended if the future is
/// dropped or a signal ends xassume. If the helper leaves a process running (an agent), xassume does not wait for that
/// process.
///
/// The output may be secret, so it is read into a single buffer, which is zeroed unless it is returned.
///
/// # Errors
/// See [`ProcessFailure`].
pub(crate) async fn run_shell(
    line: &str,
    environment: &[CString],
    attendance: Attendance,
    limit: ProgramLimit,
    max_bytes: usize,
) -> Result<Vec<u8>, ProcessFailure> {
    // Signals are caught from before the helper starts until after it has ended, so that no signal ends xassume without
    // ending the helper.
    let notice = SignalNotice::of_signals()?;
    let (mut helper, output) = start(line, environment, attendance)?;
    let answer = tokio::time::timeout(limit.left, helper.answer(&output, HelperOutput::new(max_bytes)));
    let signal = tokio::select! {
        biased;
        signal = notice.signal() => signal,
        answer = answer => return answer.unwrap_or(Err(ProcessFailure::TimedOut(limit.of, limit.by))),
    };
    drop(helper);
    signals::die_of(signal)
}

fn start(line: &str, environment: &[CString], attendance: Attendance) -> io::Result<(Helper, AsyncFd<File>)> {
    let arguments = vec![c"sh".to_owned(), c"-c".to_owned(), CString::new(line)?];
    let command = Command { path: SHELL.to_owned(), arguments };
    signals::keep_child_statuses();
    let nothing = File::open("/dev/null")?;
    let (reader, writer) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
    let output = polled_pipe(reader)?;
    let stdio = Some([nothing.as_fd(), writer.as_fd()]);
    // A helper that may use the terminal stays in xassume's process group, because a new group would be in the
    // background. In the background, the helper could not read the terminal and would not get ^C.
    let terminal = match attendance {
        Attendance::Attended => Terminal::of_the_user(),
        Attendance::Unattended | Attendance::Detached => None,
    };
    let group = if terminal.is_some() { ProcessGroup::Shared } else { ProcessGroup::Own };
    let in_new_session = attendance == Attendance::Detached;
    let pid = spawn(
        &command,
        environment,
        ChildSetup { group, in_new_session, stdio, only_stdio: false, descriptors: None },
    )?;
    let family = HelperFamily { leader: HelperEntry::new(pid), group };
    Ok((Helper { family, end: None, terminal }, output))
}

impl Helper {
    async fn answer(&mut self, output: &AsyncFd<File>, mut answer: HelperOutput) -> Result<Vec<u8>, ProcessFailure> {
        let mut ended = std::pin::pin!(ended(&self.family.leader));
        let end = loop {
            tokio::select! {
                biased;
                more = answer.read(output) => if more?.is_break() {
                    break ended.await;
                },
                // The helper has ended, so all of its output is in the pipe already. Other processes may still have the
                // pipe open, but they are not waited for.
                end = &mut ended => {
                    while answer.read_once(output.get_ref())?.is_some_and(|more| more.is_continue()) {}
                    break end;
                }
            }
        };
        self.end = Some(end);
        match end {
            End::Exited(0) => Ok(answer.into_bytes()),
            End::Exited(_) | End::Killed(_) => Err(ProcessFailure::Ended(end)),
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // `HelperEntry::end` returns `None` only while the helper is running, so the helper's process ID cannot have
        // been reused.
        match self.end.or_else(|| self.family.leader.end()) {
            Some(End::Exited(_)) => return,
            Some(End::Killed(_)) => {}
            None => self.family.end(),
        }
        if let Some(terminal) = &self.terminal {
            terminal.restore();
        }
    }
}

/// Waits until a helper ends, reaps it, and returns how it ended.
pub(super) async fn ended(entry: &HelperEntry) -> End {
    loop {
        if let Some(end) = entry.end() {
            return end;
        }
        exited(entry).await;
    }
}

/// Waits until a helper ends, without reaping it.
pub(super) async fn exited(entry: &HelperEntry) {
    let pidfd = Pidfd::open(entry.pid()).and_then(polled);
    while !entry.has_ended() {
        match &pidfd {
            Ok(pidfd) if pidfd.readable().await.is_ok() => {}
            Ok(_) | Err(_) => tokio::time::sleep(POLL).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::signal::Signal;

    fn run(line: &str) -> Result<Vec<u8>, ProcessFailure> {
        run_within(ProgramLimit::OWN, line)
    }

    fn run_within(limit: ProgramLimit, line: &str) -> Result<Vec<u8>, ProcessFailure> {
        let environment = [c"PATH=/usr/bin:/bin".to_owned(), c"WORD=hello".to_owned()];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run_shell(line, &environment, Attendance::Unattended, limit, 100))
    }

    #[test]
    fn its_output_is_returned() {
        assert_eq!(run("cat; echo $WORD").unwrap(), b"hello\n");
        assert_eq!(run("printf %0100d 1").unwrap().len(), 100);
    }

    #[test]
    fn a_status_or_a_signal_is_an_error() {
        assert!(matches!(run("echo no; exit 3"), Err(ProcessFailure::Ended(End::Exited(3)))));
        assert!(matches!(run("kill -KILL $$"), Err(ProcessFailure::Ended(End::Killed(Signal::KILL)))));
    }

    #[test]
    fn an_agent_that_it_leaves_running_is_not_waited_for() {
        let agent = String::from_utf8(run("sleep 600 & echo $!").unwrap()).unwrap();
        let agent = nix::unistd::Pid::from_raw(agent.trim().parse().unwrap());
        nix::sys::signal::kill(agent, nix::sys::signal::Signal::SIGKILL).expect("it lives");
    }

    #[test]
    fn a_helper_that_hangs_or_writes_too_much_is_killed() {
        let (left, of) = (Duration::from_millis(500), Duration::from_secs(2));
        let briefly = |line| run_within(ProgramLimit { left, of, by: None }, line);
        assert!(matches!(briefly("sleep 900 & wait"), Err(ProcessFailure::TimedOut(limit, None)) if limit == of));
        assert!(matches!(briefly("exec >&-; sleep 900"), Err(ProcessFailure::TimedOut(..))));
        assert!(matches!(run("printf %0101d 1; sleep 900"), Err(ProcessFailure::TooMuchOutput(100))));
    }
}
