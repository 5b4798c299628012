//! Why STS did not give a session, and what would make it.

use super::denial::{self, Blame};
use crate::role::{Hop, HopOptions, RoleArn, SessionDuration};
use std::fmt;
use std::time::Duration;

/// The hint where somebody else answers.
const NOT_STS: &str = "is the endpoint really STS? see --sts-endpoint, AWS_ENDPOINT_URL and the proxy variables";

/// One hop that failed.
#[derive(Debug, Clone)]
pub(crate) struct AssumeError {
    pub(crate) role: RoleArn,
    pub(crate) options: HopOptions,
    /// Counted from 1.
    pub(crate) hop: usize,
    pub(crate) of: usize,
    pub(crate) call: StsCall,
    /// The region that STS was asked in.
    pub(crate) region: String,
    pub(crate) cause: Cause,
    /// What was tried against a cause that may pass, where time ran out.
    pub(crate) effort: Option<Effort>,
}

/// What was tried until time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Effort {
    pub(crate) tries: u32,
    pub(crate) time: Duration,
    pub(crate) last: LastTry,
}

/// What the last try has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastTry {
    /// The cause.
    Told,
    /// Nothing by then: the cause is that of a try before it.
    Silent,
}

/// What STS was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StsCall {
    AssumeRole,
    AssumeRoleWithWebIdentity,
    /// The MFA session from which the hop was to be assumed.
    GetSessionToken,
    /// Whose the source credentials are.
    GetCallerIdentity,
}

/// What stood in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    /// STS answered, and said no.
    Refused { code: String, message: String, refusal: Refusal },
    /// STS did not answer.
    Network(NetworkFailure),
    /// STS answered something that is no answer.
    Garbage(String),
}

/// What a refusal means, as far as STS's code and text tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Not allowed; the caller is the ARN that STS named, the action and the policy what it named.
    AccessDenied {
        caller: Option<String>,
        action: Option<String>,
        blame: Option<Blame>,
    },
    /// An account's root user may not assume roles.
    RootUser,
    MfaRejected,
    SourceExpired,
    SourceUnknown,
    /// The signature did not fit; the clock is that many seconds off when STS said so.
    Signature {
        clock_off_secs: Option<i64>,
    },
    DurationAboveRole,
    DurationAboveChaining,
    RegionDisabled,
    BadPolicy,
    PackedPolicy,
    TokenRejected,
    Throttled,
    /// A failure of STS itself.
    Unavailable,
    Other,
}

/// How a connection failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NetworkFailure {
    Dns { host: String },
    Unreachable { host: String, reason: String },
    Proxy { proxy: String, reason: String },
    Tls { host: String, reason: String, no_roots: bool },
    TimedOut { host: String, after: Duration },
    TooLate { host: String, limit: Duration },
    TooLarge { limit: usize },
    Endpoint { reason: String },
}

impl AssumeError {
    pub(crate) fn new(hop: &Hop, place: (usize, usize), call: StsCall, region: &str, cause: Cause) -> Self {
        Self {
            role: hop.role.clone(),
            options: hop.options.clone(),
            hop: place.0,
            of: place.1,
            call,
            region: region.to_owned(),
            cause,
            effort: None,
        }
    }

    /// Whether STS was not reached, or could not answer, or not in time.
    pub(crate) fn is_outage(&self) -> bool {
        let passing = match &self.cause {
            Cause::Refused { refusal, .. } => matches!(refusal, Refusal::Throttled | Refusal::Unavailable),
            Cause::Network(NetworkFailure::TooLarge { .. } | NetworkFailure::Endpoint { .. }) | Cause::Garbage(_) => {
                false
            }
            Cause::Network(_) => true,
        };
        passing || self.effort.is_some()
    }

    /// The one thing to do; for a denial, the two statements that make up the trust.
    pub(crate) fn hint(&self) -> String {
        match &self.cause {
            Cause::Refused { refusal, .. } => self.refusal_hint(refusal),
            Cause::Network(failure) => failure.hint().to_owned(),
            Cause::Garbage(_) => NOT_STS.into(),
        }
    }

    fn refusal_hint(&self, refusal: &Refusal) -> String {
        match refusal {
            Refusal::AccessDenied { caller, action, blame } => match self.call {
                StsCall::AssumeRole => denial::hint(self, caller.as_deref(), action.as_deref(), *blame),
                StsCall::AssumeRoleWithWebIdentity => denial::web_identity_hint(self),
                StsCall::GetSessionToken => {
                    "a policy of the user, or of the organisation, denies sts:GetSessionToken".into()
                }
                StsCall::GetCallerIdentity => "no policy can forbid this call, but a VPC endpoint's can".into(),
            },
            Refusal::RootUser => "use the keys of a user or of a role: no policy lets root users assume roles".into(),
            Refusal::MfaRejected => match &self.options.mfa_serial {
                Some(serial) => format!(
                    "give the current code of {serial}: each code works once, and the device must be the caller's own"
                ),
                None => "give the device's current code; each code works once".into(),
            },
            Refusal::SourceExpired if self.hop > 1 => {
                "the session of the role before it has expired; ask for a longer one".into()
            }
            Refusal::SourceExpired => {
                "the credentials that assume the role have expired: log in again, or fetch new ones".into()
            }
            Refusal::SourceUnknown => format!(
                "the access key is unknown in partition {}: was it deleted, or is the region of another partition?",
                self.role.partition()
            ),
            Refusal::Signature { clock_off_secs: Some(seconds) } => {
                let off = humantime::format_duration(Duration::from_secs(seconds.unsigned_abs()));
                let way = if *seconds > 0 { "behind" } else { "ahead" };
                format!("this machine's clock is {off} {way}; set it right (timedatectl, chrony)")
            }
            Refusal::Signature { clock_off_secs: None } => {
                "the secret access key does not belong to the access key id".into()
            }
            Refusal::DurationAboveRole => format!(
                "ask for less than {}, for `--duration max`, or raise the role's MaxSessionDuration",
                self.asked()
            ),
            Refusal::DurationAboveChaining => {
                "a role assumed from temporary credentials gets one hour: leave out --duration, or use `--duration max`"
                    .into()
            }
            Refusal::RegionDisabled => format!(
                "activate STS in {} (account settings in the IAM console), or choose another --region",
                self.region
            ),
            Refusal::BadPolicy => "check --policy: IAM does not take this document".into(),
            Refusal::PackedPolicy => "use a smaller --policy, or fewer --policy-arn and --tag".into(),
            Refusal::TokenRejected => {
                "the role's trust policy must name the token's issuer, and the token must be fresh".into()
            }
            Refusal::Throttled => "STS allows 600 requests a second for an account and region; try again later".into(),
            Refusal::Unavailable => "STS has a failure of its own; try again later".into(),
            Refusal::Other => {
                "AWS's reference of the STS API may explain it; `-v` tells what was asked for, and of whom".into()
            }
        }
    }

