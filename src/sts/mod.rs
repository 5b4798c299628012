//! The calls to STS: one session for a chain of roles.
//!
//! The only place that knows the AWS SDK. The calls are made with the service's own client, since the SDK's ready-made
//! provider lacks MFA codes, source identities and transitive tags, and hides the assumed-role ARN. This file is the
//! chain; `call` is one request, `attempts` its tries and `answer` what comes back, `mfa` the session that a code buys,
//! `source` where the first keys come from, `road` what is known before it, `endpoint` the URL, `http` the connection,
//! `date` the server's clock and `failure` why there is no answer. Of the sources, `container`, `instance`, `sso` and
//! `login` ask a service by `fetch`; `document` is what the first two answer, `stored` the files of the others, and `dpop`
//! the proof that one of them sends.

mod answer;
mod attempts;
mod call;
mod context;
mod date;
mod endpoint;
mod failure;
#[cfg(any(test, fuzzing))]
pub(crate) mod hostile;
mod http;
mod mfa;
mod refusal;
pub(crate) mod source;
#[cfg(test)]
mod truncated;

pub(crate) use context::{Heard, SourceCredentials};
pub(crate) use endpoint::endpoint;
pub(crate) use http::{BundleError, read_bundle};
pub(crate) use mfa::{Mfa, MfaUse};

use crate::error::{AssumeError, Error, SourceError, StsCall};
use crate::mfa::mode::{KeyKind, MfaMode, mfa_mode};
use crate::profile::{Plan, Proxies, Source};
use crate::report::waiting::Awaited;
use crate::report::{Progress, Report};
use crate::role::Hop;
use crate::session::{CallerIdentity, Session};
use crate::sys::helper::ProgramLimit;
use crate::vars::Vars;
use call::{Call, Code};
use context::CallContext;
use http::StsConnection;
use source::instance::Instance;
use source::{Asking, Helpers, Proof};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How STS is reached.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    /// An endpoint in place of the region's own.
    pub(crate) endpoint: Option<String>,
    /// PEM certificates to trust besides the machine's.
    pub(crate) ca_bundle: Option<Arc<[u8]>>,
    pub(crate) fips: bool,
    pub(crate) dualstack: bool,
    pub(crate) proxies: Proxies,
    /// For the source's answer, all calls of one session, and their retries.
    pub(crate) timeout: Duration,
}

/// Asks STS for sessions, as often as one is needed: each time with source credentials that are resolved anew.
pub(crate) struct Sts<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) network: &'a Network,
    /// How often STS is called for one hop, when calls fail for no lasting reason.
    pub(crate) attempts: u32,
    pub(crate) helpers: Helpers<'a>,
    pub(crate) mfa: Mfa<'a>,
    /// For the source and all calls of one session, less what was spent on waiting before.
    pub(crate) limit: Duration,
    /// Whether the limit was asked for: then it is also for the programs that are run for the session.
    pub(crate) limits_programs: bool,
    /// The environment, which says where logins are kept and where the container's credentials are.
    pub(crate) vars: &'a Vars,
    pub(crate) report: Report,
    pub(crate) progress: &'a Progress,
}

/// A session, and what was learnt on the way to it.
#[derive(Debug)]
pub(crate) struct Obtained {
    pub(crate) session: Session,
    /// The instance's own region, when instance metadata was the source and nobody named one.
    pub(crate) instance_region: Option<String>,
    /// What asking has shown; a session that somebody kept does not tell.
    pub(crate) asked: Option<Asked>,
}

/// What decides whether a next session can be had with nobody there: see `mfa::way::unattended`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    /// What kind of keys the source gave.
    pub(crate) source_keys: KeyKind,
    pub(crate) mfa: MfaUse,
}

