//! How a command is stopped: its process first, then those of its group and family that are left.
//!
//! The command's process stays un-reaped until they are gone, so its id, and its group's, stay its own.

use super::state::{Halt, Leader, Machine, Stage, StopWarning, Then, Watch};
use crate::event::{Event, Stop};
use crate::moment::Now;
use crate::process::signal::Signal;
use crate::process::{End, Pid, Remaining, Target};
use crate::supervise::machine::events::{Action, LINGER_LIMIT, LONGEST_PAUSE, LOOK_AGAIN, NAMED_AFTER};
use std::time::Duration;

impl Halt {
    /// One of those who were left may have been the last.
    pub(super) fn orphan_reaped(self, out: &mut Vec<Action>) {
        match self.leader {
            Leader::Ended(_) => out.push(Action::Look),
            Leader::Unasked | Leader::Alive => {}
        }
    }

    /// A command that SIGKILL has not ended is killed by its id, once more.
    fn insist(self, out: &mut Vec<Action>) {
        match self.leader {
            Leader::Unasked | Leader::Alive => {
                out.push(Action::Signal(Target::Process, Signal::KILL));
                out.push(Action::Emit(Event::NotKilled { pid: self.child }));
            }
            Leader::Ended(_) => {}
        }
    }

    /// When to wake a stop that has this limit.
    pub(super) fn deadline(self, limit: Option<Duration>) -> Option<Duration> {
        let look_at = match self.leader {
            Leader::Ended(watch) => Some(watch.look_at),
            Leader::Unasked | Leader::Alive => None,
        };
        limit.into_iter().chain(look_at).min()
    }
}

impl Watch {
    fn new(end: End, now: Now) -> Self {
        let look_at = now.boot.saturating_add(LOOK_AGAIN);
        Self { end, at: now.boot, look_at, pause: LOOK_AGAIN, named: false, strays_asked: false }
    }

    /// Looking now, and again after the next pause.
    fn looking(self, now: Now) -> Self {
        let pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
        Self { look_at: now.boot.saturating_add(pause), pause, ..self }
    }
}

impl Machine {
    pub(super) fn stop(&mut self, child: Pid, then: Then, now: Now, out: &mut Vec<Action>) {
        let kill_at = now.boot.saturating_add(self.policy.stop_timeout);
        self.stage = Stage::Stopping { halt: Halt { child, then, leader: Leader::Unasked }, kill_at };
        out.push(Action::Stop(self.policy.stop_signal));
    }

    /// The first process of a container takes all others with it. After TERM those of the command may end
    /// first, as in a stop.
    pub(super) fn drain(&mut self, child: Pid, end: End, now: Now, out: &mut Vec<Action>) {
        let kill_at = now.boot.saturating_add(self.policy.stop_timeout);
        let leader = Leader::Ended(Watch::new(end, now));
        self.stage = Stage::Stopping { halt: Halt { child, then: Then::Finish, leader }, kill_at };
        out.push(Action::Look);
    }

    pub(super) fn stop_sent(&mut self, halt: Halt) {
        self.set_halt(Halt { leader: Leader::Alive, ..halt });
    }

    /// The command's process has ended: at the stop signal, or by itself right before it.
    pub(super) fn leader_ended(&mut self, halt: Halt, end: End, now: Now, out: &mut Vec<Action>) {
        match halt.leader {
            Leader::Unasked => self.ended(halt.child, end, now, out),
            Leader::Alive => {
                self.set_halt(Halt { leader: Leader::Ended(Watch::new(end, now)), ..halt });
                out.push(Action::Look);
            }
            Leader::Ended(_) => {}
        }
    }

    pub(super) fn remaining(&mut self, halt: Halt, remaining: Remaining, now: Now, out: &mut Vec<Action>) {
        let watch = match halt.leader {
            Leader::Ended(watch) => watch,
            // An answer without a question.
            Leader::Unasked | Leader::Alive => return,
        };
        match self.stage {
            Stage::Stopping { .. } => self.await_remaining(halt, watch, remaining, now, out),
            Stage::Killing { since, .. } => self.kill_remaining(halt, watch, since, remaining, now, out),
            Stage::Starting(_) | Stage::Running { .. } | Stage::Ended => {}
        }
    }

