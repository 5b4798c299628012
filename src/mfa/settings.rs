//! The settings of MFA.

use crate::role::MfaCode;
use std::fmt;
use std::time::Duration;

/// The settings of MFA. The device is an option of a role, since profiles set it.
#[derive(Debug, Clone)]
pub(crate) struct MfaSettings {
    pub(crate) code: CodeSource,
    /// The duration of MFA sessions.
    pub(crate) session_duration: Duration,
}

/// The source of codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CodeSource {
    /// A prompt on the terminal.
    Prompt,
    /// `--mfa-token CODE`: one code.
    Typed(MfaCode),
    /// `--mfa-token -`: one code, the first line of standard input.
    StandardInput,
    /// `--mfa-command`: any number of codes.
    Command(String),
}

impl fmt::Display for CodeSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prompt => "prompt",
            Self::Typed(_) => "--mfa-token",
            Self::StandardInput => "standard input",
            Self::Command(_) => "--mfa-command",
        })
    }
}
