//! The settings of a supervision, which come from the flags.

use crate::event::{CommandEvent, Stdin};
use crate::process::signal::Signal;
use std::os::fd::RawFd;
use std::time::Duration;

/// What happens to the command after a refresh (`--on-expiry`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum OnExpiry {
    /// Nothing happens, because the command reads the new credentials itself.
    None,
    /// The command is stopped, and started again with the new session.
    Restart,
    /// The command gets this signal (`--signal`).
    Signal(Signal),
}

/// Which process gets the signal of [`OnExpiry::Signal`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum SignalTarget {
    Command,
    /// The process that the file of `--signal-pid-file` names.
    PidFile,
}

/// What happens if the session expires before a refresh has succeeded (`--on-refresh-failure`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum OnRefreshFailure {
    /// The command keeps running, and the refresh is retried.
    Keep,
    /// The command is stopped.
    Stop,
}

/// How long before the expiry a refresh is due (`--refresh-margin`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Margin {
    /// The margin depends on [`OnExpiry`], and jitter is added to it.
    Auto,
    /// The margin is exactly this long, but the refresh is never due before half of the lifetime has passed.
    Fixed(Duration),
}

/// When a refreshed session reaches the command, which depends on `--via`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum DeliveryTime {
    /// At the next start of the command, because the environment of a running process cannot be changed.
    AtStart,
    /// While the command is running: it gets each new session through a file, the endpoint or a `credential_process`.
    Live,
}

/// The order of a restart (`--restart-order`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum RestartOrder {
    StopFirst,
    /// The new process is started while the old one runs. The old one is stopped once the new one is ready.
    StartFirst,
}

/// How a process shows that it is ready (`--ready`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum ReadySign {
    /// It sends `READY=1` to its notification socket.
    Notification,
    /// It writes a newline to this descriptor.
    Newline(RawFd),
    /// It has run for this time.
    RunsFor(Duration),
}

impl ReadySign {
    /// Returns what a process has not done if it is not ready in time.
    pub(crate) fn missing(self) -> String {
        match self {
            Self::Notification => "has not sent READY=1".to_owned(),
            Self::Newline(descriptor) => format!("has not written a newline to descriptor {descriptor}"),
            Self::RunsFor(time) => format!("has not run for {}", humantime::format_duration(time)),
        }
    }
}

/// Which process group the command gets (`--process-group`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum GroupPolicy {
    /// xassume's own group if xassume was started from a terminal, else a new group.
    Auto,
    Same,
    New,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Policy {
    pub(crate) on_expiry: OnExpiry,
    pub(crate) signal_target: SignalTarget,
    pub(crate) delivery_time: DeliveryTime,
    pub(crate) margin: Margin,
    /// The signal that asks the command to exit before a restart (`--stop-signal`).
    pub(crate) stop_signal: Signal,
    /// How long the command may take to exit before it gets SIGKILL (`--stop-timeout`).
    pub(crate) stop_timeout: Duration,
    pub(crate) on_refresh_failure: OnRefreshFailure,
    pub(crate) process_group: GroupPolicy,
    pub(crate) restart_order: RestartOrder,
    /// `None` if xassume need not know when the command is ready.
    pub(crate) ready: Option<ReadySign>,
    /// How long a new process may take until it is ready (`--ready-timeout`).
    pub(crate) ready_timeout: Duration,
    /// Whether a hook runs after each session that was handed over (`--refresh-hook`).
    pub(crate) has_hook: bool,
}

/// What to do shortly before the session expires.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Duty {
    /// Get a new session.
    Refresh,
    /// Only signal the command, because a new session could not reach it.
    Notice,
    None,
}

impl Policy {
    /// Returns a policy with these two settings and the default values of all others.
    pub(crate) const fn usual(on_expiry: OnExpiry, delivery_time: DeliveryTime) -> Self {
        Self {
            on_expiry,
            signal_target: SignalTarget::Command,
            delivery_time,
            margin: Margin::Auto,
            stop_signal: Signal::TERM,
            stop_timeout: Duration::from_secs(10),
            on_refresh_failure: OnRefreshFailure::Keep,
            process_group: GroupPolicy::Auto,
            restart_order: RestartOrder::StopFirst,
            ready: None,
            ready_timeout: Duration::from_mins(1),
            has_hook: false,
        }
    }

    pub(crate) fn starts_first(&self) -> bool {
        self.restart_order == RestartOrder::StartFirst
    }

    /// Returns the descriptor of `--ready fd:N`.
    pub(crate) fn ready_descriptor(&self) -> Option<RawFd> {
        match self.ready {
            Some(ReadySign::Newline(descriptor)) => Some(descriptor),
            Some(ReadySign::Notification | ReadySign::RunsFor(_)) | None => None,
        }
    }

    pub(crate) fn duty(&self) -> Duty {
        match (self.delivery_time, self.on_expiry) {
            (DeliveryTime::Live, _) | (DeliveryTime::AtStart, OnExpiry::Restart) => Duty::Refresh,
            (DeliveryTime::AtStart, OnExpiry::Signal(_)) => Duty::Notice,
            (DeliveryTime::AtStart, OnExpiry::None) => Duty::None,
        }
    }

    /// Returns the warnings that are shown before the command starts.
    pub(crate) fn caveats(&self, on_terminal: bool, stdin: Stdin) -> Vec<CommandEvent> {
        let mut caveats = Vec::new();
        if self.process_group == GroupPolicy::New && on_terminal {
            caveats.push(CommandEvent::GroupWarning);
        }
        if self.on_expiry == OnExpiry::Restart && stdin != Stdin::Nothing {
            caveats.push(CommandEvent::StdinWarning { stdin });
        }
        caveats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_signal_without_a_file_is_a_notice() {
        let signal = OnExpiry::Signal(Signal::HUP);
        assert_eq!(Policy::usual(signal, DeliveryTime::AtStart).duty(), Duty::Notice);
        assert_eq!(Policy::usual(signal, DeliveryTime::Live).duty(), Duty::Refresh);
        assert_eq!(Policy::usual(OnExpiry::Restart, DeliveryTime::AtStart).duty(), Duty::Refresh);
    }

    #[test]
    fn a_restart_warns_that_read_input_is_lost() {
        let restart = Policy::usual(OnExpiry::Restart, DeliveryTime::AtStart);
        let warning = |stdin| vec![CommandEvent::StdinWarning { stdin }];
        assert_eq!(restart.caveats(true, Stdin::Terminal), warning(Stdin::Terminal));
        assert_eq!(restart.caveats(false, Stdin::Stream), warning(Stdin::Stream));
        assert_eq!(restart.caveats(false, Stdin::Nothing), []);
        assert_eq!(Policy::usual(OnExpiry::None, DeliveryTime::Live).caveats(true, Stdin::Terminal), []);
    }

    #[test]
    fn a_new_process_group_warns_on_a_terminal_only() {
        let new = Policy { process_group: GroupPolicy::New, ..Policy::usual(OnExpiry::None, DeliveryTime::Live) };
        assert_eq!(new.caveats(true, Stdin::Terminal), [CommandEvent::GroupWarning]);
        assert_eq!(new.caveats(false, Stdin::Nothing), []);
    }
}
