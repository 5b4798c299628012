//! Where the MFA code comes from, and how long the session lasts that it buys.

use crate::error::Error;
use crate::mfa::{CodeSource, MfaSettings};
use crate::role::{MFA_SESSION, MfaCode, parse_mfa_session};
use crate::settings::values::FlagValues;
use crate::vars::Vars;

/// Reads the flags.
///
/// # Errors
/// A value outside its limits.
pub(super) fn mfa(flags: &FlagValues<'_>, vars: &Vars, notes: &mut Vec<String>) -> Result<MfaSettings, Error> {
    if vars.text("XASSUME_MFA_TOKEN").is_some() {
        notes
            .push("XASSUME_MFA_TOKEN is not read: a code is good for one run; use --mfa-token or --mfa-command".into());
    }
    let code = match (flags.one("mfa-token"), flags.one("mfa-command")) {
        (Some(token), _) => match token.text()? {
            "-" => CodeSource::StandardInput,
            // The value is left out of the error: nearly a code is nearly a secret.
            code => CodeSource::Typed(MfaCode::parse(code).map_err(|invalid| Error::Value {
                origin: token.origin.to_string(),
                value: String::new(),
                invalid: invalid.hint("pass the digits that the device shows, or `-` to read them from standard input"),
            })?),
        },
        (None, Some(command)) => CodeSource::Command(command.text()?.to_owned()),
        (None, None) => CodeSource::Prompt,
    };
    let session_duration = flags.one("mfa-session-duration").map(|given| given.parse(parse_mfa_session)).transpose()?;
    Ok(MfaSettings { code, session_duration: session_duration.unwrap_or(MFA_SESSION) })
}
