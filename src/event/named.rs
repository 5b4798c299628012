//! Events of the refresh signal to the process of `--signal-pid-file`.

use super::record::{Problem, Record, info, span, warning};
use crate::error::counted;
use crate::process::Pid;
use crate::process::signal::Signal;
use std::time::Duration;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum NamedEvent {
    /// The signal was sent.
    Signaled { signal: Signal, pid: Pid },
    /// The signal cannot be sent. `is_new` is set if this is the first failure, or if the reason is another one than before.
    Failed { signal: Signal, problem: Problem, failures: u32, retry_in: Duration, is_new: bool },
    /// The signal was sent after failures.
    Recovered { failures: u32 },
}

impl NamedEvent {
    pub(super) fn record(&self) -> Record {
        match self {
            Self::Signaled { signal, pid } => {
                let text = format!("sent {signal} to the process in the pid file, pid {pid}");
                info("signalled", text).text("signal", signal).number("pid", *pid)
            }
            Self::Failed { signal, problem, failures, retry_in, is_new } => {
                let text = format!("{}; retrying in {}", problem.text, span(*retry_in));
                let record = if *is_new {
                    warning("signal_failing", format!("cannot send {signal}: {text}"))
                } else {
                    info("signal_retry", format!("sending {signal} failed {}: {text}", counted(*failures, "time")))
                };
                let record = record.text("signal", signal).error(problem).number("failures", *failures);
                record.seconds("retry_in", *retry_in)
            }
            Self::Recovered { failures } => {
                let text = format!("the refresh signal was sent after {}", counted(*failures, "failed attempt"));
                warning("signal_recovered", text).number("failures", *failures)
            }
        }
    }
}
