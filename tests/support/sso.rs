//! A fake of IAM Identity Center (its portal and its OIDC service), and the file that `aws sso login` writes.
//!
//! Clients find it through `AWS_ENDPOINT_URL_SSO` and `AWS_ENDPOINT_URL_SSO_OIDC`.

use std::fmt::Write as _;
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use super::device_grant::{Device, TokenAnswer};
use super::http::{Reply, Request, Response};
use super::identities::Identity;
use super::log::lock;
use super::service::Service;
use super::times::iso;

pub(super) const TOKEN: &str = "aoaAAAAAGVtSSOTOKEN0123456789";
const REFRESH_TOKEN: &str = "aorAAAAAGVtREFRESH0123456789";
const CLIENT: [&str; 2] = ["client-id", "client-secret"];

/// Exchanges the token of a login for the credentials of a role, at first of [`Identity::sso`].
pub struct FakeSso {
    service: Service,
    role: Arc<Mutex<Role>>,
    device: Arc<Mutex<Device>>,
}

/// The credentials in each answer.
struct Role {
    identity: Identity,
    lifetime: Duration,
}

/// The state of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    Valid,
    /// The file contains an expiration that has passed.
    Expired,
    /// The same, but with a refresh token, which the OIDC service exchanges once for a new token.
    Refreshable,
    /// The file says that the login is valid, but the portal rejects it.
    Revoked,
}

impl FakeSso {
    pub fn start() -> Self {
        let role = Arc::new(Mutex::new(Role { identity: Identity::sso(), lifetime: Duration::from_hours(8) }));
        let device = Arc::<Mutex<Device>>::default();
        let service = Service::start({
            let (role, device) = (Arc::clone(&role), Arc::clone(&device));
            move |request| {
                let of_sign_in = lock(&device).answer(request);
                of_sign_in.unwrap_or_else(|| answer(request, &lock(&role)))
            }
        });
        Self { service, role, device }
    }

    /// From now on, the credentials are those of this identity.
    pub fn set_identity(&self, identity: Identity) {
        lock(&self.role).identity = identity;
    }

    /// The next answers to requests for the token of a sign-in. After them, the user's decision counts.
    pub fn script_tokens(&self, answers: impl IntoIterator<Item = TokenAnswer>) {
        lock(&self.device).script.extend(answers);
    }

    /// Whether the user has confirmed the code of a sign-in, which is so at the start.
    pub fn set_confirmed(&self, confirmed: bool) {
        lock(&self.device).confirmed = confirmed;
    }

    /// The page of the next sign-ins, without the code.
    pub fn set_page(&self, url: &str) {
        url.clone_into(&mut lock(&self.device).page);
    }

    /// How long the next registrations are valid.
    pub fn set_registered_for(&self, time: Duration) {
        lock(&self.device).registered_for = time;
    }

    /// How long the codes of the next sign-ins are valid.
    pub fn set_code_valid_for(&self, time: Duration) {
        lock(&self.device).code_valid_for = time;
    }

    /// Forgets all registered clients.
    pub fn forget_clients(&self) {
        lock(&self.device).forget_clients();
    }

    /// From now on, requests for this path get this reply.
    pub fn replace(&self, path: &'static str, reply: impl Fn() -> Reply + Send + 'static) {
        lock(&self.device).replaced.insert(path, Box::new(reply));
    }

    /// The paths of all requests.
    pub fn paths(&self) -> Vec<String> {
        self.requests().iter().map(|request| request.path().to_owned()).collect()
    }

    /// The lifetime of the credentials in each answer.
    pub fn set_lifetime(&self, lifetime: Duration) {
        lock(&self.role).lifetime = lifetime;
    }
}

impl Deref for FakeSso {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}

