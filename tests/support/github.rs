//! A fake of the service from which a job of GitHub Actions gets its OIDC tokens.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::ServerConfig;
use serde_json::json;

use super::command::Xassume;
use super::http::{Reply, Request, Response};
use super::service::Service;

const PATH: &str = "/00000000/_apis/distributedtask/jobs/1/idtoken";
const QUERY: &str = "?api-version=2.0";
/// The request token of the job.
pub const REQUEST_TOKEN: &str = "eyJ.request-token-of-the-job.sig";

/// Returns a new token for each request that has the request token.
pub struct FakeGitHub {
    service: Service,
}

impl FakeGitHub {
    /// The tokens are [`FakeGitHub::token`] with the number of the request.
    pub fn start() -> Self {
        Self::of(None, |_, number| Self::token(number))
    }

    /// The same over TLS.
    pub fn start_tls(config: Arc<ServerConfig>) -> Self {
        Self::of(Some(config), |_, number| Self::token(number))
    }

    /// The tokens come from a function of the audience and of the number of the request, from 1.
    pub fn of(tls: Option<Arc<ServerConfig>>, issue: impl Fn(&str, usize) -> String + Send + Sync + 'static) -> Self {
        let number = AtomicUsize::new(0);
        let service = Service::launch(tls, move |request| {
            let authorized = request.header("authorization") == Some(&format!("Bearer {REQUEST_TOKEN}"));
            if request.method != "GET" {
                return Response::text(404, "not here").into();
            }
            let query = request.query();
            let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
            match (authorized, value("api-version"), value("audience")) {
                (false, ..) => Response::text(401, format!("no such job: {:?}", request.headers)).into(),
                (true, Some("2.0"), Some(audience)) => {
                    let token = issue(audience, 1 + number.fetch_add(1, Ordering::SeqCst));
                    Response::json(200, &json!({ "count": token.len(), "value": token })).into()
                }
                _ => Response::text(400, "no version or no audience").into(),
            }
        });
        Self { service }
    }

    /// A token of [`FakeGitHub::start`].
    pub fn token(number: usize) -> String {
        format!("eyJ.token-{number}-of-github.sig")
    }

    /// A service that answers each request with this reply.
    pub fn replying(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self { service: Service::start(reply) }
    }

    /// Runs xassume in a job that may request tokens.
    pub fn job(&self, xassume: Xassume) -> Xassume {
        Self::job_at(&self.url(), xassume)
    }

    /// The same with another URL of the service, for example through a proxy.
    pub fn job_at(url: &str, xassume: Xassume) -> Xassume {
        xassume
            .without_keys()
            .env("CI", "true")
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_NAME", "push")
            .env("GITHUB_JOB", "deploy")
            .env("GITHUB_RUN_ID", "16712348901")
            .env("GITHUB_RUN_ATTEMPT", "1")
            .env("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{url}{PATH}{QUERY}"))
            .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", REQUEST_TOKEN)
    }
}

impl Deref for FakeGitHub {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}
