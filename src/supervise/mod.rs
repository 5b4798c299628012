//! Supervision of a command: its session is refreshed before it expires, and the command is restarted or signaled.
//!
//! Two state machines run in parallel, one for the command and one for its session:
//!
#![doc = include_str!("states.md")]
//!
//! - [`machine`] has the rules: inputs in, actions out, without a clock or a process. A test plays every sequence of
//!   inputs up to a length and compares this diagram with the transitions that it sees.
//! - [`schedule`] computes when a refresh is due, [`forwarding`] what to do with a signal.
//! - `driver` polls the child, the signals, the STS call, the delivery and the timer, in that order, and performs the
//!   actions. It decides nothing.
//! - [`ports`] is what it needs from outside: sessions, and their delivery. [`policy`] has the settings.
//!
//! Invariants:
//! - A command is stopped only after the new session was fetched: a failed refresh does not affect the command.
//! - The exit of a command is final, unless xassume stopped it for a restart. TERM from outside makes every exit final.
//! - The child's process ID is used only until it is reaped, so no signal reaches an unrelated process. The child is
//!   reaped when the processes that it left behind have exited, if xassume waits for them.
//! - The answer to [`machine::Action::Stop`] or [`machine::Action::CheckRemaining`] is the next input. A start or a
//!   delivery takes time; meanwhile signals may arrive and the command may exit.

pub(crate) mod driver;
pub(crate) mod forwarding;
pub(crate) mod machine;
pub(crate) mod policy;
pub(crate) mod ports;
pub(crate) mod schedule;
