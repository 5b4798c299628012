//! The rules for stops: the command's own process exits first, and then the other processes of its group and family.
//!
//! The command's own process is reaped only after the other processes are gone, so its process ID and the ID of its
//! group are not reused before then.

use super::state::{AfterStop, FamilyWait, Leader, Machine, PendingStop, Phase, StopStep};
use crate::event::CommandEvent;
use crate::moment::Now;
use crate::process::signal::Signal;
use crate::process::{End, Pid, Remaining, Target};
use crate::supervise::machine::actions::{Action, FIRST_PAUSE, Final, LINGER_LIMIT, LONGEST_PAUSE, NAMED_AFTER};
use std::time::Duration;

impl PendingStop {
    /// If the command has exited, requests a check for remaining processes, because the orphan that was reaped may have
    /// been the last of them.
    pub(super) fn orphan_reaped(self, out: &mut Vec<Action>) {
        if self.leader.ended().is_some() {
            out.push(Action::CheckRemaining(self.child));
        }
    }

    /// Handles the exit of the command's own process after the stop signal.
    pub(super) fn leader_ended(self, end: End, now: Now, out: &mut Vec<Action>) -> Self {
        out.push(Action::CheckRemaining(self.child));
        Self { leader: Leader::Ended(FamilyWait::new(end, now)), ..self }
    }

    /// Sends SIGKILL once more to a command that is still running.
    fn insist(self, out: &mut Vec<Action>) {
        if self.leader.ended().is_none() {
            out.push(Action::Signal(self.child, Target::Process, Signal::KILL));
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
        self.phase = Phase::Stopping(self.begin_stop(child, Leader::NotSignaled, now), then);
        out.push(Action::Stop(child, self.policy.stop_signal));
    }

    /// Waits for the processes that the command left behind, if xassume is PID 1 and got TERM. When PID 1 exits, the
    /// kernel kills all other processes, so these processes first get time to exit, as in a stop.
    pub(super) fn drain(&mut self, child: Pid, end: End, now: Now, out: &mut Vec<Action>) {
        let stop = self.begin_stop(child, Leader::Signaled, now).leader_ended(end, now, out);
        self.phase = Phase::Stopping(stop, AfterStop::Finish);
    }

    pub(super) fn begin_stop(&self, child: Pid, leader: Leader, now: Now) -> PendingStop {
        PendingStop { child, step: self.asked(now), leader }
    }

    /// Stops both generations, because the session of the current one has expired.
    pub(super) fn lapse(&mut self, child: Pid, now: Now, out: &mut Vec<Action>) {
        self.cancel_handover(None, now, out);
        self.stop(child, AfterStop::End(Final::Lapsed), now, out);
    }

    /// Stops the processes that a generation has left behind, which exited by itself.
    pub(super) fn stop_rest(&self, child: Pid, end: End, now: Now, out: &mut Vec<Action>) -> PendingStop {
        for signal in [self.policy.stop_signal, Signal::CONT] {
            out.push(Action::Signal(child, Target::Group, signal));
        }
        self.begin_stop(child, Leader::Signaled, now).leader_ended(end, now, out)
    }

    /// Returns the step for a stop signal that was sent now.
    pub(super) fn asked(&self, now: Now) -> StopStep {
        StopStep::Asked { kill_at: now.boot.saturating_add(self.policy.stop_timeout) }
    }

    /// Handles the exit of the command's own process. It exited after the stop signal, or just before the signal could
    /// be sent.
    pub(super) fn leader_ended(
        &mut self,
        (stop, then): (PendingStop, AfterStop),
        end: End,
        now: Now,
        out: &mut Vec<Action>,
    ) {
        match (stop.leader, then) {
            // The other generation has decided how xassume ends.
            (Leader::NotSignaled, AfterStop::End(Final::Ended(_) | Final::NotStarted { .. })) => {
                self.phase = Phase::Stopping(self.stop_rest(stop.child, end, now, out), then);
            }
            (Leader::NotSignaled, AfterStop::Restart | AfterStop::Finish | AfterStop::End(Final::Lapsed)) => {
                self.ended(stop.child, end, now, out);
            }
            (Leader::Signaled, _) => self.phase = Phase::Stopping(stop.leader_ended(end, now, out), then),
            (Leader::Ended(_), _) => {}
        }
    }

    /// Handles the answer to [`Action::CheckRemaining`]. Returns the new state of the stop, or how the command ended if
    /// the stop is complete.
    pub(super) fn remaining(
        &mut self,
        stop: PendingStop,
        remaining: Remaining,
        now: Now,
        out: &mut Vec<Action>,
    ) -> Result<PendingStop, End> {
        // This input answers an action that is requested only after the command's own process has ended. Before that,
        // it is ignored.
        let Some(mut wait) = stop.leader.ended() else { return Ok(stop) };
        let group_has_ended = remaining.in_group.is_none();
        let Some(member) = remaining.in_group.or(remaining.stray) else { return Err(wait.end) };
        match stop.step {
            StopStep::Asked { .. } => {
                // Once the processes of the group have exited, the rest of the family gets the stop signal.
                if group_has_ended && !wait.strays_signaled {
                    wait.strays_signaled = true;
                    out.push(Action::Signal(stop.child, Target::Strays, self.policy.stop_signal));
                    out.push(Action::Signal(stop.child, Target::Strays, Signal::CONT));
                }
                if !wait.named && now.boot >= wait.at.saturating_add(NAMED_AFTER) {
                    wait.named = true;
                    out.push(Action::Emit(CommandEvent::StillStopping { member }.into()));
                }
                Ok(PendingStop { leader: Leader::Ended(wait), ..stop })
            }
            StopStep::Killed { since, .. } => {
                if wait.at < since && !self.stop_warning_logged {
                    self.stop_warning_logged = true;
                    out.push(Action::Emit(CommandEvent::StopIgnored { member }.into()));
                }
                // If a process cannot be killed, xassume stops waiting for it.
                if now.boot >= wait.at.max(since).saturating_add(LINGER_LIMIT) {
                    return Err(wait.end);
                }
                // This is repeated after each check, because these processes may fork.
                out.push(Action::Signal(stop.child, Target::Family, Signal::KILL));
                Ok(stop)
            }
        }
    }

    fn kill(mut stop: PendingStop, now: Now, out: &mut Vec<Action>) -> PendingStop {
        match &mut stop.leader {
            Leader::NotSignaled | Leader::Signaled => {
                out.push(Action::Signal(stop.child, Target::Family, Signal::KILL));
            }
            // Before anything is killed, this check shows whether there are remaining processes. SIGKILL follows after
            // its answer.
            Leader::Ended(wait) => {
                out.push(Action::CheckRemaining(stop.child));
                *wait = FamilyWait { pause: FIRST_PAUSE, ..*wait }.looking(now);
            }
        }
        let insist_at = Some(now.boot.saturating_add(LINGER_LIMIT));
        stop.step = StopStep::Killed { since: now.boot, insist_at };
        stop
    }

    pub(super) fn wake_stop(mut stop: PendingStop, now: Now, out: &mut Vec<Action>) -> PendingStop {
        match stop.step {
            StopStep::Asked { kill_at } if now.boot >= kill_at => return Self::kill(stop, now, out),
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
            out.push(Action::CheckRemaining(stop.child));
        }
        stop
    }
}
