//! The checks of each action, and the checks between two inputs.

use super::super::*;
use super::model::*;
use super::moves::*;
use crate::event::{Event, RefreshEvent};
use crate::process::signal::Signal;
use crate::process::{ProcessGroup, Target};
use crate::supervise::machine::actions::LINGER_LIMIT;
use crate::supervise::policy::{DeliveryTime, OnRefreshFailure};
use crate::supervise::schedule::MIN_INTERVAL;

impl Model {
    /// Performs an action in the model, and checks it.
    pub(super) fn perform(&mut self, action: Action) {
        self.claim(self.over.is_none(), "nothing follows the exit");
        match action {
            Action::Assume => {
                self.claim(!self.call && !self.publish_pending, "one STS call in flight");
                self.call = true;
                self.late = self.expiry.passed(self.now);
            }
            Action::Abandon => {
                self.claim(self.call || self.publish_pending, "only a call or a delivery in flight can be dropped");
                self.failing |= self.call && !self.late;
                (self.call, self.publish_pending) = (false, false);
            }
            Action::Publish => {
                self.claim(!self.publish_pending, "a session is published once");
                self.publish_pending = true;
            }
            Action::Spawn => {
                self.claim(self.child == ModelChild::None, "one child");
                self.claim(!self.terminated, "no spawn after TERM");
                self.claim(!self.end_announced, "no spawn after the command announced its end");
                self.claim(!self.end_decided, "no spawn after the end is decided");
                self.claim(!self.ended_by_itself, "no spawn after the command exited by itself");
                self.claim(!self.started_before || self.stopped_at.is_some(), "a restart follows a stop");
                self.child = ModelChild::Starting;
            }
            Action::AbortStart => {
                self.claim(self.child == ModelChild::Starting, "a child that runs the command is not aborted");
                self.child = ModelChild::None;
            }
            Action::Stop(_) => {
                self.claim(self.child == ModelChild::Alive, "no stop without a child");
                self.claim(self.stopped_at.is_none() && !self.stop_pending, "a child is sent the stop signal once");
                self.claim(self.session_unused || self.failing, "the new session comes first, then the stop");
                self.session_unused = false;
                self.stop_pending = true;
            }
            Action::CheckRemaining => {
                self.claim(
                    self.child == ModelChild::Zombie,
                    "remaining processes are checked after the leader has exited",
                );
                self.check_pending = true;
            }
            Action::Signal(target, signal) => self.receive_signal(target, signal),
            Action::KillGroup => {
                self.claim(self.child == ModelChild::Zombie, "a group is killed while its leader is not reaped");
                self.claim(self.machine.facts.group == ProcessGroup::Own, "only an own group is killed");
                self.claim(self.is_waited_for(), "only a stopped group is killed");
            }
            Action::Reap => {
                self.claim(self.child == ModelChild::Zombie, "a child is reaped once, after its exit");
                let unkillable = self.killed_at.is_some_and(|at| self.now.boot >= at + LINGER_LIMIT);
                let gone = self.left == Left::NONE || unkillable;
                self.claim(
                    gone || !self.is_waited_for(),
                    "a stop lasts until all processes that can be killed have exited",
                );
                self.child = ModelChild::None;
                self.left = Left::NONE;
            }
            Action::RestoreTerminal => {
                self.claim(
                    self.machine.facts.group == ProcessGroup::Shared,
                    "the terminal is restored where it is shared",
                );
                self.claim(self.child == ModelChild::None, "the terminal is not restored under a child");
            }
            Action::Emit(Event::Refresh(RefreshEvent::Lapsed { .. })) => {
                self.claim(self.expiry.passed(self.now), "a session does not lapse before its expiry");
                self.claim(self.failing, "a session lapses only if a refresh failed or took too long");
            }
            Action::Pause(_) | Action::Emit(_) => {}
            Action::Exit(end) => {
                self.claim(self.child == ModelChild::None, "no exit with a live child");
                let asked = self.call || self.publish_pending || self.check_pending || self.stop_pending;
                self.claim(!asked, "no exit before a pending answer");
                self.claim(end != Final::Lapsed || self.failing, "the end after an expired session follows a failure");
                self.over = Some(end);
            }
        }
    }

