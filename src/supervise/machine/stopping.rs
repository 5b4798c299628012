//! The rules for stops: the command's own process exits first, and then the other processes of its group and family.
//!
//! The command's own process is reaped only after the other processes are gone, so its process ID and the ID of its
//! group are not reused before then.

use super::state::{AfterStop, FamilyWait, Leader, Machine, PendingStop, Phase};
use crate::event::{CommandEvent, Stop};
use crate::moment::Now;
use crate::process::signal::Signal;
use crate::process::{End, Pid, Remaining, Target};
use crate::supervise::machine::actions::{Action, FIRST_PAUSE, LINGER_LIMIT, LONGEST_PAUSE, NAMED_AFTER};
use std::time::Duration;

impl PendingStop {
    /// If the command has exited, requests a check for remaining processes, because the orphan that was reaped may have
    /// been the last of them.
    pub(super) fn orphan_reaped(self, out: &mut Vec<Action>) {
        if self.leader.ended().is_some() {
            out.push(Action::CheckRemaining);
        }
    }

    /// Sends SIGKILL once more to a command that is still running.
    fn insist(self, out: &mut Vec<Action>) {
        if self.leader.ended().is_none() {
            out.push(Action::Signal(Target::Process, Signal::KILL));
            out.push(Action::Emit(CommandEvent::NotKilled { pid: self.child }.into()));
        }
    }

    /// Returns the time of the next wake-up, or `None` if none is needed. `limit` is the time limit of the current
    /// phase, if it has one.
    pub(super) fn deadline(self, limit: Option<Duration>) -> Option<Duration> {
        limit.into_iter().chain(self.leader.ended().map(|wait| wait.look_at)).min()
    }
}

impl FamilyWait {
    fn new(end: End, now: Now) -> Self {
        let look_at = now.boot.saturating_add(FIRST_PAUSE);
        Self { end, at: now.boot, look_at, pause: FIRST_PAUSE, named: false, strays_signaled: false }
    }

    /// Returns the state of the wait after a check at the time `now`. The next check follows after a longer pause.
    fn looking(self, now: Now) -> Self {
        let pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
        Self { look_at: now.boot.saturating_add(pause), pause, ..self }
    }
}

impl Machine {
    pub(super) fn stop(&mut self, child: Pid, then: AfterStop, now: Now, out: &mut Vec<Action>) {
        let kill_at = now.boot.saturating_add(self.policy.stop_timeout);
        self.phase = Phase::Stopping { stop: PendingStop { child, then, leader: Leader::NotSignaled }, kill_at };
        out.push(Action::Stop(self.policy.stop_signal));
    }

    /// Waits for the processes that the command left behind, if xassume is PID 1 and got TERM. When PID 1 exits, the
    /// kernel kills all other processes, so these processes first get time to exit, as in a stop.
    pub(super) fn drain(&mut self, child: Pid, end: End, now: Now, out: &mut Vec<Action>) {
        let kill_at = now.boot.saturating_add(self.policy.stop_timeout);
        let leader = Leader::Ended(FamilyWait::new(end, now));
        self.phase = Phase::Stopping { stop: PendingStop { child, then: AfterStop::Finish, leader }, kill_at };
        out.push(Action::CheckRemaining);
    }

    pub(super) fn stop_sent(&mut self, stop: PendingStop) {
        self.set_stop(PendingStop { leader: Leader::Signaled, ..stop });
    }

    /// Handles the exit of the command's own process. It exited after the stop signal, or just before the signal could
    /// be sent.
    pub(super) fn leader_ended(&mut self, stop: PendingStop, end: End, now: Now, out: &mut Vec<Action>) {
        match stop.leader {
            Leader::NotSignaled => self.ended(stop.child, end, now, out),
            Leader::Signaled => {
                self.set_stop(PendingStop { leader: Leader::Ended(FamilyWait::new(end, now)), ..stop });
                out.push(Action::CheckRemaining);
            }
            Leader::Ended(_) => {}
        }
    }

    pub(super) fn remaining(&mut self, stop: PendingStop, remaining: Remaining, now: Now, out: &mut Vec<Action>) {
        // This input answers an action that is requested only after the command's own process has ended. Before that,
        // it is ignored.
        let Some(wait) = stop.leader.ended() else { return };
        match self.phase {
            Phase::Stopping { .. } => self.await_remaining(stop, wait, remaining, now, out),
            Phase::Killing { since, .. } => self.kill_remaining(stop, wait, since, remaining, now, out),
            Phase::Starting(_) | Phase::Running { .. } | Phase::Ended => {}
        }
    }

