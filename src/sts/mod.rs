//! The calls to STS: one session for a chain of roles.
//!
//! The only place that knows the AWS SDK. The calls are made with the service's own client, since the SDK's ready-made
//! provider lacks MFA codes, source identities and transitive tags, and hides the assumed-role ARN. This file is the
//! chain; `call` is one request and `answer` what comes back, `mfa` the session that a code buys, `source` and
//! `instance` where the first keys come from, `http` the connection.

mod answer;
mod call;
mod http;
mod instance;
mod mfa;
pub(crate) mod source;

pub(crate) use http::read_bundle;
pub(crate) use mfa::{Mfa, MfaUse};

use crate::error::{Error, StsCall};
use crate::mfa::Codes;
use crate::mfa::way::{KeyKind, Way, way};
use crate::profile::{Plan, Source};
use crate::report::Report;
use crate::session::Session;
use call::{Call, Code};
use http::Line;
use instance::Instance;
use source::Proof;
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
    /// For all calls of one session and their retries.
    pub(crate) timeout: Duration,
}

/// Asks STS for sessions, as often as one is needed: each time with source credentials that are resolved anew.
pub(crate) struct Sts<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) network: &'a Network,
    /// How often STS is called for one hop, when calls fail for no lasting reason.
    pub(crate) attempts: u32,
    pub(crate) helpers: source::Helpers<'a>,
    pub(crate) mfa: Mfa<'a>,
    /// For all calls of one session, less what was spent on waiting before.
    pub(crate) limit: Duration,
    pub(crate) report: Report,
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
        let (proof, instance_region) = self.source().await?;
        let region = self.region(instance_region.as_deref())?;
        if let Some(keys) = proof.keys() {
            self.report.source(keys);
        }
        // A token file gives no keys, but the session of its role is what a later role's code goes with.
        let kind = proof.keys().map_or(KeyKind::Temporary, KeyKind::of);
        let (session, mfa) = match (way(&self.plan.hops, kind), proof.keys()) {
            (Way::Session(serial), Some(keys)) => self.with_session(keys, serial, &region).await?,
            (Way::None, _) => (self.chain(proof, &region, None).await?, MfaUse::None),
            (Way::Session(_) | Way::WithRole, _) => {
                (self.chain(proof, &region, Some(self.mfa.codes)).await?, MfaUse::WithRole)
            }
        };
        self.mfa.codes.end_of_start();
        Ok(Obtained { session, instance_region, asked: Some(Asked { source_keys: kind, mfa }) })
    }

    /// The source's credentials. An instance is asked for its region as well, unless somebody named one.
    async fn source(&self) -> Result<(Proof, Option<String>), Error> {
        if self.plan.source == Source::InstanceMetadata {
            let instance = Instance::new(self.network);
            let keys = instance.keys().await?;
            let region = if self.plan.region.is_none() { instance.region().await } else { None };
            return Ok((Proof::Keys(keys), region));
        }
        let region = self.region(None)?;
        let proof = source::resolve(&self.plan.source, self.network, &region, &self.helpers).await?;
        Ok((proof, None))
    }

    /// Assumes each role of the chain. With `codes`, a role that names a device is sent a code; the time that the code
    /// took does not count.
    async fn chain(&self, mut proof: Proof, region: &str, codes: Option<&Codes<'_>>) -> Result<Session, Error> {
        let mut deadline = Instant::now() + self.limit;
        let line = &Line::to_sts(self.network);
        let of = self.plan.hops.len();
        let mut session = None;
        for (at, hop) in self.plan.hops.iter().enumerate() {
            let code = match (codes, &hop.options.mfa_serial) {
                (Some(codes), Some(serial)) => {
                    let asked = Instant::now();
                    let code = codes.next(serial).await?;
                    deadline += asked.elapsed();
                    Some((serial, code))
                }
                _ => None,
            };
            let action = match proof {
                Proof::Keys(_) => StsCall::AssumeRole,
                Proof::Token(_) => StsCall::AssumeRoleWithWebIdentity,
            };
            let Self { network, attempts, .. } = *self;
            let call = Call { hop, place: (at + 1, of), action, region, network, line, attempts, deadline };
            let code = code.as_ref().map(|(serial, code)| Code { serial, code });
            let assumed = call.longest(&proof, code).await?;
            proof = Proof::Keys(assumed.keys.clone());
            session = Some(assumed);
        }
        session.ok_or_else(|| Error::System { what: "assume a role", reason: "the plan holds none".into() })
    }

    /// The region of STS: the user's, the instance's, else the partition's main one.
    fn region(&self, instance: Option<&str>) -> Result<String, Error> {
        if let Some(region) = self.plan.region.as_ref().map(|region| region.name.as_str()).or(instance) {
            return Ok(region.to_owned());
        }
        let partition = self.plan.hops.first().role.partition();
        main_region(partition).map(str::to_owned).ok_or_else(|| {
            Error::usage(
                format!("no region is known for partition {partition}"),
                "name one with --region or AWS_REGION",
            )
        })
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
