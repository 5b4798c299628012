//! The flags that select a web identity token.

use super::values::{FlagValues, refuse_typed};
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
        provider.parse(|text| one_of(&[("github", ())], text).map_err(|invalid| invalid.hint(instead_of(text))))?;
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

/// Returns a hint about an unknown provider.
fn instead_of(provider: &str) -> &'static str {
    match provider.to_ascii_lowercase().as_str() {
        "github" => "use lowercase letters: github",
        "gitlab" => {
            "for GitLab, use --web-identity-token-command 'printenv NAME', with a name under `id_tokens` of the job"
        }
        _ => "for another provider, use --web-identity-token-command or --web-identity-token-file",
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::values;
    use super::*;

    fn found(line: &str, vars: &[(&str, &str)]) -> Result<Option<String>, String> {
        match web_identity(&values(line, vars)) {
            Ok(found) => Ok(found.map(|(token, origin)| format!("{token:?} {origin}"))),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn each_flag_selects_its_source() {
        for (line, vars, expected) in [
            ("", &[][..], None),
            ("--web-identity-token-file f", &[], Some("File(\"f\") --web-identity-token-file")),
            (
                "",
                &[("XASSUME_WEB_IDENTITY_TOKEN_COMMAND", "a b")],
                Some("Command(\"a b\") XASSUME_WEB_IDENTITY_TOKEN_COMMAND"),
            ),
            (
                "--web-identity-provider github --web-identity-audience me",
                &[],
                Some("GitHub { audience: Audience(\"me\") } --web-identity-provider"),
            ),
            (
                "--web-identity-provider github",
                &[],
                Some("GitHub { audience: Audience(\"sts.amazonaws.com\") } --web-identity-provider"),
            ),
            // The audience may be a default for other runs.
            ("", &[("XASSUME_WEB_IDENTITY_AUDIENCE", "me")], None),
        ] {
            assert_eq!(found(line, vars), Ok(expected.map(str::to_owned)), "{line}");
        }
    }

    #[test]
    fn an_unknown_provider_and_an_audience_without_provider_are_errors() {
        for (line, expected) in [
            ("--web-identity-provider gitlab", "possible values: github"),
            ("--web-identity-provider GitHub", "possible values: github"),
            ("--web-identity-audience me", "--web-identity-audience requires --web-identity-provider"),
            ("--web-identity-token-command c --web-identity-audience me", "requires --web-identity-provider"),
            ("--web-identity-provider github --web-identity-audience a\u{7}", "not one word"),
        ] {
            let error = found(line, &[]).expect_err(line);
            assert!(error.contains(expected), "{error}");
        }
        for (provider, hint) in
            [("GitHub", "use lowercase letters"), ("gitlab", "for GitLab, use "), ("x", "for another provider, use ")]
        {
            assert!(instead_of(provider).starts_with(hint), "{provider}");
        }
    }
}
