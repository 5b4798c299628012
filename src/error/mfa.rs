//! Why there is no MFA code to send. What STS makes of a code is an [`AssumeError`](super::AssumeError).
//!
//! A code is never a fact of an error, not even a wrong one.

use super::ProcessFailure;
use std::fmt;

/// No code for a device.
#[derive(Debug)]
pub(crate) struct MfaError {
    /// The device, by ARN or serial number.
    pub(crate) serial: String,
    pub(crate) kind: MfaFailure,
}

/// What stood in the way.
#[derive(Debug)]
pub(crate) enum MfaFailure {
    /// There is nobody to ask.
    NoTerminal { reason: String },
    /// The terminal or standard input gave none.
    NotGiven { from: CodeOrigin, reason: String },
    /// What was given is not six digits.
    Malformed { from: CodeOrigin },
    /// One more would be needed after the start, when nobody is asked.
    Attended,
    /// `--mfa-command` gave nothing.
    Command(ProcessFailure),
    /// `--mfa-command` printed the code that was sent before.
    SameAgain,
}

/// Where a code came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodeOrigin {
    Prompt,
    StandardInput,
    Command,
}

impl CodeOrigin {
    fn name(self) -> &'static str {
        match self {
            Self::Prompt => "the terminal",
            Self::StandardInput => "standard input",
            Self::Command => "--mfa-command",
        }
    }
}

impl MfaError {
    /// The one thing to do.
    pub(crate) fn hint(&self) -> String {
        match &self.kind {
            MfaFailure::NoTerminal { .. } => {
                "give a command that prints the code with --mfa-command, or the code itself with --mfa-token".into()
            }
            MfaFailure::NotGiven { from: CodeOrigin::StandardInput, .. }
            | MfaFailure::Malformed { from: CodeOrigin::StandardInput } => {
                "the first line of stdin must be the six digits: oathtool … | xassume --mfa-token - …".into()
            }
            MfaFailure::NotGiven { from: CodeOrigin::Prompt, .. }
            | MfaFailure::Malformed { from: CodeOrigin::Prompt } => {
                "type the six digits that the device shows now".into()
            }
            MfaFailure::NotGiven { from: CodeOrigin::Command, .. }
            | MfaFailure::Malformed { from: CodeOrigin::Command }
            | MfaFailure::Command(_) => {
                "run --mfa-command by hand: it must print six digits within 60 seconds and exit with 0".into()
            }
            MfaFailure::Attended => {
                "give --mfa-command, which is run for each code; with a user's own keys, sessions of up to 1h share one"
                    .into()
            }
            MfaFailure::SameAgain => "a device shows its next code within 30 seconds".into(),
        }
    }
}

impl fmt::Display for MfaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no MFA code of {}: ", self.serial)?;
        match &self.kind {
            MfaFailure::NoTerminal { reason } => write!(f, "there is no terminal to ask on: {reason}"),
            MfaFailure::NotGiven { from, reason } => write!(f, "{} gave none: {reason}", from.name()),
            MfaFailure::Malformed { from } => write!(f, "what {} gave is not a code of six digits", from.name()),
            MfaFailure::Attended => f.write_str("a refresh needs a new one, and nobody is asked after the start"),
            MfaFailure::Command(failure) => write!(f, "--mfa-command: {failure}"),
            MfaFailure::SameAgain => f.write_str("--mfa-command printed the code that was used before"),
        }
    }
}
