//! Events of refreshes, and of the refresh signal for the command.

use super::record::{Level, Problem, Record, Recorded, span};
use crate::process::Pid;
use crate::process::signal::Signal;
use crate::session::rfc3339;
use std::fmt;
use std::time::{Duration, SystemTime};

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum RefreshEvent {
    /// The session can be refreshed for this time only; then a new MFA code is needed.
    Limited {
        within: Duration,
    },
    /// The next refresh is scheduled.
    Due {
        at: SystemTime,
        within: Duration,
    },
    Refreshed {
        expiration: SystemTime,
        left: Duration,
    },
    /// The first failure in a row.
    Failing {
        problem: Problem,
        expires_in: Duration,
        retry_in: Duration,
    },
    /// A further failure.
    Retrying {
        problem: Problem,
        failures: u32,
        retry_in: Duration,
    },
    /// Refreshes fail and the session expires soon.
    ExpiresSoon {
        within: Duration,
    },
    /// The session has expired; the command is still running.
    Expired,
    Recovered {
        failures: u32,
    },
    /// The session has expired and `--on-refresh-failure stop` stops the command.
    Lapsed,
    Signaled {
        signal: Signal,
        pid: Pid,
    },
    /// For example because the command changed its user.
    CannotSignal {
        signal: Signal,
        problem: Problem,
    },
    /// The command does not handle the refresh signal.
    DiedOfRefreshSignal {
        signal: Signal,
    },
    /// Credentials in environment variables cannot be updated: the signal only announces the expiry.
    NoticeOnly {
        signal: Signal,
    },
}

impl Recorded for RefreshEvent {
    fn record(&self) -> Record {
        let info = |name| Record::new(Level::Info, name);
        let warning = |name| Record::new(Level::Warning, name);
        match self {
            Self::Limited { within } => info("refresh_limited").seconds("in", *within),
            Self::Due { at, within } => info("refresh_due").time("at", *at).seconds("in", *within),
            Self::Refreshed { expiration, left } => {
                info("refreshed").time("expiration", *expiration).seconds("left", *left)
            }
            Self::Failing { problem, expires_in, retry_in } => warning("refresh_failing")
                .text("error", &problem.text)
                .seconds("expires_in", *expires_in)
                .seconds("retry_in", *retry_in)
                .hint_of(problem),
            Self::Retrying { problem, failures, retry_in } => info("retry")
                .text("error", &problem.text)
                .number("failures", *failures)
                .seconds("retry_in", *retry_in)
                .hint_of(problem),
            Self::ExpiresSoon { within } => warning("expires_soon").seconds("expires_in", *within),
            Self::Expired => warning("expired"),
            Self::Recovered { failures } => warning("recovered").number("failures", *failures),
            Self::Lapsed => warning("lapsed"),
            Self::Signaled { signal, pid } => info("signalled").text("signal", signal).number("pid", *pid),
            Self::CannotSignal { signal, problem } => {
                warning("cannot_signal").text("signal", signal).text("error", &problem.text).hint_of(problem)
            }
            Self::DiedOfRefreshSignal { signal } => {
                let hint = format!("handle {signal} in the command, use another --signal, or use --on-expiry restart");
                warning("died_of_refresh_signal").text("signal", signal).hint(hint)
            }
            Self::NoticeOnly { signal } => {
                let hint = "use --via file to have the new credentials delivered";
                warning("notice_only").text("signal", signal).hint(hint)
            }
        }
    }
}

impl fmt::Display for RefreshEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limited { within } => {
                write!(f, "the session can be refreshed for {}; then a new MFA code is needed", span(*within))
            }
            Self::Due { at, within } => write!(f, "next refresh at {} (in {})", rfc3339(*at), span(*within)),
            Self::Refreshed { expiration, left } => {
                write!(f, "session refreshed: expires at {} (in {})", rfc3339(*expiration), span(*left))
            }
            Self::Failing { problem, expires_in, retry_in } => {
                f.write_str("refresh failed (session ")?;
                if expires_in.is_zero() {
                    f.write_str("has expired")?;
                } else {
                    write!(f, "expires in {}", span(*expires_in))?;
                }
                write!(f, "): {}; retrying in {}", problem.text, span(*retry_in))
            }
            Self::Retrying { problem, failures, retry_in } => {
                write!(f, "refresh failed {failures} times: {}; retrying in {}", problem.text, span(*retry_in))
            }
            Self::ExpiresSoon { within } => {
                write!(f, "the session expires in {} and could not be refreshed", span(*within))
            }
            Self::Expired => f.write_str("the session has expired and the command is still running"),
            Self::Recovered { failures } => match failures {
                0 => f.write_str("session refreshed after its expiry"),
                1 => f.write_str("session refreshed after 1 failed attempt"),
                more => write!(f, "session refreshed after {more} failed attempts"),
            },
            Self::Lapsed => f.write_str("the session has expired and could not be refreshed: stopping the command"),
            Self::Signaled { signal, pid } => write!(f, "sent {signal} to the command, pid {pid}"),
            Self::CannotSignal { signal, problem } => {
                write!(f, "cannot send {signal} to the command: {}", problem.text)
            }
            Self::DiedOfRefreshSignal { signal } => {
                write!(f, "the command was killed by {signal} (the refresh signal)")
            }
            Self::NoticeOnly { signal } => {
                write!(f, "with --via env, {signal} only announces the expiry; environment variables cannot be updated")
            }
        }
    }
}
