//! Events of the supervised command, such as its starts, its stops and its signals.

use super::record::{Level, Problem, Record, info, notice, span, warning};
use crate::error::Reason;
use crate::process::signal::Signal;
use crate::process::{End, Member, Pid};
use crate::session::rfc3339;
use std::os::fd::RawFd;
use std::time::{Duration, SystemTime};

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum CommandEvent {
    /// xassume listens on an address for the command, which gets the socket under this descriptor.
    Listening { address: String, descriptor: RawFd },
    /// The command was started.
    Started { pid: Pid },
    /// A restart has failed and will be tried again.
    StartRetry { problem: Problem, retry_in: Duration },
    /// A new process will be started beside the command, whose process ID is `pid`, with the session that was just
    /// fetched.
    HandoverStarted { pid: Pid, expiration: SystemTime, left: Duration },
    /// The command, or a new process beside it, is ready.
    Ready { pid: Pid },
    /// The new process has failed. The old one keeps running.
    HandoverFailed { problem: Problem, retry_in: Duration },
    /// The session of the running command has expired while no new process was ready, so the command is stopped.
    LapsedInHandover,
    /// The command will be restarted with the session that was just fetched.
    Restarting { expiration: SystemTime, left: Duration },
    /// xassume has received a signal after which the command is not restarted.
    RestartsCancelled { signal: Signal },
    /// The command has announced to the service manager that it is about to exit, so it is not restarted.
    StoppingAnnounced,
    /// The command has ended by itself.
    Exited { end: End },
    /// xassume has stopped the command, or a new process that was not ready.
    Stopped { who: Stopped, pid: Pid, how: Stop, end: End },
    /// The command is being stopped and has ended, but `member`, another process of its group or family, has not.
    StillStopping { member: Member },
    /// The process `member` ignores the stop signal, so each stop takes the whole stop timeout.
    StopIgnored { member: Member },
    /// The command has not ended although SIGKILL was sent a second ago.
    NotKilled { pid: Pid },
    /// A signal that xassume received was forwarded to the command.
    Forwarded { signal: Signal },
    /// A warning that the command will run in a background process group of its terminal.
    GroupWarning,
    /// A warning that each restart of the command loses the standard input that the command has already read.
    StdinWarning { stdin: Stdin },
}

/// Why a new process did not become ready.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum NotReady {
    /// fork(2) or execve(2) has failed.
    NotStarted { error: String },
    /// It has exited.
    Ended { end: End },
    /// It has closed its descriptor of `--ready fd:N`.
    Closed { descriptor: RawFd },
    /// It was not ready in time. `missing` is what it has not done.
    Late { missing: String },
}

impl NotReady {
    /// Returns a sentence about it. `limit` is the time of `--ready-timeout`.
    pub(crate) fn problem(&self, limit: Duration) -> Problem {
        let (text, hint): (_, Option<&str>) = match self {
            Self::NotStarted { error } => (format!("cannot start the new process: {error}"), None),
            Self::Ended { end } => (
                format!("the new process {end} before it was ready"),
                Some(
                    "the usual reason is that the old process has the port: use --listen, or --restart-order stop-first",
                ),
            ),
            Self::Closed { descriptor } => (
                format!("the new process has closed descriptor {descriptor} without writing a newline to it"),
                Some("write a newline to it, or use another --ready"),
            ),
            Self::Late { missing } => (
                format!("the new process {missing} within {}", humantime::format_duration(limit)),
                Some("see --ready, or set a longer --ready-timeout"),
            ),
        };
        let reason = if let Self::NotStarted { .. } = self { Reason::System } else { Reason::NotReady };
        Problem { text, reason, hint: hint.map(str::to_owned) }
    }
}

/// What was stopped.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Stopped {
    Command,
    /// A new process that was not ready (`--restart-order start-first`), and what it left behind.
    NewProcess,
}

/// What ended the command when xassume stopped it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Stop {
    /// The stop signal.
    Asked,
    /// SIGKILL, after the stop timeout.
    Killed,
}

/// The kind of the command's standard input.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Stdin {
    Terminal,
    /// A pipe, a file or a socket.
    Stream,
    /// `/dev/null`, or a closed descriptor. A restart loses no input.
    Nothing,
}

