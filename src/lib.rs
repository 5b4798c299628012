//! xassume: run a command with the temporary credentials of an AWS IAM role.
//!
//! The library has no stable API. It exists for the tests, the benches and the examples.
//!
//! # Where to look
//!
//! | subject | file |
//! |---|---|
//! | a flag: its name, help text and default | `flags/session.rs` (which session), `flags/command.rs` (how the command runs, other modes, messages) |
//! | which flags conflict, and which one wins | `settings/conflicts.rs`, and `profile/conflicts.rs` where it depends on the roles |
//! | the meaning of a flag's value | `settings/`, with a file for each group of flags |
//! | what a mode such as `--check` or `--print` does, step by step | `commands/`, with a file for each mode |
//! | role, source and options from `~/.aws/config` | `profile/plan.rs` and `profile/hops.rs` |
//! | a session from the cache, or else from STS | `launch/sessions.rs` |
//! | one call to STS | `sts/call.rs` |
//! | what an STS error code such as `AccessDenied` means | `sts/refusal.rs` |
//! | the cache: its key, its files, its lock | `cache/key.rs`, `cache/file.rs`, `cache/lock.rs` |
//! | the names of the variables that are removed from the command's environment, or set in it | `deliver/environment/names.rs`, and `.removed()` in `flags/` |
//! | the values of the variables that are set for the command | `deliver/environment.rs` |
//! | when a session is refreshed | `supervise/schedule.rs` |
//! | whether and when the command is restarted | `supervise/machine.rs` (on a new session), `supervise/machine/ending.rs` (after its end) |
//! | the stop signal and the stop timeout | `supervise/machine/stopping.rs` |
//! | which signals are forwarded | `supervise/forwarding.rs` |
//! | the text of an error, its hint and exit status | `error/`, with a file for each kind |
//! | the text, fields and level of a log message | `event/` |
//! | system calls | `sys/` |
//!
//! To add a flag, add a constant in `flags/`, read its value in `settings/`, and add its rows in
//! `settings/conflicts.rs`.
//!
//! # Layers
//!
//! A module imports only from rows below its own row, or from its own row if this makes no cycle. `tests/layers.rs`
//! checks this.
//!
#![doc = include_str!("layers.md")]

#[cfg(not(target_os = "linux"))]
compile_error!("xassume supervises processes with signalfd, pidfd and timerfd, and so it runs on Linux only");

mod cache;
mod claims;
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
mod region;
mod report;
mod role;
mod run;
mod session;
mod settings;
mod sign_in;
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
