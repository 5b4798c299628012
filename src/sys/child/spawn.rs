//! fork(2) and execve(2), and the child's steps between them.
//!
//! The functions here must be called on the main thread of a current-thread runtime, because the kernel sends the child
//! its parent-death signal when the *thread* that forked the child exits.

use super::descriptors::inherited_descriptors;
use super::pid_variables::PidVariables;
use crate::process::signal::{Signal, SignalSet};
use crate::process::{Pid, ProcessGroup};
use crate::sys::listen::{ListenSockets, SocketMode};
use crate::sys::lookup::{Command, SHELL};
use crate::sys::signals::{self, InheritedState};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::wait::waitpid;
use std::ffi::{CStr, CString, c_char};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::ptr;

/// The child's standard input and output. `None` if the child inherits those of xassume.
pub(crate) type Stdio<'fd> = Option<[BorrowedFd<'fd>; 2]>;

/// The child's exit status if its start fails or xassume exits during the start. Nothing reads this status.
const ORPHANED: libc::c_int = 125;

/// What a child gets, besides its arguments and its environment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChildSetup<'a> {
    pub(crate) group: ProcessGroup,
    /// Whether the child gets a new session, in which it has no terminal and leads its group.
    pub(crate) in_new_session: bool,
    pub(crate) stdio: Stdio<'a>,
    /// Whether the child gets no other descriptors than those of `stdio`. Its standard error is then a copy of its
    /// standard output.
    pub(crate) only_stdio: bool,
    /// `None` for a helper. The command takes xassume's place for systemd: variables such as `LISTEN_PID` that name
    /// xassume name the child instead.
    pub(crate) descriptors: Option<CommandDescriptors<'a>>,
}

/// The descriptors that the command gets from xassume.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CommandDescriptors<'a> {
    pub(crate) sockets: &'a ListenSockets,
    pub(crate) mode: SocketMode,
    /// The write end of the pipe for `--ready fd:N`.
    pub(crate) ready: Option<BorrowedFd<'a>>,
}

/// What the child needs. All of it is prepared before the fork, because the child must not allocate memory after the
/// fork.
struct ExecPlan<'a> {
    path: *const c_char,
    argv: Vec<*const c_char>,
    shell_argv: Vec<*const c_char>,
    envp: Vec<*const c_char>,
    pid_variables: PidVariables,
    descriptors: Option<CommandDescriptors<'a>>,
    stdio: Option<[RawFd; 2]>,
    /// The descriptors that the child must not inherit. `None` if it inherits all.
    withheld: Option<Vec<RawFd>>,
    group: ProcessGroup,
    in_new_session: bool,
    parent: Pid,
    inherited: InheritedState,
    /// The pipe to which the child writes the error number if execve(2) fails. If execve(2) succeeds, it closes the
    /// pipe.
    report: RawFd,
}

/// Starts a command with `environment` as its whole environment, and waits for the outcome of execve(2).
///
/// # Errors
/// Fails with an error of fork(2) (`EAGAIN`, `ENOMEM`) or execve(2). After an error, there is no child.
pub(crate) fn spawn(command: &Command, environment: &[CString], setup: ChildSetup<'_>) -> io::Result<Pid> {
    let (report, writer) = outcome_pipe()?;
    let pid = fork(command, environment, setup, writer)?;
    outcome(&report).unwrap_or(Ok(())).map(|()| pid).inspect_err(|_| {
        // execve(2) failed, so the child is about to exit. Reap it.
        while waitpid(nix::unistd::Pid::from_raw(pid), None) == Err(Errno::EINTR) {}
    })
}

/// Returns the pipe for [`outcome`], and its write end for [`fork`].
///
/// # Errors
/// No file descriptor is available.
pub(in crate::sys) fn outcome_pipe() -> io::Result<(File, OwnedFd)> {
    let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    Ok((reader.into(), writer))
}

