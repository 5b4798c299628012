//! Events of refreshes, and of the refresh signal, which is sent to the command after a refresh.

use super::record::{Problem, Record, info, span, warning};
use crate::error::counted;
use crate::process::Pid;
use crate::process::signal::Signal;
use crate::session::rfc3339;
use std::time::{Duration, SystemTime};

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum RefreshEvent {
    /// The session can be refreshed only within this time. After that, a new MFA code is needed.
    Limited { within: Duration },
    /// A signal requests a refresh.
    Requested { signal: Signal },
    /// The next refresh is scheduled.
    Due { at: SystemTime, within: Duration },
    /// A refresh has succeeded.
    Refreshed { expiration: SystemTime, left: Duration },
    /// The source has returned the credentials that the command already has.
    Unchanged { retry_in: Duration },
    /// A refresh has failed for the first time since the source last answered, or for another reason than the previous
    /// one.
    Failing { problem: Problem, failures: u32, expires_in: Duration, retry_in: Duration },
    /// A refresh has failed again, for the same reason.
    Retrying { problem: Problem, failures: u32, retry_in: Duration },
    /// Refreshes fail, and the session expires soon. `problem` is why the last refresh failed.
    ExpiresSoon { problem: Option<Problem>, within: Duration },
    /// The session has expired. The command, if there is one, is still running. `problem` is why the last refresh failed,
    /// or `None` if no refresh has failed.
    Expired { problem: Option<Problem>, has_command: bool },
    /// A refresh has succeeded after failures, or after the expiry of the session.
    Recovered { failures: u32 },
    /// After failures, the source has returned the credentials that the command already has.
    Answered { failures: u32 },
    /// The session has expired, and `--on-refresh-failure stop` stops the command. `problem` is why the last refresh
    /// failed, or `None` if none has failed.
    Lapsed { problem: Option<Problem> },
    /// The refresh signal was sent.
    Signaled { signal: Signal, pid: Pid },
    /// The refresh signal cannot be sent, for example because the command has changed its user.
    CannotSignal { signal: Signal, problem: Problem },
    /// The refresh signal has killed the command, because the command does not handle this signal.
    DiedOfRefreshSignal { signal: Signal },
    /// The refresh signal (`--signal`) only announces the expiry, because credentials in environment variables cannot
    /// be updated.
    NoticeOnly { signal: Signal },
}

impl RefreshEvent {
    pub(super) fn record(&self) -> Record {
        match self {
            Self::Limited { within } => {
                let text = format!("the session can be refreshed for {}; then a new MFA code is needed", span(*within));
                info("refresh_limited", text).seconds("in", *within)
            }
            Self::Requested { signal } => {
                info("refresh_requested", format!("refresh requested ({signal})")).text("signal", signal)
            }
            Self::Due { at, within } => {
                let text = format!("next refresh at {} (in {})", rfc3339(*at), span(*within));
                info("refresh_due", text).time("at", *at).seconds("in", *within)
            }
            Self::Refreshed { expiration, left } => {
                let text = format!("session refreshed: expires at {} (in {})", rfc3339(*expiration), span(*left));
                info("refreshed", text).time("expiration", *expiration).seconds("left", *left)
            }
            Self::Unchanged { retry_in } => {
                let text = format!("the source has no new credentials yet; retrying in {}", span(*retry_in));
                info("unchanged", text).seconds("retry_in", *retry_in)
            }
            Self::Failing { problem, failures, expires_in, retry_in } => {
                failing(problem, *failures, *expires_in, *retry_in)
            }
            Self::Retrying { problem, failures, retry_in } => retrying(problem, *failures, *retry_in),
            Self::ExpiresSoon { problem, within } => {
                let why = why(": ", problem.as_ref());
                let text = format!("the session expires in {} and could not be refreshed{why}", span(*within));
                warning("expires_soon", text).error_of(problem.as_ref()).seconds("expires_in", *within)
            }
            Self::Expired { problem, has_command } => expired(problem.as_ref(), *has_command),
            Self::Recovered { failures } => recovered(*failures),
            Self::Answered { failures } => answered(*failures),
            Self::Lapsed { problem } => {
                let why = why(": ", problem.as_ref());
                let text = format!("stopping the command: the session has expired and could not be refreshed{why}");
                warning("lapsed", text).error_of(problem.as_ref())
            }
            Self::Signaled { signal, pid } => info("signalled", format!("sent {signal} to the command, pid {pid}"))
                .text("signal", signal)
                .number("pid", *pid),
            Self::CannotSignal { signal, problem } => {
                let text = format!("cannot send {signal} to the command: {}", problem.text);
                warning("cannot_signal", text).text("signal", signal).error(problem)
            }
            Self::DiedOfRefreshSignal { signal } => {
                let text = format!("the command was killed by {signal} (the refresh signal)");
                let hint = format!("handle {signal} in the command, use another --signal, or use --on-expiry restart");
                warning("died_of_refresh_signal", text).text("signal", signal).hint(hint)
            }
            Self::NoticeOnly { signal } => {
                let text = format!(
                    "with --via env, the command gets {signal} before the session expires, but no new credentials, because \
                     its environment variables cannot be updated"
                );
                let hint = "use --via file, which delivers new credentials to the command";
                warning("notice_only", text).text("signal", signal).hint(hint)
            }
        }
    }
}

/// Returns the end of a sentence, which says why the last refresh failed. Returns an empty text if none has failed.
fn why(before: &str, problem: Option<&Problem>) -> String {
    problem.map(|problem| format!("{before}{}", problem.text)).unwrap_or_default()
}

fn failing(problem: &Problem, failures: u32, expires_in: Duration, retry_in: Duration) -> Record {
    let expiry =
        if expires_in.is_zero() { "has expired".to_owned() } else { format!("expires in {}", span(expires_in)) };
    let again = if failures == 1 { "" } else { " for another reason" };
    let text = format!("refresh failed{again} (session {expiry}): {}; retrying in {}", problem.text, span(retry_in));
    let record = warning("refresh_failing", text).error(problem).number("failures", failures);
    record.seconds("expires_in", expires_in).seconds("retry_in", retry_in)
}

fn retrying(problem: &Problem, failures: u32, retry_in: Duration) -> Record {
    let times = counted(failures, "time");
    let text = format!("refresh failed {times}: {}; retrying in {}", problem.text, span(retry_in));
    info("retry", text).error(problem).number("failures", failures).seconds("retry_in", retry_in)
}

fn expired(problem: Option<&Problem>, has_command: bool) -> Record {
    let why = why("; it could not be refreshed: ", problem);
    let text = if has_command {
        "the session has expired and the command is still running"
    } else {
        "the session has expired"
    };
    warning("expired", format!("{text}{why}")).error_of(problem)
}

fn recovered(failures: u32) -> Record {
    let after = if failures == 0 { "its expiry".to_owned() } else { attempts(failures) };
    warning("recovered", format!("session refreshed after {after}")).number("failures", failures)
}

fn answered(failures: u32) -> Record {
    let text = format!("the source works again after {}, but has no new credentials yet", attempts(failures));
    warning("recovered", text).number("failures", failures)
}

fn attempts(failures: u32) -> String {
    counted(failures, "failed attempt")
}
