//! The terminal of standard error: its width, whether xassume may draw on it, and the progress line on it.

#![allow(unsafe_code)]

use super::signals;
use crate::process::signal::{Signal, SignalSet};
use nix::unistd::{getpgrp, tcgetpgrp};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use terminal_size::{Width, terminal_size_of};

/// Back to the beginning of the line, and erase it (ECMA-48: CR, EL).
pub(crate) const ERASE: &str = "\r\x1b[K";

/// Whether an unfinished line of ours is on the terminal.
static STANDING: AtomicBool = AtomicBool::new(false);

/// Whether standard error is the controlling terminal and this process is in its foreground: a line drawn by a background
/// job would end up in the output of another program.
pub(crate) fn is_ours() -> bool {
    tcgetpgrp(std::io::stderr()) == Ok(getpgrp())
}

/// The width of a terminal; `None` for anything else, and for a terminal that does not know it.
pub(crate) fn columns(terminal: impl AsFd) -> Option<usize> {
    terminal_size_of(terminal).map(|(Width(columns), _)| usize::from(columns))
}

/// Draws with SIGTTOU blocked: the shell may take the foreground after [`is_ours`], and with `stty tostop` the kernel
/// stops a background job that writes.
pub(crate) fn undisturbed<T>(draw: impl FnOnce() -> T) -> T {
    let mask = signals::block(SignalSet::default().with(Signal::TTOU));
    let result = draw();
    signals::set_mask(mask);
    result
}

/// Notes a progress line. If a signal ends xassume, the handler erases it, unless signals are read by signalfd.
///
/// A handler is the simplest way to keep the terminal clean: code in the runtime would wait for a blocking call first,
/// and its write could block under ^S. The handler makes four system calls.
pub(crate) fn line_stands() {
    STANDING.store(true, Ordering::Relaxed);
    signals::run_before_death(erase_before_death);
}

/// Erases the line before a signal ends xassume. Async-signal-safe. The terminal is opened again so that the write does not
/// block: a terminal that is stopped by ^S keeps the line.
fn erase_before_death() {
    if !line_is_gone() || !is_ours() {
        return;
    }
    let flags = libc::O_WRONLY | libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: the path is null-terminated, and the pointer and the length are those of a static string. The process ends, so
    // the descriptor is not closed; -1 is harmless.
    unsafe {
        let terminal = libc::open(c"/dev/tty".as_ptr(), flags);
        libc::write(terminal, ERASE.as_ptr().cast(), ERASE.len());
    }
}

/// Whether there is a line.
pub(crate) fn has_line() -> bool {
    STANDING.load(Ordering::Relaxed)
}

/// There is no line from now on; returns whether there was one. Async-signal-safe.
pub(crate) fn line_is_gone() -> bool {
    STANDING.swap(false, Ordering::Relaxed)
}
