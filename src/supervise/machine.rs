//! The rules of the supervision as a state machine: it takes inputs and returns actions. It has no clock, no process
//! and no secret.
//!
//! The command's half of the machine is here, and the session's half is in [`renewal`]. They meet in
//! [`Machine::consequence`]: if the session has changed, that function decides what to do with the command. With
//! `--restart-order start-first`, a restart has two generations of the command for a time: [`handover`] has the rules for
//! the one beside the current one. The documentation of `supervise` has the diagram of the states.
//!
//! Each rule is an arm of a match on the state and then on the input. There is no `_` arm, because it could hide that a
//! pair of state and input has no rule.

mod actions;
mod ending;
mod handover;
mod hook;
mod keeper;
mod others;
mod outside_signals;
mod renewal;
mod roles;
pub mod simulation;
mod starting;
mod state;
mod stopping;

pub(crate) use actions::{Action, CommandInput, Fault, Final, Input, START_LIMIT, SessionInput};
pub(crate) use state::Machine;

use super::named::NamedSignal;
use super::notify::SessionOutlook;
use super::policy::{OnExpiry, Policy, RestartOrder};
use super::schedule::{Dice, Term};
use crate::event::{CommandEvent, Stopped};
use crate::moment::{Deadline, Now};
use crate::process::{ChildChange, Pid};
use crate::session::Validity;
use crate::supervise::forwarding::ProcessFacts;
use renewal::{Consequence, Renewal};
use state::{AfterStop, Beside, Given, HookState, Leader, PendingStart, PendingStop, Phase, StartStep};

impl Machine {
    /// Creates a machine for a supervision that already has its first session. `first` is the validity of that session,
    /// or `None` if the session does not expire. The machine's first deadline is `now`, and the first wake-up starts
    /// the command.
    pub(crate) fn new(policy: Policy, facts: ProcessFacts, first: Option<&Validity>, now: Now, dice: Dice) -> Self {
        Self {
            policy,
            facts,
            phase: Phase::Starting(PendingStart::at(StartStep::Due(now.boot), None)),
            beside: Beside::Alone,
            serving: None,
            renewal: first.map(|first| Renewal::new(policy, Term::of(first, now), now, dice)),
            others: Vec::new(),
            signal_at: None,
            named: NamedSignal::of(policy, dice),
            restarts_wanted: policy.on_expiry == OnExpiry::Restart,
            terminated: false,
            sent_refresh_signal: None,
            stop_warning_logged: false,
            hook: if policy.has_hook { HookState::Due } else { HookState::Absent },
        }
    }

    pub(crate) fn handle(&mut self, input: Input, now: Now) -> Vec<Action> {
        let mut out = Vec::new();
        match input {
            Input::Command(input) => self.command(input, now, &mut out),
            Input::Session(id, input) => {
                let consequence = self.renewal_of(id).and_then(|renewal| renewal.handle(input, now, &mut out));
                self.consequence(consequence, now, &mut out);
                if consequence == Some(Consequence::Refreshed) {
                    self.hook_after_publication(id, &mut out);
                }
                self.without_newer_session(now, &mut out);
                self.answer_reload(&mut out);
            }
            Input::NamedSignaled(result) => self.named_signaled(result, now, &mut out),
            Input::Wake => {
                // The session is handled first, because the command must not be started if its session has expired and
                // `OnRefreshFailure::Stop` is set.
                let consequence = self.renewal.as_mut().and_then(|renewal| renewal.wake(now, &mut out));
                self.consequence(consequence, now, &mut out);
                self.wake(now, &mut out);
                self.wake_beside(now, &mut out);
                self.wake_serving(now, &mut out);
                self.wake_others(now, &mut out);
                self.wake_named(now, &mut out);
            }
        }
        out
    }

