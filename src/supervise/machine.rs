//! The rules of the supervision: events in, actions out. No clock, no process, no secret.
//!
//! The machine is two: the command's half, here, and its session's half in [`renewal`]. They meet in one place,
//! [`Machine::consequence`]: what a new session means for the command. `supervise`'s head draws both.
//!
//! Each rule stands where its state and its event meet; no `_` arm hides a pair that nobody thought of.

mod outside;
mod renewal;
mod rules;
pub mod simulation;
mod words;

pub(crate) use words::{Action, CommandEvent, Event, Fault, Final, Remains, SessionEvent};

use super::happening::{Happening, Stop};
use super::policy::{OnExpiry, Policy};
use super::process::{End, Pid};
use super::relay::Facts;
use super::schedule::{Deadline, Dice, Now, Term};
use super::signal::Signal;
use crate::session::Validity;
use renewal::{Consequence, Renewal};
use std::time::Duration;

/// A supervision in progress.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Machine {
    policy: Policy,
    facts: Facts,
    stage: Stage,
    renewal: Renewal,
    restarts: Restarts,
    /// Whether the command was ever sent the refresh signal.
    refresh_signal: RefreshSignal,
}

/// Where the command is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Stage {
    /// No child: the first is not started yet, or the one before was stopped and reaped.
    Starting(Start),
    /// A child runs the command.
    Running { child: Pid },
    /// The stop signal was sent; at `kill_at` (boot clock) comes SIGKILL.
    Stopping { child: Pid, then: Then, kill_at: Duration },
    /// SIGKILL was sent.
    Killing { child: Pid, then: Then },
    /// The supervision is over.
    Ended,
}

/// A start that is to come.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Start {
    /// When to try (boot clock); none while an answer to a try is awaited.
    at: Option<Duration>,
    /// How the child before it ended; none before the first start.
    after: Option<End>,
    /// Until when the start waits for what is left of the old group.
    patience: Duration,
    /// How often this start has failed.
    failures: u32,
}

/// What follows when a command that was told to stop has ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Then {
    Restart,
    /// Its end is the end: somebody outside wanted that.
    Finish,
    /// The end for want of a session.
    Lapse,
}

impl Then {
    /// Somebody outside wants no restart.
    fn cancelled(self) -> Self {
        match self {
            Then::Restart | Then::Finish => Then::Finish,
            Then::Lapse => Then::Lapse,
        }
    }

