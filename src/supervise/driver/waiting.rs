//! What the loop waits for.

use crate::event::Problem;
use crate::moment::Deadline;
use crate::sys::clock::Clock;
use std::future::pending;
use std::pin::Pin;

/// An STS call, a delivery or a signal in progress, whose result becomes an input of the machine. `None` if none is in
/// progress.
pub(super) type PendingAnswer<'a, T> = Option<Pin<Box<dyn Future<Output = Result<T, Problem>> + 'a>>>;

/// Waits for a pending answer. Never returns if no answer is pending.
pub(super) async fn answered<T>(question: &mut PendingAnswer<'_, T>) -> Result<T, Problem> {
    match question {
        Some(answer) => answer.await,
        None => pending().await,
    }
}

pub(super) async fn until(clock: &impl Clock, deadline: Option<Deadline>) {
    match deadline {
        Some(deadline) => clock.until(deadline).await,
        None => pending().await,
    }
}
