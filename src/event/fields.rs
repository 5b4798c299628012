//! Happenings as programs read them: stable keys, typed values (`--log-format json`). `docs/supervision.md` lists them.

use super::{Event, Stop};
use crate::process::End;
use crate::process::signal::Signal;
use std::time::{Duration, SystemTime};

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

impl Event {
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
            Self::Dropped { messages } => vec![("messages", number(*messages))],
            Self::Recovered { failures } => vec![("failures", number(*failures))],
            Self::Started { pid } | Self::NotKilled { pid } => vec![("pid", Number(i64::from(*pid)))],
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
            Self::StillStopping { member } | Self::StopIgnored { member } => {
                vec![("pid", Number(i64::from(member.pid))), ("name", Text(member.name.clone()))]
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
