//! The rules of the supervision as a state machine: it takes inputs and returns actions. It has no clock, no process
//! and no secret.
//!
//! The command's half of the machine is here, and the session's half is in [`renewal`]. They meet in
//! [`Machine::consequence`]: if the session has changed, that function decides what to do with the command. The
//! documentation of `supervise` has the diagram of the states.
//!
//! Each rule is an arm of a match on the state and then on the input. There is no `_` arm, because it could hide that a
//! pair of state and input has no rule.

mod actions;
mod ending;
mod outside_signals;
mod renewal;
pub mod simulation;
mod starting;
mod state;
mod stopping;

pub(crate) use actions::{Action, CommandInput, Fault, Final, Input, START_LIMIT, SessionInput};
pub(crate) use state::Machine;

use super::notify::SessionOutlook;
use super::policy::{OnExpiry, Policy};
use super::schedule::{Dice, Term};
use crate::event::CommandEvent;
use crate::moment::{Deadline, Now};
use crate::process::ChildChange;
use crate::session::Validity;
use crate::supervise::forwarding::ProcessFacts;
use renewal::{Consequence, Renewal};
use state::{AfterStop, Given, Leader, PendingStart, PendingStop, Phase, StartStep};

impl Machine {
    /// Creates a machine for a supervision that already has its first session. `first` is the validity of that session,
    /// or `None` if the session does not expire. The machine's first deadline is `now`, and the first wake-up starts
    /// the command.
    pub(crate) fn new(policy: Policy, facts: ProcessFacts, first: Option<&Validity>, now: Now, dice: Dice) -> Self {
        Self {
            policy,
            facts,
            phase: Phase::Starting(PendingStart::at(StartStep::Due(now.boot), None)),
            renewal: first.map(|first| Renewal::new(policy, Term::of(first, now), now, dice)),
            restarts_wanted: policy.on_expiry == OnExpiry::Restart,
            terminated: false,
            sent_refresh_signal: None,
            stop_warning_logged: false,
        }
    }

    pub(crate) fn handle(&mut self, input: Input, now: Now) -> Vec<Action> {
        let mut out = Vec::new();
        match input {
            Input::Command(input) => self.command(input, now, &mut out),
            Input::Session(input) => {
                let consequence = self.renewal.as_mut().and_then(|renewal| renewal.handle(input, now, &mut out));
                self.consequence(consequence, now, &mut out);
            }
            Input::Wake => {
                // The session is handled first, because the command must not be started if its session has expired and
                // `OnRefreshFailure::Stop` is set.
                let consequence = self.renewal.as_mut().and_then(|renewal| renewal.wake(now, &mut out));
                self.consequence(consequence, now, &mut out);
                self.wake(now, &mut out);
            }
        }
        out
    }

    /// Returns when the machine must get a wake-up if no other input comes first. `None` means that the machine waits
    /// for an answer or for the child.
    pub(crate) fn deadline(&self) -> Option<Deadline> {
        let mine = match self.phase {
            Phase::Starting(PendingStart { step: StartStep::Due(at) | StartStep::Awaited(at), .. }) => Some(at),
            Phase::Stopping(stop) => stop.deadline(),
            Phase::Running { .. } => None,
            Phase::Ended => return None,
        };
        let of_session = self.renewal.as_ref().and_then(Renewal::deadline);
        mine.map(Deadline::at).into_iter().chain(of_session).reduce(Deadline::or)
    }

    /// Checks whether it is decided that the command will not run again. Its process may still be running.
    pub(crate) fn is_ending(&self) -> bool {
        match self.phase {
            Phase::Starting(_) | Phase::Running { .. } => false,
            Phase::Stopping(stop) => stop.then != AfterStop::Restart,
            Phase::Ended => true,
        }
    }

    /// Returns the outlook for the session, which the service manager shows. Returns `None` if the session does not expire.
    pub(crate) fn session_outlook(&self) -> Option<SessionOutlook> {
        self.renewal.as_ref().map(Renewal::outlook)
    }

    /// Returns the names of both states in the diagram: first the command's state, then the session's.
    #[cfg(test)]
    fn state_names(&self) -> (&'static str, &'static str) {
        let command = match self.phase {
            Phase::Starting(_) => "Starting",
            Phase::Running { .. } => "Running",
            Phase::Stopping(PendingStop { step: state::StopStep::Asked { .. }, .. }) => "Stopping",
            Phase::Stopping(PendingStop { step: state::StopStep::Killed { .. }, .. }) => "Killing",
            Phase::Ended => "Ended",
        };
        (command, self.renewal.as_ref().map_or("Idle", Renewal::state_name))
    }

