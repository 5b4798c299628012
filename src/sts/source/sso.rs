//! IAM Identity Center: the token that `aws sso login` has left, refreshed when it ends soon, exchanged for a role's
//! credentials.

use super::Asking;
use super::document::checked;
use super::login_file::Login;
use super::service::{Patience, Reply, Request, Service, json};
use crate::error::{Answer, SourceError, is_passing};
use crate::session::{Keys, Secret, rfc3339};
use crate::sts::endpoint::Giver;
use crate::sts::http::Proxy;
use crate::sys::clock::wall;
use ring::digest::SHA1_FOR_LEGACY_USE_ONLY;
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// A try may take so long, and the first answer that is not passing is final, as for the SDK.
pub(super) const PATIENCE: Patience = Patience { each: Duration::from_secs(15), tries: 3 };
/// A token that ends sooner is refreshed, as the SDKs do.
pub(super) const SOON: Duration = Duration::from_mins(5);

/// What names a role in an account, as the profile says it.
#[derive(Clone, Copy)]
pub(super) struct Portal<'a> {
    pub(super) profile: &'a str,
    pub(super) session_name: Option<&'a str>,
    pub(super) start_url: &'a str,
    pub(super) region: &'a str,
    pub(super) account_id: &'a str,
    pub(super) role_name: &'a str,
}

impl Portal<'_> {
    /// The role's credentials.
    ///
    /// # Errors
    /// When the login is missing or has ended, or the portal does not give any.
    pub(super) async fn keys(self, asking: &Asking<'_>) -> Result<Keys, SourceError> {
        let token = self.token(asking).await?;
        let query = [("role_name", self.role_name), ("account_id", self.account_id)];
        let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let url = format!("{}/federation/credentials?{}", self.url(Giver::Portal, asking)?, query.join("&"));
        let headers = [("x-amz-sso_bearer_token", token.reveal())];
        let request = Request { method: "GET", url: &url, headers: &headers, body: None };
        let reply = self.ask(asking, request).await?;
        match reply.status {
            200 => {}
            401 => return Err(self.ended()),
            status => return Err(self.failed(reply.refusal(), Answer::Refused(Some(status)))),
        }
        let not_understood = |_| self.failed("invalid response".into(), Answer::Refused(None));
        let Answered { role_credentials: keys } = serde_json::from_slice(&reply.body).map_err(not_understood)?;
        checked(&keys.access_key_id, &keys.secret_access_key, &keys.session_token)
            .map_err(|reason| self.failed(reason, Answer::Refused(None)))
    }

    /// The token of the login.
    async fn token(self, asking: &Asking<'_>) -> Result<Secret, SourceError> {
        let Some(home) = asking.home() else { return Err(self.ended()) };
        let directory = Path::new(home).join(".aws/sso/cache");
        let identifier = self.session_name.unwrap_or(self.start_url);
        let login = Login::read(&directory, &SHA1_FOR_LEGACY_USE_ONLY, identifier, self.profile)?;
        let mut login = login.ok_or_else(|| self.ended())?;
        let is_soon = |login: &Login| Ok::<_, SourceError>(login.time(&["expiresAt"])? <= wall() + SOON);
        let _turn = match self.session_name {
            Some(_) if is_soon(&login)? && is_refreshable(&login)? => login.alone().await?,
            _ => None,
        };
        let (now, ends) = (wall(), login.time(&["expiresAt"])?);
        if is_soon(&login)? && self.session_name.is_some() && is_refreshable(&login)? {
            match self.refresh(&mut login, asking).await {
                Err(error) if ends <= now => return Err(error),
                Ok(()) | Err(_) => {}
            }
        } else if ends <= now {
            return Err(self.ended());
        }
        login.needed(&["accessToken"]).map(Secret::new)
    }

    async fn refresh(self, login: &mut Login, asking: &Asking<'_>) -> Result<(), SourceError> {
        let body = json(&[
            ("clientId", login.needed(&["clientId"])?),
            ("clientSecret", login.needed(&["clientSecret"])?),
            ("grantType", "refresh_token"),
            ("refreshToken", login.needed(&["refreshToken"])?),
        ]);
        let url = format!("{}/token", self.url(Giver::Oidc, asking)?);
        let headers = [("content-type", "application/json")];
        let request = Request { method: "POST", url: &url, headers: &headers, body: Some(&body) };
        let now = wall();
        let reply = self.ask(asking, request).await?;
        match reply.status {
            200 => {}
            status if is_passing(status) => return Err(self.failed(reply.refusal(), Answer::Refused(Some(status)))),
            _ => return Err(self.ended()),
        }
        let new: Refreshed = serde_json::from_slice(&reply.body)
            .map_err(|_| self.failed("invalid response".into(), Answer::Refused(None)))?;
        login.set(&["accessToken"], &new.access_token);
        login.set(&["expiresAt"], &rfc3339(now + Duration::from_secs(new.expires_in.into())));
        if let Some(token) = &new.refresh_token {
            login.set(&["refreshToken"], token);
        }
        asking.keep(login);
        Ok(())
    }

    async fn ask(self, asking: &Asking<'_>, request: Request<'_>) -> Result<Reply, SourceError> {
        let answer = Service::new(asking.network, Proxy::FromEnvironment, PATIENCE).ask(request).await;
        answer.map_err(|unanswered| self.failed(unanswered.to_string(), unanswered.answer()))
    }

    fn url(self, giver: Giver, asking: &Asking<'_>) -> Result<String, SourceError> {
        giver.url(self.region, asking.vars).map_err(|reason| self.failed(reason, Answer::Refused(None)))
    }

    fn failed(self, reason: String, answer: Answer) -> SourceError {
        SourceError::Service { service: "IAM Identity Center", profile: self.profile.to_owned(), reason, answer }
    }

    fn ended(self) -> SourceError {
        SourceError::SsoExpired {
            profile: self.profile.to_owned(),
            sso_session: self.session_name.map(str::to_owned),
            reason: "has expired or was never started".into(),
        }
    }
}

/// Whether the login holds all that a refresh takes.
fn is_refreshable(login: &Login) -> Result<bool, SourceError> {
    let all = ["clientId", "clientSecret", "refreshToken", "registrationExpiresAt"];
    Ok(all.iter().all(|key| login.text(&[key]).is_some()) && login.time(&["registrationExpiresAt"])? > wall())
}

/// A value of a query.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encoded = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encoded).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    role_credentials: RoleKeys,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleKeys {
    access_key_id: Zeroizing<String>,
    secret_access_key: Zeroizing<String>,
    session_token: Zeroizing<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refreshed {
    access_token: Zeroizing<String>,
    expires_in: u32,
    refresh_token: Option<Zeroizing<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_for_a_query() {
        assert_eq!(encoded("Developer-1_a.b~"), "Developer-1_a.b~");
        assert_eq!(encoded("a+b=c&d,e@f /"), "a%2Bb%3Dc%26d%2Ce%40f%20%2F");
    }
}
