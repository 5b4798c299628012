//! Events of any run: errors, warnings, and settings without effect.

use super::record::{Level, Problem, Record, Recorded};
use std::fmt;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum RunEvent {
    /// The error that ends the run, and its exit status.
    Failed {
        problem: Problem,
        status: u8,
    },
    /// A bug in xassume.
    Panicked {
        text: String,
    },
    /// Something unexpected; the run goes on.
    Warning(Problem),
    SettingIgnored(Ignored),
    /// Standard error was not read and the queue of messages was full.
    MessagesDropped {
        messages: u32,
    },
    /// No thread writes messages: each one blocks until it is read.
    NoWriterThread {
        error: String,
    },
}

/// A setting without effect, and the reason.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Ignored {
    /// As the user wrote it: a flag, a variable, a key of a profile.
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
        Self::Warning(Problem { text: text.to_string(), hint: None })
    }
}

impl Recorded for RunEvent {
    fn record(&self) -> Record {
        match self {
            Self::Failed { problem, status } => {
                Record::new(Level::Error, "failed").number("status", *status).hint_of(problem)
            }
            Self::Panicked { .. } => Record::new(Level::Error, "panicked")
                .hint("this is a bug in xassume: please report it with the command line"),
            Self::Warning(problem) => Record::new(Level::Warning, "warning").hint_of(problem),
            Self::SettingIgnored(Ignored { setting, reason }) => {
                Record::new(Level::Info, "setting_ignored").text("setting", setting).text("reason", reason)
            }
            Self::MessagesDropped { messages } => {
                Record::new(Level::Warning, "messages_dropped").number("messages", *messages)
            }
            Self::NoWriterThread { error } => Record::new(Level::Info, "no_writer_thread").text("error", error),
        }
    }
}

impl fmt::Display for RunEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { problem, .. } | Self::Warning(problem) => f.write_str(&problem.text),
            Self::Panicked { text } => f.write_str(text),
            Self::SettingIgnored(ignored) => ignored.fmt(f),
            Self::MessagesDropped { messages: 1 } => f.write_str("1 message was dropped: standard error was not read"),
            Self::MessagesDropped { messages } => {
                write!(f, "{messages} messages were dropped: standard error was not read")
            }
            Self::NoWriterThread { error } => {
                write!(f, "no thread for messages: {error}; each message blocks until it is read")
            }
        }
    }
}
