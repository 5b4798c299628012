//! Starts, watches, signals and reaps a child process by its process ID.
//!
//! This does not use `std::process` or `tokio::process`, because they reset SIGPIPE, change the inherited signal mask,
//! and reap children without being asked. A [`Child`] value exists only until the child is reaped. The kernel does not
//! reuse the process ID before that, so a signal cannot reach another process.

#![allow(unsafe_code)]

mod descriptors;
mod pid_variables;
mod spawn;
mod starting;

pub(super) use descriptors::open_descriptors;
pub(crate) use spawn::{ChildSetup, CommandDescriptors, spawn};
pub(super) use spawn::{end_with_parent, fork, outcome, outcome_pipe};
pub(crate) use starting::StartingChild;

use super::signals;
use crate::process::signal::Signal;
use crate::process::{ChildChange, End, Pid, ProcessGroup};
use std::io;

/// A child that has not been reaped yet. If the value is dropped without [`Child::reap`], which happens only in a
/// panic, the child gets SIGTERM.
#[derive(Debug)]
pub(crate) struct Child {
    pid: Pid,
    pub(super) group: ProcessGroup,
    /// The process group to which the child has moved since its start, so that signals reach this group too. `None` if
    /// the child has not moved, or if a process in that group does not belong to the command's family (see `family`).
    /// `Family::signal_group` updates this field before each signal.
    pub(super) joined: Option<Pid>,
}

impl Child {
    fn new(pid: Pid, group: ProcessGroup) -> Self {
        Self { pid, group, joined: None }
    }

    #[cfg(test)]
    pub(crate) fn start(path: &str, argv: &[&str]) -> io::Result<Self> {
        let c = |text: &&str| std::ffi::CString::new(*text).unwrap();
        let command = super::lookup::Command { path: c(&path), arguments: argv.iter().map(c).collect() };
        let group = ProcessGroup::Own;
        let setup = ChildSetup { group, in_new_session: false, stdio: None, only_stdio: false, descriptors: None };
        spawn(&command, &[], setup).map(|pid| Self::new(pid, group))
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    /// Sends a signal to the child (`Shared`) or to the process group that the child leads (`Own`). Also succeeds if
    /// the child has exited, because it is a zombie until it is reaped, and kill(2) succeeds for a zombie. If the group
    /// is empty because the child has left it, the signal goes to the child.
    ///
    /// # Errors
    /// Fails with `EPERM` if the command runs as another user (sudo).
    pub(crate) fn signal(&self, to: ProcessGroup, signal: Signal) -> io::Result<()> {
        match signals::send(self.pid, to, signal) {
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {
                signals::send(self.pid, ProcessGroup::Shared, signal)
            }
            sent => sent,
        }
    }

    /// Returns the child's end or stop, without waiting. `None` means that the child has neither ended nor stopped.
    /// Each call returns the end again until the child is reaped, but a stop is returned only once.
    pub(crate) fn change(&self) -> Option<ChildChange> {
        match wait(libc::P_PID, self.pid, libc::WEXITED | libc::WNOWAIT) {
            Ok(Some((_, change))) => Some(change),
            Ok(None) => wait(libc::P_PID, self.pid, libc::WSTOPPED).ok().flatten().map(|(_, change)| change),
            // waitid(2) fails only if the child has already been reaped. No other code reaps this child, so this should
            // not happen, and if it does, the exit status is lost.
            Err(_) => Some(ChildChange::Ended(End::Exited(crate::process::outcome::FAILED))),
        }
    }

    pub(crate) fn reap(self) {
        let _ = wait(libc::P_PID, self.pid, libc::WEXITED);
        std::mem::forget(self);
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.signal(self.group, Signal::TERM);
        let _ = self.signal(self.group, Signal::CONT);
    }
}

/// Calls waitid(2) without blocking, and returns the process ID and the change of a child. `which` and `pid` select the
/// child: `P_PID` the child with this ID, `P_ALL` any child. `None` means that no such child has changed.
///
/// This calls waitid(2) directly, because the wait status of `nix` does not support real-time signals.
///
/// # Errors
/// Fails with `ECHILD` if there is no such child.
pub(super) fn wait(which: libc::idtype_t, pid: Pid, flags: libc::c_int) -> io::Result<Option<(Pid, ChildChange)>> {
    let id = libc::id_t::try_from(pid).unwrap_or_default();
    loop {
        // SAFETY: a zeroed `siginfo_t` is a valid value, which waitid(2) overwrites.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        // SAFETY: `info` is writable and outlives the call.
        if unsafe { libc::waitid(which, id, &raw mut info, flags | libc::WNOHANG) } == 0 {
            // SAFETY: after a successful waitid(2), these fields are set. If no child has changed, both are zero.
            let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
            return Ok((pid != 0).then(|| (pid, change(info.si_code, status))));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

fn change(code: libc::c_int, status: libc::c_int) -> ChildChange {
    let signal = Signal::from_number(status).unwrap_or(Signal::KILL);
    match code {
        libc::CLD_EXITED => ChildChange::Ended(End::Exited(u8::try_from(status & 0xff).unwrap_or_default())),
        libc::CLD_STOPPED | libc::CLD_TRAPPED => ChildChange::Paused(signal),
        // This arm is for CLD_KILLED and CLD_DUMPED.
        _ => ChildChange::Ended(End::Killed(signal)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn change(child: &Child) -> ChildChange {
        loop {
            match child.change() {
                Some(change) => return change,
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    #[test]
    fn an_exit_is_returned_until_the_child_is_reaped() {
        let child = Child::start("/bin/sh", &["sh", "-c", "exit 7"]).unwrap();
        assert_eq!(change(&child), ChildChange::Ended(End::Exited(7)));
        assert_eq!(change(&child), ChildChange::Ended(End::Exited(7)));
        let pid = child.pid();
        child.reap();
        assert!(wait(libc::P_PID, pid, libc::WEXITED).is_err(), "it is not our child any more");
    }

    #[test]
    fn an_end_by_a_real_time_signal_is_recognized() {
        let child = Child::start("/bin/sh", &["sh", "-c", "kill -40 $$"]).unwrap();
        assert_eq!(Some(change(&child)), Signal::from_number(40).map(|signal| ChildChange::Ended(End::Killed(signal))));
        child.reap();
    }

    #[test]
    fn a_stop_is_returned_once() {
        let child = Child::start("/bin/sh", &["sh", "-c", "kill -STOP $$"]).unwrap();
        assert_eq!(change(&child), ChildChange::Paused(Signal::STOP));
        assert_eq!(child.change(), None);
        child.signal(ProcessGroup::Own, Signal::KILL).unwrap();
        assert_eq!(change(&child), ChildChange::Ended(End::Killed(Signal::KILL)));
        child.reap();
    }

    #[test]
    fn a_failed_start_has_an_error_number() {
        let errno = |path| Child::start(path, &["x"]).unwrap_err().raw_os_error();
        assert_eq!(errno("/no/such/file"), Some(libc::ENOENT));
        assert_eq!(errno("/etc"), Some(libc::EACCES));
    }
}
