//! The signals of this process: which state was inherited, which signals are read, and how to end by a signal.
//!
//! Masks and dispositions are read and set with the raw system calls. The functions of the C library omit the signals
//! that the library itself uses, but the command must get exactly the inherited mask.

#![allow(unsafe_code)]

mod death;
mod inherited;
mod notice;
mod reader;

pub(crate) use death::{die_of, forbid_core_dumps, install_pid1_handlers};
pub(crate) use inherited::{InheritedState, inherited, keep_child_statuses};
pub(super) use notice::{BeforeDeath, SignalNotice, end_before_death, run_before_death, separate_notice};
pub(crate) use reader::SignalReader;

use crate::process::signal::{Signal, SignalSet};
use crate::process::{Pid, ProcessGroup};
use std::io;

/// The size of the kernel's signal set in bytes.
const SET_SIZE: libc::size_t = size_of::<u64>();

/// Changes this thread's signal mask and returns the previous mask. `how` has the same meaning as in sigprocmask(2).
/// Async-signal-safe.
fn change_mask(how: libc::c_int, set: SignalSet) -> SignalSet {
    let (new, mut old) = (set.bits(), 0_u64);
    // SAFETY: both pointers are to sets of `SET_SIZE` bytes that outlive the call. The call cannot fail with a valid
    // `how`; if it did, `old` would stay zero.
    unsafe { libc::syscall(libc::SYS_rt_sigprocmask, how, &raw const new, &raw mut old, SET_SIZE) };
    SignalSet::from_bits(old)
}

/// Sets this thread's signal mask and returns the previous mask. Async-signal-safe.
pub(super) fn set_mask(set: SignalSet) -> SignalSet {
    change_mask(libc::SIG_SETMASK, set)
}

/// Adds signals to this thread's mask and returns the previous mask. Async-signal-safe.
pub(super) fn block(set: SignalSet) -> SignalSet {
    change_mask(libc::SIG_BLOCK, set)
}

/// Removes signals from this thread's mask and returns the previous mask. Async-signal-safe.
pub(super) fn unblock(set: SignalSet) -> SignalSet {
    change_mask(libc::SIG_UNBLOCK, set)
}

/// Returns the blocked signals that are pending.
pub(super) fn pending() -> SignalSet {
    let mut set = 0_u64;
    // SAFETY: the pointer is to a set of `SET_SIZE` bytes. If the call fails, `set` stays zero.
    unsafe { libc::syscall(libc::SYS_rt_sigpending, &raw mut set, SET_SIZE) };
    SignalSet::from_bits(set)
}

/// The argument of `rt_sigaction(2)`. On x86-64, ARM and RISC-V, the handler comes first. It is followed by the flags,
/// the restorer (only for handlers) and the mask, which are all zero here.
#[repr(C)]
#[derive(Default)]
struct KernelAction {
    handler: libc::sighandler_t,
    /// The flags, the restorer and the mask. The array is larger than these fields are on any architecture.
    rest: [u64; 4],
}

/// Returns the disposition of a signal: `SIG_DFL`, `SIG_IGN` or the address of a handler. Async-signal-safe.
///
/// This and [`set_disposition`] use the raw system call, because musl's functions reject signal 34, the first real-time
/// signal, which musl reserves for itself.
fn disposition(signal: Signal) -> libc::sighandler_t {
    let mut action = KernelAction::default();
    let none = std::ptr::null::<KernelAction>();
    // SAFETY: the kernel writes fewer bytes than a `KernelAction` has, and its signal set has `SET_SIZE` bytes. If the
    // call fails, the handler stays zero.
    unsafe { libc::syscall(libc::SYS_rt_sigaction, signal.number(), none, &raw mut action, SET_SIZE) };
    action.handler
}

/// Sets the disposition of a signal to `SIG_DFL` or `SIG_IGN`. Async-signal-safe.
fn set_disposition(signal: Signal, disposition: libc::sighandler_t) {
    let action = KernelAction { handler: disposition, ..KernelAction::default() };
    let none = std::ptr::null_mut::<KernelAction>();
    // SAFETY: the kernel reads fewer bytes than a `KernelAction` has, and neither disposition runs code of xassume.
    unsafe { libc::syscall(libc::SYS_rt_sigaction, signal.number(), &raw const action, none, SET_SIZE) };
}

/// Gives a signal its default disposition. Async-signal-safe.
pub(super) fn set_default(signal: Signal) {
    set_disposition(signal, libc::SIG_DFL);
}

/// Sets a handler. While it runs, all signals are blocked: if SIGTERM and SIGCONT arrive together, SIGTERM ends xassume
/// before a handler of SIGCONT can run. This uses the C library, which provides the code that returns from a handler,
/// and which rejects the signals that it uses itself. Async-signal-safe.
pub(super) fn set_handler(signal: Signal, handler: extern "C" fn(libc::c_int)) {
    // SAFETY: a zeroed `sigaction` is valid, and means no flags. The callers pass only handlers that
    // are async-signal-safe.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as libc::sighandler_t;
        libc::sigfillset(&raw mut action.sa_mask);
        libc::sigaction(signal.number(), &raw const action, std::ptr::null_mut());
    }
}

/// Sends a signal to a process, or to the process group that the process leads.
///
/// # Errors
/// Fails with `ESRCH` if the process or the group does not exist, and with `EPERM` if it belongs to another user; see
/// kill(2).
pub(crate) fn send(pid: Pid, to: ProcessGroup, signal: Signal) -> io::Result<()> {
    let target = match to {
        ProcessGroup::Shared => pid,
        ProcessGroup::Own => -pid,
    };
    // SAFETY: kill(2) touches no memory. The caller promises that the process is not reaped yet, so `pid` has not been
    // reused.
    let result = unsafe { libc::kill(target, signal.number()) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Returns the process group of a process. Returns `None` if the process has exited and was reaped.
pub(super) fn group_of(pid: Pid) -> Option<Pid> {
    nix::unistd::getpgid(Some(nix::unistd::Pid::from_raw(pid))).ok().map(nix::unistd::Pid::as_raw)
}

/// Stops this process until it is continued. The kernel does not stop PID 1, and in an orphaned process group it
/// ignores the stop signals of the terminal.
pub(crate) fn pause(signal: Signal) {
    // SAFETY: raise(3) runs no code of xassume here, because there is no handler for a stop signal.
    unsafe { libc::raise(signal.number()) };
}
