//! The rules for a restart without a gap (`--restart-order start-first`): a new generation is started beside the current
//! one, and becomes the current one once it is ready. Then the previous generation is stopped.
//!
//! If the new generation fails, the current one is not affected. There is one handover at a time.

mod attempts;
mod expiry;

use super::state::{AfterStop, Attempt, Beside, Leader, Leaver, Machine, PendingStop, Phase, Preparation, Serving};
use crate::event::{CommandEvent, NotReady, Stopped};
use crate::moment::Now;
use crate::process::signal::Signal;
use crate::process::{ChildChange, End, Pid};
use crate::supervise::machine::actions::{Action, CommandInput, Fault, Final, START_LIMIT};
use crate::supervise::policy::ReadySign;
use crate::supervise::ports::SessionId;
use std::time::Duration;

impl Beside {
    /// Returns the process of this generation. Returns `None` if there is none that runs the command.
    pub(super) fn child(self) -> Option<Pid> {
        match self {
            Beside::Alone | Beside::Postponed(..) | Beside::Launching(..) => None,
            Beside::Preparing(new) => Some(new.child),
            Beside::Leaving(stop, _) => Some(stop.child),
        }
    }

    /// Checks whether a new generation has been started, and is neither ready nor stopped completely.
    pub(super) fn is_handover(self) -> bool {
        match self {
            Beside::Launching(..)
            | Beside::Preparing(_)
            | Beside::Leaving(_, Leaver::Failed(..) | Leaver::Canceled) => true,
            Beside::Alone | Beside::Postponed(..) | Beside::Leaving(_, Leaver::Previous) => false,
        }
    }

    /// Returns when the machine must get a wake-up.
    pub(super) fn deadline(self) -> Option<Duration> {
        match self {
            Beside::Alone => None,
            Beside::Postponed(at, _) => at,
            Beside::Launching(limit, _) => Some(limit),
            Beside::Preparing(new) => Some(new.ready_at.unwrap_or(new.limit)),
            Beside::Leaving(stop, _) => stop.deadline(),
        }
    }

    /// Returns the name of the state in the diagram.
    #[cfg(test)]
    pub(super) fn state_name(self) -> &'static str {
        match self {
            Beside::Alone => "Alone",
            Beside::Postponed(..) => "Postponed",
            Beside::Launching(..) => "Launching",
            Beside::Preparing(_) => "Preparing",
            Beside::Leaving(..) => "Leaving",
        }
    }
}

impl Leaver {
    /// Returns what messages call this generation.
    fn who(self) -> Stopped {
        match self {
            Leaver::Failed(..) | Leaver::Canceled => Stopped::NewProcess,
            Leaver::Previous => Stopped::Command,
        }
    }
}

impl Machine {
    /// Handles an input about the generation beside the current one.
    pub(super) fn other(&mut self, input: CommandInput, now: Now, out: &mut Vec<Action>) {
        match self.beside {
            Beside::Launching(_, attempt) => match input {
                CommandInput::Started(Ok(child)) => self.launched(child, attempt, now, out),
                CommandInput::Started(Err(fault)) => self.not_launched(&fault, attempt, now, out),
                // In this state, no process is known, so these inputs are ignored.
                CommandInput::Changed(..)
                | CommandInput::StopSent(_)
                | CommandInput::Remaining(..)
                | CommandInput::Ready(_)
                | CommandInput::ReadyClosed(..)
                | CommandInput::OrphanReaped
                | CommandInput::Signal(_)
                | CommandInput::EndAnnounced => {}
            },
            Beside::Preparing(new) => match input {
                CommandInput::Ready(_) => self.hand_over(new, now, out),
                CommandInput::ReadyClosed(_, descriptor) => self.dismiss(new, &NotReady::Closed { descriptor }, now, out),
                CommandInput::Changed(_, ChildChange::Ended(end)) => self.ended_unready(new, end, now, out),
                // A new generation that is paused is not ready in time.
                CommandInput::Changed(_, ChildChange::Paused(_))
                // In this state, no action is waiting for an answer, so these inputs are ignored.
                | CommandInput::Started(_)
                | CommandInput::StopSent(_)
                | CommandInput::Remaining(..)
                | CommandInput::OrphanReaped
                | CommandInput::Signal(_)
                | CommandInput::EndAnnounced => {}
            },
            Beside::Leaving(stop, leaver) => match input {
                CommandInput::StopSent(_) => {
                    let stop = PendingStop { step: self.asked(now), leader: Leader::Signaled, ..stop };
                    self.beside = Beside::Leaving(stop, leaver);
                }
                CommandInput::Changed(_, ChildChange::Ended(end)) => self.leaver_ended((stop, leaver), end, now, out),
                CommandInput::OrphanReaped => stop.orphan_reaped(out),
                CommandInput::Remaining(_, remaining) => match self.remaining(stop, remaining, now, out) {
                    Ok(stop) => self.beside = Beside::Leaving(stop, leaver),
                    Err(end) => {
                        self.clean_up(stop, end, leaver.who(), out);
                        self.left(leaver, now, out);
                    }
                },
                // A generation that is being stopped cannot become ready. SIGKILL ends it even if it is paused.
                CommandInput::Changed(_, ChildChange::Paused(_))
                | CommandInput::Started(_)
                | CommandInput::Ready(_)
                | CommandInput::ReadyClosed(..)
                | CommandInput::Signal(_)
                | CommandInput::EndAnnounced => {}
            },
            Beside::Alone | Beside::Postponed(..) => {}
        }
    }

