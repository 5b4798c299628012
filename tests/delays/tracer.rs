//! Runs a program and blocks one of its system calls forever: the n-th one that a file system, a pipe or a terminal
//! can delay.
//!
//! It works like `strace --inject`, but checks what a descriptor or path refers to, and so knows which calls can block.
//! It follows forks and threads, and detaches from a process that executes another program. It starts to count at
//! SIGUSR1.
#![allow(unsafe_code, reason = "ptrace(2) has no safe interface")]

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use libc::{c_int, c_long, pid_t};

/// The prefix of the tracer's messages on the program's standard error.
pub const MARK: &str = "tracer: ";

/// The beginning of `ptrace_syscall_info`, in which the kernel describes a system call; see ptrace(2).
#[repr(C)]
#[derive(Default)]
struct SyscallInfo {
    op: u8,
    pad: [u8; 3],
    arch: u32,
    instruction_pointer: u64,
    stack_pointer: u64,
    number: u64,
    args: [u64; 6],
}

const ENTRY: u8 = 1;
const GET_SYSCALL_INFO: i32 = 0x420e;

static ARMED: AtomicBool = AtomicBool::new(false);

extern "C" fn arm(_: c_int) {
    ARMED.store(true, Ordering::Relaxed);
}

/// Runs the program and blocks its n-th call (0: only lists the calls). Ends in the same way as the program.
///
/// # Errors
/// The program cannot be traced.
pub fn run(hold: usize, program: &[String]) -> io::Result<u8> {
    // SAFETY: prctl(2) touches no memory. The signal is sent when the thread that started this process ends, so the
    // traced program ends with the harness.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0) };
    // SAFETY: the handler touches only an atomic. Without SA_RESTART, waitpid(2) returns at the signal.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = arm as extern "C" fn(c_int) as libc::sighandler_t;
        libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut());
    }
    let [path, args @ ..] = program else { return Err(io::ErrorKind::InvalidInput.into()) };
    let mut command = Command::new(path);
    // SAFETY: ptrace(2) and sigaction(2) may be called between fork and execve.
    unsafe {
        command.args(args).pre_exec(|| {
            libc::signal(libc::SIGUSR1, libc::SIG_DFL);
            ptrace(libc::PTRACE_TRACEME, 0, 0, 0).map(drop)
        });
    }
    let root = pid_t::try_from(command.spawn()?.id()).map_err(io::Error::other)?;
    let mut tracer = Tracer { root, hold, count: 0, known: BTreeSet::from([root]) };
    wait_for(root)?;
    let options = libc::PTRACE_O_TRACESYSGOOD
        | libc::PTRACE_O_TRACEFORK
        | libc::PTRACE_O_TRACEVFORK
        | libc::PTRACE_O_TRACECLONE
        | libc::PTRACE_O_TRACEEXEC
        | libc::PTRACE_O_EXITKILL;
    ptrace(libc::PTRACE_SETOPTIONS, root, 0, options.into())?;
    Tracer::go_on(root, 0);
    tracer.follow()
}

struct Tracer {
    root: pid_t,
    hold: usize,
    count: usize,
    /// The tracees whose first stop was seen.
    known: BTreeSet<pid_t>,
}

impl Tracer {
    fn follow(&mut self) -> io::Result<u8> {
        loop {
            let (pid, status) = match wait_for(-1) {
                Ok(news) => news,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if libc::WIFEXITED(status) || libc::WIFSIGNALED(status) {
                self.known.remove(&pid);
                if pid == self.root {
                    return Ok(end(status));
                }
                continue;
            }
            let is_new = self.known.insert(pid);
            let (signal, event) = (libc::WSTOPSIG(status), status >> 16);
            match (signal, event) {
                (_, libc::PTRACE_EVENT_EXEC) => {
                    let _ = ptrace(libc::PTRACE_DETACH, pid, 0, 0);
                    self.known.remove(&pid);
                }
                (_, 1..) => Self::go_on(pid, 0),
                (signal, _) if signal == libc::SIGTRAP | 0x80 => {
                    if !self.holds(pid) {
                        Self::go_on(pid, 0);
                    }
                }
                (libc::SIGSTOP, _) if is_new => Self::go_on(pid, 0),
                (signal, _) => Self::go_on(pid, signal),
            }
        }
    }

    /// Whether this stop is at the call to block.
    fn holds(&mut self, pid: pid_t) -> bool {
        if !ARMED.load(Ordering::Relaxed) {
            return false;
        }
        let mut info = SyscallInfo::default();
        let size = c_long::try_from(size_of::<SyscallInfo>()).unwrap_or_default();
        if ptrace(GET_SYSCALL_INFO, pid, size, (&raw mut info) as c_long).is_err() || info.op != ENTRY {
            return false;
        }
        let Some(call) = blockable(pid, &info) else { return false };
        self.count += 1;
        if self.hold == 0 {
            say(&format!("call {} by {}: {call}", self.count, self.caller(pid)));
        }
        if self.count != self.hold {
            return false;
        }
        say(&format!("held {} by {}: {call}", self.count, self.caller(pid)));
        true
    }

    fn caller(&self, pid: pid_t) -> &'static str {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let group: Option<pid_t> = status.lines().find_map(|line| line.strip_prefix("Tgid:")?.trim().parse().ok());
        match group {
            Some(group) if group != self.root => "child",
            _ if pid == self.root => "main",
            _ => "thread",
        }
    }

    fn go_on(pid: pid_t, signal: c_int) {
        // The tracee may have been killed.
        let _ = ptrace(libc::PTRACE_SYSCALL, pid, 0, signal.into());
    }
}

#[allow(clippy::print_stderr, reason = "the tracer prints to standard error")]
fn say(text: &str) {
    eprintln!("{MARK}{text}");
}

