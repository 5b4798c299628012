//! A fake of EC2 instance metadata. Version 2 requires a token first; version 1, without a token, can be allowed.
//!
//! Clients find it through `AWS_EC2_METADATA_SERVICE_ENDPOINT`.

use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::http::{Reply, Request, Response};
use super::identities::Identity;
use super::log::lock;
use super::service::Service;
use super::times::iso;

const TOKEN: &str = "AQAAANjUxiAmdsToken==";
const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const CREDENTIALS: &str = "/latest/meta-data/iam/security-credentials/";

/// An instance in eu-west-1 with the role of [`Identity::instance`].
pub struct FakeImds {
    service: Service,
    instance: Arc<Mutex<Instance>>,
}

struct Instance {
    identity: Option<Identity>,
    lifetime: Duration,
    region: Option<String>,
    tokens: Tokens,
    /// Whether requests without a token are answered (version 1).
    v1: bool,
    /// Replaces the list of role names.
    roles: Option<String>,
    /// Replaces the expiration of the credentials.
    end: Option<String>,
}

/// How `PUT /latest/api/token` is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tokens {
    Arrive,
    /// Never: as if the hop limit of the instance were too small.
    Lost,
    /// Always with this status.
    Refused(u16),
    /// By closing the connection.
    Closed,
}

impl FakeImds {
    pub fn start() -> Self {
        let instance = Arc::new(Mutex::new(Instance {
            identity: Some(Identity::instance()),
            lifetime: Duration::from_hours(6),
            region: Some("eu-west-1".to_owned()),
            tokens: Tokens::Arrive,
            v1: false,
            roles: None,
            end: None,
        }));
        let service = Service::start({
            let instance = Arc::clone(&instance);
            move |request| answer(request, &lock(&instance))
        });
        Self { service, instance }
    }

    /// The identity of the instance; `None` for an instance without a role.
    pub fn set_identity(&self, identity: Option<Identity>) {
        lock(&self.instance).identity = identity;
    }

    /// The lifetime of the credentials in each answer.
    pub fn set_lifetime(&self, lifetime: Duration) {
        lock(&self.instance).lifetime = lifetime;
    }

    /// From now on, a request for a token gets no answer.
    pub fn lose_tokens(&self) {
        lock(&self.instance).tokens = Tokens::Lost;
    }

    /// From now on, a request for a token gets this status.
    pub fn refuse_tokens(&self, status: u16) {
        lock(&self.instance).tokens = Tokens::Refused(status);
    }

    /// From now on, a request for a token closes its connection.
    pub fn close_at_tokens(&self) {
        lock(&self.instance).tokens = Tokens::Closed;
    }

    /// From now on, requests without a token are answered.
    pub fn allow_v1(&self) {
        lock(&self.instance).v1 = true;
    }

    /// From now on, the list of roles is this text.
    pub fn set_roles(&self, list: &str) {
        lock(&self.instance).roles = Some(list.to_owned());
    }

    /// From now on, the `Expiration` of the credentials is this text.
    pub fn set_end(&self, end: &str) {
        lock(&self.instance).end = Some(end.to_owned());
    }

    pub fn set_region(&self, region: Option<&str>) {
        lock(&self.instance).region = region.map(str::to_owned);
    }
}

impl Deref for FakeImds {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}

fn answer(request: &Request, instance: &Instance) -> Reply {
    // Real instance metadata rejects forwarded requests, because a proxy would give the instance's role to other
    // machines.
    if request.header("x-forwarded-for").is_some() {
        return Response::text(403, "Forbidden").into();
    }
    if request.path() == "/latest/api/token" {
        match instance.tokens {
            Tokens::Lost => return Reply::Hang,
            Tokens::Refused(status) => return Response::text(status, "no tokens").into(),
            Tokens::Closed => return Reply::Raw(Vec::new()),
            Tokens::Arrive => {}
        }
        return match (request.method.as_str(), request.header(TTL)) {
            ("PUT", Some(seconds)) => Response::text(200, TOKEN).header(TTL, seconds).into(),
            ("PUT", None) => Response::text(400, "Bad Request").into(),
            _ => Response::text(405, "Method Not Allowed").into(),
        };
    }
    let token = request.header("x-aws-ec2-metadata-token");
    if token != Some(TOKEN) && !(instance.v1 && token.is_none()) {
        return Response::text(401, "Unauthorized").into();
    }
    read(request.path(), instance)
        .map_or_else(|| Response::text(404, "Not Found"), |text| Response::text(200, text))
        .into()
}

fn read(path: &str, instance: &Instance) -> Option<String> {
    let role = || instance.identity.as_ref()?.role_arn()?.rsplit('/').next().map(str::to_owned);
    match path {
        "/latest/meta-data/placement/region" => instance.region.clone(),
        "/latest/meta-data/placement/availability-zone" => instance.region.as_ref().map(|region| format!("{region}a")),
        "/latest/dynamic/instance-identity/document" => Some(json!({ "region": instance.region }).to_string()),
        "/latest/meta-data/instance-id" => Some("i-0123456789abcdef0".to_owned()),
        CREDENTIALS => instance.roles.clone().or_else(role),
        _ => {
            let asked = path.strip_prefix(CREDENTIALS)?;
            let identity = instance.identity.as_ref().filter(|_| role().as_deref() == Some(asked))?;
            let mut document = credentials(identity, SystemTime::now() + instance.lifetime);
            if let Some(end) = &instance.end {
                document["Expiration"] = json!(end);
            }
            document["Code"] = json!("Success");
            document["Type"] = json!("AWS-HMAC");
            document["LastUpdated"] = json!(iso(SystemTime::now()));
            Some(document.to_string())
        }
    }
}

/// Credentials in the format of instance metadata and container endpoints.
pub(super) fn credentials(identity: &Identity, expiration: SystemTime) -> Value {
    json!({
        "AccessKeyId": identity.access_key_id,
        "SecretAccessKey": identity.secret_access_key,
        "Token": identity.session_token,
        "Expiration": iso(expiration),
    })
}

#[cfg(test)]
mod tests {
    use super::super::http::{get, send};
    use super::*;

    #[test]
    fn nothing_is_returned_without_a_token() {
        let imds = FakeImds::start();
        let role = format!("{}{CREDENTIALS}", imds.url());
        assert_eq!(get(&role, &[]).expect("answered").status, 401);
        let token = send("PUT", &format!("{}/latest/api/token", imds.url()), &[(TTL, "60")], b"").expect("answered");
        assert_eq!(token.header(TTL), Some("60"));
        let token = token.text();
        let read = |path: &str| {
            get(&format!("{}{path}", imds.url()), &[("X-aws-ec2-metadata-token", &token)]).expect("answered")
        };
        assert_eq!(read(CREDENTIALS).text(), "AssumeRoleInA");
        let document = read(&format!("{CREDENTIALS}AssumeRoleInA")).json();
        assert_eq!(document["AccessKeyId"], Identity::instance().access_key_id);
        assert_eq!(read("/latest/meta-data/placement/region").text(), "eu-west-1");
        imds.set_region(None);
        assert_eq!(read("/latest/meta-data/placement/region").status, 404);
        assert_eq!(imds.requests().len(), 6);
        imds.die();
        assert!(get(&role, &[]).is_err());
    }
}