impl Sts<'_> {
    /// Resolves the source and assumes each role of the chain with the session before.
    ///
    /// # Errors
    /// The source's failure, that of the MFA code, or that of the hop at which STS refused or was not reached.
    pub(crate) async fn obtain(&self) -> Result<Obtained, Error> {
        let source = self.source().await?;
        self.session(&source, &|_| {}).await
    }

    /// Resolves the source.
    ///
    /// # Errors
    /// The source's failure; a partition without a known region; a proxy that cannot be used.
    pub(crate) async fn source(&self) -> Result<SourceCredentials, Error> {
        let asked = Instant::now();
        let (proof, instance_region) = self.proof().await?;
        let left = match self.plan.source {
            Source::Process { .. } if !self.limits_programs => self.limit,
            _ => self.limit.saturating_sub(asked.elapsed()),
        };
        let region = self.region(instance_region.as_deref())?;
        if let Some(keys) = proof.keys() {
            self.report.source(keys);
        }
        Ok(SourceCredentials { proof, instance_region, region, line: StsConnection::to_sts(self.network), left })
    }

    /// Asks STS whose the source's keys are; `None` for a token, which is nobody's before the first hop.
    ///
    /// # Errors
    /// What stood in the way.
    pub(crate) async fn caller(&self, source: &SourceCredentials) -> Option<Result<CallerIdentity, Box<AssumeError>>> {
        let keys = source.keys()?;
        let road = CallContext { region: &source.region, line: &source.line, left: source.left, heard: &|_| {} };
        let deadline = Instant::now() + road.left;
        let call = self.call(self.plan.hops.first(), 1, StsCall::GetCallerIdentity, &road, deadline);
        Some(call.get_caller_identity(keys).await)
    }

    /// Assumes each role of the chain; `heard` is told of each answer.
    ///
    /// # Errors
    /// That of the MFA code, or that of the hop at which STS refused or was not reached.
    pub(crate) async fn session(
        &self,
        source: &SourceCredentials,
        heard: &dyn Fn(Heard<'_>),
    ) -> Result<Obtained, Error> {
        let SourceCredentials { proof, instance_region, region, line, left } = source;
        let road = &CallContext { region, line, left: *left, heard };
        let kind = source.kind();
        let (session, mfa) = match (mfa_mode(&self.plan.hops, kind), proof.keys()) {
            (MfaMode::Session(serial), Some(keys)) => self.with_session(keys, serial, road).await?,
            (MfaMode::None, _) => (self.chain(proof.clone(), road, false).await?, MfaUse::None),
            (MfaMode::Session(_) | MfaMode::WithRole, _) => {
                (self.chain(proof.clone(), road, true).await?, MfaUse::WithRole)
            }
        };
        self.mfa.codes.end_of_start();
        let asked = Some(Asked { source_keys: kind, mfa });
        Ok(Obtained { session, instance_region: instance_region.clone(), asked })
    }

    /// The source's credentials. An instance is asked for its region as well, unless somebody named one.
    async fn proof(&self) -> Result<(Proof, Option<String>), Error> {
        self.progress.waits_for(Awaited::Source { name: self.plan.source.to_string() });
        if self.plan.source == Source::InstanceMetadata {
            let instance = Instance::new(self.network, &self.plan.metadata);
            let answers = async {
                let keys = instance.keys().await?;
                let region = if self.plan.region.is_none() { instance.region().await } else { None };
                Ok((Proof::Keys(keys), region))
            };
            return Ok(self.within_limit(answers).await?);
        }
        let region = self.region(None)?;
        let Self { plan, network, vars, report, .. } = *self;
        let asking = Asking { network, metadata: &plan.metadata, vars, report, limit: self.program_limit(self.limit) };
        let answer = source::resolve(&plan.source, &asking, &region, &self.helpers);
        let proof = match self.plan.source {
            // The terminal is the program's as well.
            Source::Process { .. } => self.progress.aside(answer).await?,
            _ => self.within_limit(answer).await?,
        };
        Ok((proof, None))
    }

    /// How long a program may take where so much is left of the limit.
    fn program_limit(&self, left: Duration) -> ProgramLimit {
        if self.limits_programs { ProgramLimit { left, of: self.network.timeout } } else { ProgramLimit::OWN }
    }

    /// The source's answer, if it comes in time.
    async fn within_limit<T>(&self, answer: impl Future<Output = Result<T, SourceError>>) -> Result<T, SourceError> {
        let silent = |_| SourceError::Silent { name: self.plan.source.to_string(), limit: self.network.timeout };
        tokio::time::timeout(self.limit, answer).await.map_err(silent)?
    }

    /// Assumes each role of the chain. With codes, a role that names a device is sent a code.
    async fn chain(&self, mut proof: Proof, road: &CallContext<'_>, with_codes: bool) -> Result<Session, Error> {
        let mut deadline = Instant::now() + road.left;
        let mut session = None;
        for (at, hop) in self.plan.hops.iter().enumerate() {
            let code = match (with_codes, &hop.options.mfa_serial) {
                (true, Some(serial)) => {
                    let code;
                    (code, deadline) = self.code(serial, deadline).await?;
                    Some((serial, code))
                }
                _ => None,
            };
            let action = match proof {
                Proof::Keys(_) => StsCall::AssumeRole,
                Proof::Token(_) => StsCall::AssumeRoleWithWebIdentity,
            };
            let call = self.call(hop, at + 1, action, road, deadline);
            let code = code.as_ref().map(|(serial, code)| Code { serial, code });
            let granted = call.longest(&proof, code).await?;
            (road.heard)(Heard::Granted(&granted));
            proof = Proof::Keys(granted.session.keys.clone());
            session = Some(granted.session);
        }
        session.ok_or_else(|| Error::System { what: "assume a role", reason: "the plan contains none".into() })
    }

    /// One call for the hop at this place, counted from 1.
    fn call<'c>(
        &'c self,
        hop: &'c Hop,
        place: usize,
        action: StsCall,
        road: &'c CallContext<'_>,
        deadline: Instant,
    ) -> Call<'c> {
        let Self { plan, network, attempts, progress, .. } = *self;
        let place = (place, plan.hops.len());
        Call { hop, place, action, region: road.region, network, line: road.line, attempts, deadline, progress }
    }

    /// The region of STS: the user's, the instance's, else the partition's main one. A proxy on the way there is one
    /// that can be used.
    fn region(&self, instance: Option<&str>) -> Result<String, Error> {
        let named = self.plan.region.as_ref().map(|region| region.name.as_str()).or(instance);
        let partition = self.plan.hops.first().role.partition();
        let region = named.or_else(|| main_region(partition)).ok_or_else(|| {
            Error::usage(format!("no region is known for partition {partition}"), "set --region or AWS_REGION")
        })?;
        if let Some(url) = self.network.url(region) {
            self.network.proxies.of_request(&url)?;
        }
        Ok(region.to_owned())
    }
}

/// The region in which a partition's STS is asked when nobody names one.
pub(crate) fn main_region(partition: &str) -> Option<&'static str> {
    Some(match partition {
        "aws" => "us-east-1",
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        "aws-iso" => "us-iso-east-1",
        "aws-iso-b" => "us-isob-east-1",
        "aws-iso-e" => "eu-isoe-west-1",
        "aws-iso-f" => "us-isof-south-1",
        "aws-eusc" => "eusc-de-east-1",
        _ => return None,
    })
}
