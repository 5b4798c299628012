//! The session's half of the machine: when to refresh the session, what a failure means, and which messages to show.
//!
//! This half does not know the state of the command. It returns a [`Consequence`], which says what the command's half
//! must do.

mod alarm;
mod early;
mod handover;
mod profile;
mod requests;

use crate::error::Reason;
use crate::event::{CommandEvent, Problem, RefreshEvent};
use crate::moment::{Deadline, Now};
use crate::supervise::machine::actions::{Action, SessionInput};
use crate::supervise::notify::SessionOutlook;
use crate::supervise::policy::{Duty, Policy};
use crate::supervise::ports::SessionId;
use crate::supervise::schedule::{Dice, EXPIRES_SOON, MIN_INTERVAL, RefreshKind, Term, refresh_again_in, unchanged_in};
use early::Early;
use std::time::Duration;

/// The session in effect, and the state of its refresh.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Renewal {
    id: SessionId,
    /// The name of the session's profile. `None` for the default session.
    profile: Option<&'static str>,
    state: SessionState,
    policy: Policy,
    has_command: bool,
    term: Term,
    due: Deadline,
    /// When the last refresh began, by the boot clock.
    began: Duration,
    /// The number of failed refreshes in a row.
    failures: u32,
    /// Why the last refresh failed. `None` if it succeeded.
    last_failure: Option<Problem>,
    alarm: Alarm,
    /// Whether a refresh is requested ([`Self::request`]) that has not begun yet.
    is_requested: bool,
    /// Whether the cache must not be used. This ends when a requested refresh succeeds.
    is_forced: bool,
    early: Early,
    /// The random numbers for retries.
    dice: Dice,
    /// The random numbers for the times of refreshes. This generator is only copied and never advanced, so a host has
    /// the same jitter for each of its refreshes, and hosts that were started together move steadily apart. If the
    /// jitter changed each time, the refreshes of these hosts would coincide again for hours.
    pace: Dice,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum SessionState {
    /// The next refresh or retry begins at `due`.
    Waiting,
    Assuming(Begun),
    /// A new session is being delivered.
    Publishing(Term),
    /// There will be no more refreshes.
    Idle,
}

/// Whether the refresh in progress began before the session expired.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Begun {
    /// The refresh began before the session expired.
    InTime,
    /// The refresh began after the session had expired, for example after a suspend.
    Late,
}

/// The worst warning that was shown about the session in effect.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Alarm {
    None,
    Failing,
    Soon,
    Expired,
}

/// A change of the session after which the command may have to be restarted, signaled or stopped.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Consequence {
    /// A new session is in effect.
    Refreshed,
    /// The session expires soon. The command gets only the refresh signal, because a new session could not reach it.
    Notice,
    /// The session expired before a refresh succeeded, and the command must be stopped.
    Lapsed,
}

impl Renewal {
    pub(super) fn new(policy: Policy, term: Term, now: Now, mut dice: Dice) -> Self {
        let pace = dice;
        let lead = policy.lead(term.lifetime, RefreshKind::First, &mut dice);
        let held_until = policy.held_until(term.lifetime, &mut pace.clone());
        Self {
            id: SessionId::DEFAULT,
            profile: None,
            state: if policy.duty() == Duty::None { SessionState::Idle } else { SessionState::Waiting },
            policy,
            has_command: true,
            term,
            due: term.before_expiry(lead),
            began: now.boot,
            failures: 0,
            last_failure: None,
            alarm: Alarm::None,
            is_requested: false,
            is_forced: false,
            early: held_until.map_or(Early::No, |lead| Early::Until(term.before_expiry(lead))),
            dice,
            pace,
        }
    }

    /// Returns the outlook for the session, which the service manager shows.
    pub(super) fn outlook(&self) -> SessionOutlook {
        let refreshes = self.policy.duty() == Duty::Refresh && self.state != SessionState::Idle;
        SessionOutlook {
            expires: self.term.wall_expiry,
            has_expired: self.alarm == Alarm::Expired,
            refresh: refreshes.then_some(self.due),
            is_failing: self.failures > 0,
        }
    }

