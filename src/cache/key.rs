//! The key of a cached session: a hash of everything that determines the answer of STS and the permissions of the
//! session.
//!
//! All functions here are pure. Two requests share a session only if all fields are the same. Only two of the hashed
//! fields are secret: the web identity token and the authorization token of a container. They are included because they
//! determine which credentials a service returns. Neither can be computed from the hash.

use crate::error::TokenId;
use crate::profile::{Plan, Source, SsoSession, TokenSource};
use crate::role::{
    ExternalId, Hop, HopOptions, MfaSerial, PolicyArn, SessionDuration, SessionPolicy, SourceIdentity, TagKey,
};
use crate::sys::random::hex;
use sha2::{Digest as _, Sha256};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::time::Duration;
use zeroize::Zeroizing;

/// The version of the encoding below. It must be changed whenever the encoding is changed. Otherwise a key in the new
/// encoding could find a session that was stored for another request with the old encoding.
const ENCODING: &str = "xassume session key 2";

/// The version of the format of the files (`file`). It is part of each key, so two versions of xassume never replace each
/// other's files.
pub(super) const VERSION: u32 = 2;

/// The key of one cached session: 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key(String);

/// Everything in addition to the plan that determines which credentials the source returns.
#[derive(Debug, Default)]
pub(crate) struct SourceScope {
    /// This host, if the source gives each host or container different credentials. Otherwise `None`.
    pub(crate) host: Option<Host>,
    /// The names and values of the environment variables that contain the source's address, or that name the job for
    /// which the source gives tokens. A value is `None` if neither the environment nor the profile sets it.
    pub(crate) settings: Vec<(&'static str, Option<OsString>)>,
    /// The contents of the token file, if the source is one. Several jobs on a build server may write different tokens to
    /// the same file.
    pub(crate) token: Option<Zeroizing<Vec<u8>>>,
}

/// The identity of this host or container. It is part of the key, because hosts and containers may share a home
/// directory and therefore a cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) machine_id: Option<String>,
    pub(crate) boot_id: String,
    pub(crate) name: OsString,
}

impl Key {
    /// Returns the key of the last session in a plan's role chain. `endpoint` is the URL of STS if the user has set
    /// one.
    pub(crate) fn of_role(plan: &Plan, scope: &SourceScope, endpoint: Option<&str>) -> Self {
        let mut hash = Fields::new("role");
        hash.begin(plan, scope, endpoint);
        hash.number("hops", plan.hops.len() as u64);
        for hop in plan.hops.iter() {
            hash.hop(hop);
        }
        hash.key()
    }

    /// Returns the key of a session that consists of the source's own credentials. `token` identifies the login with
    /// which they were requested, because another user may have logged in since then.
    pub(crate) fn of_source(source: &Source, token: TokenId) -> Self {
        let mut hash = Fields::new("source");
        hash.source(source);
        hash.bytes("token", &token);
        hash.key()
    }

    /// Returns the key of the program that a source runs, such as a `credential_process`. No session is cached under it. It
    /// only identifies the program while the program runs.
    pub(crate) fn of_program(source: &Source) -> Self {
        let mut hash = Fields::new("program");
        hash.source(source);
        hash.key()
    }

    /// Returns the key of an MFA session (`GetSessionToken`).
    pub(crate) fn of_mfa(
        plan: &Plan,
        scope: &SourceScope,
        endpoint: Option<&str>,
        serial: &MfaSerial,
        duration: Option<Duration>,
    ) -> Self {
        let mut hash = Fields::new("mfa");
        hash.begin(plan, scope, endpoint);
        hash.text("serial", serial.as_str());
        hash.duration(duration.map(SessionDuration::Exactly));
        hash.key()
    }

    /// Returns the key in the name of a cache file, or `None` if the name does not begin with a key.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        let key = name.get(..64).filter(|key| key.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        Some(Self(key.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn for_tests(seed: u8) -> Self {
        let mut hash = Fields::new("test");
        hash.number("seed", seed.into());
        hash.key()
    }
}

/// Hashes named values. The length of each value is hashed before the value, so two different lists never give the same
/// input to the hash.
pub(super) struct Fields(Sha256);

impl Fields {
    pub(super) fn new(kind: &str) -> Self {
        let mut fields = Self(Sha256::new());
        fields.text("encoding", ENCODING);
        fields.number("format", VERSION.into());
        fields.text("kind", kind);
        fields
    }

    fn piece(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn bytes(&mut self, name: &str, value: &[u8]) {
        self.piece(name.as_bytes());
        self.piece(value);
    }

    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.bytes(name, value.as_bytes());
    }

    pub(super) fn number(&mut self, name: &str, value: u64) {
        self.bytes(name, &value.to_be_bytes());
    }

