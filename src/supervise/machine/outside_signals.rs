//! The rules for signals that xassume receives: when a signal is forwarded, and when it cancels restarts.

use super::state::{Beside, Machine, PendingStart, PendingStop, Phase, Preparation};
use crate::event::CommandEvent;
use crate::moment::Now;
use crate::process::signal::Signal;
use crate::process::{Arrival, End, Pid, ProcessGroup, Sender, Target};
use crate::supervise::forwarding::{self, Decision, EarlyEffect};
use crate::supervise::machine::actions::{Action, Final};
use crate::supervise::policy::DeliveryTime;

impl Machine {
    /// If job control has stopped only the child, stops xassume too, so that the shell that waits for xassume returns
    /// to its prompt. When xassume is continued, it continues the child. Does nothing if the command has its own
    /// process group, because no shell waits for that group.
    pub(super) fn pause_with_child(&self, child: Pid, signal: Signal, out: &mut Vec<Action>) {
        let by_job_control = [Signal::TSTP, Signal::TTIN, Signal::TTOU].contains(&signal);
        if self.facts.group == ProcessGroup::Shared && by_job_control {
            out.push(Action::Pause(signal));
            out.push(Action::Signal(child, Target::Process, Signal::CONT));
        }
    }

    /// Handles a signal that xassume received while a child runs the command. `child` is the current generation.
    pub(super) fn signal(&mut self, arrival: Arrival, child: Pid, now: Now, out: &mut Vec<Action>) {
        match forwarding::decide(arrival, self.facts, [Some(child), self.beside.child()]) {
            Decision::Drop => return,
            Decision::AlreadyDelivered => {}
            Decision::Forward => self.forward(arrival, child, now, out),
            Decision::ForwardAndPause => {
                self.forward(arrival, child, now, out);
                out.push(Action::Pause(Signal::STOP));
            }
        }
        self.consider_cancelling(arrival, now, out);
    }

    /// Forwards a signal to both generations. A new one that is not ready gets HUP later.
    fn forward(&mut self, arrival: Arrival, child: Pid, now: Now, out: &mut Vec<Action>) {
        let signal = arrival.signal;
        out.push(Action::Signal(child, self.forward_target(), signal));
        match &mut self.beside {
            Beside::Preparing(new) if signal == Signal::HUP && arrival.sender != Sender::Kernel => {
                new.is_owed_hang_up = true;
            }
            Beside::Preparing(Preparation { child: other, .. })
            | Beside::Leaving(PendingStop { child: other, .. }, _) => {
                let other = *other;
                out.push(Action::Signal(other, self.forward_target(), signal));
            }
            // A new generation that does not run the command yet finds the new state of the system when it does.
            Beside::Alone | Beside::Postponed(..) | Beside::Launching(..) => {}
        }
        // After a pause, a new generation gets the whole time again.
        if signal == Signal::CONT
            && let Beside::Preparing(new) = self.beside
        {
            let (ready_at, limit) = (self.ready_at(now), now.boot.saturating_add(self.policy.ready_timeout));
            self.beside = Beside::Preparing(Preparation { ready_at, limit, ..new });
        }
        out.push(Action::Emit(CommandEvent::Forwarded { signal }.into()));
    }

    pub(super) fn signal_without_child(
        &mut self,
        arrival: Arrival,
        start: PendingStart,
        now: Now,
        out: &mut Vec<Action>,
    ) {
        let early = forwarding::before_start(arrival.signal);
        match (early, start.after) {
            (EarlyEffect::End, None) => {
                start.step.abort(out);
                self.exit(Final::Ended(End::Killed(arrival.signal)), out);
            }
            (EarlyEffect::End, Some(_)) => self.consider_cancelling(arrival, now, out),
            (EarlyEffect::Pause, None | Some(_)) => out.push(Action::Pause(Signal::STOP)),
            (EarlyEffect::Ignore, None | Some(_)) => {}
        }
    }

    /// Cancels restarts if this signal is a reason to do so. TERM cancels every later restart. INT, QUIT and a hang-up
    /// of the terminal cancel a restart only if they arrive between the stop and the start, or during a handover. A running
    /// command handles these signals itself. No other signal cancels a restart.
    ///
    /// A stop that has already begun is still completed, within the stop timeout. Refreshes continue if new sessions
    /// can reach the running command.
    fn consider_cancelling(&mut self, arrival: Arrival, now: Now, out: &mut Vec<Action>) {
        let signal = arrival.signal;
        if signal == Signal::TERM {
            self.terminated = true;
        }
        let between = !matches!(self.phase, Phase::Running { .. } | Phase::Ended) || self.beside.is_handover();
        let hang_up = Arrival { signal: Signal::HUP, sender: Sender::Kernel };
        let ends = [Signal::INT, Signal::QUIT].contains(&signal) || arrival == hang_up;
        let cancels = signal == Signal::TERM || between && ends;
        if cancels {
            self.cancel_restarts(CommandEvent::RestartsCancelled { signal }, Some(signal), now, out);
        }
    }

    /// Cancels all later restarts, if there would be any. `reason` is the event that reports this. `forwarded` is the
    /// signal that is the reason.
    pub(super) fn cancel_restarts(
        &mut self,
        reason: CommandEvent,
        forwarded: Option<Signal>,
        now: Now,
        out: &mut Vec<Action>,
    ) {
        if !self.restarts_wanted {
            return;
        }
        self.restarts_wanted = false;
        out.push(Action::Emit(reason.into()));
        if self.policy.delivery_time == DeliveryTime::AtStart {
            self.close_renewals(out);
        }
        self.cancel_handover(forwarded, now, out);
        match self.phase {
            Phase::Starting(PendingStart { after: Some(end), step, .. }) => {
                step.abort(out);
                self.exit(Final::Ended(end), out);
            }
            Phase::Stopping(stop, then) => self.phase = Phase::Stopping(stop, then.canceled()),
            Phase::Starting(PendingStart { after: None, .. })
            | Phase::Running { .. }
            | Phase::Keeping { .. }
            | Phase::Ended => {}
        }
    }
}