    /// Returns when the machine must get a wake-up if no other input comes first. `None` means that the machine waits
    /// for an answer or for the child.
    pub(crate) fn deadline(&self) -> Option<Deadline> {
        let mine = match self.phase {
            Phase::Starting(PendingStart { step: StartStep::Due(at) | StartStep::Awaited(at), .. }) => Some(at),
            Phase::Stopping(stop, _) => stop.deadline(),
            Phase::Running { ready_at, .. } => ready_at,
            Phase::Keeping { .. } => None,
            Phase::Ended => return None,
        };
        let of_sessions = self.renewals().filter_map(Renewal::deadline);
        let of_commands = [mine, self.beside.deadline(), self.signal_at].into_iter().flatten().map(Deadline::at);
        let of_named = self.named.as_ref().and_then(NamedSignal::deadline);
        of_commands.chain(of_sessions).chain(of_named).chain(self.expiry_without_handover()).reduce(Deadline::or)
    }

    /// Checks whether it is decided that the command will not run again. Its process may still be running.
    pub(crate) fn is_ending(&self) -> bool {
        match self.phase {
            Phase::Starting(_) | Phase::Running { .. } | Phase::Keeping { .. } => false,
            Phase::Stopping(_, then) => then != AfterStop::Restart,
            Phase::Ended => true,
        }
    }

    /// Returns the outlook for the session that expires first, which the service manager shows. Returns `None` if no
    /// session expires.
    pub(crate) fn session_outlook(&self) -> Option<SessionOutlook> {
        self.renewals().map(Renewal::outlook).min_by_key(|outlook| outlook.expires)
    }

    /// Returns the names of the three states in the diagram: the current generation's, the other generation's and the
    /// session's.
    #[cfg(test)]
    fn state_names(&self) -> [&'static str; 3] {
        let command = match self.phase {
            Phase::Starting(_) => "Starting",
            Phase::Running { .. } => "Running",
            Phase::Stopping(PendingStop { step: state::StopStep::Asked { .. }, .. }, _) => "Stopping",
            Phase::Stopping(PendingStop { step: state::StopStep::Killed { .. }, .. }, _) => "Killing",
            Phase::Keeping { .. } => "Keeping",
            Phase::Ended => "Ended",
        };
        let session = self.renewal.as_ref().map_or("Idle", Renewal::state_name);
        [command, self.beside.state_name(), session]
    }

    fn command(&mut self, input: CommandInput, now: Now, out: &mut Vec<Action>) {
        let of_other = match &input {
            CommandInput::Started(_) => matches!(self.beside, Beside::Launching(..)),
            CommandInput::Changed(pid, _)
            | CommandInput::StopSent(pid)
            | CommandInput::Remaining(pid, _)
            | CommandInput::Ready(pid)
            | CommandInput::ReadyClosed(pid, _) => self.beside.child() == Some(*pid),
            CommandInput::OrphanReaped => {
                self.other(CommandInput::OrphanReaped, now, out);
                false
            }
            CommandInput::Signal(_) | CommandInput::EndAnnounced => false,
        };
        if of_other { self.other(input, now, out) } else { self.current(input, now, out) }
    }

