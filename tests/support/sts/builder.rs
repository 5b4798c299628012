//! The options of a fake STS.

use std::sync::Arc;
use std::time::Duration;

use super::super::http::{Request, Server};
use super::super::identities::Identity;
use super::super::issuer::Tokens;
use super::super::log::lock;
use super::super::tls::{Authority, Certificate};
use super::answer::{Afterwards, Script};
use super::rules::{RoleRules, UnknownRoles};
use super::world::World;
use super::{Answer, FakeSts, Shared};

/// Start with [`FakeSts::builder`], end with [`Builder::start`].
#[derive(Default)]
pub struct Builder {
    world: World,
    script: Script,
    tls: Option<Certificate>,
}

impl Builder {
    /// The lifetime of all sessions, whatever duration a request has. A duration outside AWS's range is not an error
    /// then.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.world.lifetime = Some(lifetime);
        self
    }

    /// A role with these rules.
    #[must_use]
    pub fn role(mut self, arn: &str, rules: RoleRules) -> Self {
        self.world.roles.insert(arn.to_owned(), rules);
        self
    }

    /// A role that was not added with [`Self::role`] does not exist and cannot be assumed.
    #[must_use]
    pub fn only_known_roles(mut self) -> Self {
        self.world.unknown_roles = UnknownRoles::Denied;
        self
    }

    /// Another identity with valid credentials, in addition to [`Identity::all`].
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.world.accounts.add(identity);
        self
    }

    /// The codes that the MFA devices accept, each once.
    #[must_use]
    pub fn mfa_codes(mut self, codes: &[&str]) -> Self {
        self.world.mfa_codes = codes.iter().map(ToString::to_string).collect();
        self
    }

    /// The length of session tokens, in bytes. The usual token is filled up with `+`.
    #[must_use]
    pub fn token_bytes(mut self, bytes: usize) -> Self {
        self.world.token_bytes = Some(bytes);
        self
    }

    /// Answer like an older endpoint, which does not report the size of the session token.
    #[must_use]
    pub fn older(mut self) -> Self {
        self.world.older = true;
        self
    }

    /// The only valid web identity tokens. Without this call, all tokens are valid.
    #[must_use]
    pub fn web_identity_tokens(mut self, tokens: &[&str]) -> Self {
        self.world.web_tokens = Some(tokens.iter().map(ToString::to_string).collect());
        self
    }

    /// An OIDC provider for the issuer of these tokens, with these audiences (client IDs). From then on, a web identity
    /// token must be valid: its issuer, signature, audience and expiry are checked, and each `jti` is accepted once.
    #[must_use]
    pub fn oidc_provider(mut self, tokens: &Tokens, audiences: &[&str]) -> Self {
        self.world.providers.add(tokens, audiences);
        self
    }

    /// How many seconds the fake's clock is ahead of ours, or behind. It applies to `Date`, `Expiration` and the expiry
    /// of credentials.
    #[must_use]
    pub fn clock_offset(mut self, seconds: i64) -> Self {
        self.world.clock_offset = seconds;
        self
    }

    /// Reject requests whose signing time differs too much from the fake's clock.
    #[must_use]
    pub fn check_signature_time(mut self) -> Self {
        self.world.signature_time = super::world::SignatureTime::Checked;
        self
    }

    /// The answers to the first requests, one each. Later requests are answered normally.
    #[must_use]
    pub fn script(mut self, answers: impl IntoIterator<Item = Answer>) -> Self {
        self.script.set(answers, Afterwards::ByTheRules);
        self
    }

    /// The same, but later requests get the last of these answers.
    #[must_use]
    pub fn script_forever(mut self, answers: impl IntoIterator<Item = Answer>) -> Self {
        self.script.set(answers, Afterwards::TheLastAgain);
        self
    }

    /// Serve over TLS with such a certificate.
    #[must_use]
    pub fn tls(mut self, certificate: Certificate) -> Self {
        self.tls = Some(certificate);
        self
    }

    pub fn start(self) -> FakeSts {
        let shared = Arc::new(Shared::default());
        *lock(&shared.world) = self.world;
        *lock(&shared.script) = self.script;
        let tls = self.tls.map(|certificate| (Authority::new(), certificate));
        let handler = {
            let shared = Arc::clone(&shared);
            move |request: &Request| shared.handle(request)
        };
        let server = match &tls {
            Some((authority, certificate)) => Server::start_tls(authority.server(*certificate), handler),
            None => Server::start(handler),
        };
        FakeSts { shared, authority: tls.map(|(authority, _)| authority), server }
    }
}
