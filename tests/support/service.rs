//! The common part of all fakes except STS: a log of the requests, and ways to fail.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::http::{Reply, Request, Response, Server};
use super::log::{Log, lock};
use rustls::ServerConfig;

/// A running fake. It stops when it is dropped.
pub struct Service {
    server: Server,
    log: Arc<Log<Request>>,
    health: Arc<Mutex<Health>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Health {
    #[default]
    Well,
    Hanging,
    Failing(u16),
    Slow(Duration),
}

impl Service {
    pub(super) fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::launch(None, handler)
    }

    /// Over TLS if there is a configuration.
    pub(super) fn launch(
        tls: Option<Arc<ServerConfig>>,
        handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let (log, health) = (Arc::new(Log::default()), Arc::new(Mutex::new(Health::Well)));
        let handler = {
            let (log, health) = (Arc::clone(&log), Arc::clone(&health));
            move |request: &Request| {
                log.push(request.clone());
                let health = *lock(&health);
                match health {
                    Health::Well => handler(request),
                    Health::Hanging => Reply::Hang,
                    Health::Slow(delay) => Reply::After(delay, Box::new(handler(request))),
                    Health::Failing(status) => Response::text(status, "out of order").into(),
                }
            }
        };
        let server = match tls {
            Some(config) => Server::start_tls(config, handler),
            None => Server::start(handler),
        };
        Self { server, log, health }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// All requests so far, in order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.log.all()
    }

    /// All requests so far, as soon as there are `count`.
    #[track_caller]
    pub fn wait_for_requests(&self, count: usize) -> Vec<Request> {
        self.log.wait_for(count)
    }

    /// From now on, requests get no answer.
    pub fn hang(&self) {
        *lock(&self.health) = Health::Hanging;
    }

    /// From now on, every answer has this status.
    pub fn fail(&self, status: u16) {
        *lock(&self.health) = Health::Failing(status);
    }

    /// From now on, each answer takes this long.
    pub fn delay(&self, delay: Duration) {
        *lock(&self.health) = Health::Slow(delay);
    }

    /// From now on, requests are answered normally.
    pub fn recover(&self) {
        *lock(&self.health) = Health::Well;
    }

    /// Stops permanently: connections are refused.
    pub fn die(&self) {
        self.server.stop();
    }
}
