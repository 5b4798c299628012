//! Gets web identity tokens from the OIDC provider of GitHub Actions.

use crate::error::{GitHubFailure, SourceError};
use crate::profile::Audience;
use crate::session::Secret;
use crate::sts::network::Network;
use crate::vars::Vars;
use std::time::Duration;

/// Requests a token for `audience`. `limit` is the time limit for the answer.
///
/// # Errors
/// The variables of GitHub Actions are not set.
#[expect(clippy::unused_async, reason = "the request is not implemented yet")]
pub(super) async fn token(
    _audience: &Audience,
    _vars: &Vars,
    _network: &Network,
    _limit: Duration,
) -> Result<Secret, SourceError> {
    Err(SourceError::GitHub(GitHubFailure::NoVariables))
}
