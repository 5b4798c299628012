//! What happens during a supervision, as facts: the driver tells them, a [`Narrator`] words and writes them.
//!
//! Each has a level, a stable name and stable fields (`--log-format json`), and a sentence (`Display`).
//! None holds a secret.

use super::process::{End, Pid};
use super::signal::Signal;
use std::fmt;
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
pub(crate) enum Happening {
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

/// One field of a line of JSON.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Field {
    Text(String),
    Number(i64),
    /// To be written as RFC 3339.
    Time(SystemTime),
    /// To be written as a number of seconds.
    Seconds(Duration),
}

/// Where happenings go.
pub(crate) trait Narrator {
    fn tell(&mut self, happening: &Happening);
}

impl Happening {
    pub(crate) fn level(&self) -> Level {
        match self {
            Self::RefreshFailing { .. }
            | Self::ExpiresSoon { .. }
            | Self::ExpiredStillRunning
            | Self::Recovered { .. }
            | Self::Lapsed
            | Self::StartRetry { .. }
            | Self::CannotSignal { .. }
            | Self::DiedOfRefreshSignal { .. }
            | Self::NoticeOnly { .. }
            | Self::GroupWarning
            | Self::StdinWarning { .. } => Level::Warning,
            Self::Assumed { .. }
            | Self::RefreshDue { .. }
            | Self::Refreshed { .. }
            | Self::Retrying { .. }
            | Self::Started { .. }
            | Self::Restarting
            | Self::RestartsCancelled { .. }
            | Self::Stopped { .. }
            | Self::Signalled { .. } => Level::Detail,
            Self::Forwarded { .. } => Level::Trace,
        }
    }

    /// The name that programs know it by; it never changes.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Assumed { .. } => "assumed",
            Self::RefreshDue { .. } => "refresh_due",
            Self::Refreshed { .. } => "refreshed",
            Self::RefreshFailing { .. } => "refresh_failing",
            Self::Retrying { .. } => "retry",
            Self::ExpiresSoon { .. } => "expires_soon",
            Self::ExpiredStillRunning => "expired",
            Self::Recovered { .. } => "recovered",
            Self::Lapsed => "lapsed",
            Self::Started { .. } => "started",
            Self::StartRetry { .. } => "start_retry",
            Self::Restarting => "restarting",
            Self::RestartsCancelled { .. } => "restarts_cancelled",
            Self::Stopped { .. } => "stopped",
            Self::Signalled { .. } => "signalled",
            Self::Forwarded { .. } => "forwarded",
            Self::CannotSignal { .. } => "cannot_signal",
            Self::DiedOfRefreshSignal { .. } => "died_of_refresh_signal",
            Self::NoticeOnly { .. } => "notice_only",
            Self::GroupWarning => "group_warning",
            Self::StdinWarning { .. } => "stdin_warning",
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
            | Self::Signalled { .. }
            | Self::Forwarded { .. }
            | Self::StdinWarning { stdin: Stdin::Terminal | Stdin::Nothing } => None,
        }
    }

    /// The facts as fields, under keys that never change.
    pub(crate) fn fields(&self) -> Vec<(&'static str, Field)> {
        use Field::{Number, Seconds, Text, Time};
        let number = |count: u32| Number(i64::from(count));
        let named = |signal: &Signal| Text(signal.to_string());
        match self {
            Self::Assumed { role, expiration, lifetime } => {
                vec![("role", Text(role.clone())), ("expiration", Time(*expiration)), ("lifetime", Seconds(*lifetime))]
            }
            Self::RefreshDue { at, within } => vec![("at", Time(*at)), ("in", Seconds(*within))],
            Self::Refreshed { expiration, left } => vec![("expiration", Time(*expiration)), ("left", Seconds(*left))],
            Self::RefreshFailing { problem, expires_in, retry_in } => vec![
                ("error", Text(problem.text.clone())),
                ("expires_in", Seconds(*expires_in)),
                ("retry_in", Seconds(*retry_in)),
            ],
            Self::Retrying { problem, failures, retry_in } => vec![
                ("error", Text(problem.text.clone())),
                ("failures", number(*failures)),
                ("retry_in", Seconds(*retry_in)),
            ],
            Self::ExpiresSoon { within } => vec![("expires_in", Seconds(*within))],
            Self::Restarting => vec![("reason", Text("session refreshed".into()))],
            Self::Recovered { failures } => vec![("failures", number(*failures))],
            Self::Started { pid } => vec![("pid", Number(i64::from(*pid)))],
            Self::StartRetry { problem, retry_in } => {
                vec![("error", Text(problem.text.clone())), ("retry_in", Seconds(*retry_in))]
            }
            Self::Stopped { how, end } => {
                let how = match how {
                    Stop::Asked => "stop signal",
                    Stop::Killed => "SIGKILL after the stop timeout",
                };
                let (key, status) = match end {
                    End::Exited(status) => ("status", Number(i64::from(*status))),
                    End::Killed(signal) => ("signal", Text(signal.to_string())),
                };
                vec![("how", Text(how.into())), (key, status)]
            }
            Self::Signalled { signal, pid } => vec![("signal", named(signal)), ("pid", Number(i64::from(*pid)))],
            Self::CannotSignal { signal, problem } => {
                vec![("signal", named(signal)), ("error", Text(problem.text.clone()))]
            }
            Self::RestartsCancelled { signal }
            | Self::Forwarded { signal }
            | Self::DiedOfRefreshSignal { signal }
            | Self::NoticeOnly { signal } => vec![("signal", named(signal))],
            Self::ExpiredStillRunning | Self::Lapsed | Self::GroupWarning | Self::StdinWarning { .. } => Vec::new(),
        }
    }
}

