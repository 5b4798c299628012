//! The terminal that standard error is: whether it is ours to draw on, how wide it is, and a line that must not outlive us.

#![allow(unsafe_code)]

use super::signals;
use crate::process::signal::{Signal, SignalSet};
use nix::unistd::{getpgrp, tcgetpgrp};
use std::sync::atomic::{AtomicBool, Ordering};

/// What a terminal makes of it: to the line's beginning, and nothing from there on (ECMA-48: CR, EL).
pub(crate) const ERASE: &str = "\r\x1b[K";

/// Whether an unfinished line of ours is on the terminal. One for the process, as standard error is.
static STANDING: AtomicBool = AtomicBool::new(false);

/// Whether standard error is our terminal, and this process is in its foreground: what is drawn by a background job
/// ends up among somebody else's words.
pub(crate) fn is_ours() -> bool {
    tcgetpgrp(std::io::stderr()) == Ok(getpgrp())
}

/// The columns of standard error's terminal; 80 where it does not tell.
pub(crate) fn columns() -> usize {
    // SAFETY: a zeroed `winsize` is valid, the pointer outlives the call, and TIOCGWINSZ writes one `winsize`.
    let size = unsafe {
        let mut size: libc::winsize = std::mem::zeroed();
        libc::ioctl(libc::STDERR_FILENO, libc::TIOCGWINSZ, &raw mut size);
        size
    };
    if size.ws_col == 0 { 80 } else { usize::from(size.ws_col) }
}

/// Does what draws without being stopped for it: between the look at the foreground and the deed a shell may take it,
/// and with `stty tostop` the kernel would stop a background job that writes.
pub(crate) fn undisturbed<T>(draw: impl FnOnce() -> T) -> T {
    let mask = signals::block(SignalSet::default().with(Signal::TTOU));
    let result = draw();
    signals::set_mask(mask);
    result
}

/// From now on a line stands. It is erased if a signal ends xassume, unless the signals are read elsewhere.
pub(crate) fn line_stands() {
    STANDING.store(true, Ordering::Relaxed);
    signals::run_before_death(erase_before_death);
}

/// Erases the line that a signal ends with xassume. Async-signal-safe. A terminal that is held by ^S keeps the line: an open
/// file description of our own does not block.
fn erase_before_death() {
    if !line_is_gone() || !is_ours() {
        return;
    }
    let flags = libc::O_WRONLY | libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: the path is null-terminated, and the pointer and the length are those of a string that lives for ever. What
    // is ours is the controlling terminal. The process ends, so the descriptor is not closed; -1 is harmless.
    unsafe {
        let terminal = libc::open(c"/dev/tty".as_ptr(), flags);
        libc::write(terminal, ERASE.as_ptr().cast(), ERASE.len());
    }
}

/// Whether a line stands.
pub(crate) fn has_line() -> bool {
    STANDING.load(Ordering::Relaxed)
}

/// From now on none stands; whether one did. Async-signal-safe.
pub(crate) fn line_is_gone() -> bool {
    STANDING.swap(false, Ordering::Relaxed)
}
