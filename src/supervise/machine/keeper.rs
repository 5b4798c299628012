//! The rules for `--serve`, which refreshes the session without a command. A signal ends xassume, or begins a refresh.

use super::renewal::Renewal;
use super::state::{Machine, Phase};
use crate::event::RefreshEvent;
use crate::moment::Now;
use crate::process::signal::Signal;
use crate::process::{Arrival, End, Sender};
use crate::session::Validity;
use crate::supervise::forwarding::{self, EarlyEffect, ProcessFacts};
use crate::supervise::machine::actions::{Action, CommandInput, Final};
use crate::supervise::policy::Policy;
use crate::supervise::schedule::Dice;

impl Machine {
    /// Creates a machine for a run without a command. `first` is the validity of the first session, which has been
    /// delivered. [`Self::begin_keeping`] must be called next.
    pub(crate) fn keeper(policy: Policy, facts: ProcessFacts, first: Option<&Validity>, now: Now, dice: Dice) -> Self {
        let machine = Self::new(policy, facts, first, now, dice);
        let renewal = machine.renewal.map(Renewal::without_command);
        Self { phase: Phase::Keeping { owes_answer: false }, renewal, ..machine }
    }

    pub(crate) fn is_keeper(&self) -> bool {
        matches!(self.phase, Phase::Keeping { .. })
    }

    /// Returns the actions after the first session was delivered.
    pub(crate) fn begin_keeping(&mut self, now: Now) -> Vec<Action> {
        let mut out = vec![Action::ReportReady];
        self.renewals().for_each(|renewal| renewal.emit_refresh_due(now, &mut out));
        self.run_hook(&mut out);
        out
    }

    pub(super) fn input_to_keeper(&mut self, input: &CommandInput, now: Now, out: &mut Vec<Action>) {
        match input {
            CommandInput::Signal(arrival) => self.signal_to_keeper(*arrival, now, out),
            // There is no command.
            CommandInput::Started(_)
            | CommandInput::Changed(..)
            | CommandInput::StopSent(_)
            | CommandInput::OrphanReaped
            | CommandInput::Remaining(..)
            | CommandInput::Ready(_)
            | CommandInput::ReadyClosed(..)
            | CommandInput::EndAnnounced => {}
        }
    }

    fn signal_to_keeper(&mut self, arrival: Arrival, now: Now, out: &mut Vec<Action>) {
        match (arrival.signal, arrival.sender) {
            // The kernel sends HUP when the terminal hangs up.
            (Signal::TERM | Signal::INT | Signal::QUIT, _) | (Signal::HUP, Sender::Kernel) => {
                self.exit(Final::Ended(End::Exited(0)), out);
            }
            (Signal::HUP, _) => self.refresh_for_hang_up(now, out),
            // If a file is too large, write(2) also returns an error, so the signal is not needed.
            (Signal::USR1 | Signal::USR2, _) | (Signal::XFSZ, Sender::Kernel) => {}
            (signal, _) => match forwarding::before_start(signal) {
                EarlyEffect::End => self.exit(Final::Ended(End::Killed(signal)), out),
                EarlyEffect::Pause => out.push(Action::Pause(Signal::STOP)),
                EarlyEffect::Ignore => {}
            },
        }
    }

    /// Begins a refresh of each session, or requests one more if a refresh is in progress.
    fn refresh_for_hang_up(&mut self, now: Now, out: &mut Vec<Action>) {
        self.phase = Phase::Keeping { owes_answer: true };
        if self.renewals().any(|renewal| !renewal.is_requested()) {
            out.push(Action::Emit(RefreshEvent::Requested { signal: Signal::HUP }.into()));
        }
        self.renewals_mut().for_each(|renewal| renewal.request(now, out));
    }

    /// Reports to the service manager that a reload is complete, once no requested refresh of any session is left. A failed refresh
    /// also completes the reload, because the service manager would otherwise wait until its timeout.
    pub(super) fn answer_reload(&mut self, out: &mut Vec<Action>) {
        let is_pending = |renewal: &Renewal| renewal.is_requested() || renewal.is_busy();
        if self.phase == (Phase::Keeping { owes_answer: true }) && !self.renewals().any(is_pending) {
            self.phase = Phase::Keeping { owes_answer: false };
            out.push(Action::ReportReady);
        }
    }
}