    /// Waits until the processes of the group have exited. Then sends the stop signal to the rest of the family.
    fn await_remaining(
        &mut self,
        stop: PendingStop,
        mut wait: FamilyWait,
        remaining: Remaining,
        now: Now,
        out: &mut Vec<Action>,
    ) {
        let group_has_ended = remaining.in_group.is_none();
        let Some(member) = remaining.in_group.or(remaining.stray) else {
            return self.stopped(Stop::Asked, stop.then, wait.end, now, out);
        };
        if group_has_ended && !wait.strays_signaled {
            wait.strays_signaled = true;
            out.push(Action::Signal(Target::Strays, self.policy.stop_signal));
            out.push(Action::Signal(Target::Strays, Signal::CONT));
        }
        if !wait.named && now.boot >= wait.at.saturating_add(NAMED_AFTER) {
            wait.named = true;
            out.push(Action::Emit(CommandEvent::StillStopping { member }.into()));
        }
        self.set_stop(PendingStop { leader: Leader::Ended(wait), ..stop });
    }

    /// Sends SIGKILL to the remaining processes. This is repeated after each check, because these processes may fork.
    /// If a process cannot be killed, xassume stops waiting for it after [`LINGER_LIMIT`].
    fn kill_remaining(
        &mut self,
        stop: PendingStop,
        wait: FamilyWait,
        since: Duration,
        remaining: Remaining,
        now: Now,
        out: &mut Vec<Action>,
    ) {
        let give_up = wait.at.max(since).saturating_add(LINGER_LIMIT);
        let Some(member) = remaining.in_group.or(remaining.stray) else {
            return self.stopped(Stop::Killed, stop.then, wait.end, now, out);
        };
        if wait.at < since && !self.stop_warning_logged {
            self.stop_warning_logged = true;
            out.push(Action::Emit(CommandEvent::StopIgnored { member }.into()));
        }
        if now.boot >= give_up {
            return self.stopped(Stop::Killed, stop.then, wait.end, now, out);
        }
        out.push(Action::Signal(Target::Family, Signal::KILL));
    }

    fn kill(&mut self, stop: PendingStop, now: Now, out: &mut Vec<Action>) {
        let insist_at = now.boot.saturating_add(LINGER_LIMIT);
        let leader = match stop.leader {
            Leader::NotSignaled | Leader::Signaled => {
                out.push(Action::Signal(Target::Family, Signal::KILL));
                stop.leader
            }
            // Before anything is killed, this check shows whether there are remaining processes. SIGKILL follows after
            // its answer.
            Leader::Ended(wait) => {
                out.push(Action::CheckRemaining);
                Leader::Ended(FamilyWait { pause: FIRST_PAUSE, ..wait }.looking(now))
            }
        };
        self.phase =
            Phase::Killing { stop: PendingStop { leader, ..stop }, since: now.boot, insist_at: Some(insist_at) };
    }

    pub(super) fn wake_stop(&mut self, stop: PendingStop, now: Now, out: &mut Vec<Action>) {
        match self.phase {
            Phase::Stopping { kill_at, .. } if now.boot >= kill_at => return self.kill(stop, now, out),
            Phase::Killing { insist_at: Some(at), since, .. } if now.boot >= at => {
                self.phase = Phase::Killing { stop, since, insist_at: None };
                stop.insist(out);
            }
            Phase::Stopping { .. } | Phase::Killing { .. } => {}
            Phase::Starting(_) | Phase::Running { .. } | Phase::Ended => return,
        }
        if let Some(wait) = stop.leader.ended()
            && now.boot >= wait.look_at
        {
            self.set_stop(PendingStop { leader: Leader::Ended(wait.looking(now)), ..stop });
            out.push(Action::CheckRemaining);
        }
    }

    /// Replaces the stop in progress, but keeps the phase and its time limit.
    pub(super) fn set_stop(&mut self, stop: PendingStop) {
        match self.phase {
            Phase::Stopping { kill_at, .. } => self.phase = Phase::Stopping { stop, kill_at },
            Phase::Killing { since, insist_at, .. } => self.phase = Phase::Killing { stop, since, insist_at },
            Phase::Starting(_) | Phase::Running { .. } | Phase::Ended => {}
        }
    }
}
