//! The rules for the end of the command, and rules that both starts and stops use.

use super::renewal::Renewal;
use super::state::{AfterStop, Machine, PendingStart, PendingStop, Phase, StartStep, StopStep};
use crate::event::{CommandEvent, Problem, RefreshEvent, Stop, Stopped};
use crate::moment::Now;
use crate::process::signal::Signal;
use crate::process::{End, Pid, ProcessGroup, Target};
use crate::supervise::machine::actions::{Action, Final};

impl Machine {
    /// Handles the exit of a command to which xassume had not sent the stop signal. Whatever the exit status of the
    /// command is, the command is not started again. Processes that the command left behind keep running. Only as
    /// PID 1, and after it received TERM, xassume waits for the command's process group before it exits.
    pub(super) fn ended(&mut self, child: Pid, end: End, now: Now, out: &mut Vec<Action>) {
        if self.terminated && self.facts.me == 1 {
            return self.drain(child, end, now, out);
        }
        out.push(Action::Emit(CommandEvent::Exited { end }.into()));
        out.push(Action::Reap(child));
        if let End::Killed(signal) = end {
            self.restore_terminal(out);
            if self.sent_refresh_signal == Some(signal) {
                out.push(Action::Emit(RefreshEvent::DiedOfRefreshSignal { signal }.into()));
            }
        }
        self.finish(Final::Ended(end), now, out);
    }

    /// Completes a stop. The command has exited, and so have all remaining processes that can be killed.
    pub(super) fn clean_up(&self, stop: PendingStop, end: End, who: Stopped, out: &mut Vec<Action>) {
        let how = match stop.step {
            StopStep::Asked { .. } => Stop::Asked,
            StopStep::Killed { .. } => Stop::Killed,
        };
        out.push(Action::Emit(CommandEvent::Stopped { who, pid: stop.child, how, end }.into()));
        if self.facts.group == ProcessGroup::Own {
            out.push(Action::KillGroup(stop.child));
        }
        out.push(Action::Reap(stop.child));
        self.restore_terminal(out);
    }

    /// Continues after a stop of the current generation.
    pub(super) fn stopped(&mut self, then: AfterStop, end: End, now: Now, out: &mut Vec<Action>) {
        match then {
            // The command is started at the next wake-up and not here, because a signal that is already pending must be
            // handled first and may cancel the restart.
            AfterStop::Restart => {
                self.phase = Phase::Starting(PendingStart::at(StartStep::Due(now.boot), Some(end)));
            }
            AfterStop::Finish => self.finish(Final::Ended(end), now, out),
            AfterStop::End(end) => self.finish(end, now, out),
        }
    }

    /// Sends the refresh signal to the command's own process only, because its children may not handle that signal.
    pub(super) fn send_refresh_signal(&mut self, signal: Signal, child: Pid, out: &mut Vec<Action>) {
        self.sent_refresh_signal = Some(signal);
        out.push(Action::Signal(child, Target::Process, signal));
        out.push(Action::Emit(RefreshEvent::Signaled { signal, pid: child }.into()));
    }

    /// Begins to signal the process of `--signal-pid-file`, if there is this flag.
    pub(super) fn signal_named(&mut self, out: &mut Vec<Action>) {
        if let Some(named) = &mut self.named {
            named.begin();
            out.push(Action::SignalNamed(named.signal()));
        }
    }

    /// Begins another attempt to signal the process of `--signal-pid-file`, if one is due.
    pub(super) fn wake_named(&mut self, now: Now, out: &mut Vec<Action>) {
        if let Some(named) = &mut self.named
            && self.phase != Phase::Ended
            && named.wake(now)
        {
            out.push(Action::SignalNamed(named.signal()));
        }
    }

    pub(super) fn named_signaled(&mut self, result: Result<Pid, Problem>, now: Now, out: &mut Vec<Action>) {
        let Some(term) = self.renewals().map(Renewal::term).min_by_key(|term| term.left(now)) else { return };
        let Some(named) = &mut self.named else { return };
        let events = named.answered(result, term, now);
        out.extend(events.into_iter().map(|event| Action::Emit(event.into())));
    }

    /// Returns the target to which a signal that xassume received is forwarded.
    pub(super) fn forward_target(&self) -> Target {
        match self.facts.group {
            ProcessGroup::Own => Target::Group,
            ProcessGroup::Shared => Target::Process,
        }
    }

    /// Restores the terminal if the command shares xassume's process group, because a command that was killed may have
    /// left the terminal in raw mode.
    pub(super) fn restore_terminal(&self, out: &mut Vec<Action>) {
        if self.facts.group == ProcessGroup::Shared {
            out.push(Action::RestoreTerminal);
        }
    }

    pub(super) fn exit(&mut self, end: Final, out: &mut Vec<Action>) {
        self.close_renewals(out);
        self.phase = Phase::Ended;
        out.push(Action::Exit(end));
    }

    /// Ends the refreshes.
    pub(super) fn close_renewals(&mut self, out: &mut Vec<Action>) {
        self.renewals_mut().for_each(|renewal| renewal.close(out));
    }
}