impl CommandEvent {
    pub(super) fn record(&self) -> Record {
        match self {
            Self::Listening { address, descriptor } => listening(address, *descriptor),
            Self::Started { pid } => info("started", format!("started the command, pid {pid}")).number("pid", *pid),
            Self::StartRetry { problem, retry_in } => {
                let text = format!("cannot restart the command: {}; retrying in {}", problem.text, span(*retry_in));
                warning("start_retry", text).error(problem).seconds("retry_in", *retry_in)
            }
            Self::HandoverStarted { pid, expiration, left } => handover_started(*pid, *expiration, *left),
            Self::Ready { pid } => info("ready", format!("the command is ready, pid {pid}")).number("pid", *pid),
            Self::HandoverFailed { problem, retry_in } => {
                let text = format!("{}; the old process keeps running; retrying in {}", problem.text, span(*retry_in));
                warning("handover_failed", text).error(problem).seconds("retry_in", *retry_in)
            }
            Self::LapsedInHandover => {
                warning("lapsed", "stopping the command: its session has expired, and no new process is ready")
            }
            Self::Restarting { expiration, left } => restarting(*expiration, *left),
            Self::RestartsCancelled { signal } => {
                let text = format!("received {signal}, so the command will not be restarted");
                info("restarts_cancelled", text).text("signal", signal)
            }
            Self::StoppingAnnounced => {
                info("stopping_announced", "the command sent STOPPING=1, so it will not be restarted")
            }
            Self::Exited { end } => ended(info("exited", format!("the command {end}")), *end),
            Self::Stopped { who, pid, how, end } => stopped(*who, *pid, *how, *end),
            Self::StillStopping { member: Member { name, pid } } => {
                let text = format!("the command has ended; waiting for {name} (pid {pid}), which the command started");
                info("still_stopping", text).number("pid", *pid).text("name", name)
            }
            Self::StopIgnored { member: Member { name, pid } } => {
                let text = format!(
                    "{name} (pid {pid}), started by the command, ignores the stop signal, \
                     so each stop takes the whole stop timeout"
                );
                let hint = format!("make {name} handle the stop signal, or shorten the wait with --stop-timeout");
                warning("stop_ignored", text).number("pid", *pid).text("name", name).hint(hint)
            }
            Self::NotKilled { pid } => {
                let text = format!("the command, pid {pid}, has not ended a second after SIGKILL");
                warning("not_killed", text).number("pid", *pid)
            }
            Self::Forwarded { signal } => {
                Record::new(Level::Debug, "forwarded", format!("forwarded {signal}")).text("signal", signal)
            }
            Self::GroupWarning => {
                let text = "the command runs in a background process group, so reading from the terminal will stop it";
                warning("group_warning", text).hint("leave out --process-group new on a terminal")
            }
            Self::StdinWarning { stdin: Stdin::Terminal } => warning(
                "stdin_warning",
                "--on-expiry restart will kill and restart this interactive command; use --via endpoint instead",
            ),
            Self::StdinWarning { stdin: Stdin::Stream | Stdin::Nothing } => {
                let text = "after a restart, standard input that was already read is lost";
                warning("stdin_warning", text).hint("use </dev/null")
            }
        }
    }
}

fn handover_started(pid: Pid, expiration: SystemTime, left: Duration) -> Record {
    let (at, within) = (rfc3339(expiration), span(left));
    let text = format!("starting a new process beside pid {pid}: session refreshed, expires at {at} (in {within})");
    let record = notice("handover_started", text).number("pid", pid);
    record.time("expiration", expiration).seconds("left", left)
}

fn restarting(expiration: SystemTime, left: Duration) -> Record {
    let (at, within) = (rfc3339(expiration), span(left));
    let text = format!("restarting the command: session refreshed, expires at {at} (in {within})");
    let record = notice("restarting", text).text("reason", "session refreshed");
    record.time("expiration", expiration).seconds("left", left)
}

fn listening(address: &str, descriptor: RawFd) -> Record {
    let text = format!("listening on {address} (descriptor {descriptor} of the command)");
    info("listening", text).text("address", address).number("descriptor", descriptor)
}

/// What ended a process after the stop timeout.
const KILLED: &str = "SIGKILL after the stop timeout";

fn stopped(who: Stopped, pid: Pid, how: Stop, end: End) -> Record {
    let (how, what) = match (how, who) {
        (Stop::Asked, Stopped::Command) => ("stop signal", "the command was stopped and"),
        // It may have exited by itself.
        (Stop::Asked, Stopped::NewProcess) => ("stop signal", "the new process"),
        (Stop::Killed, Stopped::Command) => (KILLED, "the command did not stop within the stop timeout and"),
        (Stop::Killed, Stopped::NewProcess) => (KILLED, "the new process did not stop within the stop timeout and"),
    };
    ended(info("stopped", format!("{what} {end}")).number("pid", pid).text("how", &how), end)
}

/// Adds how the command ended.
fn ended(record: Record, end: End) -> Record {
    match end {
        End::Exited(status) => record.number("status", status),
        End::Killed(signal) => record.text("signal", &signal),
    }
}
