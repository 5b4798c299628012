//! The sessions of `--also`, which belong to profiles.

use super::Renewal;
use crate::event::{Event, RefreshEvent};
use crate::supervise::machine::actions::Action;
use crate::supervise::ports::SessionId;

impl Renewal {
    /// Returns the same state for a session of `--also`.
    pub(in crate::supervise::machine) fn of_profile(self, id: SessionId, profile: &'static str) -> Self {
        Self { id, profile: Some(profile), ..self }
    }

    /// Emits an event about the session.
    pub(super) fn emit(&self, event: RefreshEvent, out: &mut Vec<Action>) {
        out.push(Action::Emit(Event::from(event).of_profile(self.profile)));
    }
}
