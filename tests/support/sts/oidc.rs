//! The OIDC providers of the account, and the checks of a web identity token.
//!
//! The codes and texts are those of STS, except that the text about a repeated token is not known. IAM accepts a token
//! for five minutes after its expiry; this fake does not, so that tests can use short lives.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use super::super::issuer::{Tokens, claims_of, opened};
use super::request::StsRequest;
use super::xml::Fault;

#[derive(Default)]
pub(super) struct Providers {
    known: Vec<Provider>,
    /// The request in which each `jti` came first.
    seen: HashMap<String, usize>,
}

struct Provider {
    url: String,
    public_key: Vec<u8>,
    client_ids: Vec<String>,
}

/// What a valid token says about its holder.
pub(super) struct Holder {
    pub subject: String,
    pub audience: String,
    pub issuer: String,
}

impl Providers {
    pub(super) fn add(&mut self, tokens: &Tokens, client_ids: &[&str]) {
        let client_ids = client_ids.iter().map(ToString::to_string).collect();
        let (url, public_key) = (tokens.issuer().to_owned(), tokens.public_key());
        self.known.retain(|known| known.url != url);
        self.known.push(Provider { url, public_key, client_ids });
    }

    pub(super) fn are_configured(&self) -> bool {
        !self.known.is_empty()
    }

    /// Notes the token of a request. A token counts as used even if the script answers this request.
    pub(super) fn note(&mut self, request: &StsRequest) {
        let claims = request.param("WebIdentityToken").and_then(claims_of);
        if let Some(id) = claims.as_ref().and_then(|claims| claims.get("jti")?.as_str()) {
            self.seen.entry(id.to_owned()).or_insert(request.order);
        }
    }

    /// Checks the token of a request.
    pub(super) fn check(&self, token: &str, order: usize, now: SystemTime) -> Result<Holder, Fault> {
        let invalid = |message: &str| Fault::new(400, "InvalidIdentityToken", message);
        let claims = claims_of(token).ok_or_else(|| {
            invalid("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Key)")
        })?;
        let issuer = required(&claims, "iss")?;
        let provider = self
            .known
            .iter()
            .find(|provider| provider.url == issuer)
            .ok_or_else(|| invalid(&format!("No OpenIDConnect provider found in your account for {issuer}")))?;
        if opened(token, &provider.public_key) != Some(true) {
            return Err(invalid("JWT signature verification failed"));
        }
        let subject = required(&claims, "sub")?;
        let audience = provider.audience(&claims)?;
        let now = now.duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs_f64();
        match claims.get("exp").and_then(Value::as_f64) {
            None => return Err(invalid("Missing a required claim: exp")),
            Some(end) if end <= now => {
                let message = format!(
                    "Token expired: current date/time {now:.0} must be before the expiration date/time{end:.0}"
                );
                return Err(Fault::new(400, "ExpiredTokenException", message));
            }
            Some(_) => {}
        }
        let id = claims.get("jti").and_then(Value::as_str);
        if id.is_some_and(|id| self.seen.get(id).is_some_and(|first| *first < order)) {
            return Err(invalid("The token has been used before"));
        }
        Ok(Holder { subject, audience, issuer })
    }
}

impl Provider {
    fn audience(&self, claims: &Map<String, Value>) -> Result<String, Fault> {
        let texts = |name: &str| match claims.get(name) {
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(one)) => vec![one.clone()],
            _ => Vec::new(),
        };
        let compared = [texts("azp"), texts("aud")].into_iter().find(|texts| !texts.is_empty());
        let compared =
            compared.ok_or_else(|| Fault::new(400, "InvalidIdentityToken", "Missing a required claim: aud"))?;
        let listed = compared.into_iter().find(|audience| self.client_ids.contains(audience));
        listed.ok_or_else(|| Fault::new(400, "InvalidIdentityToken", "Incorrect token audience"))
    }
}

fn required(claims: &Map<String, Value>, name: &str) -> Result<String, Fault> {
    let text = claims.get(name).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| Fault::new(400, "InvalidIdentityToken", format!("Missing a required claim: {name}")))
}
