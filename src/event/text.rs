//! Happenings as people read them: one sentence each.

use super::{Event, Stdin, Stop};
use crate::session::rfc3339;
use std::fmt;
use std::time::Duration;

/// A span as people say it: whole seconds, and never less than one.
fn span(duration: Duration) -> humantime::FormattedDuration {
    let whole = duration.as_secs() + u64::from(duration.subsec_millis() >= 500);
    humantime::format_duration(Duration::from_secs(whole.max(1)))
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Assumed { role, expiration, lifetime } => {
                write!(f, "assumed {role}: expires at {} (lifetime {})", rfc3339(*expiration), span(*lifetime))
            }
            Self::RefreshDue { at, within } => write!(f, "refresh due at {} (in {})", rfc3339(*at), span(*within)),
            Self::Refreshed { expiration, left } => {
                write!(f, "refreshed: expires at {} (in {})", rfc3339(*expiration), span(*left))
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
                0 => f.write_str("the session is refreshed again, after its expiry"),
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
            Self::StillStopping { member } => {
                write!(f, "the command has ended, waiting for {} (pid {}) of its group", member.name, member.pid)
            }
            Self::StopIgnored { member } => write!(
                f,
                "{} (pid {}), which the command started, does not end at the stop signal: each stop lasts the whole \
                 stop timeout",
                member.name, member.pid
            ),
            Self::NotKilled { pid } => write!(f, "the command, pid {pid}, has not ended a second after SIGKILL"),
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
            Self::Dropped { messages: 1 } => f.write_str("1 message was dropped: standard error was not read"),
            Self::Dropped { messages } => write!(f, "{messages} messages were dropped: standard error was not read"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Level, Problem};
    use super::*;

    #[test]
    fn spans_are_whole_seconds_and_never_none() {
        assert_eq!(span(Duration::from_millis(20)).to_string(), "1s");
        assert_eq!(span(Duration::from_millis(359_700)).to_string(), "6m");
    }

    #[test]
    fn failures_are_warnings_and_say_what_is_left() {
        let problem = Problem { text: "no route to sts".into(), hint: Some("check the network".into()) };
        let failing =
            Event::RefreshFailing { problem, expires_in: Duration::from_mins(10), retry_in: Duration::from_secs(4) };
        assert_eq!(failing.level(), Level::Warning);
        assert_eq!(failing.hint().as_deref(), Some("check the network"));
        assert_eq!(
            failing.to_string(),
            "cannot refresh the session, which expires in 10m: no route to sts; the command keeps running, retry in 4s"
        );
    }
}
