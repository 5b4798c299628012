//! Gets web identity tokens: reads a file, runs a command, or asks the provider of a CI system.

use super::process::Helpers;
use super::{MAX_TOKEN, github, token_text};
use crate::error::{ProcessFailure, SourceError};
use crate::profile::{TokenFrom, TokenSource};
use crate::session::Secret;
use crate::sts::network::Network;
use crate::sys::helper::{self, ProgramLimit};
use crate::vars::Vars;
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// The maximum size in bytes of the output of a command.
const MAX_OUTPUT: usize = 64 << 10;

/// The values that are needed to get a token.
#[derive(Debug, Clone, Copy)]
pub(in crate::sts) struct TokenContext<'a> {
    pub(in crate::sts) vars: &'a Vars,
    pub(in crate::sts) network: &'a Network,
    pub(in crate::sts) helpers: Helpers<'a>,
    /// The time limit of a command.
    pub(in crate::sts) program: ProgramLimit,
    /// The time limit for the answer of a provider.
    pub(in crate::sts) provider: Duration,
}

/// Gets a new token.
///
/// # Errors
/// The file cannot be read, the command fails, the provider gives no token, or what they give is not one token.
pub(in crate::sts) async fn token(
    source: &TokenSource,
    from: &TokenFrom,
    context: TokenContext<'_>,
) -> Result<Secret, SourceError> {
    let TokenContext { vars, network, helpers, program, provider } = context;
    match source {
        TokenSource::File(path) => of_file(path, from),
        TokenSource::Command(command) => {
            let failed = |failure| SourceError::TokenCommand { named_by: from.to_string(), failure };
            let output = helper::run_shell(command, helpers.environment, helpers.attendance, program, MAX_OUTPUT).await;
            let output = Zeroizing::new(output.map_err(failed)?);
            let text = std::str::from_utf8(&output).map_err(|_| "not text");
            let token = text.and_then(|text| one_token(text).ok_or("not one OIDC token"));
            token.map_err(|reason| failed(ProcessFailure::BadOutput(reason.into())))
        }
        TokenSource::GitHub { audience } => github::token(audience, vars, network, provider).await,
    }
}

/// Reads a token from a file that contains only the token.
fn of_file(path: &Path, from: &TokenFrom) -> Result<Secret, SourceError> {
    let failed = |reason: String| SourceError::File {
        what: "web identity token file",
        path: path.to_owned(),
        named_by: from.to_string(),
        contents: Some("one OIDC token"),
        reason,
    };
    let text = token_text(path, 2 * MAX_TOKEN).map_err(failed)?;
    match one_token(&text) {
        Some(token) => Ok(token),
        None if text.trim().is_empty() => Err(failed("the file is empty".into())),
        None => Err(failed("the file does not contain one token".into())),
    }
}

/// Returns the token in a text that contains only the token and white space around it. Returns `None` if the text
/// contains anything else, or if STS would not accept a token of this length.
pub(super) fn one_token(text: &str) -> Option<Secret> {
    let token = text.trim();
    let accepted = (4..=MAX_TOKEN).contains(&token.len()) && !token.contains(|c: char| c.is_whitespace() || c == '\0');
    accepted.then(|| Secret::new(token))
}
