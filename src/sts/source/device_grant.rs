//! The device authorization grant (RFC 8628): the user confirms a code in a browser, and IAM Identity Center then returns
//! a token.

use super::login_file::{LoginContext, LoginFile};
use super::oidc::{NewToken, answered, post, send};
use super::registration::Registration;
use super::service::{Reply, Unanswered, json as object};
use crate::error::{SignInFailure, SourceError, is_passing};
use crate::profile::SsoSession;
use crate::session::{Secret, rfc3339};
use crate::sys::boot::boottime;
use crate::sys::clock::wall;
use serde::Deserialize;
use serde_json::json;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};
use tokio::time::sleep;
use zeroize::Zeroizing;

/// The pause between two requests for the token, if the service does not set one, and how much longer the pause becomes
/// if the service asks to slow down (RFC 8628, sections 3.2 and 3.5).
const PAUSE: Duration = Duration::from_secs(5);
/// The limits for the pause and for the lifetime of the code, both of which the service may set.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
const LONGEST_LIFE: Duration = Duration::from_hours(1);
/// The sign-in fails if this number of requests for the token fail in a row.
const FAILED_REQUESTS: u32 = 3;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A sign-in that waits for the user.
pub(crate) struct DeviceGrant<'a> {
    session: &'a SsoSession,
    context: LoginContext<'a>,
    registration: Registration,
    device_code: Secret,
    /// The URL of the page on which the user signs in. It is https, or http on this host, and printable ASCII.
    pub(crate) url: String,
    /// The code that the page shows, which the user compares. It may contain any characters.
    pub(crate) user_code: String,
    pause: Duration,
    /// When the codes expire, by the boot clock.
    end: Duration,
}

impl<'a> DeviceGrant<'a> {
    /// Begins a sign-in. Registers xassume first, unless it is registered.
    ///
    /// # Errors
    /// The service does not answer, refuses a request, or sends an invalid answer.
    pub(crate) async fn begin(session: &'a SsoSession, context: LoginContext<'a>) -> Result<Self, SourceError> {
        let stored = Registration::stored(session, &context);
        let may_be_stale = stored.is_some();
        let mut registration = match stored {
            Some(stored) => stored,
            None => Registration::new(session, &context).await?,
        };
        let mut reply = authorize(session, &context, &registration).await?;
        // The service may have forgotten the registration.
        if may_be_stale && matches!(reply.status, 400..500) && !is_passing(reply.status) {
            registration = Registration::new(session, &context).await?;
            reply = authorize(session, &context, &registration).await?;
        }
        let new: Authorized = answered(session, &reply)?;
        let url = new.verification_uri_complete.unwrap_or(new.verification_uri);
        if !is_safe(&url) {
            return Err(session.not_signed_in(SignInFailure::UnsafeUrl(url)));
        }
        let pause = new.interval.map_or(PAUSE, Duration::from_secs).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        let end = boottime() + Duration::from_secs(new.expires_in).min(LONGEST_LIFE);
        let (device_code, user_code) = (Secret::new(new.device_code.as_str()), new.user_code);
        Ok(Self { session, context, registration, device_code, url, user_code, pause, end })
    }

    /// Waits until the user has signed in, and stores the token in the session's file. Returns the time at which the
    /// token expires.
    ///
    /// # Errors
    /// The user has denied the request, the code has expired, the service does not answer or sends an invalid answer, or
    /// the token cannot be stored.
    pub(crate) async fn finish(mut self) -> Result<SystemTime, SourceError> {
        let fail = |failure| self.session.not_signed_in(failure);
        let mut failed = 0;
        loop {
            sleep(self.pause.min(self.end.saturating_sub(boottime()))).await;
            if boottime() >= self.end {
                return Err(fail(SignInFailure::CodeExpired));
            }
            let asked = wall();
            match decide(self.request_token().await).map_err(fail)? {
                Decision::Granted(token) => return self.store(&token, asked),
                Decision::Pending => failed = 0,
                Decision::SlowDown => self.pause = (self.pause + PAUSE).min(LONGEST_PAUSE),
                Decision::Failed(failure) => {
                    failed += 1;
                    if failed == FAILED_REQUESTS {
                        return Err(fail(failure));
                    }
                }
            }
        }
    }

    async fn request_token(&self) -> Result<Reply, Unanswered> {
        let body = object(&[
            ("clientId", &self.registration.client_id),
            ("clientSecret", self.registration.client_secret.reveal()),
            ("deviceCode", self.device_code.reveal()),
            ("grantType", GRANT_TYPE),
        ]);
        send(self.session, &self.context, "token", &body, 1).await
    }