    pub(super) fn optional(&mut self, name: &str, value: Option<&str>) {
        self.list(name, value.into_iter());
    }

    /// Hashes the number of values, then each value.
    fn list<'a>(&mut self, name: &str, values: impl ExactSizeIterator<Item = &'a str>) {
        self.number(name, values.len() as u64);
        for value in values {
            self.piece(value.as_bytes());
        }
    }

    pub(super) fn hexadecimal(self) -> String {
        hex(&self.0.finalize())
    }

    fn key(self) -> Key {
        Key(self.hexadecimal())
    }

    fn begin(&mut self, plan: &Plan, scope: &SourceScope, endpoint: Option<&str>) {
        self.source(&plan.source);
        self.scope(scope);
        // Only a configured region is hashed. If the region is that of an EC2 instance, the source determines it, and
        // the source is hashed too.
        self.optional("region", plan.region.as_ref().map(|region| region.name.as_str()));
        self.optional("endpoint", endpoint);
        self.number("fips", plan.network.fips.into());
        self.number("dualstack", plan.network.dualstack.into());
    }

    fn source(&mut self, source: &Source) {
        match source {
            // The same access key identifies the same caller, whether it is set in the environment or in a profile.
            Source::EnvironmentKeys(keys) | Source::ProfileKeys { profile: _, keys } => {
                self.text("access key id", &keys.access_key_id);
            }
            Source::Process { profile, command } => {
                self.text("process of profile", profile);
                self.text("command", command);
            }
            Source::Sso { session, account_id, role_name } => {
                // The scopes of a sign-in have no effect on the credentials of the role.
                let SsoSession { profile, name, start_url, region, scopes: _ } = session;
                self.text("sso of profile", profile);
                self.optional("sso session", name.as_deref());
                self.text("start url", start_url);
                self.text("sso region", region);
                self.text("sso account", account_id);
                self.text("sso role", role_name);
            }
            Source::Login { profile, session_arn } => {
                self.text("login of profile", profile);
                self.text("login session", session_arn);
            }
            Source::WebIdentity { token, from: _ } => match token {
                TokenSource::File(path) => self.bytes("web identity", path.as_os_str().as_bytes()),
                TokenSource::Command(command) => self.text("web identity of command", command),
                TokenSource::GitHub { audience } => self.text("web identity of github", audience.as_str()),
            },
            Source::Container => self.text("container", ""),
            Source::InstanceMetadata => self.text("instance metadata", ""),
        }
    }

    fn scope(&mut self, scope: &SourceScope) {
        let SourceScope { host, settings, token } = scope;
        self.number("host", host.is_some().into());
        if let Some(Host { machine_id, boot_id, name }) = host {
            self.optional("machine id", machine_id.as_deref());
            self.text("boot id", boot_id);
            self.bytes("host name", name.as_bytes());
        }
        self.number("settings", settings.len() as u64);
        for (name, value) in settings {
            self.number(name, value.is_some().into());
            self.piece(value.as_ref().map_or(&[], |value| value.as_bytes()));
        }
        self.number("token", token.is_some().into());
        self.piece(token.as_ref().map_or(&[], |token| token.as_slice()));
    }

    fn hop(&mut self, hop: &Hop) {
        let Hop { role, session_name, options } = hop;
        // The pattern has no `..`, so a new option that is not hashed here is a compile error.
        let HopOptions {
            external_id,
            duration,
            policy,
            policy_arns,
            tags,
            transitive_tags,
            source_identity,
            mfa_serial,
            mfa_process,
            // The keys of the profile have the same effect as flags with the same values.
            of_profiles: _,
        } = options;
        self.text("role", role.as_str());
        self.text("session name", session_name.as_str());
        self.optional("external id", external_id.as_ref().map(ExternalId::as_str));
        self.duration(*duration);
        self.optional("policy", policy.as_ref().map(SessionPolicy::as_str));
        self.list("policy arns", policy_arns.iter().map(PolicyArn::as_str));
        self.list("tag keys", tags.iter().map(|tag| tag.key.as_str()));
        self.list("tag values", tags.iter().map(|tag| tag.value.as_str()));
        self.list("transitive tags", transitive_tags.iter().map(TagKey::as_str));
        self.optional("source identity", source_identity.as_ref().map(SourceIdentity::as_str));
        self.optional("mfa serial", mfa_serial.as_ref().map(MfaSerial::as_str));
        self.optional("mfa process", mfa_process.as_deref());
    }

    fn duration(&mut self, duration: Option<SessionDuration>) {
        match duration {
            None => self.text("duration", "unasked"),
            Some(SessionDuration::Max) => self.text("duration", "max"),
            Some(SessionDuration::Exactly(duration)) => self.number("duration", duration.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests;
