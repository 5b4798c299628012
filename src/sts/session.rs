//! Fetches a session: source credentials, then each role of the chain.

use super::call::{Call, CallContext};
use super::chain::{Chain, Limits, Mfa};
use super::connection::StsConnection;
use super::endpoint::region_of_sts;
use super::network::Network;
use super::source::instance::Instance;
use super::source::login_file::LoginContext;
use super::source::process::{self, Helpers};
use super::source::sso::Portal;
use super::source::{Proof, console_login, container, web_identity_token};
use crate::error::{AssumeError, Error, SourceError, StsCall};
use crate::event::{EventSink, SessionEvent};
use crate::mfa::mode::{KeyKind, MfaMode, mfa_mode};
use crate::profile::{Plan, Source};
use crate::report::waiting::Awaited;
use crate::report::{Progress, Report};
use crate::session::{CallerIdentity, Keys, Session};
use crate::vars::Vars;
use std::time::{Duration, Instant};

/// Fetches sessions for a plan; each time with new source credentials.
pub(crate) struct Sts<'a> {
    pub(crate) plan: &'a Plan,
    /// Contains the place of logins and of the container's credentials.
    pub(crate) vars: &'a Vars,
    pub(crate) network: &'a Network,
    pub(crate) limits: Limits,
    pub(crate) helpers: Helpers<'a>,
    pub(crate) mfa: Mfa<'a>,
    pub(crate) report: Report,
    pub(crate) progress: &'a Progress,
}

/// The credentials of the source, and the connection to STS for them.
#[derive(Debug)]
pub(crate) struct SourceCredentials<'a> {
    proof: Proof,
    connection: StsConnection<'a>,
    /// The instance's own region, if instance metadata is the source and no region is set.
    pub(crate) instance_region: Option<String>,
    /// The time that is left for calls.
    left: Duration,
}

impl SourceCredentials<'_> {
    /// The keys; `None` for a web identity token.
    pub(crate) fn keys(&self) -> Option<&Keys> {
        self.proof.keys()
    }

    /// The kind of the keys that a code of MFA is used with. For a web identity token these are the first role's.
    pub(crate) fn kind(&self) -> KeyKind {
        self.keys().map_or(KeyKind::Temporary, KeyKind::of)
    }

    /// The region of STS.
    pub(crate) fn region(&self) -> &str {
        &self.connection.region
    }

    /// STS's clock minus the local one, in seconds, once STS has answered.
    pub(crate) fn skew_secs(&self) -> Option<i64> {
        self.connection.date.skew()
    }

    fn call_context<'c>(&'c self, progress: &'c Progress) -> CallContext<'c> {
        CallContext { connection: &self.connection, deadline: Instant::now() + self.left, progress }
    }
}

impl<'a> Sts<'a> {
    /// Fetches a session: resolves the source and assumes each role. Also returns the kind of the source's keys.
    ///
    /// # Errors
    /// Of the source, of the MFA code, or of a call.
    pub(crate) async fn new_session(&self) -> Result<(Session, KeyKind), Error> {
        let source = self.source().await?;
        Ok((self.session(&source, &self.report).await?, source.kind()))
    }

