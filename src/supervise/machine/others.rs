//! The rules for several sessions (`--also`): each is refreshed on its own schedule, and one signal may announce several
//! of them.

use super::renewal::Renewal;
use super::state::{HookState, Machine, OtherSession, Phase};
use crate::moment::Now;
use crate::session::Validity;
use crate::supervise::machine::actions::Action;
use crate::supervise::policy::OnExpiry;
use crate::supervise::ports::SessionId;
use crate::supervise::schedule::{Dice, Term};
use std::time::Duration;

/// With several sessions, one refresh signal is sent for all that are replaced within this time.
const JOINED_WITHIN: Duration = Duration::from_secs(1);

impl Machine {
    /// Adds the session of a profile. It must be delivered before the command starts. `dice` must differ from those of the
    /// other sessions.
    pub(crate) fn add(&mut self, profile: &'static str, first: Option<&Validity>, now: Now, dice: Dice) {
        let id = SessionId(self.others.len() + 1);
        let renewal = first.map(|first| {
            let renewal = Renewal::new(self.policy, Term::of(first, now), now, dice).of_profile(id, profile);
            if self.is_keeper() { renewal.without_command() } else { renewal }
        });
        let hook = if self.policy.has_hook { HookState::Due } else { HookState::Absent };
        self.others.push(OtherSession { renewal, hook });
    }

    /// Returns the refresh states of the sessions that expire.
    pub(super) fn renewals(&self) -> impl Iterator<Item = &Renewal> {
        self.renewal.iter().chain(self.others.iter().filter_map(|other| other.renewal.as_ref()))
    }

    pub(super) fn renewals_mut(&mut self) -> impl Iterator<Item = &mut Renewal> {
        self.renewal.iter_mut().chain(self.others.iter_mut().filter_map(|other| other.renewal.as_mut()))
    }

    /// Returns the refresh state of the session with this ID. Returns `None` if the session does not expire.
    pub(super) fn renewal_of(&mut self, id: SessionId) -> Option<&mut Renewal> {
        match id.0.checked_sub(1) {
            Some(place) => self.others.get_mut(place)?.renewal.as_mut(),
            None => self.renewal.as_mut(),
        }
    }

    /// Wakes the sessions of `--also`, and sends the refresh signal if it is due.
    pub(super) fn wake_others(&mut self, now: Now, out: &mut Vec<Action>) {
        for place in 1..=self.others.len() {
            // The session before may have ended the supervision.
            if self.phase == Phase::Ended {
                return;
            }
            let consequence = self.renewal_of(SessionId(place)).and_then(|renewal| renewal.wake(now, out));
            self.consequence(consequence, now, out);
        }
        if self.signal_at.is_some_and(|at| now.boot >= at) {
            self.signal_at = None;
            self.send_signal(out);
        }
    }

    /// Sends the refresh signal because a session was replaced. With several sessions, waits for others that are replaced
    /// soon after.
    pub(super) fn signal_refreshed(&mut self, now: Now, out: &mut Vec<Action>) {
        if self.others.is_empty() {
            self.send_signal(out);
        } else if matches!(self.policy.on_expiry, OnExpiry::Signal(_)) {
            self.signal_at.get_or_insert(now.boot.saturating_add(JOINED_WITHIN));
        }
    }

    /// Sends the refresh signal to the command, or to the process of the pid file.
    fn send_signal(&mut self, out: &mut Vec<Action>) {
        match (self.phase, self.policy.on_expiry) {
            (Phase::Running { child, .. }, OnExpiry::Signal(signal)) if self.named.is_none() => {
                self.send_refresh_signal(signal, child, out);
            }
            (Phase::Running { .. } | Phase::Starting(_) | Phase::Keeping { .. }, _) => self.signal_named(out),
            (Phase::Stopping(..) | Phase::Ended, _) => {}
        }
    }
}
