//! The flags that select a web identity token.

use super::mode::refuse_typed;
use super::values::FlagValues;
use crate::error::Error;
use crate::flags::{WEB_IDENTITY_AUDIENCE, WEB_IDENTITY_PROVIDER, WEB_IDENTITY_TOKEN_COMMAND, WEB_IDENTITY_TOKEN_FILE};
use crate::origin::Origin;
use crate::profile::{Audience, TokenSource};
use crate::role::one_of;
use std::path::PathBuf;

/// Reads the flags that select a web identity token. Returns `None` if none of them is set. The rules have already
/// rejected or ignored all of them but one.
///
/// # Errors
/// A value is invalid, or `--web-identity-audience` is on the command line without a provider.
pub(super) fn web_identity(flags: &FlagValues) -> Result<Option<(TokenSource, Origin)>, Error> {
    if let Some(provider) = flags.one(&WEB_IDENTITY_PROVIDER) {
        provider.parse(|text| one_of(&[("github", ())], text))?;
        let audience = flags.parsed(&WEB_IDENTITY_AUDIENCE, Audience::parse)?.unwrap_or_default();
        return Ok(Some((TokenSource::GitHub { audience }, provider.origin)));
    }
    refuse_typed(flags, &WEB_IDENTITY_AUDIENCE, "--web-identity-provider")?;
    if let Some(command) = flags.one(&WEB_IDENTITY_TOKEN_COMMAND) {
        return Ok(Some((TokenSource::Command(command.text()?.to_owned()), command.origin)));
    }
    let file = flags.one(&WEB_IDENTITY_TOKEN_FILE);
    Ok(file.map(|given| (TokenSource::File(PathBuf::from(&given.value)), given.origin)))
}
