//! Signals of this process: what was inherited, what is read, and how to end by one.
//!
//! Masks and dispositions use the raw system calls: those of the C library omit the signals that it uses itself, and
//! the command has to get exactly the inherited mask.

#![allow(unsafe_code)]

mod death;
mod inherited;
mod notice;
mod reader;

pub(crate) use death::{die_of, forbid_core_dumps, install_pid1_handlers};
pub(crate) use inherited::{InheritedState, inherited, keep_child_statuses};
pub(super) use notice::{SignalNotice, run_before_death, separate_notice};
pub(crate) use reader::SignalReader;

use crate::process::signal::{Signal, SignalSet};
use crate::process::{Pid, ProcessGroup};
use std::io;

/// The size of the kernel's signal set.
const SET_SIZE: libc::size_t = size_of::<u64>();

/// Changes this thread's mask (`how` as in sigprocmask(2)) and returns the one before. Async-signal-safe.
fn change_mask(how: libc::c_int, set: SignalSet) -> SignalSet {
    let (new, mut old) = (set.bits(), 0_u64);
    // SAFETY: both pointers are to sets of `SET_SIZE` bytes that outlive the call; the call cannot fail with a valid
    // `how`, and then `old` would keep its zero.
    unsafe { libc::syscall(libc::SYS_rt_sigprocmask, how, &raw const new, &raw mut old, SET_SIZE) };
    SignalSet::from_bits(old)
}

/// Sets this thread's mask. Async-signal-safe.
pub(super) fn set_mask(set: SignalSet) -> SignalSet {
    change_mask(libc::SIG_SETMASK, set)
}

/// Adds to this thread's mask. Async-signal-safe.
pub(super) fn block(set: SignalSet) -> SignalSet {
    change_mask(libc::SIG_BLOCK, set)
}

/// The blocked signals that are pending.
pub(super) fn pending() -> SignalSet {
    let mut set = 0_u64;
    // SAFETY: the pointer is to a set of `SET_SIZE` bytes; on failure the zero stays.
    unsafe { libc::syscall(libc::SYS_rt_sigpending, &raw mut set, SET_SIZE) };
    SignalSet::from_bits(set)
}

/// The argument of `rt_sigaction(2)`. The handler comes first on x86-64, ARM and RISC-V; flags, the restorer (for
/// handlers only) and the mask follow, all zero here.
#[repr(C)]
#[derive(Default)]
struct KernelAction {
    handler: libc::sighandler_t,
    /// Larger than what the kernel reads or writes.
    rest: [u64; 4],
}

/// The disposition of a signal: `SIG_DFL`, `SIG_IGN` or the address of a handler. Async-signal-safe.
///
/// A raw system call, as in [`set_disposition`]: musl rejects 34, the first real-time signal, as its own.
fn disposition(signal: Signal) -> libc::sighandler_t {
    let mut action = KernelAction::default();
    let none = std::ptr::null::<KernelAction>();
    // SAFETY: the kernel writes less than a `KernelAction`, and its set has `SET_SIZE` bytes. On failure the zero stays.
    unsafe { libc::syscall(libc::SYS_rt_sigaction, signal.number(), none, &raw mut action, SET_SIZE) };
    action.handler
}

/// Sets a disposition without a handler: `SIG_DFL` or `SIG_IGN`. Async-signal-safe.
fn set_disposition(signal: Signal, disposition: libc::sighandler_t) {
    let action = KernelAction { handler: disposition, ..KernelAction::default() };
    let none = std::ptr::null_mut::<KernelAction>();
    // SAFETY: the kernel reads less than a `KernelAction`, and neither disposition runs code of ours.
    unsafe { libc::syscall(libc::SYS_rt_sigaction, signal.number(), &raw const action, none, SET_SIZE) };
}

/// Sets a handler for a standard signal, through the C library: it knows how a handler returns.
fn set_handler(signal: Signal, handler: extern "C" fn(libc::c_int)) {
    // SAFETY: a zeroed `sigaction` is valid (empty mask, no flags); that the handler is async-signal-safe is the promise
    // of its own file.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as libc::sighandler_t;
        libc::sigaction(signal.number(), &raw const action, std::ptr::null_mut());
    }
}

/// Sends a signal to a process, or to the group that it leads.
///
/// # Errors
/// `ESRCH`: it does not exist; `EPERM`: it is another user's; see kill(2).
pub(crate) fn send(pid: Pid, to: ProcessGroup, signal: Signal) -> io::Result<()> {
    let target = match to {
        ProcessGroup::Shared => pid,
        ProcessGroup::Own => -pid,
    };
    // SAFETY: kill(2) touches no memory. That `pid` is still ours is the caller's promise: it is not reaped.
    let result = unsafe { libc::kill(target, signal.number()) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The process group of this process, unless it has exited and is reaped.
pub(super) fn group_of(pid: Pid) -> Option<Pid> {
    nix::unistd::getpgid(Some(nix::unistd::Pid::from_raw(pid))).ok().map(nix::unistd::Pid::as_raw)
}

/// Stops this process until it is continued. The kernel ignores this for PID 1, and for the terminal's stop signals in
/// an orphaned group.
pub(crate) fn pause(signal: Signal) {
    // SAFETY: raise(3) runs no handler of ours, since none is installed for a stop signal.
    unsafe { libc::raise(signal.number()) };
}