    /// The group ends first, then the rest of the family, which has not been sent the stop signal before.
    fn await_remaining(&mut self, halt: Halt, mut watch: Watch, remaining: Remaining, now: Now, out: &mut Vec<Action>) {
        let group_has_ended = remaining.in_group.is_none();
        let Some(member) = remaining.in_group.or(remaining.stray) else {
            return self.stopped(Stop::Asked, halt.then, watch.end, now, out);
        };
        if group_has_ended && !watch.strays_asked {
            watch.strays_asked = true;
            out.push(Action::Signal(Target::Strays, self.policy.stop_signal));
            out.push(Action::Signal(Target::Strays, Signal::CONT));
        }
        if !watch.named && now.boot >= watch.at.saturating_add(NAMED_AFTER) {
            watch.named = true;
            out.push(Action::Emit(Event::StillStopping { member }));
        }
        self.set_halt(Halt { leader: Leader::Ended(watch), ..halt });
    }

    /// In rounds, since they may start others meanwhile. One that cannot be killed is left after a while.
    fn kill_remaining(
        &mut self,
        halt: Halt,
        watch: Watch,
        since: Duration,
        remaining: Remaining,
        now: Now,
        out: &mut Vec<Action>,
    ) {
        let give_up = watch.at.max(since).saturating_add(LINGER_LIMIT);
        let Some(member) = remaining.in_group.or(remaining.stray) else {
            return self.stopped(Stop::Killed, halt.then, watch.end, now, out);
        };
        if watch.at < since && self.stop_warning == StopWarning::Due {
            self.stop_warning = StopWarning::Said;
            out.push(Action::Emit(Event::StopIgnored { member }));
        }
        if now.boot >= give_up {
            return self.stopped(Stop::Killed, halt.then, watch.end, now, out);
        }
        out.push(Action::Signal(Target::Family, Signal::KILL));
    }

    /// The stop timeout is over.
    fn kill(&mut self, halt: Halt, now: Now, out: &mut Vec<Action>) {
        let insist_at = now.boot.saturating_add(LINGER_LIMIT);
        let leader = match halt.leader {
            Leader::Unasked | Leader::Alive => {
                out.push(Action::Signal(Target::Family, Signal::KILL));
                halt.leader
            }
            // Those that the answer names are killed then.
            Leader::Ended(watch) => {
                out.push(Action::Look);
                Leader::Ended(Watch { pause: LOOK_AGAIN, ..watch }.looking(now))
            }
        };
        self.stage = Stage::Killing { halt: Halt { leader, ..halt }, since: now.boot, insist_at: Some(insist_at) };
    }

    /// Time has passed for a stop.
    pub(super) fn wake_stop(&mut self, halt: Halt, now: Now, out: &mut Vec<Action>) {
        match self.stage {
            Stage::Stopping { kill_at, .. } if now.boot >= kill_at => return self.kill(halt, now, out),
            Stage::Killing { insist_at: Some(at), since, .. } if now.boot >= at => {
                self.stage = Stage::Killing { halt, since, insist_at: None };
                halt.insist(out);
            }
            Stage::Stopping { .. } | Stage::Killing { .. } => {}
            Stage::Starting(_) | Stage::Running { .. } | Stage::Ended => return,
        }
        match halt.leader {
            Leader::Ended(watch) if now.boot >= watch.look_at => {
                self.set_halt(Halt { leader: Leader::Ended(watch.looking(now)), ..halt });
                out.push(Action::Look);
            }
            Leader::Ended(_) | Leader::Unasked | Leader::Alive => {}
        }
    }

    /// Updates the stop that is in progress.
    pub(super) fn set_halt(&mut self, halt: Halt) {
        match self.stage {
            Stage::Stopping { kill_at, .. } => self.stage = Stage::Stopping { halt, kill_at },
            Stage::Killing { since, insist_at, .. } => self.stage = Stage::Killing { halt, since, insist_at },
            Stage::Starting(_) | Stage::Running { .. } | Stage::Ended => {}
        }
    }
}