fn end(status: c_int) -> u8 {
    if libc::WIFEXITED(status) {
        return u8::try_from(libc::WEXITSTATUS(status)).unwrap_or(u8::MAX);
    }
    // SAFETY: the signal's default action ends this process, which has nothing to clean up.
    unsafe {
        libc::signal(libc::WTERMSIG(status), libc::SIG_DFL);
        libc::raise(libc::WTERMSIG(status));
    }
    u8::MAX
}

/// The name of a call that something outside the process can delay; `None` for other calls.
fn blockable(pid: pid_t, info: &SyscallInfo) -> Option<String> {
    let number = c_long::try_from(info.number).ok()?;
    let [first, second, ..] = info.args;
    let by_fd = |name: &str| Some(format!("{name} {}", blocking_fd(pid, first)?));
    let by_path = |name: &str, at: u64| Some(format!("{name} {}", path(pid, None, at)?));
    let at_directory = |name: &str, fd: u64, at: u64| Some(format!("{name} {}", path(pid, Some(fd), at)?));
    #[cfg(target_arch = "x86_64")]
    match number {
        libc::SYS_open => return by_path("open", first),
        libc::SYS_stat | libc::SYS_lstat => return by_path("stat", first),
        libc::SYS_rename => return by_path("rename", first),
        libc::SYS_unlink => return by_path("unlink", first),
        libc::SYS_mkdir => return by_path("mkdir", first),
        libc::SYS_rmdir => return by_path("rmdir", first),
        libc::SYS_readlink => return by_path("readlink", first),
        libc::SYS_access => return by_path("access", first),
        libc::SYS_chmod => return by_path("chmod", first),
        _ => {}
    }
    match number {
        libc::SYS_read | libc::SYS_pread64 | libc::SYS_readv => by_fd("read"),
        libc::SYS_write | libc::SYS_pwrite64 | libc::SYS_writev => by_fd("write"),
        libc::SYS_fsync | libc::SYS_fdatasync => by_fd("fsync"),
        libc::SYS_flock => by_fd("lock"),
        libc::SYS_getdents64 => by_fd("getdents"),
        libc::SYS_ftruncate => by_fd("truncate"),
        libc::SYS_fchmod => by_fd("chmod"),
        libc::SYS_openat => at_directory("open", first, second),
        libc::SYS_newfstatat | libc::SYS_statx => at_directory("stat", first, second),
        libc::SYS_unlinkat => at_directory("unlink", first, second),
        libc::SYS_mkdirat => at_directory("mkdir", first, second),
        libc::SYS_readlinkat => at_directory("readlink", first, second),
        libc::SYS_renameat | libc::SYS_renameat2 => at_directory("rename", first, second),
        libc::SYS_execve => by_path("exec", first),
        _ => None,
    }
}

/// The target of the descriptor, if it is a file, or a pipe or terminal in blocking mode.
fn blocking_fd(pid: pid_t, fd: u64) -> Option<String> {
    let target = fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok()?;
    let target = target.to_str()?.to_owned();
    if target.starts_with("pipe:") || target.starts_with("/dev/pts/") {
        let flags = fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).ok()?;
        let flags = flags.lines().find_map(|line| line.strip_prefix("flags:"))?;
        let flags = c_int::from_str_radix(flags.trim(), 8).ok()?;
        return (flags & libc::O_NONBLOCK == 0).then(|| format!("fd {fd}, a pipe or terminal"));
    }
    is_delayable(&target).then_some(target)
}

/// A path in the memory of the process; `None` if its file system cannot delay a call.
fn path(pid: pid_t, directory: Option<u64>, at: u64) -> Option<String> {
    let memory = fs::File::open(format!("/proc/{pid}/mem")).ok()?;
    let mut bytes = [0; 512];
    let got = memory.read_at(&mut bytes, at).ok()?;
    let length = bytes[..got].iter().position(|byte| *byte == 0)?;
    let name = std::str::from_utf8(&bytes[..length]).ok()?;
    let whole = match directory {
        Some(fd) if !name.starts_with('/') => {
            let directory = fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok();
            let directory = directory.and_then(|directory| Some(directory.to_str()?.to_owned()));
            let directory = directory.unwrap_or_else(|| ".".to_owned());
            if name.is_empty() { directory } else { format!("{directory}/{name}") }
        }
        _ => name.to_owned(),
    };
    is_delayable(&whole).then_some(whole)
}

fn is_delayable(path: &str) -> bool {
    let harmless = ["/proc/", "/sys/", "/dev/null", "/dev/urandom", "/dev/tty", "socket:", "anon_inode:"];
    // Other files may be on a disk where there is no such file system, but not these sockets.
    let is_socket_in_memory = path.starts_with("/dev/shm/") && path.contains("/notify-");
    (path.starts_with('/') || path.starts_with('.'))
        && path != "/proc"
        && !is_socket_in_memory
        && !harmless.iter().any(|start| path.starts_with(start))
}

fn wait_for(pid: pid_t) -> io::Result<(pid_t, c_int)> {
    let mut status = 0;
    // SAFETY: the status is a valid location.
    match unsafe { libc::waitpid(pid, &raw mut status, libc::__WALL) } {
        -1 => Err(io::Error::last_os_error()),
        pid => Ok((pid, status)),
    }
}

/// The requests have one type in glibc and another in musl.
fn ptrace(request: impl Into<c_long>, pid: pid_t, address: c_long, data: c_long) -> io::Result<c_long> {
    // SAFETY: a request that writes gets the address of memory that has the given size.
    match unsafe { libc::syscall(libc::SYS_ptrace, request.into(), c_long::from(pid), address, data) } {
        -1 => Err(io::Error::last_os_error()),
        done => Ok(done),
    }
}
