//! A fake of the credentials endpoint that ECS and EKS give to containers.
//!
//! With the full URI, clients connect to it directly. The relative URI is relative to 169.254.170.2, which a test can
//! reach only through a proxy that maps that address to this fake.

use std::fs;
use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde_json::json;
use tempfile::NamedTempFile;

use super::http::{Reply, Request, Response};
use super::identities::Identity;
use super::imds::credentials;
use super::log::lock;
use super::service::Service;

const PATH: &str = "/v2/credentials/0123456789abcdef";

/// Returns the credentials of [`Identity::task`] for a request with the right token.
pub struct FakeContainer {
    service: Service,
    task: Arc<Mutex<Task>>,
    token_file: NamedTempFile,
}

struct Task {
    identity: Identity,
    lifetime: Duration,
    token: Option<String>,
    /// Replaces the expiration of the credentials.
    end: Option<String>,
}

impl FakeContainer {
    pub fn start() -> Self {
        let task = Arc::new(Mutex::new(Task {
            identity: Identity::task(),
            lifetime: Duration::from_hours(6),
            token: None,
            end: None,
        }));
        let service = Service::start({
            let task = Arc::clone(&task);
            move |request| answer(request, &lock(&task))
        });
        let token_file = NamedTempFile::with_prefix("container-token-").expect("the temporary directory is writable");
        let container = Self { service, task, token_file };
        container.set_token(Some("Basic container-token-1"));
        container
    }

    /// `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    pub fn full_uri(&self) -> String {
        self.service.url() + PATH
    }

    /// `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`.
    pub fn relative_uri() -> &'static str {
        PATH
    }

    /// `AWS_CONTAINER_AUTHORIZATION_TOKEN`; empty if no token is required.
    pub fn token(&self) -> String {
        lock(&self.task).token.clone().unwrap_or_default()
    }

    /// `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`; it always contains the current token.
    pub fn token_file(&self) -> &Path {
        self.token_file.path()
    }

    /// Requires another token from now on, or no token (as ECS does).
    pub fn set_token(&self, token: Option<&str>) {
        fs::write(self.token_file.path(), token.unwrap_or_default()).expect("the file is ours");
        lock(&self.task).token = token.map(str::to_owned);
    }

    /// From now on, the `Expiration` of the credentials is this text.
    pub fn set_end(&self, end: &str) {
        lock(&self.task).end = Some(end.to_owned());
    }

    pub fn set_identity(&self, identity: Identity) {
        lock(&self.task).identity = identity;
    }

    /// The lifetime of the credentials in each answer.
    pub fn set_lifetime(&self, lifetime: Duration) {
        lock(&self.task).lifetime = lifetime;
    }
}

impl Deref for FakeContainer {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}

fn answer(request: &Request, task: &Task) -> Reply {
    if request.path() != PATH {
        return Response::json(404, &json!({ "code": "NotFound", "message": "no such credentials" })).into();
    }
    if task.token.is_some() && request.header("authorization") != task.token.as_deref() {
        return Response::json(401, &json!({ "code": "AccessDenied", "message": "wrong token" })).into();
    }
    let mut document = credentials(&task.identity, SystemTime::now() + task.lifetime);
    if let Some(end) = &task.end {
        document["Expiration"] = json!(end);
    }
    document["RoleArn"] = json!(task.identity.role_arn());
    Response::json(200, &document).into()
}

#[cfg(test)]
mod tests {
    use super::super::http::get;
    use super::*;

    #[test]
    fn only_the_last_token_is_valid() {
        let container = FakeContainer::start();
        let ask = |token: &str| get(&container.full_uri(), &[("Authorization", token)]).expect("answered");
        let first = container.token();
        assert_eq!(ask(&first).json()["AccessKeyId"], Identity::task().access_key_id);
        container.set_token(Some("second"));
        assert_eq!(ask(&first).status, 401);
        let in_file = fs::read_to_string(container.token_file()).expect("the file is ours");
        assert_eq!(ask(&in_file).status, 200);
        container.fail(500);
        assert_eq!(ask("second").status, 500);
    }
}
