//! The rules for signals that xassume receives: when a signal is forwarded, and when it cancels restarts.

use super::state::{Machine, PendingStart, PendingStop, Phase};
use crate::event::CommandEvent;
use crate::process::signal::Signal;
use crate::process::{Arrival, End, Pid, ProcessGroup, Sender, Target};
use crate::supervise::forwarding::{self, Decision, EarlyEffect};
use crate::supervise::machine::actions::{Action, Final};
use crate::supervise::policy::DeliveryTime;

impl Machine {
    /// If job control has stopped only the child, stops xassume too, so that the shell that waits for xassume returns
    /// to its prompt. When xassume is continued, it continues the child. Does nothing if the command has its own
    /// process group, because no shell waits for that group.
    pub(super) fn pause_with_child(&self, signal: Signal, out: &mut Vec<Action>) {
        let by_job_control = [Signal::TSTP, Signal::TTIN, Signal::TTOU].contains(&signal);
        if self.facts.group == ProcessGroup::Shared && by_job_control {
            out.push(Action::Pause(signal));
            out.push(Action::Signal(Target::Process, Signal::CONT));
        }
    }

    pub(super) fn signal(&mut self, arrival: Arrival, child: Pid, out: &mut Vec<Action>) {
        let forward = [
            Action::Signal(self.forward_target(), arrival.signal),
            Action::Emit(CommandEvent::Forwarded { signal: arrival.signal }.into()),
        ];
        match forwarding::decide(arrival, self.facts, child) {
            Decision::Drop => return,
            Decision::AlreadyDelivered => {}
            Decision::Forward => out.extend(forward),
            Decision::ForwardAndPause => {
                out.extend(forward);
                out.push(Action::Pause(Signal::STOP));
            }
        }
        self.consider_cancelling(arrival, out);
    }

    pub(super) fn signal_without_child(&mut self, arrival: Arrival, start: PendingStart, out: &mut Vec<Action>) {
        let early = forwarding::before_start(arrival.signal);
        match (early, start.after) {
            (EarlyEffect::End, None) => {
                start.step.abort(out);
                self.exit(Final::Ended(End::Killed(arrival.signal)), out);
            }
            (EarlyEffect::End, Some(_)) => self.consider_cancelling(arrival, out),
            (EarlyEffect::Pause, None | Some(_)) => out.push(Action::Pause(Signal::STOP)),
            (EarlyEffect::Ignore, None | Some(_)) => {}
        }
    }

    /// Cancels restarts if this signal is a reason to do so. TERM cancels every later restart. INT, QUIT and a hang-up
    /// of the terminal cancel a restart only if they arrive between the stop and the start. A running command handles
    /// these signals itself. No other signal cancels a restart.
    ///
    /// A stop that has already begun is still completed, within the stop timeout. Refreshes continue if new sessions
    /// can reach the running command.
    pub(super) fn consider_cancelling(&mut self, arrival: Arrival, out: &mut Vec<Action>) {
        let signal = arrival.signal;
        if signal == Signal::TERM {
            self.terminated = true;
        }
        let between = !matches!(self.phase, Phase::Running { .. } | Phase::Ended);
        let hang_up = Arrival { signal: Signal::HUP, sender: Sender::Kernel };
        let ends = [Signal::INT, Signal::QUIT].contains(&signal) || arrival == hang_up;
        let cancels = signal == Signal::TERM || between && ends;
        if cancels {
            self.cancel_restarts(CommandEvent::RestartsCancelled { signal }, out);
        }
    }

    /// Cancels all later restarts, if there would be any. `reason` is the event that reports this.
    pub(super) fn cancel_restarts(&mut self, reason: CommandEvent, out: &mut Vec<Action>) {
        if !self.restarts_wanted {
            return;
        }
        self.restarts_wanted = false;
        out.push(Action::Emit(reason.into()));
        if self.policy.delivery_time == DeliveryTime::AtStart
            && let Some(renewal) = &mut self.renewal
        {
            renewal.close(out);
        }
        match self.phase {
            Phase::Starting(PendingStart { after: Some(end), step, .. }) => {
                step.abort(out);
                self.exit(Final::Ended(end), out);
            }
            Phase::Stopping(stop) => {
                self.phase = Phase::Stopping(PendingStop { then: stop.then.canceled(), ..stop });
            }
            Phase::Starting(PendingStart { after: None, .. }) | Phase::Running { .. } | Phase::Ended => {}
        }
    }
}
