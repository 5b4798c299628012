//! The steps of a sequence.

use crate::process::signal::Signal;
use crate::process::{Arrival, Pid};
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::time::Duration;

pub(super) const ME: Pid = 100;
pub(super) const CHILD: Pid = 200;
pub(super) const LIFETIME: Duration = Duration::from_hours(1);
pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Signals that only the machine sends: they differ from forwarded ones.
pub(super) fn stop_signal() -> Signal {
    "USR2".parse().unwrap()
}
pub(super) fn refresh_signal() -> Signal {
    "USR1".parse().unwrap()
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum ModelChild {
    None,
    /// Forked; it does not run the command yet.
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
    /// The child had not exited, and got the stop signal.
    StopSent,
    Exit(Left),
    /// The answer to a check for remaining processes.
    Look,
    /// The remaining processes of the group exit.
    GroupEnds,
    /// Those outside the group exit.
    StrayEnds,
    Die(Signal),
    Pause,
    Receive(Arrival),
    Grant,
    Refuse,
    Publish,
    FailPublish,
    /// The deadline passes.
    Wait,
    /// A timer fires too early.
    WakeEarly,
    /// Suspend for eight hours.
    Suspend,
    /// The wall clock is set by this number of hours.
    SetClock(i64),
}

/// The steps so far, for the message of a failed check; ignored when models are compared.
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
