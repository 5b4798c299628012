//! The rules for stops: the command's own process exits first, and then the other processes of its group and family.
//!
//! The command's own process is reaped only after the other processes are gone, so its process ID and the ID of its
//! group are not reused before then.

use super::state::{AfterStop, FamilyWait, Leader, Machine, PendingStop, Phase, StopStep};
use crate::event::CommandEvent;
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

    /// Returns the time of the next wake-up, or `None` if none is needed.
    pub(super) fn deadline(self) -> Option<Duration> {
        let limit = match self.step {
            StopStep::Asked { kill_at } => Some(kill_at),
            StopStep::Killed { insist_at, .. } => insist_at,
        };
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
        self.begin_stop(child, then, Leader::NotSignaled, now);
        out.push(Action::Stop(self.policy.stop_signal));
    }

    /// Waits for the processes that the command left behind, if xassume is PID 1 and got TERM. When PID 1 exits, the
    /// kernel kills all other processes, so these processes first get time to exit, as in a stop.
    pub(super) fn drain(&mut self, child: Pid, end: End, now: Now, out: &mut Vec<Action>) {
        self.begin_stop(child, AfterStop::Finish, Leader::Ended(FamilyWait::new(end, now)), now);
        out.push(Action::CheckRemaining);
    }

    fn begin_stop(&mut self, child: Pid, then: AfterStop, leader: Leader, now: Now) {
        self.phase = Phase::Stopping(PendingStop { child, then, step: self.asked(now), leader });
    }

    /// Returns the step for a stop signal that was sent now.
    pub(super) fn asked(&self, now: Now) -> StopStep {
        StopStep::Asked { kill_at: now.boot.saturating_add(self.policy.stop_timeout) }
    }

    /// Handles the exit of the command's own process. It exited after the stop signal, or just before the signal could
    /// be sent.
    pub(super) fn leader_ended(&mut self, stop: PendingStop, end: End, now: Now, out: &mut Vec<Action>) {
        match stop.leader {
            Leader::NotSignaled => self.ended(stop.child, end, now, out),
            Leader::Signaled => {
                let leader = Leader::Ended(FamilyWait::new(end, now));
                self.phase = Phase::Stopping(PendingStop { leader, ..stop });
                out.push(Action::CheckRemaining);
            }
            Leader::Ended(_) => {}
        }
    }

    /// Handles the answer to [`Action::CheckRemaining`].
    pub(super) fn remaining(&mut self, stop: PendingStop, remaining: Remaining, now: Now, out: &mut Vec<Action>) {
        // This input answers an action that is requested only after the command's own process has ended. Before that,
        // it is ignored.
        let Some(mut wait) = stop.leader.ended() else { return };
        let group_has_ended = remaining.in_group.is_none();
        let Some(member) = remaining.in_group.or(remaining.stray) else {
            return self.stopped(stop, wait.end, now, out);
        };
        match stop.step {
            StopStep::Asked { .. } => {
                // Once the processes of the group have exited, the rest of the family gets the stop signal.
                if group_has_ended && !wait.strays_signaled {
                    wait.strays_signaled = true;
                    out.push(Action::Signal(Target::Strays, self.policy.stop_signal));
                    out.push(Action::Signal(Target::Strays, Signal::CONT));
                }
                if !wait.named && now.boot >= wait.at.saturating_add(NAMED_AFTER) {
                    wait.named = true;
                    out.push(Action::Emit(CommandEvent::StillStopping { member }.into()));
                }
                self.phase = Phase::Stopping(PendingStop { leader: Leader::Ended(wait), ..stop });
            }
            StopStep::Killed { since, .. } => {
                if wait.at < since && !self.stop_warning_logged {
                    self.stop_warning_logged = true;
                    out.push(Action::Emit(CommandEvent::StopIgnored { member }.into()));
                }
                // If a process cannot be killed, xassume stops waiting for it.
                if now.boot >= wait.at.max(since).saturating_add(LINGER_LIMIT) {
                    return self.stopped(stop, wait.end, now, out);
                }
                // This is repeated after each check, because these processes may fork.
                out.push(Action::Signal(Target::Family, Signal::KILL));
            }
        }
    }

    fn kill(&mut self, mut stop: PendingStop, now: Now, out: &mut Vec<Action>) {
        match &mut stop.leader {
            Leader::NotSignaled | Leader::Signaled => out.push(Action::Signal(Target::Family, Signal::KILL)),
            // Before anything is killed, this check shows whether there are remaining processes. SIGKILL follows after
            // its answer.
            Leader::Ended(wait) => {
                out.push(Action::CheckRemaining);
                *wait = FamilyWait { pause: FIRST_PAUSE, ..*wait }.looking(now);
            }
        }
        let insist_at = Some(now.boot.saturating_add(LINGER_LIMIT));
        stop.step = StopStep::Killed { since: now.boot, insist_at };
        self.phase = Phase::Stopping(stop);
    }

    pub(super) fn wake_stop(&mut self, mut stop: PendingStop, now: Now, out: &mut Vec<Action>) {
        match stop.step {
            StopStep::Asked { kill_at } if now.boot >= kill_at => return self.kill(stop, now, out),
            StopStep::Killed { insist_at: Some(at), since } if now.boot >= at => {
                stop.step = StopStep::Killed { since, insist_at: None };
                stop.insist(out);
            }
            StopStep::Asked { .. } | StopStep::Killed { .. } => {}
        }
        if let Leader::Ended(wait) = &mut stop.leader
            && now.boot >= wait.look_at
        {
            *wait = wait.looking(now);
            out.push(Action::CheckRemaining);
        }
        self.phase = Phase::Stopping(stop);
    }
}
