//! The checks of each action, and the checks between two inputs.

use super::super::*;
use super::model::*;
use super::moves::*;
use crate::event::{Event, RefreshEvent};
use crate::process::signal::Signal;
use crate::process::{Pid, ProcessGroup, Target};
use crate::supervise::machine::actions::LINGER_LIMIT;
use crate::supervise::notify::Role;
use crate::supervise::policy::{DeliveryTime, OnRefreshFailure, ReadySign, SignalTarget};
use crate::supervise::schedule::MIN_INTERVAL;

impl Model {
    /// Performs an action in the model, and checks it.
    pub(super) fn perform(&mut self, action: &Action) {
        self.claim(self.over.is_none(), "nothing follows the exit");
        match *action {
            Action::Assume(_) | Action::AssumeNew(_) => {
                self.claim(!self.call && !self.publish_pending, "one STS call in flight");
                self.call = true;
                self.late = self.expiry.passed(self.now);
            }
            Action::Abandon(_) => {
                self.claim(self.call || self.publish_pending, "only a call or a delivery in flight can be dropped");
                self.failing |= self.call && !self.late;
                (self.call, self.publish_pending) = (false, false);
            }
            Action::Publish(_) => {
                self.claim(!self.publish_pending, "a session is published once");
                self.publish_pending = true;
            }
            Action::Spawn => self.spawn(),
            Action::AbortStart => {
                let starting = self.processes.iter().find(|process| process.child == ModelChild::Starting);
                self.claim(starting.is_some(), "a child that runs the command is not aborted");
                self.processes = self.processes.clone().map(|process| match process.child {
                    ModelChild::Starting => ModelProcess::none(process.pid),
                    ModelChild::None | ModelChild::Alive | ModelChild::Zombie => process,
                });
            }
            Action::Stop(pid, _) => self.stop(pid),
            Action::CheckRemaining(pid) => {
                let is_zombie = self.process(pid).child == ModelChild::Zombie;
                self.claim(is_zombie, "remaining processes are checked after the leader has exited");
                self.process(pid).check_pending = true;
            }
            Action::Signal(pid, target, signal) => self.receive_signal(pid, target, signal),
            Action::SignalNamed(signal) => {
                let is_named = self.machine.policy.signal_target == SignalTarget::PidFile;
                self.claim(
                    is_named && signal == refresh_signal(),
                    "the refresh signal goes to the process of the pid file",
                );
                let is_retry = self.naming_failed && !self.naming;
                self.claim(self.session_unused || is_retry, "it follows the published session, or a failed attempt");
                (self.session_unused, self.naming, self.naming_failed) = (false, true, false);
            }
            Action::KillGroup(pid) => {
                let is_zombie = self.process(pid).child == ModelChild::Zombie;
                self.claim(is_zombie, "a group is killed while its leader is not reaped");
                self.claim(self.machine.facts.group == ProcessGroup::Own, "only an own group is killed");
                self.claim(self.is_waited_for(pid), "only a stopped group is killed");
            }
            Action::Reap(pid) => self.reap(pid),
            Action::ReportReady if self.machine.is_keeper() => {
                self.claim(!self.is_answer_pending(), "a reload is complete after its refresh");
            }
            Action::ReportReady => {
                let by_time = matches!(self.machine.policy.ready, Some(ReadySign::RunsFor(_)));
                let current = self.process(self.current);
                let (runs, is_ready) = (current.child == ModelChild::Alive, current.is_ready || by_time);
                self.claim(runs && is_ready, "a generation that runs is ready");
            }
            Action::HandOver => self.hand_over(),
            Action::RunHook(_) => self.run_hook(),
            Action::RestoreTerminal => {
                self.claim(
                    self.machine.facts.group == ProcessGroup::Shared,
                    "the terminal is restored where it is shared",
                );
                let none = self.living().is_empty();
                self.claim(none, "the terminal is not restored under a child");
            }
            Action::Emit(Event::Refresh(RefreshEvent::Lapsed { .. })) => {
                self.claim(self.expiry.passed(self.now), "a session does not lapse before its expiry");
                self.claim(self.failing, "a session lapses only if a refresh failed or took too long");
            }
            Action::Emit(Event::Command(CommandEvent::LapsedInHandover)) => {
                let old = self.process(self.current).given;
                let is_old = old.is_some_and(|old| old != self.expiry && old.passed(self.now));
                self.claim(is_old, "a command lapses in a handover after the expiry of its session");
                self.lapsed_in_handover = true;
            }
            Action::Emit(Event::Command(CommandEvent::HandoverFailed { .. })) => self.failed_at = Some(self.now.boot),
            Action::Pause(_) | Action::Emit(_) => {}
            Action::Exit(end) => {
                let none = self.processes.iter().all(|process| process.child == ModelChild::None);
                self.claim(none, "no exit with a live child");
                self.claim(!self.is_answer_pending(), "no exit before a pending answer");
                let lapses = self.failing || self.lapsed_in_handover;
                self.claim(end != Final::Lapsed || lapses, "the end after an expired session follows a failure");
                self.over = Some(end);
            }
        }
    }

