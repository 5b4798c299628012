//! xassume: assume an IAM role and run a command with its session.
//!
//! The library has no stable API. It exists for the tests, the benches and the examples.
//!
//! # Where to look
//!
//! | subject | file |
//! |---|---|
//! | a flag: its name, help text and default | `flags/session.rs`, `flags/command.rs` |
//! | which flags conflict, and which one wins | `settings/conflicts.rs`, and `profile/conflicts.rs` where it depends on the roles |
//! | the meaning of a flag's value | `settings/`, with a file for each group of flags |
//! | the story of a command, such as `--check` | `commands/`, with a file for each |
//! | role, source and options from `~/.aws/config` | `profile/plan.rs` and `profile/hops.rs` |
//! | a session from the cache, or else from STS | `launch/sessions.rs` |
//! | one call to STS | `sts/call.rs` |
//! | the meaning of an error code of STS, such as `AccessDenied` | `sts/refusal.rs` |
//! | the cache: its key, its files, its lock | `cache/key.rs`, `cache/file.rs`, `cache/lock.rs` |
//! | variables that are removed from the command's environment | `deliver/environment/names.rs`, and `.removed()` of the flags |
//! | variables that are set for the command | `deliver/environment.rs` |
//! | when a session is refreshed | `supervise/schedule.rs` |
//! | restart, stop and their time limits | `supervise/policy.rs` (defaults), `supervise/machine/stopping.rs` (rules) |
//! | which signals are forwarded | `supervise/forwarding.rs` |
//! | the text of an error, its hint and exit status | `error/`, with a file for each kind |
//! | the text, fields and level of a log message | `event/` |
//! | system calls | `sys/` |
//!
//! # Layers
//!
//! Imports point down the rows, or go within a row without cycles; `tests/layers.rs` checks it.
//!
#![doc = include_str!("layers.md")]

#[cfg(not(target_os = "linux"))]
compile_error!("xassume supervises processes with signalfd, pidfd and timerfd, and so it runs on Linux only");

mod cache;
mod commands;
mod conflicts;
mod deliver;
mod error;
mod event;
mod files;
mod flags;
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