    /// Stores a token in the session's file, with the JSON fields that the AWS CLI uses. Other fields of the file are
    /// kept. Returns the time at which the token expires.
    fn store(&self, token: &NewToken, asked: SystemTime) -> Result<SystemTime, SourceError> {
        let (session, registration) = (self.session, &self.registration);
        let expiration = asked + Duration::from_secs(token.expires_in.into());
        let path = session.path(self.context.vars).ok_or_else(|| session.expired(None))?;
        let file = session.login(&self.context)?;
        let mut file = file.unwrap_or_else(|| LoginFile::new(path.clone(), &session.profile, json!({})));
        file.set("/startUrl", &session.start_url);
        file.set("/region", &session.region);
        file.set("/accessToken", &token.access_token);
        file.set("/expiresAt", &rfc3339(expiration));
        file.set("/clientId", &registration.client_id);
        file.set("/clientSecret", registration.client_secret.reveal());
        file.set("/registrationExpiresAt", &registration.expires);
        match &token.refresh_token {
            Some(token) => file.set("/refreshToken", token),
            // A refresh token in the file belongs to an earlier sign-in.
            None => file.remove("refreshToken"),
        }
        file.save().map_err(|error| session.not_stored(&path, &error))?;
        Ok(expiration)
    }
}

async fn authorize(
    session: &SsoSession,
    context: &LoginContext<'_>,
    registration: &Registration,
) -> Result<Reply, SourceError> {
    let body = object(&[
        ("clientId", &registration.client_id),
        ("clientSecret", registration.client_secret.reveal()),
        ("startUrl", &session.start_url),
    ]);
    post(session, context, "device_authorization", &body).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authorized {
    device_code: Zeroizing<String>,
    user_code: String,
    verification_uri: String,
    /// Contains the user code.
    verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: Option<u64>,
}

/// What the answer to a request for the token means.
enum Decision {
    /// The user has signed in.
    Granted(NewToken),
    /// The user has not yet signed in.
    Pending,
    /// The requests are too frequent.
    SlowDown,
    /// There is no usable answer, but the next request may get one.
    Failed(SignInFailure),
}

fn decide(reply: Result<Reply, Unanswered>) -> Result<Decision, SignInFailure> {
    let reply = match reply {
        Ok(reply) => reply,
        Err(unanswered @ (Unanswered::TooLarge(_) | Unanswered::Unsendable(_))) => {
            return Err(SignInFailure::Failed(unanswered.to_string()));
        }
        Err(unanswered) => return Ok(Decision::Failed(SignInFailure::Unanswered(unanswered.to_string()))),
    };
    if reply.status == 200 {
        let token: Option<NewToken> = serde_json::from_slice(&reply.body).ok();
        let is_text = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let token = token.filter(|token| is_text(&token.access_token));
        return token.map(Decision::Granted).ok_or_else(|| SignInFailure::Failed("invalid response".into()));
    }
    // The SDKs read the header, and the documentation of the API names the codes in the body.
    let error_type = reply.error_type.as_deref().and_then(|text| text.split(':').next());
    match (error_type, reply.text("error").as_deref()) {
        (Some("AuthorizationPendingException"), _) | (_, Some("authorization_pending")) => Ok(Decision::Pending),
        (Some("SlowDownException"), _) | (_, Some("slow_down")) => Ok(Decision::SlowDown),
        (Some("ExpiredTokenException"), _) | (_, Some("expired_token")) => Err(SignInFailure::CodeExpired),
        (Some("AccessDeniedException"), _) | (_, Some("access_denied")) => Err(SignInFailure::Denied),
        _ if is_passing(reply.status) => Ok(Decision::Failed(SignInFailure::Failed(reply.refusal()))),
        _ => Err(SignInFailure::Failed(reply.refusal())),
    }
}

/// Checks whether a URL can be shown and opened in a browser: it is https, or http on this host, and consists of
/// printable ASCII characters.
fn is_safe(url: &str) -> bool {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let name = host.rsplit_once(':').filter(|(_, rest)| port(rest)).map_or(host, |(name, _)| name);
    let is_expected = match scheme {
        // Nothing but the name of a user is no host.
        "https" => !name.is_empty() && !name.ends_with('@'),
        "http" => {
            let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
            name == "localhost" || address.is_ok_and(|address| address.is_loopback())
        }
        _ => false,
    };
    is_expected && url.len() <= 2048 && url.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests;
