//! What a handover (`--restart-order start-first`) needs to know about the session.

use super::{Consequence, Renewal, SessionState};
use crate::moment::Now;
use crate::supervise::machine::actions::Action;
use crate::supervise::schedule::{Term, retry_in};
use std::time::Duration;

impl Renewal {
    /// Returns the term of the session in effect.
    pub(in crate::supervise::machine) fn term(&self) -> Term {
        self.term
    }

    /// Checks whether a refresh is in progress.
    pub(in crate::supervise::machine) fn is_busy(&self) -> bool {
        match self.state {
            SessionState::Assuming(_) | SessionState::Publishing(_) => true,
            SessionState::Waiting | SessionState::Idle => false,
        }
    }

    /// Returns how long to wait after `failures` failed handovers in a row. `left` is the time until the session of the
    /// running command expires. At least one more attempt comes before that.
    pub(in crate::supervise::machine) fn handover_retry_in(&mut self, failures: u32, left: Duration) -> Duration {
        let retry_in = retry_in(failures, self.term.lifetime, left, &mut self.dice);
        if left.is_zero() { retry_in } else { retry_in.min(left) }
    }

    /// Begins a refresh now, unless one is in progress.
    pub(in crate::supervise::machine) fn refresh_now(
        &mut self,
        now: Now,
        out: &mut Vec<Action>,
    ) -> Option<Consequence> {
        if self.state == SessionState::Waiting { self.begin(now, out) } else { None }
    }
}
