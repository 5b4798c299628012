//! Errors of getting a web identity token from the OIDC provider of GitHub Actions.

use super::answer::{Answer, is_passing};
use super::text::TRY_LATER;
use thiserror::Error;

/// Why GitHub Actions gave no web identity token.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum GitHubFailure {
    /// `GITHUB_ACTIONS` and both variables of the request are unset.
    #[error("GITHUB_ACTIONS is not set, so this is not a job of GitHub Actions")]
    NotInJob,
    /// In a job, both variables of the request are unset. `pull_request` is true if a pull request has started the job.
    #[error("ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN are not set")]
    NotPermitted { pull_request: bool },
    /// Only one of the variables of the request is unset.
    #[error("{0} is not set")]
    Unset(&'static str),
    #[error("ACTIONS_ID_TOKEN_REQUEST_URL is not a valid https URL")]
    Url,
    #[error("ACTIONS_ID_TOKEN_REQUEST_URL is an http URL of another host")]
    OtherHost,
    /// The token in `ACTIONS_ID_TOKEN_REQUEST_TOKEN` is not a valid HTTP header value.
    #[error("ACTIONS_ID_TOKEN_REQUEST_TOKEN contains a character that is not allowed in an HTTP header")]
    RequestToken,
    /// The request was answered with the status of an error. The body is not part of the message, because it could
    /// repeat the request token.
    #[error("{host} responded with HTTP {status}{}", meaning(*.status))]
    Status { host: String, status: u16 },
    /// There is no usable answer. `untrusted` is true if the certificate of the server is not trusted.
    #[error("{reason}")]
    Unanswered { reason: String, answer: Answer, untrusted: bool },
    /// The answer contains no usable token.
    #[error("the response {0}")]
    Response(&'static str),
}

/// Returns what a status means for a request for a token, or an empty text.
fn meaning(status: u16) -> &'static str {
    match status {
        300..=399 => ", and redirects are not followed",
        401 | 403 => ": the request token was rejected",
        _ => "",
    }
}

impl GitHubFailure {
    pub(super) fn is_outage(&self) -> bool {
        match self {
            Self::Status { status, .. } => is_passing(*status),
            Self::Unanswered { answer, .. } => answer.is_outage(),
            _ => false,
        }
    }

    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::NotInJob => {
                "run xassume in a step of a job; a container that a step starts needs GITHUB_ACTIONS, ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN"
            }
            Self::NotPermitted { pull_request: false } => {
                "add `id-token: write` to `permissions` of the job; a reusable workflow also needs it in the job that calls it"
            }
            Self::NotPermitted { pull_request: true } => {
                "add `id-token: write` to `permissions` of the job; for a pull request from a fork, GitHub gives no token"
            }
            Self::Unset(_) => "GitHub Actions sets both variables; pass both on to a container or another user",
            Self::Url | Self::OtherHost | Self::RequestToken => {
                "GitHub Actions sets ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN; a step must not change them"
            }
            Self::Status { status: 401 | 403, .. } => {
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN is valid only while its own job runs; do not store it or copy it to another job"
            }
            Self::Status { status: 429 | 500.., .. } => TRY_LATER,
            Self::Status { .. } => "check ACTIONS_ID_TOKEN_REQUEST_URL, which GitHub Actions sets",
            Self::Unanswered { untrusted: true, .. } => {
                "pass the CA certificate of the server or the proxy with --ca-bundle"
            }
            Self::Unanswered { answer: Answer::None, .. } => {
                "check the network connection of the runner; if it needs a proxy, set HTTPS_PROXY"
            }
            Self::Unanswered { .. } | Self::Response(_) => {
                r#"GitHub responds with {"value":"TOKEN"}; check whether another server or a proxy has responded"#
            }
        }
    }
}