    fn spawn(&mut self) {
        self.claim(!self.terminated, "no spawn after TERM");
        self.claim(!self.end_announced, "no spawn after the command announced its end");
        self.claim(!self.end_decided, "no spawn after the end is decided");
        self.claim(!self.ended_by_itself, "no spawn after the command exited by itself");
        let (starts_first, given) = (self.machine.policy.starts_first(), self.expiry);
        let other = self.processes.iter().filter(|process| process.child != ModelChild::None).collect::<Vec<_>>();
        match other[..] {
            [] => {
                self.claim(!self.started_before || self.stopped_before, "a restart follows a stop");
                self.claim(!starts_first || !self.started_before, "with start-first, the old one runs");
            }
            [old] => {
                self.claim(starts_first, "one child");
                self.claim(old.pid == self.current && old.child == ModelChild::Alive, "the old one runs");
                self.claim(old.stopped_at.is_none(), "the old one is not being stopped");
                self.claim(old.given != Some(given), "the new one has a newer session");
            }
            _ => self.claim(false, "at most two children, and one of them is new"),
        }
        let patient = self.failed_at.take().is_none_or(|at| self.now.boot >= at + MIN_INTERVAL);
        self.claim(patient, "there is a pause after a failed handover");
        let free = self.processes.iter().find(|process| process.child == ModelChild::None).map(|process| process.pid);
        let pid = free.unwrap_or(self.current);
        *self.process(pid) =
            ModelProcess { child: ModelChild::Starting, given: Some(given), ..ModelProcess::none(pid) };
        if !self.processes.iter().any(|process| process.pid != pid && process.child != ModelChild::None) {
            self.current = pid;
        }
    }

    fn stop(&mut self, pid: Pid) {
        let starts_first = self.machine.policy.starts_first();
        let allowed = if starts_first {
            // The machine has decided the end before the action.
            pid != self.current || self.machine.is_ending()
        } else {
            self.session_unused || self.failing
        };
        let process = self.process(pid);
        let (child, stopped_at, stop_pending) = (process.child, process.stopped_at, process.stop_pending);
        self.claim(child == ModelChild::Alive, "no stop without a child");
        self.claim(stopped_at.is_none() && !stop_pending, "a child is sent the stop signal once");
        self.claim(allowed, "the new session, or the new process, comes first, then the stop");
        self.session_unused = false;
        self.process(pid).stop_pending = true;
    }

    fn reap(&mut self, pid: Pid) {
        let now = self.now.boot;
        let process = self.process(pid);
        let unkillable = process.killed_at.is_some_and(|at| now >= at + LINGER_LIMIT);
        let gone = process.left == Left::NONE || unkillable;
        let is_zombie = process.child == ModelChild::Zombie;
        self.claim(is_zombie, "a child is reaped once, after its exit");
        self.claim(gone || !self.is_waited_for(pid), "a stop lasts until all processes that can be killed have exited");
        // What it sent last is read now.
        let is_replaced = pid != self.current && self.process(self.current).is_born();
        let role = self.machine.role(pid);
        self.claim(!is_replaced || role == Role::Leaving, "a generation beside the current one does not speak for it");
        let process = self.process(pid);
        (process.child, process.left) = (ModelChild::None, Left::NONE);
        if pid == self.current
            && let Some(other) = self.living().first()
        {
            self.current = *other;
        }
    }

