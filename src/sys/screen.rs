//! The terminal on standard error: its width, whether xassume may draw on it, and the progress line.

#![allow(unsafe_code)]

use super::signals::{self, BeforeDeath};
use crate::process::signal::{Signal, SignalSet};
use nix::unistd::{getpgrp, tcgetpgrp};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use terminal_size::{Width, terminal_size_of};

/// The control sequence that returns to the beginning of the line and erases the line (ECMA-48: CR, EL).
pub(crate) const ERASE: &str = "\r\x1b[K";

/// Whether a progress line of xassume is on the terminal.
static STANDING: AtomicBool = AtomicBool::new(false);

/// Checks whether standard error is the controlling terminal and this process is in the terminal's foreground. A
/// background job must not draw, because its line would end up in the output of another program.
pub(crate) fn is_ours() -> bool {
    tcgetpgrp(std::io::stderr()) == Ok(getpgrp())
}

/// Returns the width of a terminal in columns. Returns `None` if the descriptor is not a terminal, or if the terminal
/// does not report its width.
pub(crate) fn columns(terminal: impl AsFd) -> Option<usize> {
    terminal_size_of(terminal).map(|(Width(columns), _)| usize::from(columns))
}

/// Runs `draw` with SIGTTOU blocked, because the shell may take the foreground after the call of [`is_ours`]. The
/// kernel would then stop xassume as a background job that writes to the terminal, if `stty tostop` is set.
pub(crate) fn undisturbed<T>(draw: impl FnOnce() -> T) -> T {
    let mask = signals::block(SignalSet::default().with(Signal::TTOU));
    let result = draw();
    signals::set_mask(mask);
    result
}

/// Records that there is a progress line. If a signal ends xassume, a signal handler erases the line first, unless
/// xassume reads signals through signalfd.
///
/// Without the handler, ^C would leave the line on the terminal, in front of the shell's prompt. An asynchronous task
/// instead of a handler could not run during a blocking call, and its write could block if the output is stopped (^S).
/// Setting the handler for four signals takes 1.2 µs. This is done only when the line first appears.
pub(crate) fn line_stands() {
    STANDING.store(true, Ordering::Relaxed);
    signals::run_before_death(BeforeDeath::EraseLine, erase_before_death);
}

/// Erases the progress line before a signal ends xassume. Async-signal-safe. Opens the terminal again as non-blocking,
/// because the output may be stopped (^S). In that case, the line stays.
fn erase_before_death() {
    if !line_is_gone() || !is_ours() {
        return;
    }
    let flags = libc::O_WRONLY | libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: the path is null-terminated, and the pointer and the length are those of a static string. The descriptor
    // is not closed, because the process is about to end. Writing to the descriptor -1 is harmless.
    unsafe {
        let terminal = libc::open(c"/dev/tty".as_ptr(), flags);
        libc::write(terminal, ERASE.as_ptr().cast(), ERASE.len());
    }
}

/// Checks whether there is a progress line.
pub(crate) fn has_line() -> bool {
    STANDING.load(Ordering::Relaxed)
}

/// Records that there is no progress line any more, and returns whether there was one. Async-signal-safe.
pub(crate) fn line_is_gone() -> bool {
    STANDING.swap(false, Ordering::Relaxed)
}
