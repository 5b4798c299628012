//! The rules for the refresh hook: it runs after each session that was handed over.
//!
//! With `--restart-order start-first`, a session is handed over when the process that was started with it is ready.
//! Otherwise, a session in environment variables is handed over when the command was started with it, and any other
//! session when it is published. If there is a command, the first session is not handed over before the command was
//! started.

use super::state::{Given, HookState, Machine, Phase};
use crate::supervise::machine::actions::Action;
use crate::supervise::notify::Role;
use crate::supervise::policy::{DeliveryTime, ReadySign};
use crate::supervise::ports::SessionId;

impl Machine {
    /// Runs the hook after a start of the command, unless the session is handed over later.
    pub(super) fn hook_after_start(&mut self, given: Given, out: &mut Vec<Action>) {
        // If the child got a session that has been replaced since, a restart follows, and the hook runs after it.
        let has_newest = given == Given::Newest || self.policy.delivery_time == DeliveryTime::Live;
        if has_newest && !self.policy.starts_first() {
            self.run_hook(out);
        }
    }

    /// Checks whether `READY=1` from a generation with this role counts. From the current one, it may only cause a run of
    /// the hook.
    pub(in crate::supervise) fn expects_notification(&self, role: Role) -> bool {
        let is_needed = match role {
            Role::Current => self.hook == HookState::Due,
            Role::Successor => true,
            Role::Leaving => false,
        };
        is_needed && self.policy.ready == Some(ReadySign::Notification)
    }

    /// With `start-first`, runs the hook after the current generation has become ready, unless a handover to a newer
    /// session follows.
    pub(super) fn hook_after_readiness(&mut self, out: &mut Vec<Action>) {
        if self.policy.starts_first() && !self.is_outdated() {
            self.run_hook(out);
        }
    }

    /// Records that a new session was published, and runs the hook, unless the session is handed over later.
    pub(super) fn hook_after_publication(&mut self, id: SessionId, out: &mut Vec<Action>) {
        if self.policy.starts_first() && self.restarts_wanted {
            return;
        }
        self.hook_is_due(id);
        let may_run = !matches!(self.phase, Phase::Starting(_) | Phase::Ended);
        if may_run && self.policy.delivery_time == DeliveryTime::Live {
            self.run_hook(out);
        }
    }

    /// Records that the hook, if there is a hook, must run for a new session.
    pub(super) fn hook_is_due(&mut self, id: SessionId) {
        if let Some(hook) = self.hooks_mut().nth(id.0).filter(|hook| **hook == HookState::Done) {
            *hook = HookState::Due;
        }
    }

    /// Runs the hook for each session for which it is due.
    pub(super) fn run_hook(&mut self, out: &mut Vec<Action>) {
        for (place, hook) in self.hooks_mut().enumerate().filter(|(_, hook)| **hook == HookState::Due) {
            *hook = HookState::Done;
            out.push(Action::RunHook(SessionId(place)));
        }
    }

    /// Returns the states of the hook in the order of the sessions.
    fn hooks_mut(&mut self) -> impl Iterator<Item = &mut HookState> {
        std::iter::once(&mut self.hook).chain(self.others.iter_mut().map(|other| &mut other.hook))
    }
}
