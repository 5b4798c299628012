//! How much xassume writes to stderr, and in which form.

use crate::terminal::Screen;
use crate::vars::Vars;

/// How much is said on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    Quiet,
    Normal,
    Verbose,
    Everything,
}

/// The form of what is said (`--log-format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    /// One JSON object a line.
    Json,
}

/// How and how much xassume speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogOptions {
    pub(crate) verbosity: Verbosity,
    pub(crate) format: LogFormat,
    pub(crate) screen: Screen,
}

impl LogOptions {
    /// The log_options of one who was not told how to speak.
    pub(crate) fn usual(vars: &Vars) -> Self {
        Self { verbosity: Verbosity::Normal, format: LogFormat::Text, screen: Screen::of(vars) }
    }
}
