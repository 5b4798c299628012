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
    /// The signal cannot be sent, for the first time or for another reason than before.
    Failing { signal: Signal, problem: Problem, failures: u32, retry_in: Duration },
    /// The signal still cannot be sent, for the same reason as before.
    Retrying { signal: Signal, problem: Problem, failures: u32, retry_in: Duration },
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
            Self::Failing { signal, problem, failures, retry_in } => {
                let text = format!("cannot send {signal}: {}; retrying in {}", problem.text, span(*retry_in));
                failed(warning("signal_failing", text), *signal, problem, *failures).seconds("retry_in", *retry_in)
            }
            Self::Retrying { signal, problem, failures, retry_in } => {
                let (times, pause) = (counted(*failures, "time"), span(*retry_in));
                let text = format!("sending {signal} failed {times}: {}; retrying in {pause}", problem.text);
                failed(info("signal_retry", text), *signal, problem, *failures).seconds("retry_in", *retry_in)
            }
            Self::Recovered { failures } => {
                let text = format!("the refresh signal was sent after {}", counted(*failures, "failed attempt"));
                warning("signal_recovered", text).number("failures", *failures)
            }
        }
    }
}

fn failed(record: Record, signal: Signal, problem: &Problem, failures: u32) -> Record {
    record.text("signal", &signal).error(problem).number("failures", failures)
}
