//! The supervision of a command: it runs as long as it likes, and its session never gets old.
//!
//! Two small machines side by side: what becomes of the command, and what becomes of its session.
//!
#![doc = include_str!("states.md")]
//!
//! - [`machine`] holds the rules: events in, actions out, no clock and no process. A test plays every short history
//!   against it, and holds this picture to what it saw.
//! - [`schedule`] says when a refresh is due, [`forwarding`] what becomes of a signal. Both are arithmetic.
//! - `driver` polls the child, the signals, the STS call, the delivery and the timer, in that order, and performs the
//!   actions.
//!   It decides nothing.
//! - [`ports`] is what it needs of others: sessions, and their delivery.
//! - [`event`](crate::event) is what there is to tell, [`policy`] what the user asked for; [`process`](crate::process) and its `signal` are words.
//!
//! What each of them may rely on:
//! - A new session comes first, then the stop, then the start: a refresh that fails costs the command nothing.
//! - A command that ends by itself is final. TERM from outside makes any end final.
//! - A child's process id is used only until it is reaped, so no signal ever reaches a stranger. It is reaped when those
//!   whom it left behind have ended, as far as they are waited for.
//! - The answer to a question (stop, look) comes before anything else happens. That to a start or a delivery takes its
//!   time: meanwhile signals are heard, and the command may end.

pub(crate) mod driver;
pub(crate) mod forwarding;
pub(crate) mod machine;
pub(crate) mod policy;
pub(crate) mod ports;
pub(crate) mod schedule;