    /// Handles an input about the current generation, or a signal.
    fn current(&mut self, input: CommandInput, now: Now, out: &mut Vec<Action>) {
        match self.phase {
            Phase::Starting(start) => match input {
                CommandInput::Started(Ok(child)) => self.started(child, start, now, out),
                CommandInput::Started(Err(fault)) => self.not_started(fault, start, now, out),
                CommandInput::Signal(arrival) => self.signal_without_child(arrival, start, now, out),
                CommandInput::EndAnnounced => self.end_announced(now, out),
                // In this state, no child runs the command, so these inputs are ignored.
                CommandInput::Changed(..)
                | CommandInput::StopSent(_)
                | CommandInput::OrphanReaped
                | CommandInput::Remaining(..)
                | CommandInput::Ready(_)
                | CommandInput::ReadyClosed(..) => {}
            },
            Phase::Running { child, .. } => match input {
                CommandInput::Changed(_, ChildChange::Ended(end)) => self.ended(child, end, now, out),
                CommandInput::Changed(_, ChildChange::Paused(signal)) => self.pause_with_child(child, signal, out),
                CommandInput::Signal(arrival) => self.signal(arrival, child, now, out),
                CommandInput::EndAnnounced => self.end_announced(now, out),
                CommandInput::Ready(pid) if pid == child => self.ready_by_itself(child, out),
                // In this state, no action is waiting for an answer, so these inputs are ignored. A current generation
                // need not become ready.
                CommandInput::Started(_)
                | CommandInput::StopSent(_)
                | CommandInput::OrphanReaped
                | CommandInput::Remaining(..)
                | CommandInput::Ready(_)
                | CommandInput::ReadyClosed(..) => {}
            },
            Phase::Stopping(stop, then) => match input {
                CommandInput::StopSent(_) => {
                    let asked = self.asked(now);
                    self.phase = Phase::Stopping(PendingStop { step: asked, leader: Leader::Signaled, ..stop }, then);
                }
                CommandInput::Changed(_, ChildChange::Ended(end)) => self.leader_ended((stop, then), end, now, out),
                CommandInput::OrphanReaped => stop.orphan_reaped(out),
                CommandInput::Remaining(_, remaining) => match self.remaining(stop, remaining, now, out) {
                    Ok(stop) => self.phase = Phase::Stopping(stop, then),
                    Err(end) => {
                        self.clean_up(stop, end, Stopped::Command, out);
                        self.stopped(then, end, now, out);
                    }
                },
                CommandInput::Signal(arrival) => self.signal(arrival, stop.child, now, out),
                CommandInput::EndAnnounced => self.end_announced(now, out),
                // If the command is paused while it is being stopped, nothing has to be done: SIGKILL follows at the
                // stop timeout, and SIGKILL also ends a paused process. The other inputs do not matter here.
                CommandInput::Changed(_, ChildChange::Paused(_))
                | CommandInput::Started(_)
                | CommandInput::Ready(_)
                | CommandInput::ReadyClosed(..) => {}
            },
            Phase::Keeping { .. } => self.input_to_keeper(&input, now, out),
            Phase::Ended => {}
        }
    }

    /// The current generation has announced its end, so it must not be replaced.
    fn end_announced(&mut self, now: Now, out: &mut Vec<Action>) {
        self.cancel_restarts(CommandEvent::StoppingAnnounced, None, now, out);
    }

    fn wake(&mut self, now: Now, out: &mut Vec<Action>) {
        match self.phase {
            Phase::Starting(start) => self.wake_start(start, now, out),
            Phase::Stopping(stop, then) => self.phase = Phase::Stopping(Self::wake_stop(stop, now, out), then),
            Phase::Running { child, ready_at: Some(at) } if now.boot >= at => self.ready(child, out),
            Phase::Running { .. } | Phase::Keeping { .. } | Phase::Ended => {}
        }
    }

    /// Decides what to do with the command after a change of the session, for example a restart.
    fn consequence(&mut self, consequence: Option<Consequence>, now: Now, out: &mut Vec<Action>) {
        let Some(consequence) = consequence else { return };
        match self.phase {
            Phase::Running { child, .. } => match (consequence, self.policy.on_expiry) {
                (Consequence::Lapsed, _) => self.lapse(child, now, out),
                (Consequence::Refreshed, OnExpiry::Signal(_)) => self.signal_refreshed(now, out),
                (Consequence::Notice, OnExpiry::Signal(signal)) => self.send_refresh_signal(signal, child, out),
                (Consequence::Refreshed, OnExpiry::Restart) if self.restarts_wanted => {
                    self.restart(child, now, out);
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
                    self.signal_refreshed(now, out);
                }
                Consequence::Notice => {}
            },
            Phase::Stopping(stop, then) => match consequence {
                Consequence::Lapsed => self.phase = Phase::Stopping(stop, then.lapsed()),
                Consequence::Refreshed | Consequence::Notice => {}
            },
            Phase::Keeping { .. } if consequence == Consequence::Refreshed => self.signal_refreshed(now, out),
            Phase::Keeping { .. } | Phase::Ended => {}
        }
    }

    fn restart(&mut self, child: Pid, now: Now, out: &mut Vec<Action>) {
        match self.policy.restart_order {
            RestartOrder::StartFirst => self.begin_handover(child, now, out),
            RestartOrder::StopFirst => {
                out.extend(self.renewal.iter().map(|renewal| Action::Emit(renewal.restarting(now).into())));
                self.stop(child, AfterStop::Restart, now, out);
            }
        }
    }
}

#[cfg(test)]
mod histories;
#[cfg(test)]
mod tests;
