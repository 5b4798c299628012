//! The flags about MFA codes.

use super::values::FlagValues;
use crate::error::Error;
use crate::event::Ignored;
use crate::flags::{MFA_COMMAND, MFA_SESSION_DURATION, MFA_TOKEN};
use crate::mfa::{CodeSource, MfaSettings};
use crate::role::{MFA_SESSION, MfaCode, parse_mfa_session};
use crate::vars::Vars;

/// # Errors
/// An invalid code or duration.
pub(super) fn mfa(flags: &FlagValues, vars: &Vars, notes: &mut Vec<Ignored>) -> Result<MfaSettings, Error> {
    if vars.text(&MFA_TOKEN.variable_name()).is_some() {
        let reason = "an MFA code is valid for one run only; use --mfa-token or --mfa-command";
        notes.push(Ignored::new("XASSUME_MFA_TOKEN", reason));
    }
    let code = match (flags.one(&MFA_TOKEN), flags.one(&MFA_COMMAND)) {
        (Some(token), _) => match token.text()? {
            "-" => CodeSource::StandardInput,
            // The error does not contain the value: a mistyped code is nearly a secret.
            code => CodeSource::Typed(MfaCode::parse(code).map_err(|invalid| Error::Value {
                origin: token.origin.to_string(),
                value: String::new(),
                invalid: invalid.hint("pass the digits that the device shows, or `-` to read them from standard input"),
            })?),
        },
        (None, Some(command)) => CodeSource::Command(command.text()?.to_owned()),
        (None, None) => CodeSource::Prompt,
    };
    let session_duration = flags.parsed(&MFA_SESSION_DURATION, parse_mfa_session)?.unwrap_or(MFA_SESSION);
    Ok(MfaSettings { code, session_duration })
}
