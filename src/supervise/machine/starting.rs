//! The rules for starts: a child is forked, and must execute the command before a time limit ([`START_LIMIT`]).

use super::renewal::Consequence;
use super::state::{Given, Machine, PendingStart, Phase, Serving, StartStep};
use crate::error::Reason;
use crate::event::{CommandEvent, Problem, RefreshEvent};
use crate::moment::Now;
use crate::process::{End, Pid};
use crate::supervise::machine::actions::{Action, Fault, Final, START_LIMIT, START_RETRIES, START_RETRY_IN};
use crate::supervise::policy::{Duty, OnExpiry, ReadySign};

impl PendingStart {
    pub(super) fn at(step: StartStep, after: Option<End>) -> Self {
        Self { step, after, failures: 0, given: Given::Newest }
    }
}

impl StartStep {
    /// Kills the child of a canceled start, if it has been forked.
    pub(super) fn abort(self, out: &mut Vec<Action>) {
        if let StartStep::Awaited(_) = self {
            out.push(Action::AbortStart);
        }
    }
}

impl Machine {
    pub(super) fn wake_start(&mut self, start: PendingStart, now: Now, out: &mut Vec<Action>) {
        match start.step {
            StartStep::Due(at) if now.boot >= at => {
                let limit = now.boot.saturating_add(START_LIMIT);
                self.phase =
                    Phase::Starting(PendingStart { step: StartStep::Awaited(limit), given: Given::Newest, ..start });
                self.serving = self.new_serving();
                out.push(Action::Spawn);
            }
            StartStep::Awaited(limit) if now.boot >= limit => {
                out.push(Action::AbortStart);
                self.not_started(Fault::late(), start, now, out);
            }
            StartStep::Due(_) | StartStep::Awaited(_) => {}
        }
    }

    /// Returns the session that the next generation gets. Only a handover needs to know it.
    fn new_serving(&self) -> Option<Serving> {
        let renewal = self.renewal.as_ref().filter(|_| self.policy.starts_first())?;
        Some(Serving { term: renewal.term(), has_warned: false })
    }

    pub(super) fn started(&mut self, child: Pid, start: PendingStart, now: Now, out: &mut Vec<Action>) {
        self.phase = Phase::Running { child, ready_at: self.ready_at(now) };
        out.push(Action::Emit(CommandEvent::Started { pid: child }.into()));
        if start.after.is_none() {
            match (self.policy.duty(), self.policy.on_expiry) {
                (Duty::Notice, OnExpiry::Signal(signal)) => {
                    out.push(Action::Emit(RefreshEvent::NoticeOnly { signal }.into()));
                }
                (Duty::Refresh, _) => {
                    self.renewals().for_each(|renewal| renewal.emit_refresh_due(now, out));
                }
                (Duty::Notice, OnExpiry::None | OnExpiry::Restart) | (Duty::None, _) => {}
            }
        }
        self.hook_after_start(start.given, out);
        // If the session was replaced during the start, the command is restarted. With `--on-expiry signal`, the
        // command gets no signal here. It finds the new session when it first reads its credentials, and the refresh
        // signal could kill it while it starts.
        if start.given == Given::Replaced && self.policy.on_expiry == OnExpiry::Restart {
            self.consequence(Some(Consequence::Refreshed), now, out);
        }
    }

    /// The current generation shows by `--ready fd:N` or a time that it is ready.
    pub(super) fn ready(&mut self, child: Pid, out: &mut Vec<Action>) {
        self.phase = Phase::Running { child, ready_at: None };
        out.push(Action::Emit(CommandEvent::Ready { pid: child }.into()));
        out.push(Action::ReportReady);
        self.hook_after_readiness(out);
    }

    /// The current generation shows by `--ready` that it is ready. The relay has already passed on its `READY=1`.
    pub(super) fn ready_by_itself(&mut self, child: Pid, out: &mut Vec<Action>) {
        match self.policy.ready {
            Some(ReadySign::Notification) => self.hook_after_readiness(out),
            Some(ReadySign::Newline(_) | ReadySign::RunsFor(_)) | None => self.ready(child, out),
        }
    }

    /// Handles a failed start. If the first start fails, xassume exits. A later start is retried if the cause may be
    /// temporary.
    pub(super) fn not_started(&mut self, fault: Fault, start: PendingStart, now: Now, out: &mut Vec<Action>) {
        if start.after.is_none() || start.failures >= START_RETRIES || !fault.is_passing() {
            return self.exit(Final::NotStarted { errno: fault.errno }, out);
        }
        let step = StartStep::Due(now.boot.saturating_add(START_RETRY_IN));
        self.phase = Phase::Starting(PendingStart { step, failures: start.failures + 1, ..start });
        let problem = Problem::new(Reason::System, fault.text);
        out.push(Action::Emit(CommandEvent::StartRetry { problem, retry_in: START_RETRY_IN }.into()));
    }
}
