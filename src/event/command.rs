//! Events of the supervised command: its starts, stops and signals.

use super::record::{Level, Problem, Record, Recorded, span};
use crate::process::signal::Signal;
use crate::process::{End, Member, Pid};
use std::fmt;
use std::time::Duration;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum CommandEvent {
    Started {
        pid: Pid,
    },
    /// A restart failed and is tried again.
    StartRetry {
        problem: Problem,
        retry_in: Duration,
    },
    /// With the session that was just fetched.
    Restarting,
    /// A signal from outside cancels all restarts.
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
    /// Because of this process, each stop takes the whole timeout.
    StopIgnored {
        member: Member,
    },
    /// SIGKILL has not ended the command.
    NotKilled {
        pid: Pid,
    },
    /// A signal from outside.
    Forwarded {
        signal: Signal,
    },
    /// The command runs in a background process group of its terminal.
    GroupWarning,
    /// A restart loses standard input that was already read.
    StdinWarning {
        stdin: Stdin,
    },
}

/// What ended the command when xassume stopped it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Stop {
    /// The stop signal.
    Asked,
    /// SIGKILL, after the stop timeout.
    Killed,
}

/// The kind of standard input.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Stdin {
    Terminal,
    /// A pipe, a file or a socket.
    Stream,
    /// `/dev/null`, or closed: a restart loses nothing.
    Nothing,
}

impl Recorded for CommandEvent {
    fn record(&self) -> Record {
        let info = |name| Record::new(Level::Info, name);
        let warning = |name| Record::new(Level::Warning, name);
        match self {
            Self::Started { pid } => info("started").number("pid", *pid),
            Self::StartRetry { problem, retry_in } => {
                warning("start_retry").text("error", &problem.text).seconds("retry_in", *retry_in).hint_of(problem)
            }
            Self::Restarting => info("restarting").text("reason", "session refreshed"),
            Self::RestartsCancelled { signal } => info("restarts_cancelled").text("signal", signal),
            Self::Stopped { how, end } => {
                let how = match how {
                    Stop::Asked => "stop signal",
                    Stop::Killed => "SIGKILL after the stop timeout",
                };
                match end {
                    End::Exited(status) => info("stopped").text("how", how).number("status", *status),
                    End::Killed(signal) => info("stopped").text("how", how).text("signal", signal),
                }
            }
            Self::StillStopping { member } => {
                info("still_stopping").number("pid", member.pid).text("name", &member.name)
            }
            Self::StopIgnored { member } => warning("stop_ignored")
                .number("pid", member.pid)
                .text("name", &member.name)
                .hint("let it handle the stop signal, or shorten the wait with --stop-timeout"),
            Self::NotKilled { pid } => warning("not_killed").number("pid", *pid),
            Self::Forwarded { signal } => Record::new(Level::Debug, "forwarded").text("signal", signal),
            Self::GroupWarning => warning("group_warning").hint("leave out --process-group new on a terminal"),
            Self::StdinWarning { stdin: Stdin::Stream } => warning("stdin_warning").hint("use </dev/null"),
            Self::StdinWarning { stdin: Stdin::Terminal | Stdin::Nothing } => warning("stdin_warning"),
        }
    }
}

impl fmt::Display for CommandEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { pid } => write!(f, "started the command, pid {pid}"),
            Self::StartRetry { problem, retry_in } => {
                write!(f, "cannot restart the command: {}; retrying in {}", problem.text, span(*retry_in))
            }
            Self::Restarting => f.write_str("restarting the command with the new session"),
            Self::RestartsCancelled { signal } => write!(f, "{signal} received: the command will not be restarted"),
            Self::Stopped { how: Stop::Asked, end } => write!(f, "stopped the command: it {end}"),
            Self::Stopped { how: Stop::Killed, end } => {
                write!(f, "stopped the command after the stop timeout: it {end}")
            }
            Self::StillStopping { member } => {
                write!(f, "the command has ended, waiting for {} (pid {}) of its group", member.name, member.pid)
            }
            Self::StopIgnored { member } => {
                let Member { name, pid } = member;
                write!(f, "{name} (pid {pid}), started by the command, ignores the stop signal: ")?;
                f.write_str("each stop takes the whole stop timeout")
            }
            Self::NotKilled { pid } => write!(f, "the command, pid {pid}, has not ended a second after SIGKILL"),
            Self::Forwarded { signal } => write!(f, "forwarded {signal}"),
            Self::GroupWarning => {
                f.write_str("the command runs in a background process group: reading from the terminal will stop it")
            }
            Self::StdinWarning { stdin: Stdin::Terminal } => f.write_str(
                "--on-expiry restart will kill and restart this interactive command; use --via endpoint instead",
            ),
            Self::StdinWarning { stdin: Stdin::Stream | Stdin::Nothing } => {
                f.write_str("after a restart, standard input that was already read is lost")
            }
        }
    }
}
