//! The state of the machine. All times are those of the boot clock.

use super::renewal::Renewal;
use crate::process::signal::Signal;
use crate::process::{End, Pid};
use crate::supervise::forwarding::ProcessFacts;
use crate::supervise::machine::actions::Final;
use crate::supervise::named::NamedSignal;
use crate::supervise::policy::Policy;
use crate::supervise::schedule::Term;
use std::time::Duration;

/// The state of a supervision in progress.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Machine {
    pub(super) policy: Policy,
    pub(super) facts: ProcessFacts,
    /// The state of the current generation of the command.
    pub(super) phase: Phase,
    /// The state of the other generation, with `--restart-order start-first`.
    pub(super) beside: Beside,
    /// The session of the current generation, with `--restart-order start-first`.
    pub(super) serving: Option<Serving>,
    /// The default session. `None` if it does not expire.
    pub(super) renewal: Option<Renewal>,
    /// The sessions of `--also`, in the order of their IDs.
    pub(super) others: Vec<OtherSession>,
    /// When the refresh signal is sent for the sessions that were replaced. `None` if none was replaced since the last
    /// signal, or if there is only the default session, for which the signal is sent at once.
    pub(super) signal_at: Option<Duration>,
    /// The signal to the process of `--signal-pid-file`. `None` without this flag.
    pub(super) named: Option<NamedSignal>,
    /// Whether the command is restarted after a refresh. A signal can cancel this.
    pub(super) restarts_wanted: bool,
    /// Whether TERM has arrived from a process other than the command.
    pub(super) terminated: bool,
    /// The refresh signal (`--signal`). `None` if it has never been sent.
    pub(super) sent_refresh_signal: Option<Signal>,
    /// Whether xassume has shown the warning that each stop takes the whole stop timeout.
    pub(super) stop_warning_logged: bool,
    pub(super) hook: HookState,
}

/// A session of `--also`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct OtherSession {
    /// `None` if the session does not expire.
    pub(super) renewal: Option<Renewal>,
    pub(super) hook: HookState,
}

/// What the refresh hook still has to do for the newest session.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum HookState {
    /// There is no hook.
    Absent,
    /// It runs when the session has been handed over.
    Due,
    /// It has been run.
    Done,
}

/// The state of the current generation of the command.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Phase {
    /// No child runs the command. The first child has not been started yet, or the last child was stopped and reaped.
    Starting(PendingStart),
    /// A child runs the command.
    Running {
        child: Pid,
        /// When the command has run for long enough to be ready (`--ready TIME`). `None` if it is ready already, or if
        /// it shows this in another way.
        ready_at: Option<Duration>,
    },
    /// The command is being stopped. The diagram calls this state Stopping, and Killing once SIGKILL was sent.
    Stopping(PendingStop, AfterStop),
    /// There is no command (`--serve`).
    Keeping {
        /// Whether HUP has arrived, and the refresh that it requests is not complete.
        owes_answer: bool,
    },
    /// The supervision is over.
    Ended,
}

/// The state of the generation beside the current one. A handover is in progress from [`Beside::Launching`] until the new
/// generation is ready, or has been stopped.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Beside {
    /// There is no other generation.
    Alone,
    /// A handover has failed. The next attempt is at this time. If it is `None`, a refresh comes first, and the next
    /// attempt follows its answer.
    Postponed(Option<Duration>, Attempt),
    /// The new generation has been forked. It must run the command by this time.
    Launching(Duration, Attempt),
    /// The new generation runs the command and is not ready yet.
    Preparing(Preparation),
    /// A generation is being stopped: the new one, or after a successful handover the old one.
    Leaving(PendingStop, Leaver),
}

/// An attempt to hand over.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Attempt {
    /// How many attempts in a row have failed before.
    pub(super) failures: u32,
    /// The session of the new generation.
    pub(super) term: Term,
}

/// A new generation that is not ready yet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Preparation {
    pub(super) child: Pid,
    pub(super) attempt: Attempt,
    /// When it has run for long enough to be ready. `None` if it shows this in another way.
    pub(super) ready_at: Option<Duration>,
    /// When it is stopped if it is not ready.
    pub(super) limit: Duration,
    /// Whether it gets a HUP once it is ready. Until a server has installed its handler, HUP would end it.
    pub(super) is_owed_hang_up: bool,
}

/// Why a generation beside the current one is being stopped.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Leaver {
    /// It is new and was not ready in time. The next attempt is at this time.
    Failed(Duration, Attempt),
    /// It is new, and a signal has canceled the handover.
    Canceled,
    /// It was the current one before the handover.
    Previous,
}

/// The session of the current generation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Serving {
    pub(super) term: Term,
    /// Whether xassume has shown the warning that the session has expired while no handover succeeded.
    pub(super) has_warned: bool,
}

/// What to do when a stopped command has exited.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum AfterStop {
    Restart,
    /// End xassume in the same way as the command ended. The command is not started again, because xassume received a
    /// signal that canceled the restart.
    Finish,
    /// End xassume in this way.
    End(Final),
}

impl AfterStop {
    pub(super) fn canceled(self) -> Self {
        if self == AfterStop::Restart { AfterStop::Finish } else { self }
    }

    pub(super) fn lapsed(self) -> Self {
        if self == AfterStop::Restart { AfterStop::End(Final::Lapsed) } else { self }
    }
}

/// A start that has not succeeded yet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct PendingStart {
    pub(super) step: StartStep,
    /// How the previous child ended. `None` before the first start.
    pub(super) after: Option<End>,
    pub(super) failures: u32,
    pub(super) given: Given,
}

/// Which session the child got when it was forked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Given {
    Newest,
    /// A session that was replaced by a newer one before the child ran the command.
    Replaced,
}

/// The progress of a start.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum StartStep {
    /// The next attempt is at this time.
    Due(Duration),
    /// A child has been forked. It must run the command by this time.
    Awaited(Duration),
}

/// A stop in progress.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct PendingStop {
    pub(super) child: Pid,
    pub(super) step: StopStep,
    pub(super) leader: Leader,
}

/// The progress of a stop.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum StopStep {
    /// The stop signal was sent. SIGKILL will be sent at `kill_at`.
    Asked { kill_at: Duration },
    /// SIGKILL was sent at `since`. If the command still runs at `insist_at`, SIGKILL is sent once more, and then
    /// `insist_at` becomes `None`.
    Killed { since: Duration, insist_at: Option<Duration> },
}

/// The state of the command's own process, which is called the leader.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Leader {
    /// The stop signal is about to be sent, unless the process has already exited.
    NotSignaled,
    /// The stop signal was sent, and the process has not exited yet.
    Signaled,
    Ended(FamilyWait),
}

impl Leader {
    /// Returns the state of the wait for remaining processes. Returns `None` while the command's own process is
    /// running.
    pub(super) fn ended(self) -> Option<FamilyWait> {
        match self {
            Leader::Ended(wait) => Some(wait),
            Leader::NotSignaled | Leader::Signaled => None,
        }
    }
}

/// The state of the wait for processes that an exited command left behind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct FamilyWait {
    /// How the command ended. The field `at` is when it ended.
    pub(super) end: End,
    pub(super) at: Duration,
    pub(super) look_at: Duration,
    pub(super) pause: Duration,
    /// Whether a message has named a remaining process.
    pub(super) named: bool,
    /// Whether the stop signal was sent to the members of the family outside the command's group.
    pub(super) strays_signaled: bool,
}
