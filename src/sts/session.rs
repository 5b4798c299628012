//! Fetches a session: gets the source credentials, then assumes each role of the chain.

use super::call::{Call, CallContext};
use super::chain::{Chain, Mfa, report};
use super::connection::StsConnection;
use super::endpoint::region_of_sts;
use super::limits::Limits;
use super::network::Network;
use super::proof::Proof;
use super::source::instance::Instance;
use super::source::login_file::LoginContext;
use super::source::process::{self, Helpers};
use super::source::sso::Portal;
use super::source::web_identity::Tokens;
use super::source::{SourceKeys, console_login, container};
use crate::error::{AssumeError, Error, SourceError, StsCall};
use crate::event::{EventSink, MfaSessionFrom, SessionEvent};
use crate::mfa::mode::{KeyKind, MfaMode, mfa_mode};
use crate::profile::{Plan, Source};
use crate::report::waiting::Awaited;
use crate::report::{Progress, Report};
use crate::session::{CallerIdentity, Keys, Session, Validity, rfc3339};
use crate::vars::Vars;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Fetches sessions for a plan. The source credentials are fetched again for each session.
pub(crate) struct Sts<'a> {
    pub(crate) plan: &'a Plan,
    /// The environment variables. They say where logins are stored and where a container gets its credentials.
    pub(crate) vars: &'a Vars,
    pub(crate) network: &'a Network,
    pub(crate) limits: Limits,
    pub(crate) helpers: Helpers<'a>,
    pub(crate) mfa: Mfa<'a>,
    pub(crate) report: Report,
    pub(crate) progress: &'a Progress,
}

/// The credentials of the source, and the connection to STS for the calls that use them.
#[derive(Debug)]
pub(crate) struct SourceCredentials<'a> {
    proof: Proof<'a>,
    /// The validity of the keys, or `None` if it is not known.
    validity: Option<Validity>,
    /// The account that the source names together with its keys. `None` if it names no account.
    account_id: Option<String>,
    connection: StsConnection<'a>,
    /// The region of the EC2 instance. `None` if instance metadata is not the source, or if a region is set.
    pub(crate) instance_region: Option<String>,
    /// The time that is left for calls to STS after the source has answered.
    left: Duration,
}

/// What a source returns. The other fields are those of [`SourceCredentials`].
struct Obtained<'a> {
    proof: Proof<'a>,
    validity: Option<Validity>,
    account_id: Option<String>,
    instance_region: Option<String>,
    /// When the time limit for the calls to STS ends.
    deadline: Instant,
}

impl SourceCredentials<'_> {
    /// Returns the source's access keys. Returns `None` if the source is a web identity token.
    pub(crate) fn keys(&self) -> Option<&Keys> {
        self.proof.keys()
    }

    /// Returns the kind of the access keys that sign the call with an MFA code. If the source is a web identity token,
    /// that call is signed with the temporary keys of the first role.
    pub(crate) fn kind(&self) -> KeyKind {
        self.keys().map_or(KeyKind::Temporary, KeyKind::of)
    }

    /// Returns the region in which STS is called.
    pub(crate) fn region(&self) -> &str {
        &self.connection.region
    }

    /// Returns the server's clock minus the local clock, in seconds. Returns `None` if STS has not answered yet.
    pub(crate) fn skew_secs(&self) -> Option<i64> {
        self.connection.date.skew()
    }

    fn call_context<'c>(&'c self, progress: &'c Progress, events: &'c dyn EventSink) -> CallContext<'c> {
        CallContext { connection: &self.connection, deadline: Instant::now() + self.left, progress, events }
    }
}

impl<'a> Sts<'a> {
    /// Fetches a session: gets the source credentials and assumes each role. Also returns the kind of the source's
    /// keys.
    ///
    /// # Errors
    /// The source gives no credentials, there is no MFA code, or a call to STS fails.
    pub(crate) async fn new_session(&self) -> Result<(Session, KeyKind), Error> {
        let source = self.source().await?;
        Ok((self.session(&source, &self.report).await?, source.kind()))
    }

