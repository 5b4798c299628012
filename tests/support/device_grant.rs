//! The sign-in of the fake IAM Identity Center: registrations, device codes, and the user in the browser.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::http::{Reply, Request, Response};
use super::sso::TOKEN;

/// The code that the user compares.
pub const USER_CODE: &str = "WXYZ-1234";
/// The token with which a sign-in can be refreshed, for clients that have asked for the scope.
pub const NEW_REFRESH_TOKEN: &str = "aorAAAAAGVtNEWREFRESH0123456789";

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// An answer to a request for the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenAnswer {
    Pending,
    SlowDown,
    Denied,
    Expired,
}

type Replacement = Box<dyn Fn() -> Reply + Send>;

/// The state of the sign-ins.
pub(super) struct Device {
    /// The next answers to requests for the token, before the user's decision counts.
    pub(super) script: VecDeque<TokenAnswer>,
    /// Whether the user has confirmed the code.
    pub(super) confirmed: bool,
    /// The page on which the user signs in, without the code.
    pub(super) page: String,
    /// How long a registration and a code are valid.
    pub(super) registered_for: Duration,
    pub(super) code_valid_for: Duration,
    /// Replies that replace the usual ones, by path.
    pub(super) replaced: HashMap<&'static str, Replacement>,
    /// The registered clients: the ID, and whether the client has asked for the scope of refresh tokens.
    clients: Vec<(String, bool)>,
    codes: Vec<String>,
}

impl Default for Device {
    fn default() -> Self {
        Self {
            script: VecDeque::new(),
            confirmed: true,
            page: "https://device.sso.us-east-1.amazonaws.com/".into(),
            registered_for: Duration::from_hours(90 * 24),
            code_valid_for: Duration::from_mins(10),
            replaced: HashMap::new(),
            clients: Vec::new(),
            codes: Vec::new(),
        }
    }
}

impl Device {
    /// Forgets all registrations.
    pub(super) fn forget_clients(&mut self) {
        self.clients.clear();
    }

    /// The reply to a request of a sign-in, or `None` for other requests.
    pub(super) fn answer(&mut self, request: &Request) -> Option<Reply> {
        if let Some(replacement) = self.replaced.get(request.path()) {
            return Some(replacement());
        }
        let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        match (request.method.as_str(), request.path()) {
            ("POST", "/client/register") => Some(self.register(&asked)),
            ("POST", "/device_authorization") => Some(self.authorize(&asked)),
            ("POST", "/token") if asked["grantType"] == GRANT_TYPE => Some(self.token(&asked)),
            _ => None,
        }
    }

    fn register(&mut self, asked: &Value) -> Reply {
        if asked["clientType"] != "public" || !asked["clientName"].is_string() {
            return oauth(400, "InvalidClientMetadataException", "invalid_client_metadata");
        }
        let id = format!("client-{}", self.clients.len() + 1);
        let refreshes = asked["scopes"].as_array().is_some_and(|scopes| scopes.contains(&json!("sso:account:access")));
        let end = SystemTime::now() + self.registered_for;
        let end = end.duration_since(UNIX_EPOCH).expect("we live after 1970").as_secs();
        let body =
            json!({ "clientId": id, "clientSecret": secret(&id), "clientIdIssuedAt": 0, "clientSecretExpiresAt": end });
        self.clients.push((id, refreshes));
        Response::json(200, &body).into()
    }

    /// The client in a request, if it is registered.
    fn client(&self, asked: &Value) -> Option<&(String, bool)> {
        let client = self.clients.iter().find(|(id, _)| asked["clientId"] == *id);
        client.filter(|(id, _)| asked["clientSecret"] == secret(id))
    }

    fn authorize(&mut self, asked: &Value) -> Reply {
        if self.client(asked).is_none() {
            return oauth(401, "InvalidClientException", "invalid_client");
        }
        if !asked["startUrl"].as_str().is_some_and(|url| url.starts_with("https://")) {
            return oauth(400, "InvalidRequestException", "invalid_request");
        }
        let code = format!("device-code-{}", self.codes.len() + 1);
        let body = json!({
            "deviceCode": code,
            "userCode": USER_CODE,
            "verificationUri": self.page,
            "verificationUriComplete": format!("{}?user_code={USER_CODE}", self.page),
            "expiresIn": self.code_valid_for.as_secs(),
            "interval": 1,
        });
        self.codes.push(code);
        Response::json(200, &body).into()
    }

    fn token(&mut self, asked: &Value) -> Reply {
        let Some((_, refreshes)) = self.client(asked) else {
            return oauth(401, "InvalidClientException", "invalid_client");
        };
        if !self.codes.iter().any(|code| asked["deviceCode"] == *code) {
            return oauth(400, "InvalidGrantException", "invalid_grant");
        }
        let mut body = json!({ "accessToken": TOKEN, "expiresIn": 28_800, "tokenType": "Bearer" });
        if *refreshes {
            body["refreshToken"] = NEW_REFRESH_TOKEN.into();
        }
        let usual = if self.confirmed { None } else { Some(TokenAnswer::Pending) };
        match self.script.pop_front().or(usual) {
            Some(TokenAnswer::Pending) => oauth(400, "AuthorizationPendingException", "authorization_pending"),
            Some(TokenAnswer::SlowDown) => oauth(400, "SlowDownException", "slow_down"),
            Some(TokenAnswer::Denied) => oauth(400, "AccessDeniedException", "access_denied"),
            Some(TokenAnswer::Expired) => oauth(400, "ExpiredTokenException", "expired_token"),
            None => Response::json(200, &body).into(),
        }
    }
}

fn secret(client: &str) -> String {
    format!("secret-of-{client}")
}

/// An error in the form of OAuth.
fn oauth(status: u16, kind: &str, error: &str) -> Reply {
    let body = json!({ "error": error, "error_description": null });
    Response::json(status, &body).header("x-amzn-ErrorType", kind).into()
}
