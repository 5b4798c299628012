//! The warnings about a session that could not be refreshed, and when the next one is due.

use super::{Alarm, Begun, Consequence, Renewal, SessionState};
use crate::event::RefreshEvent;
use crate::moment::{Deadline, Now};
use crate::supervise::machine::actions::Action;
use crate::supervise::policy::OnRefreshFailure;
use crate::supervise::schedule::EXPIRES_SOON;

impl Renewal {
    /// Emits one warning each time the state of the session gets worse. Returns [`Consequence::Lapsed`] if the session
    /// has expired and the command must not run any longer.
    ///
    /// If no refresh has failed, there are two cases without a warning, even if the session has expired: a refresh has
    /// not begun yet, or it began after the expiry. The reason is that after a suspend the session may have expired,
    /// but the refresh begins at once. If a refresh began before the expiry and is not answered by then, xassume does
    /// not wait longer with `OnRefreshFailure::Stop`.
    pub(super) fn raise_alarm(&mut self, now: Now, out: &mut Vec<Action>) -> Option<Consequence> {
        let failing = self.failures > 0;
        match self.state {
            SessionState::Waiting | SessionState::Assuming(Begun::Late) if !failing => return None,
            SessionState::Publishing(_) => return None,
            SessionState::Waiting | SessionState::Assuming(_) | SessionState::Idle => {}
        }
        let expired = self.term.expiry().passed(now);
        if expired && self.policy.on_refresh_failure == OnRefreshFailure::Stop && self.state != SessionState::Idle {
            self.close(out);
            self.alarm = Alarm::Expired;
            self.emit(RefreshEvent::Lapsed { problem: self.last_failure.clone() }, out);
            return Some(Consequence::Lapsed);
        }
        if expired && self.alarm < Alarm::Expired {
            self.alarm = Alarm::Expired;
            let problem = self.last_failure.clone();
            self.emit(RefreshEvent::Expired { problem, has_command: self.has_command }, out);
        } else if failing && self.alarm < Alarm::Soon && self.term.before_expiry(EXPIRES_SOON).passed(now) {
            self.alarm = Alarm::Soon;
            let (problem, within) = (self.last_failure.clone(), self.term.left(now));
            self.emit(RefreshEvent::ExpiresSoon { problem, within }, out);
        }
        None
    }

    /// Returns when the next refresh or the next warning is due. Returns `None` if there will be neither.
    pub(in crate::supervise::machine) fn deadline(&self) -> Option<Deadline> {
        let alarm = if self.alarm == Alarm::Expired {
            None
        } else if self.failures > 0 && self.alarm < Alarm::Soon {
            Some(self.term.before_expiry(EXPIRES_SOON))
        } else {
            Some(self.term.expiry())
        };
        match self.state {
            SessionState::Waiting if self.failures == 0 => Some(self.due),
            SessionState::Waiting => Some(alarm.map_or(self.due, |alarm| alarm.or(self.due))),
            SessionState::Assuming(Begun::Late) if self.failures == 0 => None,
            SessionState::Assuming(_) | SessionState::Idle => alarm,
            SessionState::Publishing(_) => None,
        }
    }
}
