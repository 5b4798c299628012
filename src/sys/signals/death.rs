//! Ends xassume by a signal. If a signal ended the command, xassume ends by the same signal, so that a shell, systemd
//! and `wait` see the same status.

use super::{change_mask, set_disposition, set_handler};
use crate::process::signal::{Signal, SignalSet};
use nix::sys::resource::{Resource, setrlimit};

/// The signals that usually end a program on a terminal.
const ENDING: [Signal; 4] = [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM];

/// Ends this process by `signal`, without running destructors. PID 1 cannot be ended by a signal that it sends itself,
/// so it exits with status 128 + n instead.
pub(crate) fn die_of(signal: Signal) -> ! {
    prevent_core_file();
    set_disposition(signal, libc::SIG_DFL);
    change_mask(libc::SIG_UNBLOCK, SignalSet::default().with(signal));
    // SAFETY: raise(3) with the default disposition runs no code of xassume, and `_exit` ends the process.
    unsafe {
        libc::raise(signal.number());
        libc::_exit(128 + signal.number());
    }
}

/// Makes this process not dumpable (`PR_SET_DUMPABLE`), which protects the sessions in its memory: the kernel writes no
/// core file, and other processes of the user cannot access the memory. The command is not affected, because execve(2)
/// makes a process dumpable again.
pub(crate) fn forbid_core_dumps() {
    let _ = nix::sys::prctl::set_dumpable(false);
}

/// Prevents xassume from leaving a core file, which could overwrite the core file of the command. Setting the limit on
/// core files to 0 is enough if the core pattern names a file. If the core pattern is a pipe, the kernel ignores that
/// limit, so [`forbid_core_dumps`] is needed too; see core(5).
fn prevent_core_file() {
    forbid_core_dumps();
    // This limit affects no other program, because xassume starts none after this.
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
}

/// Installs signal handlers if this process is PID 1. The kernel delivers to PID 1 only signals that have a handler, so
/// without these handlers ^C or `docker stop` would have no effect before the command runs. The handlers end xassume
/// with status 128 + n. execve(2) resets them. A signal that was ignored when xassume was started stays ignored.
pub(crate) fn install_pid1_handlers() {
    if std::process::id() == 1 {
        end_by(exit_as_if_killed);
    }
}

/// Sets a handler for the signals in [`ENDING`], except those that were ignored when xassume was started.
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
