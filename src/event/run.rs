//! Events of any run: errors, warnings, and settings that have no effect.

use super::record::{Level, Problem, Record, info, warning};
use crate::error::counted;
use std::fmt;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum RunEvent {
    /// The error that ends the run, and its exit status.
    Failed { problem: Problem, status: u8 },
    /// A bug in xassume.
    Panicked { text: String },
    /// Something unexpected has happened, but the run continues.
    Warning { text: String, hint: Option<String> },
    /// With `--serve`, other programs can now get the first session. `at` says where.
    Serving { at: String },
    /// A setting has no effect.
    SettingIgnored(Ignored),
    /// Messages were dropped, because standard error was not read and the queue of messages was full.
    MessagesDropped { messages: u32 },
    /// The thread that writes messages cannot be started, so writing a message blocks while standard error is not read.
    NoWriterThread { error: String },
}

/// A setting that has no effect, and the reason.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Ignored {
    /// The setting as the user wrote it: a flag, a variable, or a key in a profile.
    pub(crate) setting: String,
    pub(crate) reason: String,
}

impl Ignored {
    pub(crate) fn new(setting: impl fmt::Display, reason: impl Into<String>) -> Self {
        Self { setting: setting.to_string(), reason: reason.into() }
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ignoring {} ({})", self.setting, self.reason)
    }
}

impl RunEvent {
    pub(crate) fn warning(text: impl fmt::Display) -> Self {
        Self::Warning { text: text.to_string(), hint: None }
    }

    pub(super) fn record(&self) -> Record {
        match self {
            Self::Failed { problem, status } => {
                let record = Record::new(Level::Error, "failed", &problem.text).number("status", *status);
                record.text("reason", &problem.reason).hint_of(problem)
            }
            Self::Panicked { text } => Record::new(Level::Error, "panicked", text)
                .hint("this is a bug in xassume: please report it with the command line"),
            Self::Warning { text, hint } => Record { hint: hint.clone(), ..warning("warning", text) },
            Self::Serving { at } => info("serving", format!("serving credentials: {at}")).text("at", at),
            Self::SettingIgnored(ignored) => info("setting_ignored", ignored.to_string())
                .text("setting", &ignored.setting)
                .text("reason", &ignored.reason),
            Self::MessagesDropped { messages } => {
                let dropped = counted(*messages, "message");
                warning("messages_dropped", format!("dropped {dropped} because standard error was not read"))
                    .number("messages", *messages)
            }
            Self::NoWriterThread { error } => {
                let text = format!(
                    "cannot start the thread that writes messages: {error}; xassume will wait whenever standard error is \
                     not read"
                );
                info("no_writer_thread", text).text("error", error)
            }
        }
    }
}
