//! Errors of getting a web identity token from the OIDC provider of GitHub Actions.

use thiserror::Error;

/// Why GitHub Actions gave no web identity token.
#[derive(Debug, Error)]
pub(crate) enum GitHubFailure {
    /// `ACTIONS_ID_TOKEN_REQUEST_URL` or `ACTIONS_ID_TOKEN_REQUEST_TOKEN` is not set.
    #[error("ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN are not set")]
    NoVariables,
}

impl GitHubFailure {
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::NoVariables => "the job needs this in its workflow: permissions: id-token: write",
        }
    }
}
