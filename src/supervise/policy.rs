//! What the user asked of the supervision: parsed flags, no facts about the machine it runs on.

use super::schedule::{Margin, RefreshPurpose, Timing};
use crate::event::{Event, Stdin};
use crate::process::signal::Signal;
use std::time::Duration;

/// What to do to the command when its session was refreshed (`--on-expiry`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum OnExpiry {
    /// Nothing: it finds the new credentials by itself.
    None,
    /// Stop it and start it again with the new session.
    Restart,
    /// Send it this signal (`--signal`).
    Signal(Signal),
}

/// What happens when the session expires and could not be refreshed (`--on-refresh-failure`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum OnRefreshFailure {
    /// The command keeps running, and the refresh is tried again and again.
    Keep,
    /// The command is stopped.
    Stop,
}

/// When a refreshed session reaches the command; it follows from `--via`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum DeliveryTime {
    /// Only when the command starts: an environment cannot be changed from outside.
    AtStart,
    /// While it runs: by file, endpoint or process.
    Live,
}

/// Which process group the command gets (`--process-group`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum GroupPolicy {
    /// xassume's on a terminal, else one of its own.
    Auto,
    Same,
    New,
}

/// All of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Policy {
    pub(crate) on_expiry: OnExpiry,
    pub(crate) delivery_time: DeliveryTime,
    pub(crate) margin: Margin,
    /// Asks the command to end before a restart (`--stop-signal`).
    pub(crate) stop_signal: Signal,
    /// How long it may take to end before it is killed (`--stop-timeout`).
    pub(crate) stop_timeout: Duration,
    pub(crate) on_refresh_failure: OnRefreshFailure,
    pub(crate) process_group: GroupPolicy,
}

/// What is to be done when the session nears its expiry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Duty {
    /// Obtain another session.
    Refresh,
    /// Tell the command, and no more: a new session could not reach it.
    Notice,
    /// Nothing.
    None,
}

impl Policy {
    /// With all other flags left out.
    pub(crate) fn usual(on_expiry: OnExpiry, delivery_time: DeliveryTime) -> Self {
        Self {
            on_expiry,
            delivery_time,
            margin: Margin::Auto,
            stop_signal: Signal::TERM,
            stop_timeout: Duration::from_secs(10),
            on_refresh_failure: OnRefreshFailure::Keep,
            process_group: GroupPolicy::Auto,
        }
    }

    pub(crate) fn duty(&self) -> Duty {
        match (self.delivery_time, self.on_expiry) {
            (DeliveryTime::Live, OnExpiry::None | OnExpiry::Restart | OnExpiry::Signal(_))
            | (DeliveryTime::AtStart, OnExpiry::Restart) => Duty::Refresh,
            (DeliveryTime::AtStart, OnExpiry::Signal(_)) => Duty::Notice,
            (DeliveryTime::AtStart, OnExpiry::None) => Duty::None,
        }
    }

    /// When a session of this policy is to be refreshed.
    pub(crate) fn timing(&self) -> Timing {
        let purpose = match self.on_expiry {
            OnExpiry::None => RefreshPurpose::Serve,
            OnExpiry::Restart | OnExpiry::Signal(_) => RefreshPurpose::Act { stop_timeout: self.stop_timeout },
        };
        Timing { purpose, margin: self.margin }
    }

    /// What the user should know before the command starts.
    pub(crate) fn caveats(&self, terminal: Terminal, stdin: Stdin) -> Vec<Event> {
        let mut caveats = Vec::new();
        if self.process_group == GroupPolicy::New && terminal == Terminal::Present {
            caveats.push(Event::GroupWarning);
        }
        if self.on_expiry == OnExpiry::Restart && stdin != Stdin::Nothing {
            caveats.push(Event::StdinWarning { stdin });
        }
        caveats
    }
}

/// Whether somebody sits at a terminal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Terminal {
    Present,
    Absent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_without_a_file_is_a_notice() {
        let signal = OnExpiry::Signal(Signal::HUP);
        assert_eq!(Policy::usual(signal, DeliveryTime::AtStart).duty(), Duty::Notice);
        assert_eq!(Policy::usual(signal, DeliveryTime::Live).duty(), Duty::Refresh);
        assert_eq!(Policy::usual(OnExpiry::Restart, DeliveryTime::AtStart).duty(), Duty::Refresh);
    }

    #[test]
    fn a_restart_warns_of_input_that_it_cannot_bring_back() {
        let restart = Policy::usual(OnExpiry::Restart, DeliveryTime::AtStart);
        let warning = |stdin| vec![Event::StdinWarning { stdin }];
        assert_eq!(restart.caveats(Terminal::Present, Stdin::Terminal), warning(Stdin::Terminal));
        assert_eq!(restart.caveats(Terminal::Absent, Stdin::Stream), warning(Stdin::Stream));
        assert_eq!(restart.caveats(Terminal::Absent, Stdin::Nothing), []);
        assert_eq!(Policy::usual(OnExpiry::None, DeliveryTime::Live).caveats(Terminal::Present, Stdin::Terminal), []);
    }

    #[test]
    fn a_group_of_its_own_warns_on_a_terminal_only() {
        let new = Policy { process_group: GroupPolicy::New, ..Policy::usual(OnExpiry::None, DeliveryTime::Live) };
        assert_eq!(new.caveats(Terminal::Present, Stdin::Terminal), [Event::GroupWarning]);
        assert_eq!(new.caveats(Terminal::Absent, Stdin::Nothing), []);
    }
}
