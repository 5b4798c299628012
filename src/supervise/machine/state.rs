//! The state of the machine; all times are of the boot clock.

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
    /// Whether TERM came from outside.
    pub(super) terminated: bool,
    /// The refresh signal, if it was ever sent.
    pub(super) sent_refresh_signal: Option<Signal>,
    /// Whether the warning that each stop lasts the whole timeout was logged.
    pub(super) stop_warning_logged: bool,
}

/// The state of the command.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Phase {
    /// No child runs the command: the first is not started yet, or the last was stopped and reaped.
    Starting(PendingStart),
    /// A child runs the command.
    Running { child: Pid },
    /// The stop signal was sent; SIGKILL follows at `kill_at`.
    Stopping { stop: PendingStop, kill_at: Duration },
    /// SIGKILL was sent at `since`, and is sent once more to a command that still runs at `insist_at`.
    Killing { stop: PendingStop, since: Duration, insist_at: Option<Duration> },
    /// The supervision is over.
    Ended,
}

/// What follows when a stopped command has exited.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum AfterStop {
    Restart,
    /// xassume ends as the command did: a signal from outside canceled the restart.
    Finish,
    /// xassume fails: the session expired.
    Lapse,
}

impl AfterStop {
    pub(super) fn canceled(self) -> Self {
        if self == AfterStop::Lapse { AfterStop::Lapse } else { AfterStop::Finish }
    }

    pub(super) fn lapsed(self) -> Self {
        if self == AfterStop::Finish { AfterStop::Finish } else { AfterStop::Lapse }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Restarts {
    Wanted,
    Canceled,
}

/// A start that has not succeeded yet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct PendingStart {
    pub(super) step: StartStep,
    /// How the child before it ended; `None` before the first start.
    pub(super) after: Option<End>,
    pub(super) failures: u32,
    pub(super) given: Given,
}

/// Which session the child was given.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Given {
    Newest,
    /// One that was replaced before the child ran the command.
    Replaced,
}

/// The progress of a start.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum StartStep {
    /// The next attempt is at this time.
    Due(Duration),
    /// A child was forked, and has to run the command by this time.
    Awaited(Duration),
}

/// A stop in progress.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct PendingStop {
    pub(super) child: Pid,
    pub(super) then: AfterStop,
    pub(super) leader: Leader,
}

/// The state of the command's own process.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Leader {
    /// The stop signal is about to be sent, unless the process has exited.
    NotSignaled,
    /// The stop signal was sent.
    Signaled,
    Ended(FamilyWait),
}

impl Leader {
    /// The wait for what an exited command left behind.
    pub(super) fn ended(self) -> Option<FamilyWait> {
        match self {
            Leader::Ended(wait) => Some(wait),
            Leader::NotSignaled | Leader::Signaled => None,
        }
    }
}

/// The wait for processes that an exited command left behind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct FamilyWait {
    /// How the command ended, and when.
    pub(super) end: End,
    pub(super) at: Duration,
    pub(super) look_at: Duration,
    pub(super) pause: Duration,
    /// Whether a remaining process was named in a message.
    pub(super) named: bool,
    /// Whether the family outside the group was sent the stop signal.
    pub(super) strays_signaled: bool,
}