    /// Starts a handover with the newest session, unless one is in progress.
    pub(super) fn begin_handover(&mut self, current: Pid, now: Now, out: &mut Vec<Action>) {
        let failures = match self.beside {
            Beside::Alone => 0,
            Beside::Postponed(_, attempt) => attempt.failures,
            // When it is complete, the sessions are compared.
            Beside::Launching(..) | Beside::Preparing(_) | Beside::Leaving(..) => return,
        };
        let Some(renewal) = &self.renewal else { return };
        let attempt = Attempt { failures, term: renewal.term() };
        self.beside = Beside::Launching(now.boot.saturating_add(START_LIMIT), attempt);
        let (expiration, left) = (attempt.term.expiration, attempt.term.left(now));
        out.push(Action::Emit(CommandEvent::HandoverStarted { pid: current, expiration, left }.into()));
        out.push(Action::Spawn);
    }

    fn launched(&mut self, child: Pid, attempt: Attempt, now: Now, out: &mut Vec<Action>) {
        let ready_at = self.ready_at(now);
        let limit = now.boot.saturating_add(self.policy.ready_timeout);
        self.beside = Beside::Preparing(Preparation { child, attempt, ready_at, limit, is_owed_hang_up: false });
        out.push(Action::Emit(CommandEvent::Started { pid: child }.into()));
    }

    /// Returns when a process that starts now has run for long enough to be ready. Returns `None` if it shows this in
    /// another way.
    pub(super) fn ready_at(&self, now: Now) -> Option<Duration> {
        match self.policy.ready {
            Some(ReadySign::RunsFor(time)) => Some(now.boot.saturating_add(time)),
            Some(ReadySign::Notification | ReadySign::Newline(_)) | None => None,
        }
    }

    /// Makes the new generation the current one, and stops the previous one.
    fn hand_over(&mut self, new: Preparation, now: Now, out: &mut Vec<Action>) {
        let Phase::Running { child: old, .. } = self.phase else { return };
        self.phase = Phase::Running { child: new.child, ready_at: None };
        self.serving = Some(Serving { term: new.attempt.term, has_warned: false });
        self.beside = Beside::Leaving(self.begin_stop(old, Leader::NotSignaled, now), Leaver::Previous);
        out.push(Action::Emit(CommandEvent::Ready { pid: new.child }.into()));
        out.push(Action::HandOver);
        if new.is_owed_hang_up {
            out.push(Action::Signal(new.child, self.forward_target(), Signal::HUP));
        }
        self.hook_is_due(SessionId::DEFAULT);
        self.hook_after_readiness(out);
        out.push(Action::Stop(old, self.policy.stop_signal));
    }

    fn not_launched(&mut self, fault: &Fault, attempt: Attempt, now: Now, out: &mut Vec<Action>) {
        let failed = NotReady::NotStarted { error: fault.text.clone() };
        let (at, attempt) = self.failed(&failed, attempt, now, out);
        self.beside = Beside::Postponed(Some(at), attempt);
    }

    /// Stops a new generation that is not ready.
    fn dismiss(&mut self, new: Preparation, why: &NotReady, now: Now, out: &mut Vec<Action>) {
        let (at, attempt) = self.failed(why, new.attempt, now, out);
        let stop = self.begin_stop(new.child, Leader::NotSignaled, now);
        self.beside = Beside::Leaving(stop, Leaver::Failed(at, attempt));
        out.push(Action::Stop(new.child, self.policy.stop_signal));
    }

    /// Handles the exit of a new generation that was not ready. The processes that it left behind are stopped.
    fn ended_unready(&mut self, new: Preparation, end: End, now: Now, out: &mut Vec<Action>) {
        let (at, attempt) = self.failed(&NotReady::Ended { end }, new.attempt, now, out);
        let stop = self.stop_rest(new.child, end, now, out);
        self.beside = Beside::Leaving(stop, Leaver::Failed(at, attempt));
    }

