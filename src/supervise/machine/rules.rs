//! What the command's rules do: start, stop, restart, end.

use super::words::{Action, Fault, Final, LINGER_LIMIT, LINGER_POLL, START_RETRIES, START_RETRY_IN};
use super::{Machine, RefreshSignal, Stage, Start, Then};
use crate::supervise::happening::{Happening, Problem, Stop};
use crate::supervise::policy::{Duty, OnExpiry};
use crate::supervise::process::{End, Group, Pid, Target};
use crate::supervise::schedule::Now;
use crate::supervise::signal::Signal;

impl Machine {
    pub(super) fn started(&mut self, child: Pid, start: Start, now: Now, out: &mut Vec<Action>) {
        self.stage = Stage::Running { child };
        out.push(Action::Tell(Happening::Started { pid: child }));
        if start.after.is_some() {
            return;
        }
        match (self.policy.duty(), self.policy.on_expiry) {
            (Duty::Notice, OnExpiry::Signal(signal)) => out.push(Action::Tell(Happening::NoticeOnly { signal })),
            (Duty::Refresh, OnExpiry::None | OnExpiry::Restart | OnExpiry::Signal(_)) => {
                self.renewal.tell_due(now, out);
            }
            (Duty::Notice, OnExpiry::None | OnExpiry::Restart)
            | (Duty::None, OnExpiry::None | OnExpiry::Restart | OnExpiry::Signal(_)) => {}
        }
    }

    /// The first start fails for good. A later one waits for the old group to die, and tries again what may pass.
    pub(super) fn not_started(&mut self, fault: Fault, start: Start, now: Now, out: &mut Vec<Action>) {
        match fault {
            Fault::Lingering => {
                self.stage = Stage::Starting(Start { at: Some(now.boot.saturating_add(LINGER_POLL)), ..start });
            }
            Fault::Failed { errno, text } => {
                if start.after.is_none() || start.failures >= START_RETRIES || !Fault::is_passing(errno) {
                    return self.exit(Final::NotStarted { errno }, out);
                }
                let at = Some(now.boot.saturating_add(START_RETRY_IN));
                self.stage = Stage::Starting(Start { at, failures: start.failures + 1, ..start });
                let problem = Problem { text, hint: None };
                out.push(Action::Tell(Happening::StartRetry { problem, retry_in: START_RETRY_IN }));
            }
        }
    }

    /// A command that ends by itself is final, whatever its status; what it left behind is left alone.
    pub(super) fn ended_by_itself(&mut self, end: End, out: &mut Vec<Action>) {
        out.push(Action::Reap);
        match end {
            End::Killed(signal) => {
                self.restore_terminal(out);
                if self.refresh_signal == RefreshSignal::Sent(signal) {
                    out.push(Action::Tell(Happening::DiedOfRefreshSignal { signal }));
                }
            }
            End::Exited(_) => {}
        }
        self.exit(Final::Ended(end), out);
    }

    /// A command that was told to stop has ended: nothing of it stays.
    pub(super) fn stopped(&mut self, how: Stop, then: Then, end: End, now: Now, out: &mut Vec<Action>) {
        out.push(Action::Tell(Happening::Stopped { how, end }));
        match self.facts.group {
            Group::Own => out.push(Action::Sweep),
            Group::Shared => {}
        }
        out.push(Action::Reap);
        self.restore_terminal(out);
        match then {
            // At the next wake-up, not now: a signal that is already here is heard first, and may cancel it.
            Then::Restart => {
                let patience = now.boot.saturating_add(LINGER_LIMIT);
                self.stage = Stage::Starting(Start { at: Some(now.boot), after: Some(end), patience, failures: 0 });
            }
            Then::Finish => self.exit(Final::Ended(end), out),
            Then::Lapse => self.exit(Final::Lapsed, out),
        }
    }

    /// The stop signal, then CONT: a stopped process acts on nothing else.
    pub(super) fn stop(&mut self, child: Pid, then: Then, now: Now, out: &mut Vec<Action>) {
        let kill_at = now.boot.saturating_add(self.policy.stop_timeout);
        self.stage = Stage::Stopping { child, then, kill_at };
        out.push(Action::Signal(self.stop_target(), self.policy.stop_signal));
        out.push(Action::Signal(self.stop_target(), Signal::CONT));
    }

    /// The refresh signal goes to the command alone: what it started did not ask for it.
    pub(super) fn send_refresh_signal(&mut self, signal: Signal, child: Pid, out: &mut Vec<Action>) {
        self.refresh_signal = RefreshSignal::Sent(signal);
        out.push(Action::Signal(Target::Process, signal));
        out.push(Action::Tell(Happening::Signalled { signal, pid: child }));
    }

    /// Whom a stop, a kill and a forward reach: everybody the command started, if they can be told apart from others.
    pub(super) fn stop_target(&self) -> Target {
        match self.facts.group {
            Group::Own => Target::Group,
            Group::Shared => Target::Process,
        }
    }

    /// A command that did not leave by its own door may have left the terminal in raw mode.
    pub(super) fn restore_terminal(&self, out: &mut Vec<Action>) {
        match self.facts.group {
            Group::Shared => out.push(Action::RestoreTerminal),
            Group::Own => {}
        }
    }

    pub(super) fn exit(&mut self, end: Final, out: &mut Vec<Action>) {
        self.renewal.close(out);
        self.stage = Stage::Ended;
        out.push(Action::Exit(end));
    }
}
