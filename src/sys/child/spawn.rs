//! fork(2) and execve(2), and the steps of the child in between.
//!
//! To be called on the main thread of a current-thread runtime: the parent-death signal follows the *thread* that
//! forked.

use crate::process::signal::{Signal, SignalSet};
use crate::process::{Pid, ProcessGroup};
use crate::sys::lookup::{Command, SHELL};
use crate::sys::signals::{self, InheritedState};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::wait::waitpid;
use std::ffi::{CStr, CString, c_char};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::ptr;

/// The child's standard input and output, if they differ from ours.
pub(crate) type Stdio<'fd> = Option<[BorrowedFd<'fd>; 2]>;

/// The child's status if xassume exited during the start; nothing reads it.
const ORPHANED: libc::c_int = 125;

/// What the child needs, prepared before the fork: after it nothing may allocate.
struct ExecPlan {
    path: *const c_char,
    argv: Vec<*const c_char>,
    shell_argv: Vec<*const c_char>,
    envp: Vec<*const c_char>,
    stdio: Option<[RawFd; 2]>,
    group: ProcessGroup,
    parent: Pid,
    inherited: InheritedState,
    /// Gets the error number; a successful execve(2) closes it.
    report: RawFd,
}

/// Starts a command with this complete environment, and waits for the outcome of execve(2).
///
/// # Errors
/// Those of fork(2) (`EAGAIN`, `ENOMEM`) and execve(2); then there is no child.
pub(crate) fn spawn(
    command: &Command,
    environment: &[CString],
    group: ProcessGroup,
    stdio: Stdio<'_>,
) -> io::Result<Pid> {
    let (pid, report) = fork(command, environment, group, stdio)?;
    outcome(&report).unwrap_or(Ok(())).map(|()| pid).inspect_err(|_| {
        // The child is about to exit.
        while waitpid(nix::unistd::Pid::from_raw(pid), None) == Err(Errno::EINTR) {}
    })
}

/// Forks a child that executes the command, with the signal state that xassume was started with. It gets TERM if
/// xassume exits first. The file is for [`outcome`].
pub(super) fn fork(
    command: &Command,
    environment: &[CString],
    group: ProcessGroup,
    stdio: Stdio<'_>,
) -> io::Result<(Pid, File)> {
    let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    let plan = ExecPlan {
        path: command.path.as_ptr(),
        argv: pointers(&command.arguments, &[]),
        shell_argv: pointers(command.arguments.get(1..).unwrap_or_default(), &[SHELL, &command.path]),
        envp: pointers(environment, &[]),
        stdio: stdio.map(|both| both.map(|fd| fd.as_raw_fd())),
        group,
        parent: nix::unistd::getpid().as_raw(),
        inherited: signals::inherited(),
        report: writer.as_raw_fd(),
    };
    // No handler of ours may run in the child. Signals that arrive meanwhile stay pending in this process.
    let mask = signals::set_mask(SignalSet::FULL);
    // SAFETY: the child calls nothing but `run`, which is async-signal-safe as fork(2) asks of a program that may
    // have other threads, and does not return.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: this is the child, and the plan's pointers are into `command` and `environment`, which live in this frame's caller.
        unsafe { plan.run() }
    }
    let fork_error = io::Error::last_os_error();
    if pid < 0 {
        signals::set_mask(mask);
        return Err(fork_error);
    }
    match group {
        ProcessGroup::Own => {
            // Parent and child both do it, so that neither has to wait for the other. It fails here if the program runs
            // already; then the child has done it. SAFETY: touches no memory.
            unsafe { libc::setpgid(pid, pid) };
        }
        ProcessGroup::Shared => forward_pending_keys(pid),
    }
    signals::set_mask(mask);
    Ok((pid, reader.into()))
}

/// The outcome of execve(2): success closes the pipe, else the child writes the error number. `None` if a non-blocking
/// read has neither.
pub(super) fn outcome(mut report: &File) -> Option<io::Result<()>> {
    let mut errno = [0; size_of::<i32>()];
    match report.read_exact(&mut errno) {
        Ok(()) => Some(Err(io::Error::from_raw_os_error(i32::from_ne_bytes(errno)))),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        // The end of the file.
        Err(_) => Some(Ok(())),
    }
}

/// Sends the child the terminal's signals that are pending here. One from before the fork reached only xassume, and
/// would count as delivered to the command. One from after it is pending in the child too, where two are one.
fn forward_pending_keys(child: Pid) {
    let waiting = signals::pending();
    for signal in [Signal::HUP, Signal::INT, Signal::QUIT].into_iter().filter(|signal| waiting.contains(*signal)) {
        // It cannot fail: the child is not reaped, and has our user until it runs the program.
        let _ = signals::send(child, ProcessGroup::Shared, signal);
    }
}

/// A null-terminated array for execve(2).
fn pointers(strings: &[CString], before: &[&CStr]) -> Vec<*const c_char> {
    let before = before.iter().map(|string| string.as_ptr());
    before.chain(strings.iter().map(|string| string.as_ptr())).chain([ptr::null()]).collect()
}

impl ExecPlan {
    /// Executes the program, or reports the error and exits.
    unsafe fn run(&self) -> ! {
        // SAFETY: async-signal-safe calls only, on our own process and on memory that `spawn` prepared.
        unsafe {
            if self.group == ProcessGroup::Own {
                libc::setpgid(0, 0);
            }
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM as libc::c_ulong, 0, 0, 0);
            // The parent may have exited before that call. It is 0 if the child is the first process of a new PID
            // namespace, as after `unshare --pid`.
            let parent = libc::getppid();
            if parent != self.parent && parent != 0 {
                libc::_exit(ORPHANED);
            }
            self.inherited.restore();
            // After the restore: it may mark 0 and 1 as close-on-exec, but not these copies.
            if let Some([input, output]) = self.stdio {
                libc::dup2(input, libc::STDIN_FILENO);
                libc::dup2(output, libc::STDOUT_FILENO);
            }
            libc::execve(self.path, self.argv.as_ptr(), self.envp.as_ptr());
            let mut errno = *libc::__errno_location();
            if errno == libc::ENOEXEC {
                libc::execve(SHELL.as_ptr(), self.shell_argv.as_ptr(), self.envp.as_ptr());
                errno = *libc::__errno_location();
            }
            libc::write(self.report, (&raw const errno).cast(), size_of::<i32>());
            libc::_exit(ORPHANED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_passing_error_of_execve_is_an_outcome() {
        let (reader, writer) = nix::unistd::pipe2(OFlag::O_NONBLOCK).unwrap();
        let (reader, mut writer) = (File::from(reader), File::from(writer));
        let read = || outcome(&reader).map(|outcome| outcome.map_err(|error| error.raw_os_error()));
        assert_eq!(read(), None);
        writer.write_all(&libc::EAGAIN.to_ne_bytes()).unwrap();
        assert_eq!(read(), Some(Err(Some(libc::EAGAIN))));
        drop(writer);
        assert_eq!(read(), Some(Ok(())));
    }
}
