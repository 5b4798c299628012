//! Errors that occur before there is an MFA code to send. If STS rejects a code, the error is an
//! [`AssumeError`](super::AssumeError).
//!
//! No error contains a code, even if the code is invalid.

use super::ProcessFailure;
use thiserror::Error;

/// No MFA code is available for a device.
#[derive(Debug, Error)]
#[error("no MFA code for {serial}: {kind}")]
pub(crate) struct MfaError {
    /// The ARN or the serial number of the device.
    pub(crate) serial: String,
    pub(crate) kind: MfaFailure,
}

/// Why no MFA code is available.
#[derive(Debug, Error)]
pub(crate) enum MfaFailure {
    #[error("cannot prompt for a code ({reason})")]
    NoTerminal { reason: String },
    /// The terminal or standard input is available, but no code was read from it.
    #[error("{reason}")]
    NotGiven { from: CodeOrigin, reason: String },
    #[error("{}", .from.malformed())]
    Malformed { from: CodeOrigin },
    /// A refresh needs a new code, but xassume prompts for codes only at the start. `has_role` is whether a role is
    /// assumed.
    #[error("each refresh needs a new code, and there is no prompt after the start")]
    Unattended { has_role: bool },
    #[error("{} {failure}", .from.program())]
    Command { from: CodeOrigin, failure: ProcessFailure },
    #[error("{}", .from.same_again())]
    SameAgain { from: CodeOrigin },
}

/// Where a code is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodeOrigin {
    Prompt,
    StandardInput,
    /// `--mfa-command`.
    Command,
    /// `mfa_process` of a profile.
    Process,
}

impl CodeOrigin {
    fn malformed(self) -> &'static str {
        match self {
            Self::Prompt => "the typed code is not six digits",
            Self::StandardInput => "the first line of standard input is not a six-digit code",
            Self::Command => "the output of --mfa-command is not just a six-digit code",
            Self::Process => "the output of mfa_process is not just a six-digit code",
        }
    }

    fn same_again(self) -> &'static str {
        match self {
            Self::Prompt => "the typed code was already used",
            Self::StandardInput => "the code on standard input was already used",
            Self::Command => "--mfa-command printed a code that was already used",
            Self::Process => "mfa_process printed a code that was already used",
        }
    }

    fn program(self) -> &'static str {
        if self == Self::Process { "mfa_process" } else { "--mfa-command" }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Prompt => "type the six digits that the device shows",
            Self::StandardInput => {
                "the first line of standard input must be the six digits: oathtool … | xassume --mfa-token - …"
            }
            Self::Command => {
                "run the --mfa-command yourself; it must print six digits and nothing else within 60 seconds, and exit with status 0"
            }
            Self::Process => {
                "run the command of mfa_process yourself; it must print six digits within 60 seconds and exit with status 0"
            }
        }
    }
}

impl MfaError {
    /// Returns what the user can do about the error.
    pub(crate) fn hint(&self) -> &'static str {
        match &self.kind {
            MfaFailure::NoTerminal { .. } => "use --mfa-command or --mfa-token",
            MfaFailure::NotGiven { from, .. } | MfaFailure::Malformed { from } | MfaFailure::Command { from, .. } => {
                from.hint()
            }
            MfaFailure::Unattended { has_role: false } => "use --mfa-command",
            MfaFailure::Unattended { has_role: true } => {
                "use --mfa-command, or (for a role assumed with a user's own access keys) --duration 1h or less"
            }
            MfaFailure::SameAgain { .. } => "a device shows its next code within 30 seconds",
        }
    }
}
