//! Notice of a signal that is to end xassume, for somebody who has to end something else first.
//!
//! Handlers and not a blocked mask: a thread that resolves a name takes signals as well.

use super::death::{die_of, end_by};
use crate::process::Pid;
use crate::process::signal::Signal;
use crate::sys::poll::polled;
use nix::fcntl::OFlag;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};
use tokio::io::unix::AsyncFd;

/// Made for the first notice and never closed, so that no handler can write into a descriptor that is another's by then.
static PIPE: OnceLock<(File, OwnedFd)> = OnceLock::new();
/// The pipe's end for the handlers, as long as somebody listens; else -1.
static TELL: AtomicI32 = AtomicI32::new(-1);
/// The process that listens. A child of it has the same memory until it becomes a program.
static LISTENER: AtomicI32 = AtomicI32::new(0);

/// Runs before a signal ends xassume.
static BEFORE_DEATH: OnceLock<fn()> = OnceLock::new();

/// While this is there, a signal that ends a program at a terminal is told here first. Whoever is told ends xassume by it;
/// one that was not asked for ends it when this is dropped.
#[derive(Debug)]
pub(in crate::sys) struct Notice {
    told: AsyncFd<File>,
}

impl Notice {
    /// One at a time; a signal that was ignored at the start stays so.
    ///
    /// # Errors
    /// No descriptor to be had.
    pub(in crate::sys) fn of_signals() -> io::Result<Self> {
        let (reader, writer) = pipe()?;
        let told = polled(reader.try_clone()?)?;
        LISTENER.store(me(), Ordering::Relaxed);
        TELL.store(writer.as_raw_fd(), Ordering::Release);
        end_by(notify_or_die);
        Ok(Self { told })
    }

    /// The first signal to end xassume.
    pub(in crate::sys) async fn signal(&self) -> Signal {
        loop {
            if let Some(signal) = read(self.told.get_ref()) {
                return signal;
            }
            match self.told.readable().await {
                Ok(mut ready) => ready.clear_ready(),
                // No kernel is known to do this. What was told is heard when this is dropped.
                Err(_) => std::future::pending().await,
            }
        }
    }
}

impl Drop for Notice {
    fn drop(&mut self) {
        TELL.store(-1, Ordering::Release);
        if let Some(signal) = read(self.told.get_ref()) {
            die_of(signal);
        }
    }
}

/// In a forked child that does not become a program: puts a new pipe in the place of the parent's, under the same numbers.
/// Returns these; `None` before the first notice.
pub(in crate::sys) fn separate_notice() -> Option<[RawFd; 2]> {
    TELL.store(-1, Ordering::Release);
    let (reader, writer) = PIPE.get()?;
    let (new_reader, new_writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).ok()?;
    for (new, old) in [(new_reader.as_raw_fd(), reader.as_raw_fd()), (new_writer.as_raw_fd(), writer.as_raw_fd())] {
        // SAFETY: all four are open, so none of the new ones has the number of an old one; what owned an old number owns
        // the new file.
        unsafe { libc::dup3(new, old, libc::O_CLOEXEC) };
    }
    Some([reader.as_raw_fd(), writer.as_raw_fd()])
}

fn pipe() -> io::Result<&'static (File, OwnedFd)> {
    if let Some(made) = PIPE.get() {
        return Ok(made);
    }
    let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    Ok(PIPE.get_or_init(|| (File::from(reader), writer)))
}

fn read(mut pipe: &File) -> Option<Signal> {
    let mut number = [0];
    let got = pipe.read(&mut number).is_ok_and(|got| got == 1);
    got.then(|| Signal::from_number(number[0].into())).flatten()
}

/// Tells whoever listens; whether somebody does. Async-signal-safe: atomics and system calls, and errno stays as it was.
fn notified(number: libc::c_int) -> bool {
    let tell: RawFd = TELL.load(Ordering::Acquire);
    if tell == -1 || LISTENER.load(Ordering::Relaxed) != me() {
        return false;
    }
    // No signal has a number beyond 64.
    let byte = number.to_le_bytes()[0];
    // SAFETY: the descriptor is never closed, and one byte is read from a place that lives through the call. A full pipe
    // holds more signals than one. Of errno's place there is one for each thread.
    unsafe {
        let errno = *libc::__errno_location();
        libc::write(tell, (&raw const byte).cast(), 1);
        *libc::__errno_location() = errno;
    }
    true
}

/// From now on a signal that ends xassume runs `before` first, except while a [`Notice`] takes it. `before` has to be
/// async-signal-safe. Signals that were ignored at the start stay ignored; execve(2) resets the handlers.
pub(in crate::sys) fn run_before_death(before: fn()) {
    BEFORE_DEATH.get_or_init(|| before);
    end_by(notify_or_die);
}

extern "C" fn notify_or_die(number: libc::c_int) {
    if notified(number) {
        return;
    }
    // Reading a `OnceLock` that is set is one atomic load; `die_of` makes system calls only.
    if let Some(before) = BEFORE_DEATH.get() {
        before();
    }
    die_of(Signal::from_number(number).unwrap_or(Signal::KILL))
}

fn me() -> Pid {
    // SAFETY: getpid(2) touches no memory and cannot fail.
    unsafe { libc::getpid() }
}
