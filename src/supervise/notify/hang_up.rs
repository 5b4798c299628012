//! HUP for a generation that does not handle it yet. Until a server has installed its handler, HUP ends it.
//!
//! If the command has ever sent `READY=1`, xassume holds HUP from the start of a new generation until its `READY=1`.
//! There is a time limit, because another program may have sent the first `READY=1`.

use crate::process::Arrival;
use std::time::Duration;

#[derive(Debug, Default)]
pub(super) struct HeldHangUp {
    /// Until then, HUP is held, by the boot clock. `None` if it is not held.
    until: Option<Duration>,
    /// The last HUP that is held.
    held: Option<Arrival>,
}

impl HeldHangUp {
    /// A new generation starts, and will send `READY=1`.
    pub(super) fn begin(&mut self, now: Duration, limit: Duration) {
        self.until = Some(now.saturating_add(limit));
    }

    /// The current generation has sent `READY=1`.
    pub(super) fn ready(&mut self) {
        self.until = None;
    }

    /// Holds HUP, unless the current generation is ready. Returns whether it is held.
    pub(super) fn hold(&mut self, arrival: Arrival, now: Duration) -> bool {
        let is_held = self.until.is_some_and(|until| now < until);
        self.held = is_held.then_some(arrival);
        is_held
    }

    /// Returns HUP if it was held and need not be held any longer.
    pub(super) fn release(&mut self, now: Duration) -> Option<Arrival> {
        self.held.take_if(|_| self.until.is_none_or(|until| now >= until))
    }

    /// The current generation is about to be stopped. Returns whether it did not get a HUP.
    pub(super) fn discard(&mut self) -> bool {
        self.until = None;
        self.held.take().is_some()
    }

    /// Returns when HUP that is held is released at the latest.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.until.filter(|_| self.held.is_some())
    }
}
