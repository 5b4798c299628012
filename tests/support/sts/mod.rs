//! A fake of AWS STS that answers like the real one, and records the requests.
//!
//! It implements the query protocol and enforces STS's rules: unknown and expired keys, trust, external IDs, MFA codes,
//! limits on durations, role chaining, clock skew. It verifies the signatures of web identity tokens from a
//! [`Builder::oidc_provider`], but no signatures of requests. A script of [`Answer`]s makes it
//! break these rules.

mod accounts;
mod answer;
mod builder;
mod oidc;
mod request;
mod rules;
mod world;
mod xml;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

pub use answer::Answer;
pub use builder::Builder;
pub use request::StsRequest;
pub use rules::{RoleRules, Wording};
pub use world::Issued;

use super::http::{Reply, Request, Server};
use super::identities::Identity;
use super::issuer::Tokens;
use super::log::{Log, lock};
use super::tls::Authority;
use answer::Script;
use world::World;

/// A running fake. It stops when it is dropped.
pub struct FakeSts {
    shared: Arc<Shared>,
    authority: Option<Authority>,
    server: Server,
}

#[derive(Default)]
struct Shared {
    world: Mutex<World>,
    script: Mutex<Script>,
    /// The scripts of single roles.
    role_scripts: Mutex<HashMap<String, Script>>,
    log: Log<StsRequest>,
    gate: Gate,
}

impl FakeSts {
    /// The fake that most tests need: plain HTTP, every role can be assumed, sessions have the requested duration.
    pub fn start() -> Self {
        Self::builder().start()
    }

    pub fn builder() -> Builder {
        Builder::default()
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The CA certificate of a fake that was started with `.tls(..)`.
    pub fn ca_file(&self) -> &Path {
        self.authority.as_ref().expect("only a fake with TLS has an authority").ca_file()
    }

    /// All requests so far, in order of arrival, including those without an answer.
    pub fn requests(&self) -> Vec<StsRequest> {
        self.shared.log.all()
    }

    /// The requests from that index on.
    pub fn requests_since(&self, place: usize) -> Vec<StsRequest> {
        self.shared.log.since(place)
    }

    /// All requests so far, as soon as there are `count`.
    #[track_caller]
    pub fn wait_for_requests(&self, count: usize) -> Vec<StsRequest> {
        self.shared.log.wait_for(count)
    }

    /// All credentials that were issued so far.
    pub fn issued(&self) -> Vec<Issued> {
        lock(&self.shared.world).issued.clone()
    }

    /// The number of credentials that were issued so far.
    pub fn issued_count(&self) -> usize {
        lock(&self.shared.world).issued.len()
    }

    /// The answers to the next requests, one each. Later requests are answered normally. Replaces an earlier script.
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        lock(&self.shared.script).set(answers, answer::Afterwards::ByTheRules);
    }

    /// The same, but later requests get the last of these answers.
    pub fn script_forever(&self, answers: impl IntoIterator<Item = Answer>) {
        lock(&self.shared.script).set(answers, answer::Afterwards::TheLastAgain);
    }

    /// The answers to the next requests for this role, one each. Later requests for it are answered normally, whatever
    /// the script of all requests contains.
    pub fn script_role(&self, arn: &str, answers: impl IntoIterator<Item = Answer>) {
        let mut scripts = lock(&self.shared.role_scripts);
        scripts.entry(arn.to_owned()).or_default().set(answers, answer::Afterwards::ByTheRules);
    }

    /// Lets one request continue that gets [`Answer::Held`]: a waiting one, or the next one.
    pub fn release(&self) {
        self.shared.gate.let_one_pass();
    }

    /// From now on, all sessions have this lifetime, whatever duration a request has.
    pub fn set_lifetime(&self, lifetime: Duration) {
        lock(&self.shared.world).lifetime = Some(lifetime);
    }

    /// From now on, the fake's clock is this many seconds ahead of ours (negative: behind).
    pub fn set_clock_offset(&self, seconds: i64) {
        lock(&self.shared.world).clock_offset = seconds;
    }

    /// From now on, this role exists and has these rules.
    pub fn set_role(&self, arn: &str, rules: RoleRules) {
        lock(&self.shared.world).roles.insert(arn.to_owned(), rules);
    }

    pub fn add_identity(&self, identity: Identity) {
        lock(&self.shared.world).accounts.add(identity);
    }

    /// From now on, the account has an OIDC provider for the issuer of these tokens, with these audiences.
    pub fn set_oidc_provider(&self, tokens: &Tokens, audiences: &[&str]) {
        lock(&self.shared.world).providers.add(tokens, audiences);
    }

    /// The web identity tokens of all requests so far, in order of arrival.
    pub fn web_identity_tokens(&self) -> Vec<String> {
        let token = |request: &StsRequest| request.param("WebIdentityToken").map(str::to_owned);
        self.requests().iter().filter_map(token).collect()
    }

    /// Another code that the MFA devices accept once.
    pub fn add_mfa_code(&self, code: &str) {
        lock(&self.shared.world).mfa_codes.push(code.to_owned());
    }

    /// From now on, these credentials are expired.
    pub fn expire(&self, access_key_id: &str) {
        lock(&self.shared.world).accounts.expire(access_key_id);
    }

    /// Closes all connections and refuses new ones.
    pub fn stop(&self) {
        self.shared.gate.open();
        self.server.stop();
    }
}

impl Drop for FakeSts {
    fn drop(&mut self) {
        // A request that still waits for `release()` would prevent the server from ending.
        self.stop();
    }
}

impl Shared {
    fn handle(&self, request: &Request) -> Reply {
        let request = self.log.push_with(|order| StsRequest::read(request, order));
        lock(&self.world).providers.note(&request);
        let role = request.param("RoleArn").unwrap_or_default();
        let answer = match lock(&self.role_scripts).get_mut(role) {
            Some(script) => script.next(),
            None => lock(&self.script).next(),
        };
        if answer == Answer::Held {
            self.gate.wait();
        }
        let mut world = lock(&self.world);
        answer::carry_out(answer, &mut world, &request)
    }
}

/// Where requests with `Answer::Held` wait for `release()`.
#[derive(Default)]
struct Gate {
    passes: Mutex<Passes>,
    changed: Condvar,
}

#[derive(Default)]
struct Passes {
    available: usize,
    unlimited: bool,
}

impl Gate {
    fn wait(&self) {
        let passes = self.changed.wait_while(lock(&self.passes), |passes| !passes.unlimited && passes.available == 0);
        let mut passes = passes.unwrap_or_else(std::sync::PoisonError::into_inner);
        passes.available = passes.available.saturating_sub(1);
    }

    fn let_one_pass(&self) {
        lock(&self.passes).available += 1;
        self.changed.notify_one();
    }

    fn open(&self) {
        lock(&self.passes).unlimited = true;
        self.changed.notify_all();
    }
}