    /// Returns the name of the state in the diagram.
    #[cfg(test)]
    pub(super) fn state_name(&self) -> &'static str {
        match self.state {
            SessionState::Waiting => "Waiting",
            SessionState::Assuming(_) => "Assuming",
            SessionState::Publishing(_) => "Publishing",
            SessionState::Idle => "Idle",
        }
    }

    pub(super) fn handle(&mut self, input: SessionInput, now: Now, out: &mut Vec<Action>) -> Option<Consequence> {
        let consequence = self.handle_answer(input, now, out);
        // After a refresh, the requested one is due at once, or as soon as [`MIN_INTERVAL`] allows it.
        if self.is_requested {
            self.due = Deadline::at(now.boot);
        }
        consequence
    }

    fn handle_answer(&mut self, input: SessionInput, now: Now, out: &mut Vec<Action>) -> Option<Consequence> {
        match (self.state, input) {
            (SessionState::Assuming(_), SessionInput::Assumed(Ok(validity))) => {
                self.granted(Term::of(&validity, now), now, out);
                None
            }
            (SessionState::Assuming(_), SessionInput::Unchanged) => self.wait_for_change(now, out),
            (SessionState::Publishing(term), SessionInput::Published(Ok(()))) => Some(self.adopt(term, now, out)),
            (SessionState::Assuming(_), SessionInput::Assumed(Err(problem)))
            | (SessionState::Publishing(_), SessionInput::Published(Err(problem))) => self.fail(problem, now, out),
            // All inputs are answers to actions. No action is waiting for these answers, so they are ignored.
            (
                SessionState::Waiting | SessionState::Idle,
                SessionInput::Assumed(_) | SessionInput::Unchanged | SessionInput::Published(_),
            )
            | (SessionState::Assuming(_), SessionInput::Published(_))
            | (SessionState::Publishing(_), SessionInput::Assumed(_) | SessionInput::Unchanged) => None,
        }
    }

    /// Handles a wake-up. Checks for the expiry and the other warnings before it begins a refresh. So if the command
    /// must be stopped because the session has expired, a failed refresh is not retried at that moment.
    pub(super) fn wake(&mut self, now: Now, out: &mut Vec<Action>) -> Option<Consequence> {
        if let Some(consequence) = self.raise_alarm(now, out) {
            return Some(consequence);
        }
        if self.state == SessionState::Waiting && self.due.passed(now) { self.begin(now, out) } else { None }
    }

    /// Begins the refresh that is due. If the wall clock was set, a refresh may be due again immediately. In that case,
    /// the refresh waits until [`MIN_INTERVAL`] has passed since the last refresh began.
    fn begin(&mut self, now: Now, out: &mut Vec<Action>) -> Option<Consequence> {
        let earliest = self.began.saturating_add(MIN_INTERVAL);
        if now.boot < earliest {
            self.due = Deadline::at(earliest);
            return None;
        }
        self.began = now.boot;
        self.is_forced |= std::mem::take(&mut self.is_requested);
        match self.policy.duty() {
            Duty::Refresh => {
                if self.use_held(now, out) {
                    return None;
                }
                let expired = self.term.expiry().passed(now);
                self.state = SessionState::Assuming(if expired { Begun::Late } else { Begun::InTime });
                out.push(if self.is_forced { Action::AssumeNew(self.id) } else { Action::Assume(self.id) });
                None
            }
            duty @ (Duty::Notice | Duty::None) => {
                self.state = SessionState::Idle;
                (duty == Duty::Notice).then_some(Consequence::Notice)
            }
        }
    }

    /// Puts the new session into effect.
    fn adopt(&mut self, term: Term, now: Now, out: &mut Vec<Action>) -> Consequence {
        self.term = term;
        self.state = SessionState::Waiting;
        self.is_forced = false;
        self.recover(out);
        self.emit(RefreshEvent::Refreshed { expiration: term.expiration, left: term.left(now) }, out);
        let mut pace = self.pace;
        let lead = self.policy.lead(term.lifetime, RefreshKind::Later, &mut pace);
        self.due = term.before_expiry(lead);
        self.emit_refresh_due(now, out);
        Consequence::Refreshed
    }

    /// Returns the event that says that the command is restarted with this session.
    pub(super) fn restarting(&self, now: Now) -> CommandEvent {
        CommandEvent::Restarting { expiration: self.term.expiration, left: self.term.left(now) }
    }

    /// Emits the event that says when the next refresh is due, if one is planned.
    pub(super) fn emit_refresh_due(&self, now: Now, out: &mut Vec<Action>) {
        if self.state == SessionState::Waiting {
            let within = self.due.boot.saturating_sub(now.boot);
            self.emit(RefreshEvent::Due { at: now.wall + within, within }, out);
        }
    }

    /// Waits until the source may have new credentials. Instance metadata, for example, has them only minutes before the
    /// old ones expire. The source works, so this ends the failures. After the expiry it is a failure itself.
    fn wait_for_change(&mut self, now: Now, out: &mut Vec<Action>) -> Option<Consequence> {
        let left = self.term.left(now);
        if left.is_zero() {
            let problem = Problem::new(Reason::ExpiredCredentials, "the source has no new credentials");
            return self.fail(problem, now, out);
        }
        self.state = SessionState::Waiting;
        self.is_forced = false;
        self.last_failure = None;
        let failures = std::mem::take(&mut self.failures);
        if failures > 0 {
            self.emit(RefreshEvent::Answered { failures }, out);
        }
        let retry_in = unchanged_in(left, &mut self.dice);
        self.due = self.term.before_expiry(left.saturating_sub(retry_in));
        self.emit(RefreshEvent::Unchanged { retry_in }, out);
        None
    }

    fn fail(&mut self, problem: Problem, now: Now, out: &mut Vec<Action>) -> Option<Consequence> {
        self.state = SessionState::Waiting;
        self.failures = self.failures.saturating_add(1);
        let left = self.term.left(now);
        let retry_in = refresh_again_in(self.failures, self.term.lifetime, left, &mut self.dice);
        // The retry uses only the boot clock, because a wrong wall clock may be the cause of the failure.
        self.due = Deadline::at(now.boot.saturating_add(retry_in));
        let last = self.last_failure.replace(problem.clone());
        let failures = self.failures;
        if last.is_none_or(|last| last.reason != problem.reason) {
            // This message says how much time is left. If little time is left, the warning that the session expires
            // soon is not shown in addition.
            self.alarm = self.alarm.max(if left <= EXPIRES_SOON { Alarm::Soon } else { Alarm::Failing });
            self.emit(RefreshEvent::Failing { problem, failures, expires_in: left, retry_in }, out);
        } else {
            self.emit(RefreshEvent::Retrying { problem, failures, retry_in }, out);
        }
        self.raise_alarm(now, out)
    }

    /// Ends the refreshes, and drops a call or a delivery in progress.
    pub(super) fn close(&mut self, out: &mut Vec<Action>) {
        if let SessionState::Assuming(_) | SessionState::Publishing(_) = self.state {
            out.push(Action::Abandon(self.id));
        }
        self.state = SessionState::Idle;
    }
}
