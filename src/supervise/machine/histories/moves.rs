//! The steps of a sequence.

use crate::process::signal::Signal;
use crate::process::{Arrival, Pid};
use crate::supervise::ports::SessionId;
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::time::Duration;

pub(super) const FIRST: SessionId = SessionId::DEFAULT;
pub(super) const ME: Pid = 100;
/// The process IDs of the two generations.
pub(super) const CHILDREN: [Pid; 2] = [200, 201];
pub(super) const LIFETIME: Duration = Duration::from_hours(1);
pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// The next two functions return signals that only the machine sends, so they can be distinguished from forwarded
/// signals.
pub(super) fn stop_signal() -> Signal {
    "USR2".parse().unwrap()
}
pub(super) fn refresh_signal() -> Signal {
    "USR1".parse().unwrap()
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum ModelChild {
    None,
    /// The child has been forked, but does not run the command yet.
    Starting,
    Alive,
    Zombie,
}

/// The processes that remain after the command's exit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Left {
    pub(super) in_group: bool,
    pub(super) stray: bool,
}

impl Left {
    pub(super) const NONE: Self = Self { in_group: false, stray: false };
    pub(super) const BOTH: Self = Self { in_group: true, stray: true };
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Move {
    Start,
    FailStart(i32),
    /// The stop signal was sent to a child that had not exited.
    StopSent(Pid),
    Exit(Pid, Left),
    /// A check for remaining processes is answered.
    Look(Pid),
    /// The remaining processes in the command's group exit.
    GroupEnds(Pid),
    /// The remaining processes outside the command's group exit.
    StrayEnds(Pid),
    Die(Pid, Signal),
    Pause(Pid),
    /// The generation shows that it is ready.
    Ready(Pid),
    /// `READY=1` arrives from a process that is not known as a generation, or not any more.
    StrayReady,
    /// The generation closes its descriptor of `--ready fd:N`.
    CloseReady(Pid),
    Receive(Arrival),
    AnnounceEnd,
    Grant,
    /// The source returns the session that is already in effect.
    Repeat,
    Refuse,
    Publish,
    FailPublish,
    /// The attempt to signal the process of the pid file ends. Whether the signal was sent.
    AnswerNaming(bool),
    /// Time passes until the deadline.
    Wait,
    /// A timer fires before the deadline.
    WakeEarly,
    /// The host is suspended for eight hours.
    Suspend,
    /// The wall clock is changed by this number of hours.
    SetClock(i64),
}

/// The steps so far, for the message of a failed check. They are ignored when two models are compared.
#[derive(Clone, Default)]
pub(super) struct Trail(pub(super) Option<Rc<(Move, Trail)>>);

impl PartialEq for Trail {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Trail {}
impl Hash for Trail {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
impl Trail {
    pub(super) fn moves(&self) -> Vec<Move> {
        let mut moves: Vec<_> =
            std::iter::successors(self.0.as_deref(), |step| step.1.0.as_deref()).map(|step| step.0).collect();
        moves.reverse();
        moves
    }
}
