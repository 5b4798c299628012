//! How a fake STS is set up before it starts.

use std::sync::Arc;
use std::time::Duration;

use super::super::http::{Request, Server};
use super::super::identities::Identity;
use super::super::log::lock;
use super::super::tls::{Authority, Certificate};
use super::answer::{Afterwards, Script};
use super::rules::{RoleRules, Strangers};
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
    /// Sessions last this long, whatever was asked for; a duration outside of AWS's range is no longer an error.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.world.lifetime = Some(lifetime);
        self
    }

    /// A role with rules of its own.
    #[must_use]
    pub fn role(mut self, arn: &str, rules: RoleRules) -> Self {
        self.world.roles.insert(arn.to_owned(), rules);
        self
    }

    /// A role that was not announced by [`Self::role`] does not exist, and cannot be assumed.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.world.strangers = Strangers::Denied;
        self
    }

    /// One more identity whose credentials are valid, beside those of [`Identity`]'s own constructors.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.world.accounts.add(identity);
        self
    }

    /// The codes that MFA devices accept, each once.
    #[must_use]
    pub fn mfa_codes(mut self, codes: &[&str]) -> Self {
        self.world.mfa_codes = codes.iter().map(ToString::to_string).collect();
        self
    }

    /// The only web identity tokens that are valid; without this call, each one is.
    #[must_use]
    pub fn web_identity_tokens(mut self, tokens: &[&str]) -> Self {
        self.world.web_tokens = Some(tokens.iter().map(ToString::to_string).collect());
        self
    }

    /// The fake's clock is that many seconds ahead of ours, or behind: `Date`, `Expiration`, and what counts as expired.
    #[must_use]
    pub fn clock_offset(mut self, seconds: i64) -> Self {
        self.world.clock_offset = seconds;
        self
    }

    /// Refuse requests that were signed too far from the fake's own time.
    #[must_use]
    pub fn check_signature_time(mut self) -> Self {
        self.world.signature_time = super::world::SignatureTime::Checked;
        self
    }

    /// How the first requests are answered, one each; after that, by the rules.
    #[must_use]
    pub fn script(mut self, answers: impl IntoIterator<Item = Answer>) -> Self {
        self.script.set(answers, Afterwards::ByTheRules);
        self
    }

    /// The same, but the last answer is given for ever.
    #[must_use]
    pub fn script_forever(mut self, answers: impl IntoIterator<Item = Answer>) -> Self {
        self.script.set(answers, Afterwards::TheLastAgain);
        self
    }

    /// Over TLS, with such a certificate.
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