    fn command(&mut self, input: CommandInput, now: Now, out: &mut Vec<Action>) {
        match self.phase {
            Phase::Starting(start) => match input {
                CommandInput::Started(Ok(child)) => self.started(child, start, now, out),
                CommandInput::Started(Err(fault)) => self.not_started(fault, start, now, out),
                CommandInput::Signal(arrival) => self.signal_without_child(arrival, start, out),
                CommandInput::EndAnnounced => self.cancel_restarts(CommandEvent::StoppingAnnounced, out),
                // In this state, no child runs the command, so these inputs are ignored.
                CommandInput::Changed(_)
                | CommandInput::StopSent
                | CommandInput::OrphanReaped
                | CommandInput::Remaining(_) => {}
            },
            Phase::Running { child } => match input {
                CommandInput::Changed(ChildChange::Ended(end)) => self.ended(child, end, now, out),
                CommandInput::Changed(ChildChange::Paused(signal)) => self.pause_with_child(signal, out),
                CommandInput::Signal(arrival) => self.signal(arrival, child, out),
                CommandInput::EndAnnounced => self.cancel_restarts(CommandEvent::StoppingAnnounced, out),
                // In this state, no action is waiting for an answer, so these inputs are ignored.
                CommandInput::Started(_)
                | CommandInput::StopSent
                | CommandInput::OrphanReaped
                | CommandInput::Remaining(_) => {}
            },
            Phase::Stopping(stop) => match input {
                CommandInput::StopSent => {
                    let asked = self.asked(now);
                    self.phase = Phase::Stopping(PendingStop { step: asked, leader: Leader::Signaled, ..stop });
                }
                CommandInput::Changed(ChildChange::Ended(end)) => self.leader_ended(stop, end, now, out),
                CommandInput::OrphanReaped => stop.orphan_reaped(out),
                CommandInput::Remaining(remaining) => self.remaining(stop, remaining, now, out),
                CommandInput::Signal(arrival) => self.signal(arrival, stop.child, out),
                CommandInput::EndAnnounced => self.cancel_restarts(CommandEvent::StoppingAnnounced, out),
                // If the command is paused while it is being stopped, nothing has to be done: SIGKILL follows at the
                // stop timeout, and SIGKILL also ends a paused process. The other input does not occur here.
                CommandInput::Changed(ChildChange::Paused(_)) | CommandInput::Started(_) => {}
            },
            Phase::Ended => {}
        }
    }

    fn wake(&mut self, now: Now, out: &mut Vec<Action>) {
        match self.phase {
            Phase::Starting(start) => self.wake_start(start, now, out),
            Phase::Stopping(stop) => self.wake_stop(stop, now, out),
            Phase::Running { .. } | Phase::Ended => {}
        }
    }

    /// Decides what to do with the command after a change of the session, for example a restart.
    fn consequence(&mut self, consequence: Option<Consequence>, now: Now, out: &mut Vec<Action>) {
        let Some(consequence) = consequence else { return };
        match self.phase {
            Phase::Running { child } => match (consequence, self.policy.on_expiry) {
                (Consequence::Lapsed, _) => self.stop(child, AfterStop::Lapse, now, out),
                (Consequence::Refreshed | Consequence::Notice, OnExpiry::Signal(signal)) => {
                    self.send_refresh_signal(signal, child, out);
                }
                (Consequence::Refreshed, OnExpiry::Restart) if self.restarts_wanted => {
                    out.extend(self.renewal.iter().map(|renewal| Action::Emit(renewal.restarting(now).into())));
                    self.stop(child, AfterStop::Restart, now, out);
                }
                (Consequence::Refreshed | Consequence::Notice, OnExpiry::Restart | OnExpiry::None) => {}
            },
            Phase::Starting(start) => match consequence {
                Consequence::Lapsed => {
                    start.step.abort(out);
                    self.exit(Final::Lapsed, out);
                }
                // The next start uses the new session. If a child has already been forked, it has the previous session.
                Consequence::Refreshed => {
                    self.phase = Phase::Starting(PendingStart { given: Given::Replaced, ..start });
                }
                Consequence::Notice => {}
            },
            Phase::Stopping(stop) => match consequence {
                Consequence::Lapsed => {
                    self.phase = Phase::Stopping(PendingStop { then: stop.then.lapsed(), ..stop });
                }
                Consequence::Refreshed | Consequence::Notice => {}
            },
            Phase::Ended => {}
        }
    }
}

#[cfg(test)]
mod histories;
#[cfg(test)]
mod tests;
