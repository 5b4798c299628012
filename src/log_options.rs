//! How much xassume writes to stderr, and in which form.

use crate::event::Level;
use crate::terminal::Screen;
use crate::vars::Vars;

/// The form of messages, which `--log-format` selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    /// One JSON object per line.
    Json,
}

/// Which messages are shown, in which format, and what the terminal can display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogOptions {
    /// The least important level that is shown.
    pub(crate) verbosity: Level,
    pub(crate) format: LogFormat,
    pub(crate) screen: Screen,
    /// Whether the event about the first session is shown even if events of its level are not. This is so in a CI job,
    /// whose log should say which role was used.
    pub(crate) first_session: bool,
}

impl LogOptions {
    /// Returns the options that apply until the flags are parsed.
    pub(crate) fn usual(vars: &Vars) -> Self {
        Self { verbosity: Level::Notice, format: LogFormat::Text, screen: Screen::of(vars), first_session: false }
    }
}
