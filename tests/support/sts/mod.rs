//! A fake of AWS STS that answers as the real one does, and remembers what it was asked.
//!
//! It speaks the query protocol and enforces what a caller can run into: unknown and expired keys, trust, external ids,
//! MFA codes, the limits on durations, role chaining, clock skew. Signatures are not verified. What it should do
//! against the rules, it is told by a script of [`Answer`]s.

mod accounts;
mod answer;
mod builder;
mod request;
mod rules;
mod world;
mod xml;

#[cfg(test)]
mod tests;

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
use super::log::{Log, lock};
use super::tls::Authority;
use answer::Script;
use world::World;

/// A running fake; it stops when dropped.
pub struct FakeSts {
    shared: Arc<Shared>,
    authority: Option<Authority>,
    server: Server,
}

#[derive(Default)]
struct Shared {
    world: Mutex<World>,
    script: Mutex<Script>,
    log: Log<StsRequest>,
    gate: Gate,
}

impl FakeSts {
    /// The fake that most tests want: plain HTTP, every role can be assumed, sessions of the duration asked for.
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

    /// The authority behind the certificate of a fake that was started with `.tls(..)`.
    pub fn ca_file(&self) -> &Path {
        self.authority.as_ref().expect("only a fake with TLS has an authority").ca_file()
    }

    /// Every request so far, in order of arrival; those without an answer too.
    pub fn requests(&self) -> Vec<StsRequest> {
        self.shared.log.all()
    }

    /// The requests from that place in the order of arrival on.
    pub fn requests_since(&self, place: usize) -> Vec<StsRequest> {
        self.shared.log.since(place)
    }

    /// Every request so far, as soon as there are `count` of them.
    #[track_caller]
    pub fn wait_for_requests(&self, count: usize) -> Vec<StsRequest> {
        self.shared.log.wait_for(count)
    }

    /// Every set of credentials given out so far.
    pub fn issued(&self) -> Vec<Issued> {
        lock(&self.shared.world).issued.clone()
    }

    /// How many that are.
    pub fn issued_count(&self) -> usize {
        lock(&self.shared.world).issued.len()
    }

    /// How the next requests are answered, one each; after that, by the rules. Replaces an earlier script.
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        lock(&self.shared.script).set(answers, answer::Afterwards::ByTheRules);
    }

    /// The same, but the last answer is given for ever.
    pub fn script_forever(&self, answers: impl IntoIterator<Item = Answer>) {
        lock(&self.shared.script).set(answers, answer::Afterwards::TheLastAgain);
    }

    /// Lets one request go on that was answered with [`Answer::Held`], now or when it comes.
    pub fn release(&self) {
        self.shared.gate.let_one_pass();
    }

    /// From now on, sessions last this long whatever was asked for.
    pub fn set_lifetime(&self, lifetime: Duration) {
        lock(&self.shared.world).lifetime = Some(lifetime);
    }

    /// From now on, the fake's clock is that many seconds ahead of ours (or behind).
    pub fn set_clock_offset(&self, seconds: i64) {
        lock(&self.shared.world).clock_offset = seconds;
    }

    /// From now on, this role exists with these rules.
    pub fn set_role(&self, arn: &str, rules: RoleRules) {
        lock(&self.shared.world).roles.insert(arn.to_owned(), rules);
    }

    pub fn add_identity(&self, identity: Identity) {
        lock(&self.shared.world).accounts.add(identity);
    }

    /// One more code that the MFA devices will accept, once.
    pub fn add_mfa_code(&self, code: &str) {
        lock(&self.shared.world).mfa_codes.push(code.to_owned());
    }

    /// From now on, these credentials count as expired.
    pub fn expire(&self, access_key_id: &str) {
        lock(&self.shared.world).accounts.expire(access_key_id);
    }

    /// Closes every connection and refuses new ones.
    pub fn stop(&self) {
        self.shared.gate.open();
        self.server.stop();
    }
}

impl Drop for FakeSts {
    fn drop(&mut self) {
        // A request that is still held would keep the server from ending.
        self.stop();
    }
}

impl Shared {
    fn handle(&self, request: &Request) -> Reply {
        let request = self.log.push_with(|order| StsRequest::read(request, order));
        let answer = lock(&self.script).next();
        if answer == Answer::Held {
            self.gate.wait();
        }
        let mut world = lock(&self.world);
        answer::carry_out(answer, &mut world, &request)
    }
}

/// Where held requests wait for their release.
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