    /// Resolves the source.
    ///
    /// # Errors
    /// Of the source; a partition without a known region; a proxy that cannot be used.
    pub(crate) async fn source(&self) -> Result<SourceCredentials<'a>, Error> {
        let begun = Instant::now();
        let (proof, instance_region) = self.proof().await?;
        let left = match self.plan.source {
            Source::Process { .. } if self.limits.program_timeout.is_none() => self.limits.time,
            _ => self.limits.time.saturating_sub(begun.elapsed()),
        };
        let region = self.region(instance_region.as_deref())?;
        if let Some(keys) = proof.keys() {
            let access_key_id = keys.access_key_id.clone();
            self.report.emit(SessionEvent::SourceCredentials { access_key_id, keys: KeyKind::of(keys) }.into());
        }
        let connection = StsConnection::new(self.network, region, self.limits.attempts);
        Ok(SourceCredentials { proof, connection, instance_region, left })
    }

    /// Gets the identity of the source's keys; `None` for a web identity token, which has none before the first role.
    ///
    /// # Errors
    /// Of the call.
    pub(crate) async fn caller(
        &self,
        source: &SourceCredentials<'_>,
    ) -> Option<Result<CallerIdentity, Box<AssumeError>>> {
        let keys = source.keys()?;
        let (context, hops) = (source.call_context(self.progress), &self.plan.hops);
        let call = Call { context, hop: hops.first(), place: (1, hops.len()), action: StsCall::GetCallerIdentity };
        Some(call.get_caller_identity(keys).await)
    }

    /// Assumes each role of the chain, with an event for each.
    ///
    /// # Errors
    /// Of the MFA code or of a call.
    pub(crate) async fn session(
        &self,
        source: &SourceCredentials<'_>,
        events: &dyn EventSink,
    ) -> Result<Session, Error> {
        let Self { plan, limits, mfa, .. } = *self;
        let chain = Chain { hops: &plan.hops, mfa, limits, events };
        let context = source.call_context(self.progress);
        let session = match (mfa_mode(&plan.hops, source.kind()), source.keys()) {
            (MfaMode::Session(serial), Some(keys)) => chain.assume_with_mfa_session(keys, serial, context).await?,
            (MfaMode::None, _) => chain.assume(source.proof.clone(), false, context).await?,
            (MfaMode::Session(_) | MfaMode::WithRole, _) => chain.assume(source.proof.clone(), true, context).await?,
        };
        self.mfa.codes.end_of_start();
        Ok(Session { instance_region: source.instance_region.clone(), ..session })
    }

    /// The source's credentials, and the instance's region where that is the source and no region is set.
    async fn proof(&self) -> Result<(Proof, Option<String>), Error> {
        let Self { plan, network, vars, report, .. } = *self;
        self.progress.waits_for(Awaited::Source { name: plan.source.to_string() });
        let context = LoginContext { network, vars, report };
        let region = match plan.source {
            Source::InstanceMetadata => String::new(),
            _ => self.region(None)?,
        };
        let keys = match &plan.source {
            Source::EnvironmentKeys(keys) | Source::ProfileKeys { keys, .. } => keys.clone(),
            Source::WebIdentity { token_file, from } => {
                return Ok((Proof::Token(web_identity_token(token_file, from)?), None));
            }
            Source::Process { profile, command } => {
                let limit = self.limits.of_program(self.limits.time);
                // The program may use the terminal.
                self.progress.aside(process::keys(profile, command, self.helpers, limit)).await?
            }
            Source::Sso { profile, session_name, start_url, region, account_id, role_name } => {
                let session_name = session_name.as_deref();
                let portal = Portal { profile, session_name, start_url, region, account_id, role_name };
                self.within_limit(portal.keys(&context)).await?
            }
            Source::Login { profile, session_arn } => {
                self.within_limit(console_login::keys(profile, session_arn, &region, &context)).await?
            }
            Source::Container => self.within_limit(container::keys(network, vars)).await?,
            Source::InstanceMetadata => {
                let instance = Instance::new(network, &plan.metadata);
                let answers = async {
                    let keys = instance.keys().await?;
                    Ok((keys, if plan.region.is_none() { instance.region().await } else { None }))
                };
                let (keys, region) = self.within_limit(answers).await?;
                return Ok((Proof::Keys(keys), region));
            }
        };
        Ok((Proof::Keys(keys), None))
    }

    /// The source's answer, if it arrives in time.
    async fn within_limit<T>(&self, answer: impl Future<Output = Result<T, SourceError>>) -> Result<T, SourceError> {
        let silent = |_| SourceError::Silent { name: self.plan.source.to_string(), limit: self.network.timeout };
        tokio::time::timeout(self.limits.time, answer).await.map_err(silent)?
    }

    /// The region of STS: the user's, the instance's, or the partition's main one. Its proxy, if any, can be used.
    fn region(&self, instance: Option<&str>) -> Result<String, Error> {
        let region = region_of_sts(self.plan, instance).ok_or_else(|| {
            let partition = self.plan.hops.first().role.partition();
            Error::usage(format!("no region is known for partition {partition}"), "set --region or AWS_REGION")
        })?;
        if let Some(url) = self.network.url(region) {
            self.network.proxies.of_request(&url)?;
        }
        Ok(region.to_owned())
    }
}
