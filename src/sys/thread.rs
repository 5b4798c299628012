//! Starts a thread that leaves signals to the main thread.

use super::signals;
use crate::process::signal::{Signal, SignalSet};
use std::io;
use std::thread::Builder;

/// The size of the stack in bytes. It is enough to format a message in a debug build, and only the pages that are used
/// take memory.
const STACK: usize = 64 * 1024;

/// Starts a thread with all signals blocked except SIGTTOU, which is blocked only if the caller blocks it. If the
/// thread blocked SIGTTOU, xassume could write to the terminal as a background job although `stty tostop` is set.
///
/// # Errors
/// Fails if the thread cannot be started.
pub(crate) fn without_signals(name: &str, work: fn()) -> io::Result<()> {
    let others = Signal::all().filter(|signal| *signal != Signal::TTOU).collect::<SignalSet>();
    let mask = signals::block(others);
    let started = Builder::new().name(name.to_owned()).stack_size(STACK).spawn(work);
    signals::set_mask(mask);
    started.map(drop)
}
