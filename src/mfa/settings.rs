//! The MFA settings, and where MFA codes come from.

use crate::role::MfaCode;
use std::fmt;
use std::time::Duration;

/// The MFA settings of a run. The MFA device is not one of them. It is an option of a role, because a profile can set
/// it.
#[derive(Debug, Clone)]
pub(crate) struct MfaSettings {
    pub(crate) code: CodeSource,
    /// The duration to request for an MFA session.
    pub(crate) session_duration: Duration,
}

/// Where MFA codes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CodeSource {
    /// A prompt on the terminal.
    Prompt,
    /// `--mfa-token CODE`, which gives one code.
    Typed(MfaCode),
    /// `--mfa-token -`, which gives one code: the first line of standard input.
    StandardInput,
    /// `--mfa-command`, which gives a new code each time it runs.
    Command(String),
    /// `mfa_process` of the profile with the device, which gives a new code each time it runs.
    Process(String),
}

impl CodeSource {
    /// Checks whether a program gives the codes, so that nobody has to type them.
    pub(crate) fn is_program(&self) -> bool {
        matches!(self, Self::Command(_) | Self::Process(_))
    }
}

impl fmt::Display for CodeSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prompt => "prompt",
            Self::Typed(_) => "--mfa-token",
            Self::StandardInput => "standard input",
            Self::Command(_) => "--mfa-command",
            Self::Process(_) => "mfa_process",
        })
    }
}
