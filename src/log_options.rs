//! How much xassume writes to stderr, and in which form.

use crate::terminal::Screen;
use crate::vars::Vars;

/// How much is written to stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    Quiet,
    Normal,
    Verbose,
    Everything,
}

/// The form of messages (`--log-format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    /// One JSON object per line.
    Json,
}

/// Verbosity, format and terminal of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogOptions {
    pub(crate) verbosity: Verbosity,
    pub(crate) format: LogFormat,
    pub(crate) screen: Screen,
}

impl LogOptions {
    /// Used until the flags are parsed.
    pub(crate) fn usual(vars: &Vars) -> Self {
        Self { verbosity: Verbosity::Normal, format: LogFormat::Text, screen: Screen::of(vars) }
    }
}
