//! Hides what the user types at a prompt.
//!
//! The terminal's echo is off only while xassume waits for input. It is turned on again before xassume ends by a signal,
//! and before it stops (^Z), because many shells do not restore the terminal themselves. Only SIGKILL and SIGSTOP leave
//! it off.

#![allow(unsafe_code)]

use super::signals::{self, BeforeDeath};
use crate::process::signal::{Signal, SignalSet};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether there is a [`HiddenInput`].
static WANTED: AtomicBool = AtomicBool::new(false);
/// Whether xassume has turned the echo off.
static HIDDEN: AtomicBool = AtomicBool::new(false);
/// The prompt, which is shown again after a stop. A process has only one.
static PROMPT: OnceLock<String> = OnceLock::new();

/// Signals that end a program, and for which xassume usually sets no handler.
const UNUSUAL: [Signal; 3] = [Signal::ALRM, Signal::USR1, Signal::USR2];

/// While this value exists, the terminal does not show what the user types. Dropping it begins a new line, because the
/// terminal does not show the line break that was typed.
#[derive(Debug)]
pub(crate) struct HiddenInput {
    /// The signals that got a handler.
    handled: SignalSet,
}

impl HiddenInput {
    /// Turns the echo off, unless it is off already. If xassume stops and continues, `prompt` is shown again.
    pub(crate) fn begin(prompt: &str) -> Self {
        PROMPT.get_or_init(|| prompt.to_owned());
        signals::run_before_death(BeforeDeath::ShowInput, restore);
        let state = signals::inherited();
        let handled: SignalSet =
            UNUSUAL.into_iter().chain([Signal::TSTP, Signal::CONT]).filter(|signal| !state.ignores(*signal)).collect();
        for signal in UNUSUAL.into_iter().filter(|signal| handled.contains(*signal)) {
            signals::end_before_death(signal);
        }
        for (signal, handler) in [(Signal::TSTP, stop as extern "C" fn(libc::c_int)), (Signal::CONT, resume)] {
            if handled.contains(signal) {
                signals::set_handler(signal, handler);
            }
        }
        WANTED.store(true, Ordering::Relaxed);
        hide();
        Self { handled }
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        WANTED.store(false, Ordering::Relaxed);
        show();
        write(b"\n");
        for signal in Signal::all().filter(|signal| self.handled.contains(*signal)) {
            signals::set_default(signal);
        }
    }
}

/// Turns the echo off. Returns whether it was on.
fn hide() -> bool {
    let hidden = set_echo(false);
    if hidden {
        HIDDEN.store(true, Ordering::Relaxed);
    }
    hidden
}

/// Turns the echo on if xassume has turned it off. Returns whether it did.
fn show() -> bool {
    HIDDEN.swap(false, Ordering::Relaxed) && set_echo(true)
}

/// Turns the echo on before xassume ends or stops, and begins a new line after the prompt. Async-signal-safe.
pub(crate) fn restore() {
    if show() {
        write(b"\n");
    }
}

/// Turns the echo off again after xassume was stopped, and shows the prompt again. Does nothing if there is no prompt,
/// or if xassume continues in the background. Async-signal-safe.
pub(crate) fn after_stop() {
    if WANTED.load(Ordering::Relaxed)
        && hide()
        && let Some(prompt) = PROMPT.get()
    {
        write(prompt.as_bytes());
    }
}

/// Stops xassume as the signal does by default. The kernel ignores the signal in an orphaned process group, because no
/// shell could continue xassume.
extern "C" fn stop(number: libc::c_int) {
    let Some(signal) = Signal::from_number(number) else { return };
    keeping_errno(|| {
        restore();
        signals::set_default(signal);
        let mask = signals::unblock(SignalSet::default().with(signal));
        signals::pause(signal);
        signals::set_mask(mask);
        signals::set_handler(signal, stop);
        after_stop();
    });
}

/// Hides the input again after SIGSTOP, in case a shell has turned the echo on.
extern "C" fn resume(_: libc::c_int) {
    keeping_errno(after_stop);
}

/// Turns the echo of the terminal on or off. Returns whether this was a change. Does nothing in the background, where
/// the terminal belongs to another program. Async-signal-safe.
fn set_echo(on: bool) -> bool {
    on_terminal(|terminal| {
        // SAFETY: a zeroed `termios` is valid, and the pointers are to one that outlives the calls.
        unsafe {
            let mut settings: libc::termios = std::mem::zeroed();
            if libc::tcgetpgrp(terminal) != libc::getpgrp() || libc::tcgetattr(terminal, &raw mut settings) != 0 {
                return false;
            }
            if (settings.c_lflag & libc::ECHO != 0) == on {
                return false;
            }
            settings.c_lflag ^= libc::ECHO;
            // A shell may take the foreground after the check. With SIGTTOU blocked, it cannot stop xassume here.
            let mask = signals::block(SignalSet::default().with(Signal::TTOU));
            let set = libc::tcsetattr(terminal, libc::TCSANOW, &raw const settings) == 0;
            signals::set_mask(mask);
            set
        }
    })
}

/// Writes to the terminal without blocking. Async-signal-safe.
fn write(text: &[u8]) {
    on_terminal(|terminal| {
        // SAFETY: the pointer and the length are those of `text`.
        unsafe { libc::write(terminal, text.as_ptr().cast(), text.len()) != -1 }
    });
}

/// Opens the terminal for `action`. Returns false if there is none. Async-signal-safe.
fn on_terminal(action: impl FnOnce(libc::c_int) -> bool) -> bool {
    let flags = libc::O_RDWR | libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: the path is null-terminated, and only the descriptor that was opened here is closed.
    unsafe {
        let terminal = libc::open(c"/dev/tty".as_ptr(), flags);
        terminal != -1 && {
            let done = action(terminal);
            libc::close(terminal);
            done
        }
    }
}

/// Restores errno after `action`, because a signal handler must not change it.
fn keeping_errno(action: impl FnOnce()) {
    // SAFETY: each thread has its own errno, and the pointer is valid while the thread runs.
    let errno = unsafe { *libc::__errno_location() };
    action();
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}
