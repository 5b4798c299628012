//! Ends xassume by a signal, as the command ended, so that a shell, systemd and `wait` see the same status.

use super::{change_mask, set_disposition, set_handler};
use crate::process::signal::{Signal, SignalSet};
use nix::sys::resource::{Resource, setrlimit};

/// The signals that end a program on a terminal.
const ENDING: [Signal; 4] = [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM];

/// Ends this process by `signal`. PID 1, which its own signals cannot end, exits with 128 + n. Runs no destructors.
pub(crate) fn die_of(signal: Signal) -> ! {
    prevent_core_file();
    set_disposition(signal, libc::SIG_DFL);
    change_mask(libc::SIG_UNBLOCK, SignalSet::default().with(signal));
    // SAFETY: raise(3) with the default disposition runs no code of ours, and `_exit` ends the process.
    unsafe {
        libc::raise(signal.number());
        libc::_exit(128 + signal.number());
    }
}

/// Protects the sessions in this process's memory: no core files, and no access by other processes of the user.
/// execve(2) resets the flag for the program.
pub(crate) fn forbid_core_dumps() {
    let _ = nix::sys::prctl::set_dumpable(false);
}

/// The core file of the command must not be replaced by ours. The limit is for files, the flag for a core pattern with
/// a pipe, which ignores the limit: core(5).
fn prevent_core_file() {
    forbid_core_dumps();
    // Nothing is started any more that would inherit it.
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
}

/// The kernel delivers to PID 1 only signals that have a handler; without these, ^C or `docker stop` would have no
/// effect before the command runs. They end xassume with status 128 + n. execve(2) resets them. Signals that were
/// ignored at the start stay ignored.
pub(crate) fn install_pid1_handlers() {
    if std::process::id() == 1 {
        end_by(exit_as_if_killed);
    }
}

/// Sets a handler for the signals that end a program, except those ignored at the start.
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
