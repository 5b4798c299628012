//! A thread that leaves signals to the main thread.

use super::signals;
use crate::process::signal::{Signal, SignalSet};
use std::io;
use std::thread::Builder;

/// Enough to format a message in a debug build; only pages in use take memory.
const STACK: usize = 64 * 1024;

/// Starts a thread with all signals blocked, except SIGTTOU if the caller does not block it: under `stty tostop`, the
/// kernel stops a background job that writes to its terminal from any thread.
///
/// # Errors
/// The thread cannot be started.
pub(crate) fn without_signals(name: &str, work: fn()) -> io::Result<()> {
    let others = Signal::all().filter(|signal| *signal != Signal::TTOU).collect::<SignalSet>();
    let mask = signals::block(others);
    let started = Builder::new().name(name.to_owned()).stack_size(STACK).spawn(work);
    signals::set_mask(mask);
    started.map(drop)
}
