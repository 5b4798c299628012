//! Gets the credentials of a role from IAM Identity Center, in exchange for the token that `aws sso login` has stored.
//! The token is refreshed before it expires.

use super::SourceKeys;
use super::document::{KeysOfService, checked};
use super::login_file::{LOGIN_RETRIES, LoginContext, LoginFile};
use super::oidc::{self, NewToken};
use super::service::{Request, Service, Unanswered, encoded, json};
use crate::error::{Answer, SourceError, is_passing};
use crate::profile::SsoSession;
use crate::session::{Secret, rfc3339};
use crate::sts::endpoint::CredentialService;
use crate::sys::clock::wall;
use serde::Deserialize;
use std::time::{Duration, UNIX_EPOCH};

const NAME: &str = "IAM Identity Center";

/// A role in IAM Identity Center, as a profile configures it.
#[derive(Clone, Copy)]
pub(in crate::sts) struct Portal<'a> {
    pub(in crate::sts) session: &'a SsoSession,
    pub(in crate::sts) account_id: &'a str,
    pub(in crate::sts) role_name: &'a str,
}

impl Portal<'_> {
    /// Returns the credentials of the role in IAM Identity Center.
    ///
    /// # Errors
    /// The login is missing or has expired, or the access portal returns no credentials.
    pub(in crate::sts) async fn keys(self, context: &LoginContext<'_>) -> Result<SourceKeys, SourceError> {
        let token = self.token(context).await?;
        let query = [("role_name", self.role_name), ("account_id", self.account_id)];
        let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let url = CredentialService::Portal.url(&self.session.region, context.vars);
        let url = url.map_err(|reason| self.failed(reason, Answer::Refused(None)))?;
        let url = format!("{url}/federation/credentials?{}", query.join("&"));
        let headers = [("x-amz-sso_bearer_token", token.reveal())];
        let request = Request { method: "GET", url: &url, headers: &headers, body: None };
        let reply = Service::new(context.network, LOGIN_RETRIES).send(request).await;
        let reply = reply.map_err(|unanswered| self.unanswered(&unanswered, &url))?;
        match reply.status {
            200 => {}
            401 => return Err(self.session.expired(Some(token.reveal()))),
            403 => return Err(self.denied(reply.refusal())),
            status => return Err(self.failed(reply.refusal(), Answer::Refused(Some(status)))),
        }
        let failed = |reason| self.failed(reason, Answer::Refused(None));
        let not_understood = |_| failed("invalid response".into());
        let Answered { role_credentials: keys } = serde_json::from_slice(&reply.body).map_err(not_understood)?;
        let expiration = keys.expiration.and_then(|millis| UNIX_EPOCH.checked_add(Duration::from_millis(millis)));
        let expiration = expiration.ok_or_else(|| failed("invalid response: there is no valid expiration".into()))?;
        let keys = checked(&keys.access_key_id, &keys.secret_access_key, &keys.session_token).map_err(failed)?;
        Ok(SourceKeys { keys, validity: Some(reply.dated.validity(expiration)), account_id: None })
    }

    /// Returns the token of the login. A token that expires soon is refreshed first, if it can be refreshed.
    async fn token(self, context: &LoginContext<'_>) -> Result<Secret, SourceError> {
        let login = self.session.login(context)?.ok_or_else(|| self.session.expired(None))?;
        let login = login.refreshed("/expiresAt", async |login| self.refresh(login, context).await).await?;
        login.needed("/accessToken").map(Secret::new)
    }

    async fn refresh(self, login: &mut LoginFile, context: &LoginContext<'_>) -> Result<(), SourceError> {
        if !self.session.is_refreshable(login)? {
            return Err(self.session.expired(None));
        }
        let body = json(&[
            ("clientId", login.needed("/clientId")?),
            ("clientSecret", login.needed("/clientSecret")?),
            ("grantType", "refresh_token"),
            ("refreshToken", login.needed("/refreshToken")?),
        ]);
        // If the URL is not valid, `send` fails, and the error does not contain the URL.
        let url = CredentialService::Oidc.url(&self.session.region, context.vars).unwrap_or_default();
        let now = wall();
        let reply = oidc::send(self.session, context, "token", &body, LOGIN_RETRIES.attempts).await;
        let reply = reply.map_err(|unanswered| self.unanswered(&unanswered, &url))?;
        match reply.status {
            200 => {}
            status if is_passing(status) => return Err(self.failed(reply.refusal(), Answer::Refused(Some(status)))),
            _ => return Err(self.session.expired(None)),
        }
        let new: NewToken = serde_json::from_slice(&reply.body)
            .map_err(|_| self.failed("invalid response".into(), Answer::Refused(None)))?;
        login.set("/accessToken", &new.access_token);
        login.set("/expiresAt", &rfc3339(now + Duration::from_secs(new.expires_in.into())));
        if let Some(token) = &new.refresh_token {
            login.set("/refreshToken", token);
        }
        context.keep(login);
        Ok(())
    }

    fn unanswered(self, unanswered: &Unanswered, url: &str) -> SourceError {
        self.failed(unanswered.at(url), unanswered.answer())
    }

    fn failed(self, reason: String, answer: Answer) -> SourceError {
        let (service, profile) = (NAME, self.session.profile.clone());
        SourceError::Service { service, profile, reason, answer, denied: None }
    }

    fn denied(self, reason: String) -> SourceError {
        let (answer, profile) = (Answer::Refused(Some(403)), self.session.profile.clone());
        let denied = Some((self.role_name.to_owned(), self.account_id.to_owned()));
        SourceError::Service { service: NAME, profile, reason, answer, denied }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    role_credentials: KeysOfService,
}
