//! What happens during a supervision, as facts: the driver tells them, a [`EventSink`] words and writes them.
//!
//! Each has a level, a stable name and stable fields (`--log-format json`), and a sentence (`Display`).
//! None holds a secret.

mod fields;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use fields::Field;

use super::process::{End, Member, Pid};
use crate::process::signal::Signal;
use std::time::{Duration, SystemTime};

/// Why something that xassume wanted did not come about, already in words.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Problem {
    pub(crate) text: String,
    /// The one thing to do about it.
    pub(crate) hint: Option<String>,
}

/// How the command came to its end when xassume had asked it to stop.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Stop {
    /// It ended after the stop signal.
    Asked,
    /// It outlived the stop timeout.
    Killed,
}

/// One thing worth telling. Durations are spans from now, times are moments of the wall clock.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Event {
    /// The first session of the run was obtained.
    Assumed {
        role: String,
        expiration: SystemTime,
        lifetime: Duration,
    },
    RefreshDue {
        at: SystemTime,
        within: Duration,
    },
    Refreshed {
        expiration: SystemTime,
        left: Duration,
    },
    /// The first of a row of failures.
    RefreshFailing {
        problem: Problem,
        expires_in: Duration,
        retry_in: Duration,
    },
    /// The ones after it.
    Retrying {
        problem: Problem,
        failures: u32,
        retry_in: Duration,
    },
    ExpiresSoon {
        within: Duration,
    },
    ExpiredStillRunning,
    Recovered {
        failures: u32,
    },
    /// Expired and not refreshed: the command is stopped, as `--on-refresh-failure stop` asks.
    Lapsed,
    Started {
        pid: Pid,
    },
    StartRetry {
        problem: Problem,
        retry_in: Duration,
    },
    /// With the session that was just obtained.
    Restarting,
    /// A signal from outside put an end to restarts.
    RestartsCancelled {
        signal: Signal,
    },
    Stopped {
        how: Stop,
        end: End,
    },
    /// The command has ended; this process of its group has not.
    StillStopping {
        member: Member,
    },
    /// This process makes each stop last the whole timeout.
    StopIgnored {
        member: Member,
    },
    /// SIGKILL has not ended the command.
    NotKilled {
        pid: Pid,
    },
    Signalled {
        signal: Signal,
        pid: Pid,
    },
    /// A signal from outside was passed on.
    Forwarded {
        signal: Signal,
    },
    /// The kernel refused: the command runs as another user, say.
    CannotSignal {
        signal: Signal,
        problem: Problem,
    },
    /// The refresh signal found no handler.
    DiedOfRefreshSignal {
        signal: Signal,
    },
    /// The command was given its credentials by environment: the signal announces the expiry, and no more.
    NoticeOnly {
        signal: Signal,
    },
    /// The command runs in a background group of its terminal.
    GroupWarning,
    /// A restarted command finds its standard input where the one before it left it.
    StdinWarning {
        stdin: Stdin,
    },
    /// Standard error was not read, and the queue for it was full.
    Dropped {
        messages: u32,
    },
}

/// What standard input is, as far as a restart cares.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Stdin {
    Terminal,
    /// A pipe, a file or a socket: what was read is gone.
    Stream,
    /// Nothing that a restart could lose: `/dev/null`, or closed.
    Nothing,
}

/// Who is told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Level {
    /// Everyone, unless `-q`.
    Warning,
    /// Who asks with `-v`.
    Detail,
    /// Who asks with `-vv`.
    Trace,
}

/// Where happenings go.
pub(crate) trait EventSink {
    fn emit(&mut self, event: &Event);
}

impl Event {
    pub(crate) fn level(&self) -> Level {
        self.entry().0
    }

    /// The name that programs know it by; it never changes.
    pub(crate) fn name(&self) -> &'static str {
        self.entry().1
    }

    /// Who is told, and under which name.
    fn entry(&self) -> (Level, &'static str) {
        use Level::{Detail, Trace, Warning};
        match self {
            Self::Assumed { .. } => (Detail, "assumed"),
            Self::RefreshDue { .. } => (Detail, "refresh_due"),
            Self::Refreshed { .. } => (Detail, "refreshed"),
            Self::RefreshFailing { .. } => (Warning, "refresh_failing"),
            Self::Retrying { .. } => (Detail, "retry"),
            Self::ExpiresSoon { .. } => (Warning, "expires_soon"),
            Self::ExpiredStillRunning => (Warning, "expired"),
            Self::Recovered { .. } => (Warning, "recovered"),
            Self::Lapsed => (Warning, "lapsed"),
            Self::Started { .. } => (Detail, "started"),
            Self::StartRetry { .. } => (Warning, "start_retry"),
            Self::Restarting => (Detail, "restarting"),
            Self::RestartsCancelled { .. } => (Detail, "restarts_cancelled"),
            Self::Stopped { .. } => (Detail, "stopped"),
            Self::StillStopping { .. } => (Detail, "still_stopping"),
            Self::StopIgnored { .. } => (Warning, "stop_ignored"),
            Self::NotKilled { .. } => (Warning, "not_killed"),
            Self::Signalled { .. } => (Detail, "signalled"),
            Self::Forwarded { .. } => (Trace, "forwarded"),
            Self::CannotSignal { .. } => (Warning, "cannot_signal"),
            Self::DiedOfRefreshSignal { .. } => (Warning, "died_of_refresh_signal"),
            Self::NoticeOnly { .. } => (Warning, "notice_only"),
            Self::GroupWarning => (Warning, "group_warning"),
            Self::StdinWarning { .. } => (Warning, "stdin_warning"),
            Self::Dropped { .. } => (Warning, "messages_dropped"),
        }
    }

    /// The one thing to do about it, if there is one.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::RefreshFailing { problem, .. }
            | Self::Retrying { problem, .. }
            | Self::StartRetry { problem, .. }
            | Self::CannotSignal { problem, .. } => problem.hint.clone(),
            Self::DiedOfRefreshSignal { signal } => {
                Some(format!("let the command handle {signal}, name another --signal, or use --on-expiry restart"))
            }
            Self::NoticeOnly { .. } => Some("use --via file to have the new credentials delivered".into()),
            Self::StopIgnored { .. } => {
                Some("let it handle the stop signal, or shorten the wait with --stop-timeout".into())
            }
            Self::GroupWarning => Some("leave out --process-group new on a terminal".into()),
            Self::StdinWarning { stdin: Stdin::Stream } => Some("give it no input: </dev/null".into()),
            Self::Assumed { .. }
            | Self::RefreshDue { .. }
            | Self::Refreshed { .. }
            | Self::ExpiresSoon { .. }
            | Self::ExpiredStillRunning
            | Self::Recovered { .. }
            | Self::Lapsed
            | Self::Started { .. }
            | Self::Restarting
            | Self::RestartsCancelled { .. }
            | Self::Stopped { .. }
            | Self::StillStopping { .. }
            | Self::NotKilled { .. }
            | Self::Signalled { .. }
            | Self::Forwarded { .. }
            | Self::StdinWarning { stdin: Stdin::Terminal | Stdin::Nothing }
            | Self::Dropped { .. } => None,
        }
    }
}
