//! The expiry of the running command's session while no handover succeeds.

use crate::event::{CommandEvent, RefreshEvent};
use crate::moment::{Deadline, Now};
use crate::supervise::machine::actions::Action;
use crate::supervise::machine::state::{Machine, Phase, Serving};
use crate::supervise::policy::{DeliveryTime, OnRefreshFailure};

impl Machine {
    /// Checks whether the current generation has an older session than the next start would have.
    pub(in crate::supervise::machine) fn is_outdated(&self) -> bool {
        self.serving.is_some_and(|serving| self.renewal.as_ref().is_some_and(|renewal| renewal.term() != serving.term))
    }

    /// Returns when the session of the current generation expires, if a handover to a newer one is wanted and the expiry
    /// has not been handled.
    pub(in crate::supervise::machine) fn expiry_without_handover(&self) -> Option<Deadline> {
        let serving = self.serving.filter(|serving| !serving.has_warned)?;
        // A file delivers the new session to the old process too.
        let is_bound = self.policy.delivery_time == DeliveryTime::AtStart;
        let is_running = matches!(self.phase, Phase::Running { .. });
        (is_running && is_bound && self.restarts_wanted && self.is_outdated()).then(|| serving.term.expiry())
    }

    /// Checks whether both generations are stopped now, because the current one's session has expired.
    pub(in crate::supervise::machine) fn has_lapsed(&self, now: Now) -> bool {
        self.policy.on_refresh_failure == OnRefreshFailure::Stop
            && self.expiry_without_handover().is_some_and(|expiry| expiry.passed(now))
    }

    /// Handles the expiry of the current generation's session if no handover has succeeded before.
    pub(in crate::supervise::machine) fn wake_serving(&mut self, now: Now, out: &mut Vec<Action>) {
        if !self.expiry_without_handover().is_some_and(|expiry| expiry.passed(now)) {
            return;
        }
        self.serving = self.serving.map(|serving| Serving { has_warned: true, ..serving });
        match (self.policy.on_refresh_failure, self.phase) {
            (OnRefreshFailure::Stop, Phase::Running { child, .. }) => {
                self.close_renewals(out);
                out.push(Action::Emit(CommandEvent::LapsedInHandover.into()));
                self.lapse(child, now, out);
            }
            (OnRefreshFailure::Keep, _) => {
                out.push(Action::Emit(RefreshEvent::Expired { problem: None, has_command: true }.into()));
            }
            (
                OnRefreshFailure::Stop,
                Phase::Starting(_) | Phase::Stopping(..) | Phase::Keeping { .. } | Phase::Ended,
            ) => {}
        }
    }
}