    fn asked(&self) -> String {
        match self.options.duration {
            Some(SessionDuration::Exactly(duration)) => humantime::format_duration(duration).to_string(),
            Some(SessionDuration::Max) | None => "an hour".into(),
        }
    }
}

impl NetworkFailure {
    fn hint(&self) -> &'static str {
        match self {
            Self::Dns { .. } => {
                "check the spelling of the region or endpoint, the network, and HTTPS_PROXY if one is needed"
            }
            Self::Unreachable { .. } => "check the network, the endpoint, and HTTPS_PROXY if one is needed",
            Self::Proxy { reason, .. } if reason.contains("password") => {
                "they stand in the variable that names it: http://USER:PASSWORD@HOST:PORT"
            }
            Self::Proxy { reason, .. } | Self::Tls { reason, .. } if reason.contains("(CA:TRUE)") => {
                "the server needs a certificate with basicConstraints=CA:FALSE, signed by itself or by the authority in --ca-bundle"
            }
            Self::Proxy { reason, .. } if reason.contains("certificate") => {
                "give the proxy's certificate with --ca-bundle or AWS_CA_BUNDLE, unless it should be asked over http"
            }
            Self::Proxy { .. } => "check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY",
            Self::Tls { no_roots: true, .. } => {
                "this machine has no root certificates: install ca-certificates, or set SSL_CERT_FILE or --ca-bundle"
            }
            Self::Tls { reason, .. } if reason.contains("expired") => {
                "the certificate must be renewed, unless this machine's clock is wrong"
            }
            Self::Tls { .. } => "behind a proxy that opens TLS, give its certificate with --ca-bundle or AWS_CA_BUNDLE",
            Self::TimedOut { .. } | Self::TooLate { .. } => {
                "check the network and proxies; --sts-timeout sets the limit"
            }
            Self::TooLarge { .. } => NOT_STS,
            Self::Endpoint { .. } => {
                "an endpoint looks like https://sts.eu-central-1.amazonaws.com; FIPS and dual-stack are chosen without naming one"
            }
        }
    }
}

impl fmt::Display for NetworkFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns { host } => write!(f, "the host name of {host} cannot be resolved"),
            Self::Unreachable { host, reason } => write!(f, "{host} cannot be reached: {reason}"),
            Self::Proxy { proxy, reason } => write!(f, "the proxy {proxy} failed: {reason}"),
            Self::Tls { host, reason, .. } => write!(f, "no trusted TLS connection to {host}: {reason}"),
            Self::TimedOut { host, after } => {
                write!(f, "{host} gave no answer within {}", humantime::format_duration(*after))
            }
            Self::TooLate { host, limit } => {
                write!(f, "{host} was not asked: the time limit of {} was over", humantime::format_duration(*limit))
            }
            Self::TooLarge { limit } => write!(f, "the answer is larger than {limit} bytes"),
            Self::Endpoint { reason } => write!(f, "the endpoint cannot be used: {reason}"),
        }
    }
}

impl fmt::Display for AssumeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.call {
            StsCall::AssumeRole | StsCall::AssumeRoleWithWebIdentity => write!(f, "cannot assume {}", self.role)?,
            StsCall::GetSessionToken => write!(f, "cannot get an MFA session for {}", self.role)?,
            StsCall::GetCallerIdentity => f.write_str("cannot ask whose the source credentials are")?,
        }
        if self.of > 1 && self.call != StsCall::GetCallerIdentity {
            write!(f, " (role {} of {})", self.hop, self.of)?;
        }
        match &self.cause {
            Cause::Refused { code, message, .. } => write!(f, ": {code}: {message}")?,
            Cause::Network(failure) => write!(f, ": {failure}")?,
            Cause::Garbage(reason) => write!(f, ": STS's answer cannot be understood: {reason}")?,
        }
        self.effort.map_or(Ok(()), |effort| write!(f, " ({effort})"))
    }
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tries = if self.tries == 1 { "try" } else { "tries" };
        write!(f, "{} {tries} in {}", self.tries, humantime::format_duration(self.time))?;
        match self.last {
            LastTry::Told => Ok(()),
            LastTry::Silent => f.write_str(", the last without an answer"),
        }
    }
}
