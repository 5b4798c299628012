//! Requests to the OIDC service of IAM Identity Center, with which a user signs in and a token is refreshed.
//!
//! They are sent with the client for all services that return credentials. A sign-in needs three small requests, and the
//! SDK's crate for this service would add its own client.

use super::login_file::{LOGIN_RETRIES, LoginContext};
use super::service::{Reply, Request, RetryPolicy, Service, Unanswered};
use crate::error::{Answer, SignInFailure, SourceError};
use crate::profile::SsoSession;
use crate::sts::endpoint::CredentialService;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// The answer to a request for a token, at a sign-in or a refresh.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewToken {
    pub(super) access_token: Zeroizing<String>,
    /// In seconds.
    pub(super) expires_in: u32,
    pub(super) refresh_token: Option<Zeroizing<String>>,
}

/// Sends a request, and tries again if a later attempt may succeed.
///
/// # Errors
/// The service did not answer.
pub(super) async fn post(
    session: &SsoSession,
    context: &LoginContext<'_>,
    path: &str,
    body: &[u8],
) -> Result<Reply, SourceError> {
    let url = CredentialService::Oidc.url(&session.region, context.vars).map_err(|reason| failed(session, reason))?;
    let reply = send(session, context, path, body, LOGIN_RETRIES.attempts).await;
    reply.map_err(|unanswered| {
        let reason = unanswered.at(&url);
        session.not_signed_in(match unanswered.answer() {
            Answer::None => SignInFailure::Unanswered(reason),
            Answer::Refused(_) => SignInFailure::Failed(reason),
        })
    })
}

/// Sends a request with at most this number of attempts.
///
/// # Errors
/// The URL of the service is not valid, or no attempt got an answer.
pub(super) async fn send(
    session: &SsoSession,
    context: &LoginContext<'_>,
    path: &str,
    body: &[u8],
    attempts: u32,
) -> Result<Reply, Unanswered> {
    let url = CredentialService::Oidc.url(&session.region, context.vars).map_err(Unanswered::Unsendable)?;
    let headers = [("content-type", "application/json")];
    let request = Request { method: "POST", url: &format!("{url}/{path}"), headers: &headers, body: Some(body) };
    // Each request has a limit. A sign-in as a whole has none, because the user may need a long time.
    let policy = RetryPolicy { timeout: LOGIN_RETRIES.timeout.min(context.network.timeout), attempts };
    Service::new(context.network, policy).send(request).await
}

/// Reads the answer to a request that must succeed.
///
/// # Errors
/// The request was refused, or the answer is not valid.
pub(super) fn answered<T: DeserializeOwned>(session: &SsoSession, reply: &Reply) -> Result<T, SourceError> {
    if reply.status != 200 {
        return Err(failed(session, reply.refusal()));
    }
    serde_json::from_slice(&reply.body).map_err(|_| failed(session, "invalid response"))
}

pub(super) fn failed(session: &SsoSession, reason: impl Into<String>) -> SourceError {
    session.not_signed_in(SignInFailure::Failed(reason.into()))
}
