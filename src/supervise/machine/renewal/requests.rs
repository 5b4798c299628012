//! Refreshes that HUP requests in a run without a command.

use super::{Renewal, SessionState};
use crate::moment::Now;
use crate::supervise::machine::actions::Action;

impl Renewal {
    /// Returns the same state for a run without a command.
    pub(in crate::supervise::machine) fn without_command(self) -> Self {
        Self { has_command: false, ..self }
    }

    /// Requests a refresh without the cache. It begins now, or if a refresh is in progress, after it.
    pub(in crate::supervise::machine) fn request(&mut self, now: Now, out: &mut Vec<Action>) {
        self.is_requested = true;
        if self.state == SessionState::Waiting {
            self.begin(now, out);
        }
    }

    /// Checks whether a requested refresh has not begun yet.
    pub(in crate::supervise::machine) fn is_requested(&self) -> bool {
        self.is_requested
    }
}