    /// The session is lost.
    fn lapsed(self) -> Self {
        match self {
            Then::Restart | Then::Lapse => Then::Lapse,
            Then::Finish => Then::Finish,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Restarts {
    Wanted,
    Cancelled,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum RefreshSignal {
    Unsent,
    Sent(Signal),
}

impl Machine {
    /// A supervision with its first session in hand; the first deadline has come already, and starts the command.
    pub(crate) fn new(policy: Policy, facts: Facts, first: &Validity, now: Now, dice: Dice) -> Self {
        let start = Start { at: Some(now.boot), after: None, patience: now.boot, failures: 0 };
        Self {
            policy,
            facts,
            stage: Stage::Starting(start),
            renewal: Renewal::new(policy, Term::of(first, now), now, dice),
            restarts: match policy.on_expiry {
                OnExpiry::Restart => Restarts::Wanted,
                OnExpiry::None | OnExpiry::Signal(_) => Restarts::Cancelled,
            },
            refresh_signal: RefreshSignal::Unsent,
        }
    }

    /// What is to be done about an event.
    pub(crate) fn handle(&mut self, event: Event, now: Now) -> Vec<Action> {
        let mut out = Vec::new();
        match event {
            Event::Command(event) => self.command(event, now, &mut out),
            Event::Session(event) => {
                let consequence = self.renewal.handle(event, now, &mut out);
                self.consequence(consequence, now, &mut out);
            }
            Event::Wake => {
                // The session first: when it is lost, nothing may be started any more.
                let consequence = self.renewal.wake(now, &mut out);
                self.consequence(consequence, now, &mut out);
                self.wake(now, &mut out);
            }
        }
        out
    }

    /// When to be woken, if nothing happens before. None: only an answer or the child can move things on.
    pub(crate) fn deadline(&self) -> Option<Deadline> {
        let mine = match self.stage {
            Stage::Starting(start) => start.at,
            Stage::Stopping { kill_at, .. } => Some(kill_at),
            Stage::Running { .. } | Stage::Killing { .. } => None,
            Stage::Ended => return None,
        };
        match (mine.map(Deadline::at), self.renewal.deadline()) {
            (Some(mine), Some(session)) => Some(mine.or(session)),
            (mine, session) => mine.or(session),
        }
    }

    /// The names of both states, as the picture has them: the command's and its session's.
    #[cfg(test)]
    fn state_names(&self) -> (&'static str, &'static str) {
        let command = match self.stage {
            Stage::Starting(_) => "Starting",
            Stage::Running { .. } => "Running",
            Stage::Stopping { .. } => "Stopping",
            Stage::Killing { .. } => "Killing",
            Stage::Ended => "Ended",
        };
        (command, self.renewal.state_name())
    }

    /// Something happened to the command.
    fn command(&mut self, event: CommandEvent, now: Now, out: &mut Vec<Action>) {
        match self.stage {
            Stage::Starting(start) => match event {
                CommandEvent::Started(child) => self.started(child, start, now, out),
                CommandEvent::NotStarted(fault) => self.not_started(fault, start, now, out),
                CommandEvent::Signal(arrival) => self.signal_without_child(arrival, start, out),
                // There is no child.
                CommandEvent::Ended(_) | CommandEvent::Paused(_) => {}
            },
            Stage::Running { child } => match event {
                CommandEvent::Ended(end) => self.ended_by_itself(end, out),
                CommandEvent::Paused(signal) => self.pause_with_child(signal, out),
                CommandEvent::Signal(arrival) => self.signal(arrival, child, out),
                // Answers to nothing that was asked.
                CommandEvent::Started(_) | CommandEvent::NotStarted(_) => {}
            },
            Stage::Stopping { child, then, kill_at: _ } => match event {
                CommandEvent::Ended(end) => self.stopped(Stop::Asked, then, end, now, out),
                CommandEvent::Signal(arrival) => self.signal(arrival, child, out),
                // A pause is not waited for: SIGKILL ends a stopped process too.
                CommandEvent::Paused(_) | CommandEvent::Started(_) | CommandEvent::NotStarted(_) => {}
            },
            Stage::Killing { child, then } => match event {
                CommandEvent::Ended(end) => self.stopped(Stop::Killed, then, end, now, out),
                CommandEvent::Signal(arrival) => self.signal(arrival, child, out),
                CommandEvent::Paused(_) | CommandEvent::Started(_) | CommandEvent::NotStarted(_) => {}
            },
            Stage::Ended => match event {
                CommandEvent::Ended(_)
                | CommandEvent::Signal(_)
                | CommandEvent::Paused(_)
                | CommandEvent::Started(_)
                | CommandEvent::NotStarted(_) => {}
            },
        }
    }

    /// Time has passed for the command.
    fn wake(&mut self, now: Now, out: &mut Vec<Action>) {
        match self.stage {
            Stage::Starting(start) => {
                if start.at.is_some_and(|at| now.boot >= at) {
                    let remains = if now.boot < start.patience { Remains::Await } else { Remains::Ignore };
                    self.stage = Stage::Starting(Start { at: None, ..start });
                    out.push(Action::Spawn(remains));
                }
            }
            Stage::Stopping { child, then, kill_at } => {
                if now.boot >= kill_at {
                    self.stage = Stage::Killing { child, then };
                    out.push(Action::Signal(self.stop_target(), Signal::KILL));
                }
            }
            Stage::Running { .. } | Stage::Killing { .. } | Stage::Ended => {}
        }
    }

    /// What the session's half came to, for the command. A session that is new while the command is not running
    /// needs nothing: the next start takes it.
    fn consequence(&mut self, consequence: Option<Consequence>, now: Now, out: &mut Vec<Action>) {
        let Some(consequence) = consequence else { return };
        match self.stage {
            Stage::Running { child } => match consequence {
                Consequence::Refreshed => match (self.policy.on_expiry, self.restarts) {
                    (OnExpiry::Restart, Restarts::Wanted) => {
                        out.push(Action::Tell(Happening::Restarting));
                        self.stop(child, Then::Restart, now, out);
                    }
                    (OnExpiry::Signal(signal), Restarts::Wanted | Restarts::Cancelled) => {
                        self.send_refresh_signal(signal, child, out);
                    }
                    (OnExpiry::Restart, Restarts::Cancelled)
                    | (OnExpiry::None, Restarts::Wanted | Restarts::Cancelled) => {}
                },
                Consequence::Notice => match self.policy.on_expiry {
                    OnExpiry::Signal(signal) => self.send_refresh_signal(signal, child, out),
                    OnExpiry::Restart | OnExpiry::None => {}
                },
                Consequence::Lapsed => self.stop(child, Then::Lapse, now, out),
            },
            Stage::Starting(_) => match consequence {
                Consequence::Lapsed => self.exit(Final::Lapsed, out),
                Consequence::Refreshed | Consequence::Notice => {}
            },
            Stage::Stopping { child, then, kill_at } => match consequence {
                Consequence::Lapsed => self.stage = Stage::Stopping { child, then: then.lapsed(), kill_at },
                Consequence::Refreshed | Consequence::Notice => {}
            },
            Stage::Killing { child, then } => match consequence {
                Consequence::Lapsed => self.stage = Stage::Killing { child, then: then.lapsed() },
                Consequence::Refreshed | Consequence::Notice => {}
            },
            Stage::Ended => match consequence {
                Consequence::Refreshed | Consequence::Notice | Consequence::Lapsed => {}
            },
        }
    }
}

#[cfg(test)]
mod histories;
#[cfg(test)]
mod tests;
