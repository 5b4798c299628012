//! A fake of AWS Sign-In, and the file that `aws login` writes.
//!
//! Clients find it through `AWS_ENDPOINT_URL_SIGNIN`.

use std::fmt::Write as _;
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::http::{Reply, Request, Response};
use super::identities::Identity;
use super::log::lock;
use super::service::Service;
use super::times::iso;

/// The `login_session` of a profile.
pub const LOGIN_SESSION: &str = "arn:aws:iam::222222222222:user/alice";
const CLIENT: &str = "arn:aws:signin:::devtools/same-device";
const FIRST_TOKEN: &str = "REFRESHTOKEN0000001";
const SECOND_TOKEN: &str = "REFRESHTOKEN0000002";
/// A key that was generated for this file. The client signs with it to prove that it owns the refresh token.
const KEY: &str = "-----BEGIN EC PRIVATE KEY-----\n\
                   MHcCAQEEIBuU7kzOSfpq4ikD0PcueGFYnO53xXpE5y6hN4QJPgI2oAoGCCqGSM49\n\
                   AwEHoUQDQgAElGVchp+qeT04dHtGmNIHT6jER9wUo5zzp6epmVL74DSWzz/Jtv1f\n\
                   TiLZ1OX7uX9/a1DUpxO+3y1qy7O8+ONFhA==\n\
                   -----END EC PRIVATE KEY-----\n";

/// Exchanges the refresh token of a login, once, for the credentials of [`Identity::login_refreshed`].
pub struct FakeSignIn {
    service: Service,
    refusal: Arc<Mutex<Option<&'static str>>>,
}

impl FakeSignIn {
    pub fn start() -> Self {
        let refusal = Arc::new(Mutex::new(None));
        let service = Service::start({
            let refusal = Arc::clone(&refusal);
            move |request| match *lock(&refusal) {
                Some(error) => denied(error),
                None => answer(request),
            }
        });
        Self { service, refusal }
    }

    /// From now on, it denies access with this OAuth error code: `TOKEN_EXPIRED` or another.
    pub fn refuse(&self, error: &'static str) {
        *lock(&self.refusal) = Some(error);
    }
}

impl Deref for FakeSignIn {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}

/// Writes the file of a login with the credentials of [`Identity::login`], which expire after this time. Returns its
/// path.
pub fn write_sign_in(home: &Path, session: &str, lasts: Duration) -> PathBuf {
    let name = Sha256::digest(session).iter().fold(String::new(), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    });
    let path = home.join(".aws/login/cache").join(name).with_extension("json");
    let mut keys = keys_of(&Identity::login());
    keys["accountId"] = "222222222222".into();
    keys["expiresAt"] = iso(SystemTime::now() + lasts).into();
    let document = json!({
        "accessToken": keys,
        "tokenType": "aws_sigv4",
        "refreshToken": FIRST_TOKEN,
        "clientId": CLIENT,
        "dpopKey": KEY,
    });
    fs::create_dir_all(path.parent().expect("the cache is a directory")).expect("the home is writable");
    fs::write(&path, document.to_string()).expect("the home is writable");
    path
}

fn keys_of(identity: &Identity) -> Value {
    json!({
        "accessKeyId": identity.access_key_id,
        "secretAccessKey": identity.secret_access_key,
        "sessionToken": identity.session_token,
    })
}

fn answer(request: &Request) -> Reply {
    if (request.method.as_str(), request.path()) != ("POST", "/v1/token") {
        return Response::text(404, "no such resource").into();
    }
    let proof = request.header("dpop").unwrap_or_default();
    if proof.split('.').filter(|part| !part.is_empty()).count() != 3 {
        return denied("INVALID_REQUEST");
    }
    let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let first = json!({ "clientId": CLIENT, "grantType": "refresh_token", "refreshToken": FIRST_TOKEN });
    if asked != first {
        return denied("TOKEN_EXPIRED");
    }
    let body = json!({
        "accessToken": keys_of(&Identity::login_refreshed()),
        "tokenType": "aws_sigv4",
        "expiresIn": 900,
        "refreshToken": SECOND_TOKEN,
    });
    Response::json(200, &body).into()
}

fn denied(error: &str) -> Reply {
    let body = json!({ "error": error, "message": "the words of AWS Sign-In" });
    Response::json(403, &body).header("x-amzn-ErrorType", "AccessDeniedException").into()
}