    /// Handles the exit of a generation that is being stopped. If the previous generation exited before the stop signal
    /// could be sent, it exited by itself, which is final.
    fn leaver_ended(&mut self, (stop, leaver): (PendingStop, Leaver), end: End, now: Now, out: &mut Vec<Action>) {
        match (stop.leader, leaver, self.phase) {
            (Leader::NotSignaled, Leaver::Previous, Phase::Running { child, .. }) => {
                out.push(Action::Emit(CommandEvent::Exited { end }.into()));
                out.push(Action::Reap(stop.child));
                self.beside = Beside::Alone;
                self.close_renewals(out);
                self.stop(child, AfterStop::End(Final::Ended(end)), now, out);
            }
            (Leader::NotSignaled, ..) => {
                self.beside = Beside::Leaving(self.stop_rest(stop.child, end, now, out), leaver);
            }
            (Leader::Signaled, ..) => self.beside = Beside::Leaving(stop.leader_ended(end, now, out), leaver),
            (Leader::Ended(_), ..) => {}
        }
    }

    /// Continues when the generation beside the current one has been stopped.
    fn left(&mut self, leaver: Leaver, now: Now, out: &mut Vec<Action>) {
        match leaver {
            Leaver::Failed(at, attempt) => self.beside = Beside::Postponed(Some(at), attempt),
            Leaver::Canceled => self.beside = Beside::Alone,
            Leaver::Previous => {
                self.beside = Beside::Alone;
                // If another session has replaced the one of the new generation, the next handover follows at once.
                if let Phase::Running { child, .. } = self.phase
                    && self.is_outdated()
                    && self.restarts_wanted
                {
                    self.begin_handover(child, now, out);
                }
            }
        }
    }

    pub(super) fn wake_beside(&mut self, now: Now, out: &mut Vec<Action>) {
        match self.beside {
            Beside::Postponed(Some(at), attempt) if now.boot >= at && !self.has_lapsed(now) => {
                self.try_again(attempt, now, out);
            }
            Beside::Launching(limit, attempt) if now.boot >= limit => {
                out.push(Action::AbortStart);
                self.not_launched(&Fault::late(), attempt, now, out);
            }
            Beside::Preparing(new) if new.ready_at.is_some_and(|at| now.boot >= at) => self.hand_over(new, now, out),
            Beside::Preparing(new) if now.boot >= new.limit => {
                let missing = self.policy.ready.map(ReadySign::missing).unwrap_or_default();
                self.dismiss(new, &NotReady::Late { missing }, now, out);
            }
            Beside::Leaving(stop, leaver) => self.beside = Beside::Leaving(Self::wake_stop(stop, now, out), leaver),
            Beside::Alone | Beside::Postponed(..) | Beside::Launching(..) | Beside::Preparing(_) => {}
        }
    }

    /// Cancels a handover in progress and all further attempts. `forwarded` is a signal that the new generation has just
    /// got. If that is TERM or the stop signal, it does not get another one.
    pub(super) fn cancel_handover(&mut self, forwarded: Option<Signal>, now: Now, out: &mut Vec<Action>) {
        match self.beside {
            Beside::Alone | Beside::Leaving(_, Leaver::Canceled | Leaver::Previous) => {}
            Beside::Postponed(..) => self.beside = Beside::Alone,
            Beside::Launching(..) => {
                out.push(Action::AbortStart);
                self.beside = Beside::Alone;
            }
            Beside::Preparing(new) => {
                let is_asked =
                    forwarded.is_some_and(|signal| [Signal::TERM, self.policy.stop_signal].contains(&signal));
                let leader = if is_asked { Leader::Signaled } else { Leader::NotSignaled };
                self.beside = Beside::Leaving(self.begin_stop(new.child, leader, now), Leaver::Canceled);
                if !is_asked {
                    out.push(Action::Stop(new.child, self.policy.stop_signal));
                }
            }
            Beside::Leaving(stop, Leaver::Failed(..)) => self.beside = Beside::Leaving(stop, Leaver::Canceled),
        }
    }

    /// Ends xassume in this way when the current generation is gone. The other one is stopped first.
    pub(super) fn finish(&mut self, end: Final, now: Now, out: &mut Vec<Action>) {
        self.cancel_handover(None, now, out);
        match std::mem::replace(&mut self.beside, Beside::Alone) {
            Beside::Leaving(stop, _) => {
                self.close_renewals(out);
                self.phase = Phase::Stopping(stop, AfterStop::End(end));
            }
            Beside::Alone | Beside::Postponed(..) | Beside::Launching(..) | Beside::Preparing(_) => self.exit(end, out),
        }
    }
}
