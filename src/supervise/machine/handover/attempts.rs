//! The attempts after a failed one.

use crate::event::{CommandEvent, NotReady};
use crate::moment::Now;
use crate::supervise::machine::actions::{Action, START_LIMIT};
use crate::supervise::machine::state::{Attempt, Beside, Machine, Phase};
use std::time::Duration;

impl Machine {
    /// Reports a failed attempt, and returns the time of the next one. It comes before the current generation's session
    /// expires, if that is possible.
    pub(super) fn failed(
        &mut self,
        why: &NotReady,
        attempt: Attempt,
        now: Now,
        out: &mut Vec<Action>,
    ) -> (Duration, Attempt) {
        let failures = attempt.failures.saturating_add(1);
        let left = self.serving.map_or(Duration::ZERO, |serving| serving.term.left(now));
        let retry_in = self.renewal.as_mut().map_or(START_LIMIT, |renewal| renewal.handover_retry_in(failures, left));
        let problem = why.problem(self.policy.ready_timeout);
        out.push(Action::Emit(CommandEvent::HandoverFailed { problem, retry_in }.into()));
        (now.boot.saturating_add(retry_in), Attempt { failures, ..attempt })
    }

    /// Begins the next attempt. Gets a new session first if much of the newest one has passed, unless the current
    /// generation's session has not expired yet: then there is no time to lose.
    pub(super) fn try_again(&mut self, attempt: Attempt, now: Now, out: &mut Vec<Action>) {
        let Phase::Running { child, .. } = self.phase else { return };
        let is_urgent = self.serving.is_some_and(|serving| !serving.term.expiry().passed(now));
        let Some(renewal) = &mut self.renewal else { return };
        let term = renewal.term();
        if is_urgent || term.left(now) >= term.lifetime / 4 * 3 {
            return self.begin_handover(child, now, out);
        }
        self.beside = Beside::Postponed(None, attempt);
        let consequence = renewal.refresh_now(now, out);
        self.consequence(consequence, now, out);
    }

    /// Begins the attempt that waits for a newer session with the session in hand, if the refresh has not brought a newer
    /// one. If that session has expired, the attempt waits for the next refresh.
    pub(in crate::supervise::machine) fn without_newer_session(&mut self, now: Now, out: &mut Vec<Action>) {
        if let (Beside::Postponed(None, _), Phase::Running { child, .. }, Some(renewal)) =
            (self.beside, self.phase, &self.renewal)
            && !renewal.is_busy()
            && !renewal.term().expiry().passed(now)
        {
            self.begin_handover(child, now, out);
        }
    }
}
