//! The half of the machine for the session: when to refresh, what a failure means, which messages are due.
//!
//! It does not know the command; a [`Consequence`] is what the command's half must do.

use crate::event::{Problem, RefreshEvent};
use crate::moment::{Deadline, Now};
use crate::supervise::machine::actions::{Action, SessionInput};
use crate::supervise::policy::{Duty, OnRefreshFailure, Policy};
use crate::supervise::schedule::{Dice, EXPIRES_SOON, MIN_INTERVAL, RefreshKind, Term, retry_in};
use std::time::Duration;

/// The session in effect, and its refresh.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Renewal {
    state: SessionState,
    policy: Policy,
    term: Term,
    due: Deadline,
    /// When the last refresh began (boot clock).
    began: Duration,
    /// Failures in a row.
    failures: u32,
    alarm: Alarm,
    /// For retries.
    dice: Dice,
    /// For refreshes, and never advanced: each host keeps its own jitter, so that hosts that started together drift
    /// apart steadily. With new jitter each time, their refreshes would coincide again for hours.
    pace: Dice,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum SessionState {
    /// The refresh is at `due`.
    Waiting,
    Assuming(Begun),
    /// A new session is being delivered.
    Publishing(Term),
    /// No more refreshes.
    Idle,
}

/// When a refresh began.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Begun {
    /// Before the session expired.
    InTime,
    /// After the expiry, for example after a suspend.
    Late,
}

/// The last warning about the session in effect.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Alarm {
    None,
    Failing,
    Soon,
    Expired,
}

/// What a change of the session means for the command.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Consequence {
    /// A new session is in effect.
    Refreshed,
    /// The session expires soon, and a new one cannot reach the command.
    Notice,
    /// The session expired without a refresh, and the command has to be stopped.
    Lapsed,
}

impl Renewal {
    pub(super) fn new(policy: Policy, term: Term, now: Now, mut dice: Dice) -> Self {
        let pace = dice;
        let lead = policy.timing().lead(term.lifetime, RefreshKind::First, &mut dice);
        Self {
            state: if policy.duty() == Duty::None { SessionState::Idle } else { SessionState::Waiting },
            policy,
            term,
            due: term.before_expiry(lead),
            began: now.boot,
            failures: 0,
            alarm: Alarm::None,
            dice,
            pace,
        }
    }

    /// The name of the state in the diagram.
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
        match self.state {
            // All inputs are answers, and nothing was asked.
            SessionState::Waiting | SessionState::Idle => None,
            SessionState::Assuming(_) => match input {
                SessionInput::Assumed(validity) => {
                    self.state = SessionState::Publishing(Term::of(&validity, now));
                    out.push(Action::Publish);
                    None
                }
                SessionInput::Refused(problem) => self.fail(problem, now, out),
                SessionInput::Published | SessionInput::Unpublished(_) => None,
            },
            SessionState::Publishing(term) => match input {
                SessionInput::Published => Some(self.adopt(term, now, out)),
                SessionInput::Unpublished(problem) => self.fail(problem, now, out),
                SessionInput::Assumed(_) | SessionInput::Refused(_) => None,
            },
        }
    }

    /// The alarm comes first: a refresh that failed until the expiry is not retried before the command is stopped.
    pub(super) fn wake(&mut self, now: Now, out: &mut Vec<Action>) -> Option<Consequence> {
        if let Some(consequence) = self.raise_alarm(now, out) {
            return Some(consequence);
        }
        if self.state == SessionState::Waiting && self.due.passed(now) { self.begin(now, out) } else { None }
    }

    /// The refresh is due, possibly again at once after a step of the wall clock: then it waits for [`MIN_INTERVAL`].
    fn begin(&mut self, now: Now, out: &mut Vec<Action>) -> Option<Consequence> {
        let earliest = self.began.saturating_add(MIN_INTERVAL);
        if now.boot < earliest {
            self.due = Deadline::at(earliest);
            return None;
        }
        self.began = now.boot;
        match self.policy.duty() {
            Duty::Refresh => {
                let expired = self.term.expiry().passed(now);
                self.state = SessionState::Assuming(if expired { Begun::Late } else { Begun::InTime });
                out.push(Action::Assume);
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
        let alarm = std::mem::replace(&mut self.alarm, Alarm::None);
        let failures = std::mem::take(&mut self.failures);
        if failures > 0 || alarm == Alarm::Expired {
            out.push(Action::Emit(RefreshEvent::Recovered { failures }.into()));
        }
        out.push(Action::Emit(RefreshEvent::Refreshed { expiration: term.expiration, left: term.left(now) }.into()));
        let mut pace = self.pace;
        let lead = self.policy.timing().lead(term.lifetime, RefreshKind::Later, &mut pace);
        self.due = term.before_expiry(lead);
        self.emit_refresh_due(now, out);
        Consequence::Refreshed
    }

    /// Logs when the next refresh is due.
    pub(super) fn emit_refresh_due(&self, now: Now, out: &mut Vec<Action>) {
        if self.state == SessionState::Waiting {
            let within = self.due.boot.saturating_sub(now.boot);
            out.push(Action::Emit(RefreshEvent::Due { at: now.wall + within, within }.into()));
        }
    }

    fn fail(&mut self, problem: Problem, now: Now, out: &mut Vec<Action>) -> Option<Consequence> {
        self.state = SessionState::Waiting;
        self.failures = self.failures.saturating_add(1);
        let left = self.term.left(now);
        let retry_in = retry_in(self.failures, self.term.lifetime, left, &mut self.dice);
        // By the boot clock alone: the wall clock may be the cause of the failure.
        self.due = Deadline::at(now.boot.saturating_add(retry_in));
        if self.failures == 1 {
            // The message has the time left, so the next alarm is not needed.
            self.alarm = self.alarm.max(if left <= EXPIRES_SOON { Alarm::Soon } else { Alarm::Failing });
            out.push(Action::Emit(RefreshEvent::Failing { problem, expires_in: left, retry_in }.into()));
        } else {
            out.push(Action::Emit(RefreshEvent::Retrying { problem, failures: self.failures, retry_in }.into()));
        }
        self.raise_alarm(now, out)
    }

    /// One warning for each change for the worse, and the stop of a command that must not outlive its session.
    ///
    /// No warning while the first refresh of a session is due, or if it began after the expiry: after a suspend, that
    /// refresh follows at once. A call that began before the expiry is not awaited beyond it.
    fn raise_alarm(&mut self, now: Now, out: &mut Vec<Action>) -> Option<Consequence> {
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
            out.push(Action::Emit(RefreshEvent::Lapsed.into()));
            return Some(Consequence::Lapsed);
        }
        if expired && self.alarm < Alarm::Expired {
            self.alarm = Alarm::Expired;
            out.push(Action::Emit(RefreshEvent::Expired.into()));
        } else if failing && self.alarm < Alarm::Soon && self.term.before_expiry(EXPIRES_SOON).passed(now) {
            self.alarm = Alarm::Soon;
            out.push(Action::Emit(RefreshEvent::ExpiresSoon { within: self.term.left(now) }.into()));
        }
        None
    }

    /// Ends the refreshes; a call or a delivery in progress is dropped.
    pub(super) fn close(&mut self, out: &mut Vec<Action>) {
        if let SessionState::Assuming(_) | SessionState::Publishing(_) = self.state {
            out.push(Action::Abandon);
        }
        self.state = SessionState::Idle;
    }

    /// When the next refresh or warning is due.
    pub(super) fn deadline(&self) -> Option<Deadline> {
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
