//! The rules for the end of the command, and what starts and stops share.

use super::state::{AfterStop, Machine, PendingStart, Phase, StartStep};
use crate::event::{CommandEvent, RefreshEvent, Stop};
use crate::moment::Now;
use crate::process::signal::Signal;
use crate::process::{End, Pid, ProcessGroup, Target};
use crate::supervise::machine::actions::{Action, Final};

impl Machine {
    /// The command has exited without a stop by xassume.
    pub(super) fn ended(&mut self, child: Pid, end: End, now: Now, out: &mut Vec<Action>) {
        if self.terminated && self.facts.me == 1 {
            self.drain(child, end, now, out);
        } else {
            self.ended_by_itself(end, out);
        }
    }

    /// The exit is final, whatever the status. Processes that the command left behind keep running.
    fn ended_by_itself(&mut self, end: End, out: &mut Vec<Action>) {
        out.push(Action::Reap);
        if let End::Killed(signal) = end {
            self.restore_terminal(out);
            if self.sent_refresh_signal == Some(signal) {
                out.push(Action::Emit(RefreshEvent::DiedOfRefreshSignal { signal }.into()));
            }
        }
        self.exit(Final::Ended(end), out);
    }

    /// A stopped command has exited, and so have its remaining processes, as far as they can be killed.
    pub(super) fn stopped(&mut self, how: Stop, then: AfterStop, end: End, now: Now, out: &mut Vec<Action>) {
        out.push(Action::Emit(CommandEvent::Stopped { how, end }.into()));
        if self.facts.group == ProcessGroup::Own {
            out.push(Action::KillGroup);
        }
        out.push(Action::Reap);
        self.restore_terminal(out);
        match then {
            // At the next wake-up, not now: a signal that is already pending comes first, and may cancel the restart.
            AfterStop::Restart => {
                self.phase = Phase::Starting(PendingStart::at(StartStep::Due(now.boot), Some(end)));
            }
            AfterStop::Finish => self.exit(Final::Ended(end), out),
            AfterStop::Lapse => self.exit(Final::Lapsed, out),
        }
    }

    /// Only the command gets the refresh signal: its children may not handle it.
    pub(super) fn send_refresh_signal(&mut self, signal: Signal, child: Pid, out: &mut Vec<Action>) {
        self.sent_refresh_signal = Some(signal);
        out.push(Action::Signal(Target::Process, signal));
        out.push(Action::Emit(RefreshEvent::Signaled { signal, pid: child }.into()));
    }

    /// Where a signal from outside is forwarded to.
    pub(super) fn forward_target(&self) -> Target {
        match self.facts.group {
            ProcessGroup::Own => Target::Group,
            ProcessGroup::Shared => Target::Process,
        }
    }

    /// A command that was killed may have left the terminal in raw mode.
    pub(super) fn restore_terminal(&self, out: &mut Vec<Action>) {
        if self.facts.group == ProcessGroup::Shared {
            out.push(Action::RestoreTerminal);
        }
    }

    pub(super) fn exit(&mut self, end: Final, out: &mut Vec<Action>) {
        self.renewal.close(out);
        self.phase = Phase::Ended;
        out.push(Action::Exit(end));
    }
}