/// Writes the token file of a login below that home, and returns its path. `identifier` is the name of the
/// `sso-session`, or the start URL of a profile without one.
pub fn write_login(home: &Path, identifier: &str, login: Login) -> PathBuf {
    let (token, expires) = match login {
        Login::Valid => (TOKEN, SystemTime::now() + Duration::from_hours(8)),
        Login::Expired | Login::Refreshable => (TOKEN, SystemTime::now() - Duration::from_hours(1)),
        Login::Revoked => ("aoaAAAAAGVtREVOKED", SystemTime::now() + Duration::from_hours(8)),
    };
    let name = Sha1::digest(identifier).iter().fold(String::new(), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    });
    let path = home.join(".aws/sso/cache").join(name).with_extension("json");
    let mut document = json!({
        "startUrl": "https://example.awsapps.com/start",
        "region": "eu-west-1",
        "accessToken": token,
        "expiresAt": iso(expires),
    });
    if login == Login::Refreshable {
        document["refreshToken"] = REFRESH_TOKEN.into();
        document["clientId"] = CLIENT[0].into();
        document["clientSecret"] = CLIENT[1].into();
        document["registrationExpiresAt"] = iso(SystemTime::now() + Duration::from_hours(24)).into();
    }
    fs::create_dir_all(path.parent().expect("the cache is a directory")).expect("the home is writable");
    fs::write(&path, document.to_string()).expect("the home is writable");
    path
}

/// Replaces the time at these keys of a login's file with this text.
pub fn write_end(login: &Path, keys: &[&str], end: &str) {
    let mut document: Value =
        serde_json::from_slice(&fs::read(login).expect("a login")).expect("the file of a login is JSON");
    let place = keys.iter().fold(&mut document, |value, key| &mut value[*key]);
    *place = json!(end);
    fs::write(login, document.to_string()).expect("the home is writable");
}

/// The answer to a refresh token.
fn token(request: &Request) -> Reply {
    let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let good = json!({
        "clientId": CLIENT[0],
        "clientSecret": CLIENT[1],
        "grantType": "refresh_token",
        "refreshToken": REFRESH_TOKEN,
    });
    if asked != good {
        return refuse(400, "InvalidGrantException", "Invalid refresh token provided");
    }
    let body = json!({ "accessToken": TOKEN, "expiresIn": 3600, "refreshToken": "another", "tokenType": "Bearer" });
    Response::json(200, &body).into()
}

fn answer(request: &Request, Role { identity, lifetime }: &Role) -> Reply {
    if (request.method.as_str(), request.path()) == ("POST", "/token") {
        return token(request);
    }
    if (request.method.as_str(), request.path()) != ("GET", "/federation/credentials") {
        return refuse(404, "ResourceNotFoundException", "No such resource");
    }
    if request.header("x-amz-sso_bearer_token") != Some(TOKEN) {
        return refuse(401, "UnauthorizedException", "Session token not found or invalid");
    }
    let query = request.query();
    let given = |name: &str| query.iter().any(|(key, value)| key == name && !value.is_empty());
    if !given("role_name") || !given("account_id") {
        return refuse(400, "InvalidRequestException", "role_name and account_id are required");
    }
    let since_epoch = (SystemTime::now() + *lifetime).duration_since(UNIX_EPOCH).expect("we live after 1970");
    let body = json!({ "roleCredentials": {
        "accessKeyId": identity.access_key_id,
        "secretAccessKey": identity.secret_access_key,
        "sessionToken": identity.session_token,
        // This API uses milliseconds. All others use seconds.
        "expiration": since_epoch.as_secs() * 1000,
    }});
    Response::json(200, &body).into()
}

fn refuse(status: u16, kind: &str, message: &str) -> Reply {
    Response::json(status, &json!({ "message": message })).header("x-amzn-ErrorType", kind).into()
}

#[cfg(test)]
mod tests {
    use super::super::http::get;
    use super::*;

    #[test]
    fn a_login_is_found_by_its_digest_and_exchanged_for_credentials() {
        let home = tempfile::tempdir().expect("the temporary directory is writable");
        let path = write_login(home.path(), "abc", Login::Valid);
        assert!(path.ends_with(".aws/sso/cache/a9993e364706816aba3e25717850c26c9cd0d89d.json"), "{}", path.display());

        let sso = FakeSso::start();
        let url = format!("{}/federation/credentials?role_name=Developer&account_id=222222222222", sso.url());
        let ask = |token: &str| get(&url, &[("x-amz-sso_bearer_token", token)]).expect("answered");
        assert_eq!(ask(TOKEN).json()["roleCredentials"]["accessKeyId"], Identity::sso().access_key_id);
        let refused = ask("other");
        assert_eq!((refused.status, refused.header("x-amzn-errortype")), (401, Some("UnauthorizedException")));
    }
}
