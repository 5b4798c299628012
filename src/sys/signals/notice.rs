//! Delivers a signal that would end xassume to code that first has to end something else, such as a helper.
//!
//! This uses signal handlers. Blocking the signals on the main thread would not be enough, because a signal can also be
//! delivered to a thread that resolves a host name.

use super::death::{die_of, end_by};
use super::set_handler;
use crate::process::signal::Signal;
use crate::sys::poll::{polled, read_when_ready};
use nix::fcntl::OFlag;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use tokio::io::unix::AsyncFd;

/// The pipe through which the signal handlers pass signals to a [`SignalNotice`]. It is created for the first notice
/// and never closed, so that no handler can write to a reused descriptor.
static PIPE: OnceLock<(File, OwnedFd)> = OnceLock::new();
/// The write end of the pipe, to which the signal handlers write while there is a [`SignalNotice`], else -1.
static WRITE_END: AtomicI32 = AtomicI32::new(-1);
/// The ID of the process that created the notice. A forked child has a copy of this memory until it executes a program,
/// but it must not write to the parent's notice.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// A task that is done before a signal ends xassume.
#[derive(Clone, Copy)]
pub(in crate::sys) enum BeforeDeath {
    EraseLine,
    ShowInput,
}

/// The functions that run before a signal ends xassume, in the order of [`BeforeDeath`]; see [`run_before_death`].
static BEFORE_DEATH: [OnceLock<fn()>; 2] = [const { OnceLock::new() }; 2];

/// While this value exists, a signal that would end xassume is written to this notice instead. Code that reads a signal
/// from the notice must then end xassume by that signal. If the notice is dropped while a signal has not been read,
/// that signal ends xassume.
#[derive(Debug)]
pub(in crate::sys) struct SignalNotice {
    pipe: AsyncFd<File>,
}

impl SignalNotice {
    /// Creates a notice. Only one may exist at a time. A signal that was ignored when xassume was started stays
    /// ignored.
    ///
    /// # Errors
    /// Fails if no file descriptor is available.
    pub(in crate::sys) fn of_signals() -> io::Result<Self> {
        let (reader, writer) = open_pipe()?;
        let pipe = polled(reader.try_clone()?)?;
        OWNER.store(std::process::id(), Ordering::Relaxed);
        WRITE_END.store(writer.as_raw_fd(), Ordering::Release);
        end_by(notify_or_die);
        Ok(Self { pipe })
    }

    /// Waits for the first signal, and returns it.
    pub(in crate::sys) async fn signal(&self) -> Signal {
        match read_when_ready(&self.pipe, read).await {
            Ok(signal) => signal,
            // No such error is known to occur. It would lose no signal: when the notice is dropped, a signal that has
            // not been read ends xassume.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for SignalNotice {
    fn drop(&mut self) {
        WRITE_END.store(-1, Ordering::Release);
        if let Ok(signal) = read(self.pipe.get_ref()) {
            die_of(signal);
        }
    }
}

/// Replaces the pipe of the parent process with a new one that has the same descriptor numbers, and returns these
/// numbers. This function is for a forked child that does not execute a program. Returns `None` if there has been no
/// [`SignalNotice`] yet, or if no pipe can be created.
pub(in crate::sys) fn separate_notice() -> Option<[RawFd; 2]> {
    WRITE_END.store(-1, Ordering::Release);
    let (reader, writer) = PIPE.get()?;
    let (new_reader, new_writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).ok()?;
    for (new, old) in [(new_reader.as_raw_fd(), reader.as_raw_fd()), (new_writer.as_raw_fd(), writer.as_raw_fd())] {
        // SAFETY: all four descriptors are open, so no new descriptor has the number of an old one. After the calls,
        // the owners of the old numbers own the new pipe.
        unsafe { libc::dup3(new, old, libc::O_CLOEXEC) };
    }
    Some([reader.as_raw_fd(), writer.as_raw_fd()])
}

fn open_pipe() -> io::Result<&'static (File, OwnedFd)> {
    if let Some(pipe) = PIPE.get() {
        return Ok(pipe);
    }
    let (reader, writer) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    Ok(PIPE.get_or_init(|| (File::from(reader), writer)))
}

fn read(mut pipe: &File) -> io::Result<Signal> {
    let mut number = [0];
    pipe.read_exact(&mut number)?;
    Signal::from_number(number[0].into()).ok_or(io::ErrorKind::InvalidData.into())
}

/// Writes the signal to the [`SignalNotice`] of this process. Returns whether this process has a notice.
/// Async-signal-safe, because it uses only atomics and system calls, and restores errno.
fn notify(number: libc::c_int) -> bool {
    let write_end: RawFd = WRITE_END.load(Ordering::Acquire);
    if write_end == -1 || OWNER.load(Ordering::Relaxed) != std::process::id() {
        return false;
    }
    // Signal numbers fit in a byte, because the highest is 64.
    let byte = number.to_le_bytes()[0];
    // SAFETY: the descriptor is never closed, and the byte outlives the call. If the pipe is full, the write fails,
    // which is harmless because the reader needs only the first signal. Each thread has its own errno.
    unsafe {
        let errno = *libc::__errno_location();
        libc::write(write_end, (&raw const byte).cast(), 1);
        *libc::__errno_location() = errno;
    }
    true
}

/// From now on, a signal that would end xassume first runs `before`, unless a [`SignalNotice`] catches that signal.
/// `before` must be async-signal-safe. A signal that was ignored when xassume was started stays ignored. execve(2)
/// resets the handlers.
pub(in crate::sys) fn run_before_death(which: BeforeDeath, before: fn()) {
    BEFORE_DEATH[which as usize].get_or_init(|| before);
    end_by(notify_or_die);
}

/// Makes this signal end xassume as [`run_before_death`] describes.
pub(in crate::sys) fn end_before_death(signal: Signal) {
    set_handler(signal, notify_or_die);
}

extern "C" fn notify_or_die(number: libc::c_int) {
    if notify(number) {
        return;
    }
    // This is async-signal-safe: reading a `OnceLock` that is set is one atomic load, and `die_of` makes only system
    // calls.
    for before in BEFORE_DEATH.iter().filter_map(OnceLock::get) {
        before();
    }
    die_of(Signal::from_number(number).unwrap_or(Signal::KILL))
}
