//! The system calls: the only home of `unsafe`, one concept a file.
//!
//! These files do and report; none decides. The words they report in (`Signal`, `End`, `Arrival`, `Now`) belong to
//! `supervise`, whose rules must not know that a system exists.

#[cfg(any(test, fuzzing))]
pub(crate) mod allocations;
pub(crate) mod boot;
pub(crate) mod child;
pub(crate) mod clock;
pub(crate) mod exec;
pub(crate) mod family;
pub(crate) mod helper;
pub(crate) mod keyboard;
pub(crate) mod limits;
mod linked;
pub(crate) mod lookup;
pub(crate) mod memory;
pub(crate) mod offload;
pub(crate) mod panics;
mod poll;
mod processes;
pub(crate) mod program;
pub(crate) mod reap;
pub(crate) mod screen;
pub(crate) mod signals;
pub(crate) mod thread;
pub(crate) mod tty;