/// A span as people say it: whole seconds, and never less than one.
fn span(duration: Duration) -> humantime::FormattedDuration {
    let whole = duration.as_secs() + u64::from(duration.subsec_millis() >= 500);
    humantime::format_duration(Duration::from_secs(whole.max(1)))
}

fn moment(time: SystemTime) -> humantime::Rfc3339Timestamp {
    humantime::format_rfc3339_seconds(time)
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Assumed { role, expiration, lifetime } => {
                write!(f, "assumed {role}: expires at {} (lifetime {})", moment(*expiration), span(*lifetime))
            }
            Self::RefreshDue { at, within } => write!(f, "refresh due at {} (in {})", moment(*at), span(*within)),
            Self::Refreshed { expiration, left } => {
                write!(f, "refreshed: expires at {} (in {})", moment(*expiration), span(*left))
            }
            Self::RefreshFailing { problem, expires_in, retry_in } => {
                write!(f, "cannot refresh the session, which ")?;
                if expires_in.is_zero() {
                    f.write_str("has expired")?;
                } else {
                    write!(f, "expires in {}", span(*expires_in))?;
                }
                write!(f, ": {}; the command keeps running, retry in {}", problem.text, span(*retry_in))
            }
            Self::Retrying { problem, failures, retry_in } => {
                write!(f, "refresh failed {failures} times: {}; retry in {}", problem.text, span(*retry_in))
            }
            Self::ExpiresSoon { within } => {
                write!(f, "the session expires in {} and could not be refreshed", span(*within))
            }
            Self::ExpiredStillRunning => f.write_str("the session has expired and the command is still running"),
            Self::Recovered { failures } => match failures {
                1 => f.write_str("the session is refreshed again, after 1 failure"),
                more => write!(f, "the session is refreshed again, after {more} failures"),
            },
            Self::Lapsed => f.write_str("the session has expired and could not be refreshed: stopping the command"),
            Self::Started { pid } => write!(f, "started the command, pid {pid}"),
            Self::StartRetry { problem, retry_in } => {
                write!(f, "cannot start the command again: {}; retry in {}", problem.text, span(*retry_in))
            }
            Self::Restarting => f.write_str("restarting the command with the new session"),
            Self::RestartsCancelled { signal } => write!(f, "{signal} received: the command will not be restarted"),
            Self::Stopped { how: Stop::Asked, end } => write!(f, "stopped the command: it {end}"),
            Self::Stopped { how: Stop::Killed, end } => {
                write!(f, "stopped the command after the stop timeout: it {end}")
            }
            Self::Signalled { signal, pid } => write!(f, "sent {signal} to the command, pid {pid}"),
            Self::Forwarded { signal } => write!(f, "forwarded {signal}"),
            Self::CannotSignal { signal, problem } => {
                write!(f, "cannot send {signal} to the command: {}", problem.text)
            }
            Self::DiedOfRefreshSignal { signal } => {
                write!(f, "the command died of {signal}, which told it of the new session")
            }
            Self::NoticeOnly { signal } => {
                write!(f, "{signal} will only announce the expiry: an environment cannot be changed from outside")
            }
            Self::GroupWarning => {
                f.write_str("the command runs in a background process group: reading from the terminal will stop it")
            }
            Self::StdinWarning { stdin: Stdin::Terminal } => {
                f.write_str("a restart begins the command again from its beginning, also when someone types into it")
            }
            Self::StdinWarning { stdin: Stdin::Stream | Stdin::Nothing } => {
                f.write_str("a restarted command does not see again what was read from standard input before")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_whole_seconds_and_never_none() {
        assert_eq!(span(Duration::from_millis(20)).to_string(), "1s");
        assert_eq!(span(Duration::from_millis(359_700)).to_string(), "6m");
    }

    #[test]
    fn failures_are_warnings_and_say_what_is_left() {
        let problem = Problem { text: "no route to sts".into(), hint: Some("check the network".into()) };
        let failing = Happening::RefreshFailing {
            problem,
            expires_in: Duration::from_secs(600),
            retry_in: Duration::from_secs(4),
        };
        assert_eq!(failing.level(), Level::Warning);
        assert_eq!(failing.hint().as_deref(), Some("check the network"));
        assert_eq!(
            failing.to_string(),
            "cannot refresh the session, which expires in 10m: no route to sts; the command keeps running, retry in 4s"
        );
    }
}
