//! Gets access keys from the console login that `aws login` has stored. The keys are valid for minutes, and AWS Sign-In
//! replaces them by new ones.

use super::SourceKeys;
use super::document::{KeysOfService, checked};
use super::dpop;
use super::login_file::{LOGIN_RETRIES, LoginContext, LoginFile};
use super::service::{Request, Service, json};
use crate::error::{Answer, SourceError};
use crate::files::home;
use crate::session::{Validity, rfc3339};
use crate::sts::endpoint::CredentialService;
use crate::sys::clock::wall;
use ring::digest::SHA256;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;
use zeroize::Zeroizing;

/// JSON pointers to the parts of the access keys in the file in which the login is stored.
const ID: &str = "/accessToken/accessKeyId";
const SECRET: &str = "/accessToken/secretAccessKey";
const TOKEN: &str = "/accessToken/sessionToken";
const EXPIRATION: &str = "/accessToken/expiresAt";

/// Returns the access keys of the login. If the keys expire soon, they are refreshed first.
///
/// # Errors
/// The file of the login is missing or cannot be used, or the keys have expired and AWS Sign-In does not refresh them.
pub(in crate::sts) async fn keys(
    profile: &str,
    session: &str,
    region: &str,
    context: &LoginContext<'_>,
) -> Result<SourceKeys, SourceError> {
    let variable = context.vars.nonempty("AWS_LOGIN_CACHE_DIRECTORY").map(PathBuf::from);
    let directory = variable.or_else(|| Some(home(context.vars)?.join(".aws/login/cache")));
    let missing = || expired(profile, "has expired or was never started");
    let path = LoginFile::path(&directory.ok_or_else(missing)?, &SHA256, session.trim());
    let login = LoginFile::read(path, profile)?.ok_or_else(missing)?;
    let login = login.refreshed(EXPIRATION, async |login| refresh(profile, login, region, context).await).await?;
    let [id, secret, token] = [ID, SECRET, TOKEN].map(|pointer| login.needed(pointer));
    let keys = checked(id?, secret?, token?).map_err(|reason| login.unusable(reason))?;
    let validity = Validity::by_local_clock(login.time(EXPIRATION)?, wall());
    Ok(SourceKeys { keys, validity: Some(validity), account_id: None })
}

async fn refresh(
    profile: &str,
    login: &mut LoginFile,
    region: &str,
    context: &LoginContext<'_>,
) -> Result<(), SourceError> {
    let failed = |reason, answer| {
        let profile = profile.to_owned();
        SourceError::Service { service: "AWS Sign-In", profile, reason, answer, denied: None }
    };
    let body = json(&[
        ("clientId", login.needed("/clientId")?),
        ("grantType", "refresh_token"),
        ("refreshToken", login.needed("/refreshToken")?),
    ]);
    let url =
        CredentialService::SignIn.url(region, context.vars).map_err(|reason| failed(reason, Answer::Refused(None)))?;
    let url = format!("{url}/v1/token");
    let now = wall();
    let proof = dpop::proof(login.needed("/dpopKey")?, &url, now);
    let proof = proof.ok_or_else(|| login.unusable("dpopKey is not a P-256 key in PEM format"))?;
    let headers = [("content-type", "application/json"), ("dpop", proof.as_str())];
    let request = Request { method: "POST", url: &url, headers: &headers, body: Some(&body) };
    let answer = Service::new(context.network, LOGIN_RETRIES).send(request).await;
    let reply = answer.map_err(|unanswered| failed(unanswered.at(&url), unanswered.answer()))?;
    if reply.status != 200 {
        return Err(match reply.text("error").as_deref() {
            Some("TOKEN_EXPIRED") => expired(profile, "has expired"),
            Some("USER_CREDENTIALS_CHANGED") => expired(profile, "is no longer valid: the password was changed"),
            Some("INSUFFICIENT_PERMISSIONS") => {
                let reason = "access denied: the user needs signin:CreateOAuth2Token";
                failed(reason.into(), Answer::Refused(Some(reply.status)))
            }
            _ => failed(reply.refusal(), Answer::Refused(Some(reply.status))),
        });
    }
    let new: Refreshed =
        serde_json::from_slice(&reply.body).map_err(|_| failed("invalid response".into(), Answer::Refused(None)))?;
    let Refreshed { access_token: keys, expires_in, refresh_token } = new;
    login.set(ID, &keys.access_key_id);
    login.set(SECRET, &keys.secret_access_key);
    login.set(TOKEN, &keys.session_token);
    login.set(EXPIRATION, &rfc3339(now + Duration::from_secs(expires_in.into())));
    login.set("/refreshToken", &refresh_token);
    context.keep(login);
    Ok(())
}

fn expired(profile: &str, reason: &str) -> SourceError {
    SourceError::LoginExpired { profile: profile.to_owned(), reason: reason.to_owned() }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refreshed {
    access_token: KeysOfService,
    expires_in: u32,
    refresh_token: Zeroizing<String>,
}