    fn hand_over(&mut self) {
        let (current, now) = (self.current, self.now.boot);
        let new = self.processes.iter().find(|process| process.pid != current).cloned();
        let Some(new) = new else { return };
        let ready = match self.machine.policy.ready {
            Some(ReadySign::RunsFor(time)) => new.started_at.is_some_and(|at| now >= at + time),
            Some(ReadySign::Notification | ReadySign::Newline(_)) | None => new.is_ready,
        };
        self.claim(ready && new.child == ModelChild::Alive, "the new one is ready");
        self.claim(!self.terminated, "no handover after TERM");
        self.process(current).is_ready = true;
        self.process(new.pid).is_ready = true;
        self.owed_hang_up = new.is_owed_hang_up.then_some(new.pid);
        self.current = new.pid;
    }

    fn run_hook(&mut self) {
        let current = self.process(self.current).clone();
        self.claim(self.hooked != Some(self.expiry), "the hook runs once for a session");
        self.claim(current.is_born(), "the hook does not run before the command was started");
        let is_bound = self.machine.policy.delivery_time == DeliveryTime::AtStart;
        let has_newest = !is_bound || current.given == Some(self.expiry);
        self.claim(has_newest, "the hook runs when the command has the session");
        let must_be_ready = is_bound && self.machine.policy.ready == Some(ReadySign::Notification);
        self.claim(!must_be_ready || current.is_ready, "the hook runs when the command is ready");
        self.hooked = Some(self.expiry);
    }

    /// Checks that the hook has run if the command has the newest session.
    fn check_hook(&mut self) {
        let policy = self.machine.policy;
        let current = self.process(self.current);
        let (runs, is_ready, given) = (current.child == ModelChild::Alive, current.is_ready, current.given);
        let has_newest = match policy.delivery_time {
            DeliveryTime::AtStart => given == Some(self.expiry),
            DeliveryTime::Live => !policy.starts_first(),
        };
        if runs && !self.machine.is_ending() && has_newest && (is_ready || !policy.starts_first()) {
            self.claim(self.hooked == Some(self.expiry), "the hook runs for each session that was handed over");
        }
    }

    fn receive_signal(&mut self, pid: Pid, target: Target, signal: Signal) {
        let (process, now) = (self.process(pid).clone(), self.now.boot);
        self.claim(process.is_born(), "no signal without a child, or after it was reaped");
        self.claim(
            target != Target::Group || self.machine.facts.group == ProcessGroup::Own,
            "no signal to a shared group",
        );
        if signal == stop_signal() {
            let is_zombie = process.child == ModelChild::Zombie;
            match target {
                // The processes that a new generation leaves behind get the stop signal.
                Target::Group => {
                    self.claim(is_zombie && process.stopped_at.is_none(), "the rest of a group gets the signal once");
                    self.process(pid).stopped_at = Some(now);
                }
                Target::Strays => {
                    let leftover = is_zombie && !process.left.in_group;
                    self.claim(leftover, "the family outside the group gets the signal after the group has exited");
                    self.claim(!process.strays_signaled, "it gets the signal once");
                    self.process(pid).strays_signaled = true;
                }
                Target::Process | Target::Family => self.claim(false, "the stop signal is for groups"),
            }
        } else if signal == refresh_signal() {
            let notice = self.machine.policy.delivery_time == DeliveryTime::AtStart;
            self.claim(self.session_unused || notice, "the refresh signal follows the published session");
            let is_commands = self.machine.policy.signal_target == SignalTarget::Command;
            self.claim(is_commands, "with a pid file, the command gets no signal");
            self.claim(target == Target::Process, "only the command gets the refresh signal");
            self.session_unused = false;
        } else if signal == Signal::KILL {
            let since = process.stopped_at.or(process.ended_at);
            let patient = since.is_some_and(|at| now >= at + STOP_TIMEOUT);
            self.claim(patient && self.is_waited_for(pid), "no SIGKILL before the stop timeout");
            let again = process.killed_at.is_some_and(|at| now >= at + LINGER_LIMIT);
            self.claim(target == Target::Family || again, "only the command is killed once more");
            self.process(pid).killed_at = process.killed_at.or(Some(now));
        } else if signal != Signal::CONT {
            self.forwarded_to.push(pid);
        }
    }

