//! The rules for the refresh hook: it runs after each session that was handed over.
//!
//! With `--restart-order start-first`, a session is handed over when the process that was started with it is ready.
//! Otherwise it is handed over when it is published, and if it is delivered through the environment, when the command was
//! started with it. The first session never counts before the command was started.

use super::state::{Given, HookState, Machine, Phase};
use crate::supervise::machine::actions::Action;
use crate::supervise::policy::{DeliveryTime, ReadySign};

impl Machine {
    /// The command was started.
    pub(super) fn hook_after_start(&mut self, given: Given, out: &mut Vec<Action>) {
        // If a child got a session that was replaced since, the command is restarted.
        let has_newest = given == Given::Newest || self.policy.delivery_time == DeliveryTime::Live;
        if has_newest && !self.policy.starts_first() {
            self.run_hook(out);
        }
    }

    /// Checks whether it matters that the current generation has sent `READY=1`.
    pub(in crate::supervise) fn expects_notification(&self) -> bool {
        self.hook == HookState::Due && self.policy.ready == Some(ReadySign::Notification)
    }

    /// The current generation has become ready. If there is a newer session than it has, a handover to that one follows.
    pub(super) fn hook_after_readiness(&mut self, out: &mut Vec<Action>) {
        if self.policy.starts_first() && !self.is_outdated() {
            self.run_hook(out);
        }
    }

    /// A new session was published.
    pub(super) fn hook_after_publication(&mut self, out: &mut Vec<Action>) {
        if self.policy.starts_first() && self.restarts_wanted {
            return;
        }
        self.hook_is_due();
        match self.phase {
            Phase::Running { .. } | Phase::Stopping(..) | Phase::Keeping { .. }
                if self.policy.delivery_time == DeliveryTime::Live =>
            {
                self.run_hook(out);
            }
            Phase::Running { .. } | Phase::Stopping(..) | Phase::Keeping { .. } | Phase::Starting(_) | Phase::Ended => {
            }
        }
    }

    /// There is another session for the hook.
    pub(super) fn hook_is_due(&mut self) {
        match self.hook {
            HookState::Due | HookState::Done => self.hook = HookState::Due,
            HookState::Absent => {}
        }
    }

    pub(super) fn run_hook(&mut self, out: &mut Vec<Action>) {
        if self.hook == HookState::Due {
            self.hook = HookState::Done;
            out.push(Action::RunHook);
        }
    }
}
