//! What must hold at each action and between any two events.

use super::super::*;
use super::moves::*;
use super::world::*;
use crate::process::signal::Signal;
use crate::process::{ProcessGroup, Target};
use crate::supervise::machine::actions::LINGER_LIMIT;
use crate::supervise::policy::{DeliveryTime, OnRefreshFailure};
use crate::supervise::schedule::MIN_INTERVAL;

impl World {
    pub(super) fn perform(&mut self, action: Action) {
        self.claim(self.over.is_none(), "nothing follows the exit");
        match action {
            Action::Assume => {
                self.claim(!self.call && !self.publish_asked, "one STS call in flight");
                self.call = true;
                self.late = self.expiry.passed(self.now);
            }
            Action::Abandon => {
                self.claim(self.call || self.publish_asked, "only a call or a delivery in flight can be dropped");
                self.failing |= self.call && !self.late;
                (self.call, self.publish_asked) = (false, false);
            }
            Action::Publish => {
                self.claim(!self.publish_asked, "a session is published once");
                self.publish_asked = true;
            }
            Action::Spawn => {
                self.claim(self.child == Child::None, "one child");
                self.claim(!self.terminated, "no spawn after a terminate");
                self.claim(!self.ended_by_itself, "no spawn after the command's own end");
                self.claim(!self.started_before || self.stopped_at.is_some(), "a restart follows a stop");
                self.child = Child::Unborn;
            }
            Action::AbortStart => {
                self.claim(self.child == Child::Unborn, "a child that is the command is not aborted");
                self.child = Child::None;
            }
            Action::Stop(_) => {
                self.claim(self.child == Child::Alive, "no stop without a child");
                self.claim(self.stopped_at.is_none() && !self.stop_asked, "a child is asked to stop once");
                self.claim(self.session_unused || self.failing, "the new session comes first, then the stop");
                self.session_unused = false;
                self.stop_asked = true;
            }
            Action::CheckRemaining => {
                self.claim(self.child == Child::Zombie, "the family is looked at when its leader has ended");
                self.look_asked = true;
            }
            Action::Signal(target, signal) => self.receive_signal(target, signal),
            Action::KillGroup => {
                self.claim(self.child == Child::Zombie, "a group is swept while its leader is not reaped");
                self.claim(self.machine.facts.group == ProcessGroup::Own, "only a group of its own is swept");
                self.claim(self.is_waited_for(), "only what was stopped is swept");
            }
            Action::Reap => {
                self.claim(self.child == Child::Zombie, "a child is reaped once, when it has ended");
                let unkillable = self.killed_at.is_some_and(|at| self.now.boot >= at + LINGER_LIMIT);
                let gone = self.left == Left::NOBODY || unkillable;
                self.claim(gone || !self.is_waited_for(), "a stop lasts until all have ended who can be ended");
                self.child = Child::None;
                self.left = Left::NOBODY;
            }
            Action::RestoreTerminal => {
                self.claim(
                    self.machine.facts.group == ProcessGroup::Shared,
                    "the terminal is restored where it is shared",
                );
                self.claim(self.child == Child::None, "the terminal is not taken from a child");
            }
            Action::Emit(Event::Lapsed) => {
                self.claim(self.expiry.passed(self.now), "a session is not lost before its expiry");
                self.claim(self.failing, "a session is lost only when a refresh failed, or took too long");
            }
            Action::Pause(_) | Action::Emit(_) => {}
            Action::Exit(end) => {
                self.claim(self.child == Child::None, "no exit with a live child");
                let asked = self.call || self.publish_asked || self.look_asked || self.stop_asked;
                self.claim(!asked, "no exit with a question open");
                self.claim(end != Final::Lapsed || self.failing, "the end for want of a session follows a failure");
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
            let leftover = target == Target::Strays && self.child == Child::Zombie && !self.left.in_group;
            self.claim(leftover, "the family outside the group is asked when the group has ended");
            self.claim(!self.strays_asked, "it is asked once");
            self.strays_asked = true;
        }
        if signal == refresh_signal() {
            let notice = self.machine.policy.delivery_time == DeliveryTime::AtStart;
            self.claim(self.session_unused || notice, "the refresh signal follows the published session");
            self.claim(target == Target::Process, "the refresh signal goes to the command alone");
            self.session_unused = false;
        }
        if signal == Signal::KILL {
            let since = self.stopped_at.or(self.ended_at);
            let patient = since.is_some_and(|at| self.now.boot >= at + STOP_TIMEOUT);
            self.claim(patient && self.is_waited_for(), "no SIGKILL before the stop timeout");
            let again = self.killed_at.is_some_and(|at| self.now.boot >= at + LINGER_LIMIT);
            self.claim(target == Target::Family || again, "the command alone is killed when that did not help");
            self.killed_at = self.killed_at.or(Some(self.now.boot));
        }
    }

    /// What holds between any two events.
    pub(super) fn check(&self, woken: bool, before: (&str, &str)) {
        let (command, session) = self.machine.state_names();
        self.claim(self.over.is_some() == (command == "Ended"), "the end is told exactly when it comes");
        if self.over.is_some() {
            self.claim(session == "Idle", "no session is wanted after the end");
            return;
        }
        let deadline = self.machine.deadline();
        let answer = self.call || self.publish_asked || self.stop_asked || self.look_asked;
        self.claim(self.child == Child::Alive || answer || deadline.is_some(), "no state waits for nothing");
        self.claim(command != "Stopping" || deadline.is_some(), "a stop has its timeout");
        self.claim(session != "Waiting" || deadline.is_some(), "a refresh that is waited for comes");
        self.claim((session == "Assuming") == self.call, "the machine knows of its call");
        self.claim((session == "Publishing") == self.publish_asked, "the machine knows of its delivery");
        self.claim((command == "Starting") != self.is_born(), "the machine knows of its child");
        let spins =
            woken && !self.look_asked && before == (command, session) && deadline.is_some_and(|at| at.passed(self.now));
        self.claim(!spins, "a wake-up moves its deadline");
        if woken && self.machine.policy.on_refresh_failure == OnRefreshFailure::Stop && self.expiry.passed(self.now) {
            let refresh = match session {
                // No two begin within a second.
                "Waiting" => !self.failing && deadline.is_some_and(|at| at.boot <= self.now.boot + MIN_INTERVAL),
                "Assuming" => !self.failing && self.late,
                _ => true,
            };
            self.claim(refresh, "at the wake-up after the expiry the command stops, or the first refresh is asked for");
        }
    }

    pub(super) fn is_born(&self) -> bool {
        match self.child {
            Child::None | Child::Unborn => false,
            Child::Alive | Child::Zombie => true,
        }
    }

    /// Whether those whom the ended child left behind are waited for: it was stopped, or it was that of a container's
    /// first process, which got TERM.
    pub(super) fn is_waited_for(&self) -> bool {
        self.stopped_at.is_some() || self.machine.facts.me == 1 && self.terminated
    }

    pub(super) fn claim(&self, holds: bool, claim: &str) {
        assert!(holds, "{claim}\n  after {:?}\n  in {:?}", self.trail.moves(), self.machine);
    }
}
