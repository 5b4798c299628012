//! xassume: assume an IAM role and run a command with its session.
//!
//! This library is the program's table of contents. It promises no API: the tests, the benches and the examples
//! reach the code through it, nothing else should.
//!
//! Imports point down the rows, or go within a row without cycles; `tests/layers.rs` checks it.
//!
#![doc = include_str!("layers.md")]

#[cfg(not(target_os = "linux"))]
compile_error!("xassume supervises processes with signalfd, pidfd and timerfd, and so it runs on Linux only");

mod cache;
mod commands;
mod deliver;
mod error;
mod event;
mod files;
mod launch;
mod log_options;
mod mfa;
mod moment;
mod origin;
mod print;
mod process;
mod profile;
mod report;
mod role;
mod run;
mod session;
mod settings;
mod sts;
mod supervise;
mod sys;
mod terminal;
mod vars;

pub mod cli;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod hostile;

#[doc(hidden)]
pub use deliver::environment::REMOVED;
pub use process::outcome;
pub use run::run;
#[doc(hidden)]
pub use supervise::machine::simulation;
pub use vars::Vars;
