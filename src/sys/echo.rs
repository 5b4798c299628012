//! Hides what the user types at a prompt.
//!
//! The terminal's echo is off only while xassume waits for input. It is turned on again before xassume ends by a signal,
//! and before it stops (^Z), because many shells do not restore the terminal themselves. Only SIGKILL, SIGSTOP, SIGSEGV
//! and SIGBUS leave it off: the first two cannot be handled, and Rust's runtime handles the others. (musl uses signal 34
//! itself, so a program that is linked with musl cannot handle that signal either.)
//!
//! Each change of the echo is recorded, and a signal handler relies on the record. So a change and its record are one
//! step for all handlers; see [`lock`].

#![allow(unsafe_code)]

#[cfg(test)]
mod tests;

use super::signals::{self, BeforeDeath};
use crate::process::signal::{Signal, SignalSet};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Whether there is a [`HiddenInput`].
static WANTED: AtomicBool = AtomicBool::new(false);
/// Whether xassume has turned the echo off.
static HIDDEN: AtomicBool = AtomicBool::new(false);
/// The ID of the process that holds the lock, else 0.
static HOLDER: AtomicU32 = AtomicU32::new(0);
/// The prompt, which is shown again after a stop. A process has only one.
static PROMPT: OnceLock<String> = OnceLock::new();

/// The signals that stop a program if it has no handler for them.
const STOPPING: [Signal; 3] = [Signal::TSTP, Signal::TTIN, Signal::TTOU];
/// Other signals that do not end a program, because they are ignored or continue a program.
const HARMLESS: [Signal; 5] = [Signal::CHLD, Signal::CONT, Signal::PIPE, Signal::URG, Signal::WINCH];
/// Signals that are handled otherwise or cannot be handled.
const EXCEPTED: [Signal; 8] =
    [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM, Signal::KILL, Signal::STOP, Signal::SEGV, Signal::BUS];

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
        signals::run_before_death(BeforeDeath::ShowInput, show_before_death);
        let state = signals::inherited();
        let has_handler =
            |signal: &Signal| *signal == Signal::CONT || STOPPING.contains(signal) || ends_only_at_prompt(*signal);
        let handled: SignalSet =
            Signal::all().filter(|signal| has_handler(signal) && !state.ignores(*signal)).collect();
        locked(|| {
            for signal in Signal::all().filter(|signal| handled.contains(*signal)) {
                match signal {
                    Signal::CONT => signals::set_handler(signal, resume),
                    stopping if STOPPING.contains(&stopping) => signals::set_handler(signal, stop),
                    _ => signals::end_before_death(signal),
                }
            }
            WANTED.store(true, Ordering::Relaxed);
            hide();
        });
        Self { handled }
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        locked(|| {
            WANTED.store(false, Ordering::Relaxed);
            show();
            write(b"\n");
            for signal in Signal::all().filter(|signal| self.handled.contains(*signal)) {
                signals::set_default(signal);
            }
        });
    }
}

/// Checks whether this signal ends a program and usually has no handler.
fn ends_only_at_prompt(signal: Signal) -> bool {
    ![&STOPPING[..], &HARMLESS, &EXCEPTED].iter().any(|others| others.contains(&signal))
}

/// Begins a change of the echo, and returns the signal mask for [`unlock`]. Async-signal-safe.
///
/// All signals are blocked, so no handler interrupts the change on this thread. A handler on another thread, such as one
/// that resolves a host name, waits here for the end of the change. Because the holder cannot be interrupted, the wait
/// takes microseconds, and no thread waits for itself. A forked child may have a copy of a lock that its parent held:
/// that lock is free.
fn lock() -> SignalSet {
    let mask = signals::block(SignalSet::FULL);
    let me = std::process::id();
    let take = |holder| (holder != me).then_some(me);
    while HOLDER.fetch_update(Ordering::Acquire, Ordering::Relaxed, take).is_err() {
        std::hint::spin_loop();
    }
    mask
}

fn unlock(mask: SignalSet) {
    HOLDER.store(0, Ordering::Release);
    signals::set_mask(mask);
}

/// Runs `change` as one step for all signal handlers. Async-signal-safe if `change` is.
fn locked(change: impl FnOnce()) {
    let mask = lock();
    change();
    unlock(mask);
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

/// Turns the echo on, and begins a new line after the prompt.
fn leave_prompt() {
    if show() {
        write(b"\n");
    }
}

/// Turns the echo off again, and shows the prompt again. Does nothing if there is no prompt, or in the background.
fn return_to_prompt() {
    if WANTED.load(Ordering::Relaxed)
        && hide()
        && let Some(prompt) = PROMPT.get()
    {
        write(prompt.as_bytes());
    }
}

/// Turns the echo on. Keeps the lock, so that nothing turns the echo off again before xassume ends. Async-signal-safe.
fn show_before_death() {
    lock();
    leave_prompt();
}

/// Turns the echo on before xassume stops. Async-signal-safe.
pub(crate) fn before_stop() {
    locked(leave_prompt);
}

/// Turns the echo off again after xassume was stopped, and shows the prompt again. Does nothing if there is no prompt,
/// or if xassume continues in the background. Async-signal-safe.
pub(crate) fn after_stop() {
    locked(return_to_prompt);
}

/// Stops xassume as the signal does by default. The kernel ignores the signal if no shell could continue xassume.
///
/// The lock is held during the stop. Otherwise SIGCONT could turn the echo off again before xassume stops.
extern "C" fn stop(number: libc::c_int) {
    let Some(signal) = Signal::from_number(number) else { return };
    keeping_errno(|| {
        locked(|| {
            leave_prompt();
            signals::set_default(signal);
            let mask = signals::unblock(SignalSet::default().with(signal));
            signals::pause(signal);
            signals::set_mask(mask);
            signals::set_handler(signal, stop);
            return_to_prompt();
        });
    });
}

/// Returns to the prompt, or stops again in the background, as the kernel would if xassume read from the terminal there.
/// Without the stop, `fg` would find a running job and send no SIGCONT, so the terminal would show the code.
///
/// The signal goes to the group, as the kernel's would: a shell regards a job as stopped only if all its processes are.
/// xassume does not stop if a signal is about to end it, because `kill %1` sends SIGTERM and then SIGCONT.
extern "C" fn resume(_: libc::c_int) {
    keeping_errno(|| {
        locked(|| {
            let ending = |signal| !STOPPING.contains(&signal) && !HARMLESS.contains(&signal);
            let pending = signals::pending();
            let is_ending = Signal::all().any(|signal| pending.contains(signal) && ending(signal));
            if WANTED.load(Ordering::Relaxed) && is_in_background() && !is_ending {
                // SAFETY: kill(2) touches no memory. The signal is blocked until the lock is free.
                unsafe { libc::kill(0, libc::SIGTTIN) };
            } else {
                return_to_prompt();
            }
        });
    });
}

/// Checks whether the terminal's foreground belongs to another program. Async-signal-safe.
fn is_in_background() -> bool {
    on_terminal(|terminal| {
        // SAFETY: these calls touch no memory.
        let (foreground, ours) = unsafe { (libc::tcgetpgrp(terminal), libc::getpgrp()) };
        foreground > 0 && foreground != ours
    })
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
            // A shell may take the foreground after the check. The lock blocks SIGTTOU, so it cannot stop xassume here.
            libc::tcsetattr(terminal, libc::TCSANOW, &raw const settings) == 0
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
