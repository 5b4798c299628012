//! The second session of a command that is restarted or signaled. It may be fetched earlier than it takes effect, so that
//! hosts that were started at the same time fetch it at different times. The command is not affected earlier.

use super::{Alarm, Renewal, SessionState};
use crate::event::RefreshEvent;
use crate::moment::{Deadline, Now};
use crate::supervise::machine::actions::Action;
use crate::supervise::schedule::Term;

/// When a new session takes effect.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Early {
    /// As soon as it is granted.
    No,
    /// Not before this time.
    Until(Deadline),
    /// It has been granted, and is held until the refresh is due again.
    Held(Term),
}

impl Renewal {
    /// Handles a new session: holds it, or begins its delivery. A requested session is not held.
    pub(super) fn granted(&mut self, term: Term, now: Now, out: &mut Vec<Action>) {
        match self.early {
            Early::Until(at) if !at.passed(now) && !self.is_forced => {
                self.early = Early::Held(term);
                self.state = SessionState::Waiting;
                self.due = at;
                self.recover(out);
                self.emit_refresh_due(now, out);
            }
            Early::No | Early::Until(_) | Early::Held(_) => self.publish(term, out),
        }
    }

    /// Begins the delivery of the session that is held. Returns false if there is none, if a new one is requested, or if
    /// the held one is itself due for a refresh, for example after a suspend.
    pub(super) fn use_held(&mut self, now: Now, out: &mut Vec<Action>) -> bool {
        let Early::Held(term) = self.early else { return false };
        let is_due = term.before_expiry(self.policy.margin(term.lifetime)).passed(now);
        if self.is_forced || is_due {
            self.early = Early::No;
            return false;
        }
        self.publish(term, out);
        true
    }

    /// Begins a delivery. If it fails, the next session is not held, even if the clock has been set back.
    fn publish(&mut self, term: Term, out: &mut Vec<Action>) {
        self.early = Early::No;
        self.state = SessionState::Publishing(term);
        out.push(Action::Publish(self.id));
    }

    /// Ends the failures and warnings, because there is a new session.
    pub(super) fn recover(&mut self, out: &mut Vec<Action>) {
        let alarm = std::mem::replace(&mut self.alarm, Alarm::None);
        let failures = std::mem::take(&mut self.failures);
        self.last_failure = None;
        if failures > 0 || alarm == Alarm::Expired {
            self.emit(RefreshEvent::Recovered { failures }, out);
        }
    }
}
