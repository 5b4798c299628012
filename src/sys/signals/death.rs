//! Dying of a signal as the command did, so that a shell, systemd and `wait` see what they would have seen.

use super::{change_mask, set_disposition, set_handler};
use crate::process::signal::{Signal, SignalSet};

/// What ends a program that is run at a terminal.
const ENDING: [Signal; 4] = [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM];

/// Ends this process by `signal`, as the command ended; as PID 1, which no signal of its own can kill, by status
/// 128 + n. Runs no destructors: flush and remove what must be, first.
pub(crate) fn die_of(signal: Signal) -> ! {
    leave_no_core_file();
    set_disposition(signal, libc::SIG_DFL);
    change_mask(libc::SIG_UNBLOCK, SignalSet::default().with(signal));
    // SAFETY: raise(3) with the default disposition runs no code of ours, and `_exit` ends the process.
    unsafe {
        libc::raise(signal.number());
        libc::_exit(128 + signal.number());
    }
}

/// Keeps this process, which holds sessions, out of core files, and other processes of the user out of its memory.
/// execve(2) gives a program its own flag back, and so no command notices.
pub(crate) fn forbid_core_dumps() {
    // SAFETY: prctl(2) with these arguments touches no memory of ours.
    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
}

/// The command that dumped core has left the file that is of use; a second one would take its place. The limit does
/// for files, the flag for a core pattern that is a pipe, which asks for no limit: core(5).
fn leave_no_core_file() {
    forbid_core_dumps();
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a valid `rlimit`. Nothing is started any more that would inherit it.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) };
}

/// As PID 1 the kernel delivers only signals that have a handler, so that ^C or `docker stop` would do nothing until
/// the command runs. These end xassume with status 128 + n, and are gone with execve(2). Signals that were ignored
/// at the start stay so.
pub(crate) fn install_pid1_handlers() {
    if std::process::id() != 1 {
        return;
    }
    end_by(exit_as_if_killed);
}

/// Handles what ends a program, where it was not ignored at the start.
pub(super) fn end_by(handler: extern "C" fn(libc::c_int)) {
    for signal in ENDING {
        if !super::inherited().ignores(signal) {
            set_handler(signal, handler);
        }
    }
}

extern "C" fn exit_as_if_killed(number: libc::c_int) {
    // SAFETY: `_exit` is async-signal-safe.
    unsafe { libc::_exit(128 + number) }
}
