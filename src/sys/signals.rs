//! Signals as the system has them: what was inherited, what is read, how to die of one.
//!
//! Masks and dispositions go by the raw system calls: the C library's would leave out the signals that it keeps for
//! itself, and the command must find the mask that xassume was started with, bit for bit.

#![allow(unsafe_code)]

mod death;
mod inherited;
mod notice;
mod reader;

pub(crate) use death::{die_of, forbid_core_dumps, install_pid1_handlers};
pub(crate) use inherited::{InheritedState, inherited, keep_child_statuses};
pub(super) use notice::{Notice, run_before_death, separate_notice};
pub(crate) use reader::SignalReader;

use crate::process::signal::{Signal, SignalSet};
use crate::process::{Pid, ProcessGroup};
use std::io;

/// The size of the kernel's signal set, which its system calls ask for.
const SET_SIZE: libc::size_t = size_of::<u64>();

/// Changes this thread's mask (`how` as in sigprocmask(2)) and gives the one before. Async-signal-safe.
fn change_mask(how: libc::c_int, set: SignalSet) -> SignalSet {
    let (new, mut old) = (set.bits(), 0_u64);
    // SAFETY: both pointers are to sets of `SET_SIZE` bytes that outlive the call; the call cannot fail with a valid
    // `how`, and then `old` would keep its zero.
    unsafe { libc::syscall(libc::SYS_rt_sigprocmask, how, &raw const new, &raw mut old, SET_SIZE) };
    SignalSet::from_bits(old)
}

/// Makes this the thread's mask. Async-signal-safe.
pub(super) fn set_mask(set: SignalSet) -> SignalSet {
    change_mask(libc::SIG_SETMASK, set)
}

/// Adds to the thread's mask. Async-signal-safe.
pub(super) fn block(set: SignalSet) -> SignalSet {
    change_mask(libc::SIG_BLOCK, set)
}

/// What has arrived for this process, is blocked, and was not read yet.
pub(super) fn pending() -> SignalSet {
    let mut set = 0_u64;
    // SAFETY: the pointer is to a set of `SET_SIZE` bytes; on failure the zero stays.
    unsafe { libc::syscall(libc::SYS_rt_sigpending, &raw mut set, SET_SIZE) };
    SignalSet::from_bits(set)
}

/// What `rt_sigaction(2)` takes and gives. The handler comes first on x86-64, ARM and RISC-V; flags, the restorer of some of
/// them and the mask follow, and are zero here. The restorer is only for handlers.
#[repr(C)]
#[derive(Default)]
struct KernelAction {
    handler: libc::sighandler_t,
    /// More than the kernel reads or writes.
    rest: [u64; 4],
}

/// The disposition of a signal: `SIG_DFL`, `SIG_IGN` or the address of a handler. Async-signal-safe.
///
/// By the raw system call, as in [`set_disposition`]: musl refuses 34 as its own, which is the first real-time signal.
fn disposition(signal: Signal) -> libc::sighandler_t {
    let mut action = KernelAction::default();
    let none = std::ptr::null::<KernelAction>();
    // SAFETY: the kernel writes less than a `KernelAction`, and its set has `SET_SIZE` bytes. On failure the zero stays.
    unsafe { libc::syscall(libc::SYS_rt_sigaction, signal.number(), none, &raw mut action, SET_SIZE) };
    action.handler
}

/// Gives a signal a disposition without a handler: `SIG_DFL` or `SIG_IGN`. Async-signal-safe.
fn set_disposition(signal: Signal, disposition: libc::sighandler_t) {
    let action = KernelAction { handler: disposition, ..KernelAction::default() };
    let none = std::ptr::null_mut::<KernelAction>();
    // SAFETY: the kernel reads less than a `KernelAction`, and neither disposition runs code of ours.
    unsafe { libc::syscall(libc::SYS_rt_sigaction, signal.number(), &raw const action, none, SET_SIZE) };
}

/// Gives a standard signal a handler. The C library's call: it knows how a handler returns.
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
/// `ESRCH` when there is none, `EPERM` when it is somebody else's; see kill(2).
pub(crate) fn send(pid: Pid, to: ProcessGroup, signal: Signal) -> io::Result<()> {
    let target = match to {
        ProcessGroup::Shared => pid,
        ProcessGroup::Own => -pid,
    };
    // SAFETY: kill(2) touches no memory. That `pid` is still ours is the caller's promise: it is not reaped.
    let result = unsafe { libc::kill(target, signal.number()) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Stops this process until it is continued; as PID 1, and in an orphaned group for the terminal's stop signals,
/// the kernel ignores it and this returns at once.
pub(crate) fn pause(signal: Signal) {
    // SAFETY: raise(3) runs no handler of ours, since none is installed for a stop signal.
    unsafe { libc::raise(signal.number()) };
}