    /// Checks that a signal reached each of the processes `living` once, or none of them.
    pub(super) fn check_forwarding(&mut self, step: Move, living: &[Pid]) {
        let mut forwarded = std::mem::take(&mut self.forwarded_to);
        forwarded.sort_unstable();
        let Move::Receive(arrival) = step else {
            // A handover forwards the HUP that the new generation has not got.
            let owed: Vec<_> = self.owed_hang_up.take().into_iter().collect();
            self.claim(forwarded == owed, "only HUP is forwarded later, and once");
            return;
        };
        if forwarded.is_empty() {
            return;
        }
        let mut expected = living.to_vec();
        if arrival.signal == Signal::HUP {
            let current = self.current;
            for pid in living {
                let process = self.process(*pid);
                if *pid != current && !process.is_ready && process.stopped_at.is_none() && !process.stop_pending {
                    process.is_owed_hang_up = true;
                    expected.retain(|expected| expected != pid);
                }
            }
        }
        self.claim(forwarded == expected, "a signal reaches each living child once");
        // A new generation that has got TERM is being stopped.
        if arrival.signal == Signal::TERM {
            let (current, now) = (self.current, self.now.boot);
            for pid in living {
                let process = self.process(*pid);
                if *pid != current && !process.is_ready && process.stopped_at.is_none() {
                    process.stopped_at = Some(now);
                }
            }
        }
    }

    /// Checks the claims that hold between any two inputs.
    pub(super) fn check(&mut self, woken: bool, before: [&str; 3]) {
        let decided = self.machine.is_ending();
        self.claim(decided || !self.end_decided, "a decided end stays decided");
        self.end_decided = decided;
        let names @ [command, beside, session] = self.machine.state_names();
        self.claim(self.over.is_some() == (command == "Ended"), "the machine ends exactly at the exit");
        if self.over.is_some() {
            self.claim(session == "Idle", "no refresh after the end");
            return;
        }
        self.check_hook();
        let deadline = self.machine.deadline();
        let alive = self.processes.iter().any(|process| process.child == ModelChild::Alive);
        self.claim(alive || self.is_answer_pending() || deadline.is_some(), "every state waits for an input");
        self.claim(command != "Stopping" || deadline.is_some(), "a stop has a timeout");
        self.claim(session != "Waiting" || deadline.is_some(), "a waiting refresh has a deadline");
        self.claim((session == "Assuming") == self.call, "the machine knows of its call");
        self.claim((session == "Publishing") == self.publish_pending, "the machine knows of its delivery");
        let current = self.process(self.current).is_born();
        self.claim(["Starting", "Keeping"].contains(&command) != current, "the machine knows of its child");
        let other = self.processes.iter().find(|process| process.pid != self.current).map(|process| process.child);
        let expected: &[ModelChild] = match beside {
            "Launching" => &[ModelChild::Starting],
            "Preparing" => &[ModelChild::Alive],
            "Leaving" => &[ModelChild::Alive, ModelChild::Zombie],
            _ => &[ModelChild::None],
        };
        self.claim(other.is_some_and(|other| expected.contains(&other)), "the machine knows of the other child");
        let spins = woken
            && !self.processes.iter().any(|process| process.check_pending)
            && before == names
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

    fn is_answer_pending(&self) -> bool {
        self.call
            || self.publish_pending
            || self.processes.iter().any(|process| process.stop_pending || process.check_pending)
    }

    /// Checks whether xassume waits for the processes that remain after the command's exit. xassume waits if it stopped
    /// the command, or if the command exited after TERM while xassume was PID 1.
    fn is_waited_for(&self, pid: Pid) -> bool {
        let mut processes = self.processes.iter();
        processes.any(|process| process.pid == pid && process.stopped_at.is_some())
            || self.machine.facts.me == 1 && self.terminated
    }

    pub(super) fn claim(&self, ok: bool, claim: &str) {
        assert!(ok, "{claim}\n  after {:?}\n  in {:?}", self.trail.moves(), self.machine);
    }
}
