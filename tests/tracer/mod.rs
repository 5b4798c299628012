//! Runs a program and injects a fault at its n-th system call.
//!
//! It works like `strace --inject`, but checks what a descriptor or path refers to, and so knows which calls can block
//! and which errors can happen. It follows forks and threads, and detaches from a process that executes another
//! program.
#![allow(unsafe_code, reason = "ptrace(2) has no safe interface")]
#![allow(dead_code, reason = "each user of this module uses a part of it")]

mod calls;
mod registers;
mod table;

use calls::Described;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread;

use libc::{c_int, c_long, pid_t};

/// The prefix of the tracer's messages.
pub const MARK: &str = "tracer: ";

/// What happens at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It begins at SIGUSR2; without this signal, it never returns.
    Hold,
    /// It fails with this error number.
    Fail(c_int),
    /// It transfers at most so many bytes.
    Short(u64),
    /// SIGKILL ends the program before the call.
    Kill,
    /// SIGKILL ends only the process that makes the call, before the call.
    KillCaller,
}

/// Which calls are counted, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// From SIGUSR1 on, those that a file system, a pipe or a terminal can delay.
    Blockable,
    /// All from the first one of `main`, which is `PR_SET_DUMPABLE`.
    All,
}

/// A fault and its call. Without a fault, the calls are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub counted: Counted,
    pub fault: Option<(usize, Fault)>,
    /// The call's name and caller, as the list has them. If another call is the n-th one, because two processes
    /// overtook each other, the fault is injected at the next one with this name and caller.
    pub call: Option<[String; 2]>,
}

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

/// The tracee that is held, or 0.
static HELD: AtomicI32 = AtomicI32::new(0);

/// The signal arrives in the tracer's only thread, so this may continue a tracee.
extern "C" fn release(_: c_int) {
    match HELD.swap(0, Ordering::Relaxed) {
        0 => {}
        held => go_on(held, 0),
    }
}

