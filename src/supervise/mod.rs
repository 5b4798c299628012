//! Supervision of a command: xassume refreshes the command's session before it expires, and restarts or signals the
//! command.
//!
//! Two state machines run in parallel, one for the command and one for its session:
//!
#![doc = include_str!("states.md")]
//!
//! - [`machine`] contains the rules: it takes inputs and returns actions, without a clock or a process. A test plays
//!   every sequence of inputs up to a certain length, and compares this diagram with the transitions that occur.
//! - [`schedule`] computes when a refresh is due, and [`forwarding`] decides what to do with a signal.
//! - [`named`] decides when the process of `--signal-pid-file` is signaled.
//! - [`notify`] decides which notifications of the command (`sd_notify(3)`) reach the service manager.
//! - [`hook`] owns the process of the refresh hook.
//! - `driver` polls the child, the signals, the STS call, the delivery, the signal by a pid file, the timer, the hook and
//!   the notifications, in that order, and performs the actions. It makes no decisions.
//! - [`ports`] defines what the driver needs from outside: sessions, and their delivery. [`policy`] contains the
//!   settings.
//! - `simulated_years`, a test, plays all of this in random worlds, and checks what must hold.
//!
//! Invariants:
//! - A command is stopped for a restart only after the new session was fetched, so a failed refresh does not affect the
//!   command. Without a new session, xassume stops it only if `--on-refresh-failure stop` is given and the session
//!   expires.
//! - The exit of a command is final, unless xassume stopped it for a restart. After TERM from a process other than the
//!   command, every exit is final.
//! - The child's process ID is used only until the child is reaped, so no signal reaches an unrelated process. If
//!   xassume waits for the processes that the child left behind, it reaps the child after they have exited.
//! - The answer to [`machine::Action::Stop`] or [`machine::Action::CheckRemaining`] is the next input. In contrast, a
//!   start or a delivery takes time, so signals and the exit of the command may come before its answer.

pub(crate) mod driver;
pub(crate) mod forwarding;
pub(crate) mod hook;
pub(crate) mod machine;
pub(crate) mod named;
pub(crate) mod notify;
pub(crate) mod policy;
pub(crate) mod ports;
pub(crate) mod schedule;

#[cfg(test)]
mod simulated_years;