/// Forks a child that executes the command with the signal state that xassume was started with. The child gets TERM if
/// xassume exits first, and reports to [`outcome`].
///
/// # Errors
/// Fails with an error of fork(2). All that can fail otherwise comes before the fork, because the child may already run the
/// command afterwards.
pub(in crate::sys) fn fork(
    command: &Command,
    environment: &[CString],
    setup: ChildSetup<'_>,
    report: OwnedFd,
) -> io::Result<Pid> {
    let ChildSetup { group, in_new_session, stdio, only_stdio, descriptors } = setup;
    let parent = nix::unistd::getpid().as_raw();
    let pid_variables = descriptors.map(|_| PidVariables::find(environment, parent)).unwrap_or_default();
    let mut plan = ExecPlan {
        path: command.path.as_ptr(),
        argv: pointers(&command.arguments, &[]),
        shell_argv: pointers(command.arguments.get(1..).unwrap_or_default(), &[SHELL, &command.path]),
        envp: pointers(environment, &[]),
        pid_variables,
        descriptors,
        stdio: stdio.map(|both| both.map(|fd| fd.as_raw_fd())),
        withheld: only_stdio.then(inherited_descriptors),
        group,
        in_new_session,
        parent,
        inherited: signals::inherited(),
        report: report.as_raw_fd(),
    };
    // No signal handler of xassume may run in the child. A signal that arrives meanwhile stays pending in this process.
    let mask = signals::set_mask(SignalSet::FULL);
    // SAFETY: the child calls only `run`, which does not return. `run` is async-signal-safe, as fork(2) requires of a
    // program that may have other threads.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: this is the child. The pointers in the plan point into `command` and `environment`, which outlive
        // this call.
        unsafe { plan.run() }
    }
    let fork_error = io::Error::last_os_error();
    if pid < 0 {
        signals::set_mask(mask);
        return Err(fork_error);
    }
    match group {
        // setsid(2) in the child makes the group, and fails if the child leads a group already.
        _ if in_new_session => {}
        ProcessGroup::Own => {
            // Both the parent and the child set the group, so that neither has to wait for the other. The call fails
            // here if the child already runs the program; in that case, the child has already set its group. SAFETY:
            // setpgid(2) touches no memory.
            unsafe { libc::setpgid(pid, pid) };
        }
        ProcessGroup::Shared => forward_pending_keys(pid),
    }
    signals::set_mask(mask);
    // Now only the child has the write end, so execve(2) closes the pipe.
    drop(report);
    Ok(pid)
}

/// Returns the outcome of execve(2). If execve(2) succeeds, it closes the pipe; if it fails, the child writes the error
/// number to the pipe. Returns `None` if a non-blocking read finds that neither has happened yet.
pub(in crate::sys) fn outcome(mut report: &File) -> Option<io::Result<()>> {
    let mut errno = [0; size_of::<i32>()];
    match report.read_exact(&mut errno) {
        Ok(()) => Some(Err(io::Error::from_raw_os_error(i32::from_ne_bytes(errno)))),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        // The pipe was closed without an error number, so execve(2) has succeeded.
        Err(_) => Some(Ok(())),
    }
}

/// Sends the child those terminal signals that are pending in xassume. The child is in xassume's process group, so the
/// terminal sends each signal to both of them. But if a signal arrived before the fork, only xassume got it, so the
/// child gets it here. If a signal arrived after the fork, it is pending in the child too, and sending it again has no
/// effect.
fn forward_pending_keys(child: Pid) {
    let waiting = signals::pending();
    for signal in [Signal::HUP, Signal::INT, Signal::QUIT].into_iter().filter(|signal| waiting.contains(*signal)) {
        // This cannot fail, because the child is not reaped yet, and runs as the same user until it executes the
        // program.
        let _ = signals::send(child, ProcessGroup::Shared, signal);
    }
}

/// Returns a null-terminated array for execve(2): first the strings of `before`, then `strings`.
fn pointers(strings: &[CString], before: &[&CStr]) -> Vec<*const c_char> {
    let before = before.iter().map(|string| string.as_ptr());
    before.chain(strings.iter().map(|string| string.as_ptr())).chain([ptr::null()]).collect()
}

/// Makes the kernel send `signal` to this forked child when its parent exits. Async-signal-safe.
pub(in crate::sys) fn end_with_parent(parent: Pid, signal: Signal) {
    // SAFETY: prctl(2) and getppid(2) touch no memory here, and `_exit` ends the process.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::c_ulong::from(signal.number().unsigned_abs()), 0, 0, 0);
        // The parent may have exited before this prctl(2), and then the child would get no signal. `getppid` also
        // returns 0 if the parent is not visible in this PID namespace, for example after `unshare --pid`.
        let now = libc::getppid();
        if now != parent && now != 0 {
            libc::_exit(ORPHANED);
        }
    }
}

impl ExecPlan<'_> {
    /// Executes the program. If that fails, reports the error and exits.
    unsafe fn run(&mut self) -> ! {
        // SAFETY: all calls are async-signal-safe, and use only this process and the memory that `fork` prepared.
        unsafe {
            if self.in_new_session {
                libc::setsid();
            } else if self.group == ProcessGroup::Own {
                libc::setpgid(0, 0);
            }
            end_with_parent(self.parent, Signal::TERM);
            self.pid_variables.set(libc::getpid(), &mut self.envp);
            if let Some(CommandDescriptors { sockets, mode, ready }) = self.descriptors {
                sockets.hand_over(mode);
                if let (Some(ready), Some(number)) = (ready, sockets.ready()) {
                    libc::dup2(ready.as_raw_fd(), number);
                }
            }
            self.inherited.restore();
            // This comes after `restore`, which may mark descriptors 0 and 1 as close-on-exec. dup2(2) replaces these
            // descriptors with copies that are not marked.
            if let Some([input, output]) = self.stdio {
                libc::dup2(input, libc::STDIN_FILENO);
                libc::dup2(output, libc::STDOUT_FILENO);
            }
            if let Some(withheld) = &self.withheld {
                libc::dup2(libc::STDOUT_FILENO, libc::STDERR_FILENO);
                for fd in withheld {
                    libc::fcntl(*fd, libc::F_SETFD, libc::FD_CLOEXEC);
                }
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