/// Runs the program, and writes the list of its calls, or the call of the fault. Ends in the same way as the program.
///
/// # Errors
/// The program cannot be traced.
pub fn run(plan: Plan, log: Box<dyn Write>, program: &[String]) -> io::Result<u8> {
    // SAFETY: prctl(2) touches no memory. The signal is sent when the thread that started this process ends, so the
    // traced program ends with the harness.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0) };
    for (signal, handler) in [(libc::SIGUSR1, arm as extern "C" fn(c_int)), (libc::SIGUSR2, release)] {
        // SAFETY: the handlers touch only an atomic and call ptrace(2). Without SA_RESTART, waitpid(2) returns at the
        // signal.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as libc::sighandler_t;
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
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
    let launched = pid_t::try_from(command.spawn()?.id()).map_err(io::Error::other)?;
    let known = BTreeSet::from([launched]);
    let mut tracer =
        Tracer { plan, log, launched, root: None, count: 0, has_injected: false, known, failing: None, status: None };
    wait_for(launched)?;
    let options = libc::PTRACE_O_TRACESYSGOOD
        | libc::PTRACE_O_TRACEFORK
        | libc::PTRACE_O_TRACEVFORK
        | libc::PTRACE_O_TRACECLONE
        | libc::PTRACE_O_TRACEEXEC
        | libc::PTRACE_O_EXITKILL;
    ptrace(libc::PTRACE_SETOPTIONS, launched, 0, options.into())?;
    go_on(launched, 0);
    tracer.follow()
}

/// Handles each job, some of them at the same time.
///
/// # Panics
/// The handling of a job panics.
pub fn in_parallel<J: Send>(jobs: Vec<J>, most: usize, handle: impl Fn(J) + Sync) {
    let jobs = Mutex::new(jobs.into_iter());
    thread::scope(|scope| {
        for _ in 0..most {
            scope.spawn(|| {
                loop {
                    let job = jobs.lock().expect("no panic").next();
                    let Some(job) = job else { return };
                    handle(job);
                }
            });
        }
    });
}

struct Tracer {
    plan: Plan,
    log: Box<dyn Write>,
    /// The process that was started, which may start the program in a namespace.
    launched: pid_t,
    /// The program: the process that makes the first counted call.
    root: Option<pid_t>,
    count: usize,
    has_injected: bool,
    /// The tracees whose first stop was seen.
    known: BTreeSet<pid_t>,
    /// The tracee whose present call must fail at its end, and how.
    failing: Option<(pid_t, c_int)>,
    /// How the launched process ended.
    status: Option<c_int>,
}

impl Tracer {
    /// Waits for all tracees, but not for held ones.
    fn follow(&mut self) -> io::Result<u8> {
        loop {
            let (pid, status) = match wait_for(-1) {
                Ok(news) => news,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return self.status.map(end).ok_or(error),
            };
            if libc::WIFEXITED(status) || libc::WIFSIGNALED(status) {
                self.known.remove(&pid);
                if pid == self.launched {
                    self.status = Some(status);
                    if matches!(self.plan.fault, Some((_, Fault::Hold))) {
                        return Ok(end(status));
                    }
                }
                continue;
            }
            let is_new = self.known.insert(pid);
            let (signal, event) = (libc::WSTOPSIG(status), status >> 16);
            match (signal, event) {
                (_, libc::PTRACE_EVENT_EXEC) if self.root.is_some() || self.plan.counted == Counted::Blockable => {
                    let _ = ptrace(libc::PTRACE_DETACH, pid, 0, 0);
                    self.known.remove(&pid);
                }
                (_, 1..) => go_on(pid, 0),
                (signal, _) if signal == libc::SIGTRAP | 0x80 => {
                    if !self.holds(pid)? {
                        go_on(pid, 0);
                    }
                }
                (libc::SIGSTOP, _) if is_new => go_on(pid, 0),
                (signal, _) => go_on(pid, signal),
            }
        }
    }

    /// Handles the stop of a tracee at the entry or the exit of a call. Returns whether the tracee must not continue.
    fn holds(&mut self, pid: pid_t) -> io::Result<bool> {
        if let Some((_, errno)) = self.failing.take_if(|(failing, _)| *failing == pid) {
            let _ = registers::fail(pid, errno);
            return Ok(false);
        }
        let mut info = SyscallInfo::default();
        let size = c_long::try_from(size_of::<SyscallInfo>()).unwrap_or_default();
        if ptrace(GET_SYSCALL_INFO, pid, size, (&raw mut info) as c_long).is_err() || info.op != ENTRY {
            return Ok(false);
        }
        if !self.counts(pid, &info) {
            return Ok(false);
        }
        // The description is expensive. It is needed for each call only if that decides what is counted, or for the
        // list.
        let describe = || Described::of(pid, &info);
        if self.plan.counted == Counted::Blockable && !describe().is_blockable() {
            return Ok(false);
        }
        self.count += 1;
        match self.plan.fault {
            None => {
                let (call, caller) = (describe(), self.caller(pid));
                writeln!(self.log, "{MARK}call {}\t{caller}\t{}", self.count, call.fields())?;
                Ok(false)
            }
            Some((at, fault)) if at <= self.count && !self.has_injected => {
                let (call, caller) = (describe(), self.caller(pid));
                if let Some([name, by]) = &self.plan.call
                    && !(caller == by && call.can_have(name, fault))
                {
                    return Ok(false);
                }
                self.has_injected = true;
                let root = self.root.unwrap_or(self.launched);
                writeln!(self.log, "{MARK}at {} by {caller} of {root}: {call}", self.count)?;
                self.inject(pid, fault, &call);
                Ok(fault == Fault::Hold)
            }
            Some(_) => Ok(false),
        }
    }

    /// Whether the call is counted, apart from what it refers to.
    fn counts(&mut self, pid: pid_t, info: &SyscallInfo) -> bool {
        if self.plan.counted == Counted::Blockable {
            return ARMED.load(Ordering::Relaxed);
        }
        let [option, ..] = info.args;
        let begins = c_long::try_from(info.number) == Ok(libc::SYS_prctl)
            && c_int::try_from(option) == Ok(libc::PR_SET_DUMPABLE);
        if self.root.is_none() && begins {
            self.root = Some(pid);
        }
        self.root.is_some_and(|root| root == self.launched || pid != self.launched)
    }

    fn inject(&mut self, pid: pid_t, fault: Fault, call: &Described) {
        // The tracee may have been killed.
        let _ = match fault {
            Fault::Hold => {
                HELD.store(pid, Ordering::Relaxed);
                Ok(())
            }
            Fault::Fail(errno) if call.has_effect_always() => {
                self.failing = Some((pid, errno));
                Ok(())
            }
            Fault::Fail(errno) => registers::skip(pid, errno),
            Fault::Short(most) => registers::set_argument(pid, 2, most),
            Fault::Kill => kill(self.root.unwrap_or(self.launched)),
            Fault::KillCaller => kill(pid),
        };
    }

    fn caller(&self, pid: pid_t) -> &'static str {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let group: Option<pid_t> = status.lines().find_map(|line| line.strip_prefix("Tgid:")?.trim().parse().ok());
        let root = self.root.unwrap_or(self.launched);
        match group {
            Some(group) if group != root => "child",
            _ if pid == root => "main",
            _ => "thread",
        }
    }
}

fn go_on(pid: pid_t, signal: c_int) {
    // The tracee may have been killed.
    let _ = ptrace(libc::PTRACE_SYSCALL, pid, 0, signal.into());
}

fn kill(pid: pid_t) -> io::Result<()> {
    // SAFETY: kill(2) touches no memory, and a tracee's ID is not reused before the tracer has seen its end.
    if unsafe { libc::kill(pid, libc::SIGKILL) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
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