    pub(super) fn receive_signal(&mut self, target: Target, signal: Signal) {
        self.claim(self.is_born(), "no signal without a child, or after it was reaped");
        self.claim(
            target != Target::Group || self.machine.facts.group == ProcessGroup::Own,
            "no signal to a shared group",
        );
        if signal == stop_signal() {
            let leftover = target == Target::Strays && self.child == ModelChild::Zombie && !self.left.in_group;
            self.claim(leftover, "the family outside the group gets the signal after the group has exited");
            self.claim(!self.strays_signaled, "it gets the signal once");
            self.strays_signaled = true;
        }
        if signal == refresh_signal() {
            let notice = self.machine.policy.delivery_time == DeliveryTime::AtStart;
            self.claim(self.session_unused || notice, "the refresh signal follows the published session");
            self.claim(target == Target::Process, "only the command gets the refresh signal");
            self.session_unused = false;
        }
        if signal == Signal::KILL {
            let since = self.stopped_at.or(self.ended_at);
            let patient = since.is_some_and(|at| self.now.boot >= at + STOP_TIMEOUT);
            self.claim(patient && self.is_waited_for(), "no SIGKILL before the stop timeout");
            let again = self.killed_at.is_some_and(|at| self.now.boot >= at + LINGER_LIMIT);
            self.claim(target == Target::Family || again, "only the command is killed once more");
            self.killed_at = self.killed_at.or(Some(self.now.boot));
        }
    }

    /// Checks the claims that hold between any two inputs.
    pub(super) fn check(&mut self, woken: bool, before: (&str, &str)) {
        let decided = self.machine.is_ending();
        self.claim(decided || !self.end_decided, "a decided end stays decided");
        self.end_decided = decided;
        let (command, session) = self.machine.state_names();
        self.claim(self.over.is_some() == (command == "Ended"), "the machine ends exactly at the exit");
        if self.over.is_some() {
            self.claim(session == "Idle", "no refresh after the end");
            return;
        }
        let deadline = self.machine.deadline();
        let answer = self.call || self.publish_pending || self.stop_pending || self.check_pending;
        self.claim(self.child == ModelChild::Alive || answer || deadline.is_some(), "every state waits for an input");
        self.claim(command != "Stopping" || deadline.is_some(), "a stop has a timeout");
        self.claim(session != "Waiting" || deadline.is_some(), "a waiting refresh has a deadline");
        self.claim((session == "Assuming") == self.call, "the machine knows of its call");
        self.claim((session == "Publishing") == self.publish_pending, "the machine knows of its delivery");
        self.claim((command == "Starting") != self.is_born(), "the machine knows of its child");
        let spins = woken
            && !self.check_pending
            && before == (command, session)
            && deadline.is_some_and(|at| at.passed(self.now));
        self.claim(!spins, "a wake-up moves its deadline");
        if woken && self.machine.policy.on_refresh_failure == OnRefreshFailure::Stop && self.expiry.passed(self.now) {
            let refresh = match session {
                // A refresh may wait here, because two refreshes must not begin within one second.
                "Waiting" => !self.failing && deadline.is_some_and(|at| at.boot <= self.now.boot + MIN_INTERVAL),
                "Assuming" => !self.failing && self.late,
                _ => true,
            };
            self.claim(refresh, "after the expiry a wake-up stops the command or starts the first refresh");
        }
    }

    pub(super) fn is_born(&self) -> bool {
        match self.child {
            ModelChild::None | ModelChild::Starting => false,
            ModelChild::Alive | ModelChild::Zombie => true,
        }
    }

    /// Checks whether xassume waits for the processes that remain after the command's exit. xassume waits if it stopped
    /// the command, or if the command exited after TERM while xassume was PID 1.
    pub(super) fn is_waited_for(&self) -> bool {
        self.stopped_at.is_some() || self.machine.facts.me == 1 && self.terminated
    }

    pub(super) fn claim(&self, ok: bool, claim: &str) {
        assert!(ok, "{claim}\n  after {:?}\n  in {:?}", self.trail.moves(), self.machine);
    }
}
