//! The state of the machine.

use super::renewal::Renewal;
use crate::process::signal::Signal;
use crate::process::{End, Pid};
use crate::supervise::forwarding::ProcessFacts;
use crate::supervise::policy::Policy;
use std::time::Duration;

/// A supervision in progress.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Machine {
    pub(super) policy: Policy,
    pub(super) facts: ProcessFacts,
    pub(super) phase: Phase,
    pub(super) renewal: Renewal,
    pub(super) restarts: Restarts,
    pub(super) outside: OutsideTerm,
    /// Whether the command was ever sent the refresh signal.
    pub(super) refresh_signal: RefreshSignal,
    pub(super) stop_warning: StopWarning,
}

/// Where the command is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Phase {
    /// No child runs the command: the first is not started yet, or the one before was stopped and reaped.
    Starting(PendingStart),
    /// A child runs the command.
    Running { child: Pid },
    /// The stop signal was sent; at `kill_at` (boot clock) comes SIGKILL.
    Stopping { stop: PendingStop, kill_at: Duration },
    /// SIGKILL was sent at `since`; a command that lives on at `insist_at` is sent it by its id.
    Killing { stop: PendingStop, since: Duration, insist_at: Option<Duration> },
    /// The supervision is over.
    Ended,
}

/// What follows when a command that was told to stop has ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum AfterStop {
    Restart,
    /// Its end is the end: somebody outside wanted that.
    Finish,
    /// The end for want of a session.
    Lapse,
}

impl AfterStop {
    /// Somebody outside wants no restart.
    pub(super) fn cancelled(self) -> Self {
        match self {
            AfterStop::Restart | AfterStop::Finish => AfterStop::Finish,
            AfterStop::Lapse => AfterStop::Lapse,
        }
    }

    /// The session is lost.
    pub(super) fn lapsed(self) -> Self {
        match self {
            AfterStop::Restart | AfterStop::Lapse => AfterStop::Lapse,
            AfterStop::Finish => AfterStop::Finish,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Restarts {
    Wanted,
    Cancelled,
}

/// Whether TERM came from outside.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum OutsideTerm {
    NotReceived,
    Received,
}

/// Whether it was said that each stop lasts the whole timeout, and why.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum StopWarning {
    Due,
    Logged,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum RefreshSignal {
    Unsent,
    Sent(Signal),
}

/// A start that is to come.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct PendingStart {
    pub(super) step: StartStep,
    /// How the child before it ended; none before the first start.
    pub(super) after: Option<End>,
    /// How often this start has failed.
    pub(super) failures: u32,
    pub(super) given: Given,
}

/// Which session the child of a start was given.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Given {
    Newest,
    /// One that was replaced before the child was the command.
    Replaced,
}

/// How far a start is; moments are of the boot clock.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum StartStep {
    /// To be tried at this moment.
    Due(Duration),
    /// There is a child, which has until then to be the command.
    Awaited(Duration),
}

/// A stop in progress.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct PendingStop {
    pub(super) child: Pid,
    pub(super) then: AfterStop,
    pub(super) leader: Leader,
}

/// How far the command's own process is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Leader {
    /// It is about to be sent the stop signal, if it has not ended by itself.
    Unasked,
    /// It was sent the stop signal.
    Alive,
    Ended(FamilyWait),
}

/// Waiting for those whom an ended command left behind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct FamilyWait {
    /// How the command ended, and when (boot clock).
    pub(super) end: End,
    pub(super) at: Duration,
    pub(super) look_at: Duration,
    pub(super) pause: Duration,
    /// One of them was named.
    pub(super) named: bool,
    /// The family outside the group was sent the stop signal.
    pub(super) strays_asked: bool,
}