    /// Gets the source credentials, and creates the connection to STS for the calls that use them.
    ///
    /// # Errors
    /// The source gives no credentials, no region is known for the partition, or the proxy for STS cannot be used.
    pub(crate) async fn source(&self) -> Result<SourceCredentials<'a>, Error> {
        let Obtained { proof, validity, account_id, instance_region, deadline } = self.obtain().await?;
        let left = deadline.saturating_duration_since(Instant::now());
        let region = self.region(instance_region.as_deref())?;
        if let Some(keys) = proof.keys() {
            let access_key_id = keys.access_key_id.clone();
            self.report.emit(SessionEvent::SourceCredentials { access_key_id, keys: KeyKind::of(keys) }.into());
        }
        let connection = StsConnection::new(self.network, region, self.limits.attempts);
        Ok(SourceCredentials { proof, validity, account_id, connection, instance_region, left })
    }

    /// Returns the identity to which the source's keys belong. Returns `None` if the source is a web identity token,
    /// because without keys there is no caller before the first role is assumed.
    ///
    /// # Errors
    /// The call to STS fails.
    pub(crate) async fn caller(
        &self,
        source: &SourceCredentials<'_>,
    ) -> Option<Result<CallerIdentity, Box<AssumeError>>> {
        let context = source.call_context(self.progress, &self.report);
        Some(self.identity_call(context).get_caller_identity(source.keys()?).await)
    }

    /// Returns the identity to which these keys belong. They can be those of a cached session.
    ///
    /// # Errors
    /// The region is not known, the proxy for STS cannot be used, or the call to STS fails.
    pub(crate) async fn identity(&self, keys: &Keys) -> Result<CallerIdentity, Error> {
        let region = self.region(None)?;
        self.check_proxy(&region)?;
        let connection = StsConnection::new(self.network, region, self.limits.attempts);
        let deadline = Instant::now() + self.limits.time;
        let context = CallContext { connection: &connection, deadline, progress: self.progress, events: &self.report };
        Ok(self.identity_call(context).get_caller_identity(keys).await?)
    }

    fn identity_call<'c>(&'c self, context: CallContext<'c>) -> Call<'c> {
        let hops = &self.plan.hops;
        Call { context, hop: hops.first(), place: (1, hops.len()), action: StsCall::GetCallerIdentity }
    }

    /// Assumes each role of the chain and emits an event for each role. Without roles, returns the credentials of the
    /// source, or an MFA session of the user.
    ///
    /// # Errors
    /// There is no MFA code, a call to STS fails, or the credentials of the source have expired.
    pub(crate) async fn session(
        &self,
        source: &SourceCredentials<'_>,
        events: &dyn EventSink,
    ) -> Result<Session, Error> {
        let Self { plan, limits, mfa, .. } = *self;
        let chain = Chain { plan, mfa, limits };
        let mut context = source.call_context(self.progress, events);
        let session = match (mfa_mode(plan, source.kind()), source.keys()) {
            (MfaMode::Session(serial), Some(keys)) if plan.hops.is_empty() => {
                let session = chain.new_mfa_session(keys, serial, &mut context).await?;
                report(&session, MfaSessionFrom::Code, events);
                session
            }
            (_, Some(keys)) if plan.hops.is_empty() => self.own_session(keys, source)?,
            (MfaMode::Session(serial), Some(keys)) => chain.assume_with_mfa_session(keys, serial, context).await?,
            (MfaMode::None, _) => chain.assume(source.proof.clone(), false, context).await?,
            (MfaMode::Session(_) | MfaMode::WithRole, _) => chain.assume(source.proof.clone(), true, context).await?,
        };
        self.mfa.codes.end_of_start();
        Ok(Session { instance_region: source.instance_region.clone(), ..session })
    }

    /// Returns a session that consists of the source's keys.
    ///
    /// # Errors
    /// The keys have expired.
    fn own_session(&self, keys: &Keys, obtained: &SourceCredentials<'_>) -> Result<Session, SourceError> {
        let source = &self.plan.source;
        let (keys, validity) = (keys.clone(), obtained.validity.clone());
        if let Some(Validity { expiration, .. }) = validity.as_ref().filter(|validity| validity.left.is_zero()) {
            return Err(SourceError::Expired { name: source.to_string(), at: rfc3339(*expiration) });
        }
        let account_id = obtained.account_id.clone();
        Ok(Session { keys, validity, assumed_role_arn: None, account_id, instance_region: None })
    }

    /// Gets the credentials of the source, and what else it returns.
    async fn obtain(&self) -> Result<Obtained<'a>, Error> {
        let Self { plan, network, vars, limits, helpers, report, .. } = *self;
        let begun = Instant::now();
        let mut deadline = begun + limits.time;
        self.progress.waits_for(Awaited::Source { name: plan.source.to_string() });
        let context = LoginContext { network, vars, report };
        let region = match plan.source {
            Source::InstanceMetadata => String::new(),
            _ => self.region(None)?,
        };
        let mut instance_region = None;
        let SourceKeys { keys, validity, account_id } = match &plan.source {
            Source::EnvironmentKeys(keys) | Source::ProfileKeys { keys, .. } => keys.clone().into(),
            Source::WebIdentity { token: source, from } => {
                let (first, ran) = Default::default();
                let tokens = Tokens { source, from, vars, network, helpers, limits, first, ran };
                let (token, deadline) = tokens.next(deadline, self.progress).await?;
                *tokens.first.borrow_mut() = Some(token);
                let proof = Proof::Tokens(Rc::new(tokens));
                return Ok(Obtained { proof, validity: None, account_id: None, instance_region, deadline });
            }
            Source::Process { profile, command } => {
                let limit = limits.of_program(limits.time);
                // The program may use the terminal, so the progress line is not shown while it runs.
                let keys = self.progress.aside(process::keys(profile, command, helpers, limit)).await?;
                deadline = limits.deadline_after(begun, deadline);
                keys
            }
            Source::Sso { session, account_id, role_name } => {
                self.within_limit(Portal { session, account_id, role_name }.keys(&context)).await?
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
                instance_region = region;
                keys
            }
        };
        Ok(Obtained { proof: Proof::Keys(keys), validity, account_id, instance_region, deadline })
    }

    /// Waits for the answer of the source. Fails if the answer does not arrive within the time limit.
    async fn within_limit<T>(&self, answer: impl Future<Output = Result<T, SourceError>>) -> Result<T, SourceError> {
        let silent = |_| SourceError::Silent { name: self.plan.source.to_string(), limit: self.network.timeout };
        tokio::time::timeout(self.limits.time, answer).await.map_err(silent)?
    }

    /// Returns the region in which STS is called. This is the configured region, or else the region of the EC2
    /// instance, or else the main region of the partition. Also checks the proxy for STS, unless the source's credentials
    /// are used without a call.
    fn region(&self, instance: Option<&str>) -> Result<String, Error> {
        let hops = &self.plan.hops;
        let region = region_of_sts(self.plan, instance).ok_or_else(|| {
            let partition = hops.first().map_or("", |first| first.role.partition());
            Error::usage(format!("no region is known for partition {partition}"), "set --region or AWS_REGION")
        })?;
        if !hops.is_empty() || self.plan.device.is_some() {
            self.check_proxy(region)?;
        }
        Ok(region.to_owned())
    }

    /// Checks that the proxy for STS, if there is one, can be used.
    ///
    /// # Errors
    /// The URL of the proxy is not valid.
    pub(crate) fn check_proxy(&self, region: &str) -> Result<(), Error> {
        self.network.url(region).map_or(Ok(None), |url| self.network.proxies.of_request(&url))?;
        Ok(())
    }
}
