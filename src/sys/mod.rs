//! The system calls, and all of the `unsafe` code. Each file has one concept.
//!
//! These files call the system and return facts. They make no decisions, and import only plain types.

#[cfg(any(test, fuzzing))]
pub(crate) mod allocations;
pub(crate) mod boot;
pub(crate) mod child;
pub(crate) mod clock;
pub(crate) mod echo;
pub(crate) mod exec;
pub(crate) mod family;
pub(crate) mod foreign;
pub(crate) mod helper;
pub(crate) mod hook;
pub(crate) mod keyboard;
pub(crate) mod limits;
mod linked;
pub(crate) mod listen;
pub(crate) mod lookup;
pub(crate) mod memory;
pub(crate) mod names;
pub(crate) mod notify;
pub(crate) mod offload;
pub(crate) mod panics;
pub(crate) mod pidfd;
mod poll;
mod processes;
pub(crate) mod program;
pub(crate) mod random;
pub(crate) mod ready;
pub(crate) mod reap;
pub(crate) mod screen;
pub(crate) mod signals;
pub(crate) mod thread;
pub(crate) mod tty;
