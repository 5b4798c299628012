//! Errors of the STS calls with which a session is requested.

use super::denial::{Denied, PolicyDenial};
use super::network::{NOT_STS, NetworkFailure};
use super::text::{LONGER_COMMAND, TRY_LATER};
use super::web_identity::{RefusedToken, TokenPlace, TokenRefusal};
use super::{SourceError, counted};
use crate::claims::Claims;
use crate::role::{Hop, SessionDuration};
use humantime::format_duration;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// A failed STS call for one role of the chain.
#[derive(Debug, Clone, Error)]
#[error("{}: {cause}{}{}", .call.failed(.hop.as_ref(), *.number, *.of), made(*.attempts), no_token(.new_token.as_deref()))]
pub(crate) struct AssumeError {
    /// `None` if no role was to be assumed.
    pub(crate) hop: Option<Hop>,
    /// The position of the role in the chain, counted from 1.
    pub(crate) number: usize,
    pub(crate) of: usize,
    pub(crate) call: StsCall,
    /// The region of the STS endpoint.
    pub(crate) region: String,
    pub(crate) cause: Cause,
    /// How many attempts were made, and for how long. `None` if the call was not retried until its time limit.
    pub(crate) attempts: Option<AttemptsMade>,
    /// The claims of the web identity token in the call. `None` if the call had none, or if the token is not a JWT.
    pub(crate) claims: Option<Claims>,
    /// Why there was no new web identity token for another attempt. `None` if none was needed.
    pub(crate) new_token: Option<Arc<SourceError>>,
    /// The place that still contains the refused token. `None` if there is no such place, or if it is not known.
    pub(crate) place: Option<TokenPlace>,
}

/// The attempts at a call that was retried until its time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AttemptsMade {
    pub(crate) attempts: u32,
    pub(crate) time: Duration,
    /// Whether the last attempt timed out. The reported cause is then that of an earlier attempt.
    pub(crate) last_timed_out: bool,
}

fn made(attempts: Option<AttemptsMade>) -> String {
    let Some(AttemptsMade { attempts, time, last_timed_out }) = attempts else { return String::new() };
    let end = if last_timed_out { "; the last one timed out" } else { "" };
    format!(" ({} in {}{end})", counted(attempts, "attempt"), format_duration(time))
}

fn no_token(failure: Option<&SourceError>) -> String {
    failure.map(|failure| format!(" (not tried again: {failure})")).unwrap_or_default()
}

/// The STS API call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StsCall {
    AssumeRole,
    AssumeRoleWithWebIdentity,
    /// The call that requests the MFA session. The role was to be assumed with this session.
    GetSessionToken,
    /// The call that returns the identity of the source credentials.
    GetCallerIdentity,
}

impl StsCall {
    fn failed(self, hop: Option<&Hop>, number: usize, of: usize) -> String {
        let role = hop.map(|hop| hop.role.to_string()).unwrap_or_default();
        let place = if of > 1 { format!(" (role {number} of {of})") } else { String::new() };
        match self {
            Self::AssumeRole | Self::AssumeRoleWithWebIdentity => format!("cannot assume {role}{place}"),
            Self::GetSessionToken if hop.is_none() => "GetSessionToken with MFA failed".to_owned(),
            Self::GetSessionToken => format!("GetSessionToken with MFA failed for {role}{place}"),
            Self::GetCallerIdentity => "GetCallerIdentity failed".to_owned(),
        }
    }
}

/// Why the call failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Cause {
    /// STS rejected the call.
    #[error("{code}: {message}")]
    Refused { code: String, message: String, refusal: Refusal },
    /// STS could not be reached, or its answer was not received in full.
    #[error("{0}")]
    Network(NetworkFailure),
    /// The answer is not a valid STS response.
    #[error("unexpected response: {0}")]
    Unexpected(String),
}

/// The meaning of the error code and the message in STS's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// STS denied the call. A field is `None` if STS did not name the caller's ARN, the action or the policy.
    AccessDenied {
        caller: Option<String>,
        action: Option<String>,
        denial: Option<PolicyDenial>,
    },
    RootUser,
    /// The MFA code is wrong, or was used before. STS does not distinguish the two.
    MfaCode,
    /// STS cannot check codes of this MFA device for this caller.
    MfaDevice,
    SourceExpired,
    SourceUnknown,
    /// The signature is wrong. `clock_off_secs` is set if the system clock is the reason. It is the number of seconds
    /// by which the clock is behind AWS, or ahead of AWS if negative.
    Signature {
        clock_off_secs: Option<i64>,
    },
    DurationAboveRole,
    DurationAboveChaining,
    RegionDisabled,
    BadPolicy,
    PackedPolicy,
    /// STS refused the web identity token.
    Token(TokenRefusal),
    Throttled,
    /// STS failed while it processed the call, so the same call may succeed later.
    Unavailable,
    Other,
}

impl AssumeError {
    pub(crate) fn new(
        hop: Option<&Hop>,
        (number, of): (usize, usize),
        call: StsCall,
        region: &str,
        cause: Cause,
    ) -> Self {
        let (hop, region) = (hop.cloned(), region.to_owned());
        Self { hop, number, of, call, region, cause, attempts: None, claims: None, new_token: None, place: None }
    }

    /// Adds the claims of the web identity token in the call, for the hint.
    pub(crate) fn with_claims(mut self: Box<Self>, token: &str) -> Box<Self> {
        self.claims = Claims::read(token);
        self
    }

    /// Adds the place that still contains the refused token, for the hint.
    pub(crate) fn with_place(mut self: Box<Self>, place: Option<TokenPlace>) -> Box<Self> {
        self.place = place;
        self
    }

    /// Adds why there was no new web identity token for another attempt.
    pub(crate) fn without_new_token(mut self: Box<Self>, failure: SourceError) -> Box<Self> {
        self.new_token = Some(Arc::new(failure));
        self
    }

    /// Checks whether the same call may succeed later: STS could not be reached, did not answer before the time limit,
    /// failed, or throttled the call.
    pub(crate) fn is_outage(&self) -> bool {
        let passing = match &self.cause {
            Cause::Refused { refusal, .. } => matches!(
                refusal,
                Refusal::Throttled | Refusal::Unavailable | Refusal::Token(TokenRefusal::IssuerUnreachable)
            ),
            Cause::Network(NetworkFailure::TooLarge { .. } | NetworkFailure::Endpoint { .. })
            | Cause::Unexpected(_) => false,
            Cause::Network(_) => true,
        };
        passing || self.attempts.is_some() || self.new_token.as_ref().is_some_and(|failure| failure.is_outage())
    }

    /// Returns what the user can do about the error, such as the policy statements that would allow a denied call.
    pub(crate) fn hint(&self) -> String {
        match &self.cause {
            Cause::Refused { refusal, .. } => self.refusal_hint(refusal),
            Cause::Network(failure) => failure.hint().into_owned(),
            Cause::Unexpected(_) => NOT_STS.into(),
        }
    }

    fn refusal_hint(&self, refusal: &Refusal) -> String {
        match refusal {
            Refusal::AccessDenied { caller, action, denial } => match (self.call, &self.hop) {
                (StsCall::AssumeRole | StsCall::AssumeRoleWithWebIdentity, Some(Hop { role, options, .. })) => {
                    let denied = Denied { role, options, action: action.as_deref() };
                    denied.hint(caller.as_deref(), *denial)
                }
                (StsCall::GetSessionToken, _) => {
                    "a policy of the user or of the organization denies sts:GetSessionToken".into()
                }
                _ => "no policy can deny this call, except that of a VPC endpoint".into(),
            },
            Refusal::RootUser => "root users cannot assume roles; use an IAM user or role".into(),
            Refusal::MfaCode => format!("enter a new code (each code works once){}", self.own_device(" and ")),
            Refusal::MfaDevice => format!("codes of this device cannot be checked{}", self.own_device("; ")),
            Refusal::SourceExpired if self.number > 1 => {
                "the session of the previous role has expired; use a longer duration".into()
            }
            Refusal::SourceExpired => "the source credentials have expired; log in again, or get new ones".into(),
            Refusal::SourceUnknown => format!(
                "this access key does not exist in {}; was the key deleted, or is the region in another partition?",
                self.partition()
            ),
            Refusal::Signature { clock_off_secs: Some(seconds) } => {
                let off = format_duration(Duration::from_secs(seconds.unsigned_abs()));
                let direction = if *seconds > 0 { "behind" } else { "ahead" };
                format!("the system clock is {off} {direction}; synchronize it (timedatectl, chrony)")
            }
            Refusal::Signature { clock_off_secs: None } => {
                "check the secret access key: it does not match the access key ID".into()
            }
            Refusal::DurationAboveRole => format!(
                "use a duration shorter than {}, use --duration max, or raise the role's MaxSessionDuration",
                self.duration()
            ),
            Refusal::DurationAboveChaining => format!(
                "a role assumed with temporary credentials gets at most 1h; use a duration of 1h or less; {LONGER_COMMAND}"
            ),
            Refusal::RegionDisabled => format!(
                "activate STS in {} (account settings in the IAM console), or use another --region",
                self.region
            ),
            Refusal::BadPolicy => "correct the session policy (--policy)".into(),
            Refusal::PackedPolicy => {
                "shorten the session policy (--policy), or use fewer policy ARNs and tags (--policy-arn, --tag)".into()
            }
            Refusal::Token(refusal) => match &self.hop {
                Some(Hop { role, .. }) => {
                    let (claims, place) = (self.claims.as_ref(), self.place.as_ref());
                    RefusedToken { role, claims, place }.hint(*refusal)
                }
                None => "get a new token".into(),
            },
            Refusal::Throttled => {
                format!("too many requests (STS allows 600 per second per account and region); {TRY_LATER}")
            }
            Refusal::Unavailable => format!("STS is temporarily unavailable; {TRY_LATER}"),
            Refusal::Other => "see the STS API reference; -v shows the request".into(),
        }
    }

    fn partition(&self) -> String {
        let of_role = self.hop.as_ref().map(|hop| format!("partition {}", hop.role.partition()));
        of_role.unwrap_or_else(|| format!("the partition of {}", self.region))
    }

    /// Checks whether STS rejected an MFA code. STS may accept another one.
    pub(crate) fn is_rejected_code(&self) -> bool {
        matches!(self.cause, Cause::Refused { refusal: Refusal::MfaCode, .. })
    }

    /// Returns the end of a hint, which names the MFA device. Returns an empty text if the role has no device. `before`
    /// separates the text from the rest of the hint.
    fn own_device(&self, before: &str) -> String {
        let device = self.hop.as_ref().and_then(|hop| hop.options.mfa_serial.as_ref());
        device.map(|serial| format!("{before}check that {serial} is the caller's own device")).unwrap_or_default()
    }

    fn duration(&self) -> String {
        match self.hop.as_ref().and_then(|hop| hop.options.duration) {
            Some(SessionDuration::Exactly(duration)) => format_duration(duration).to_string(),
            Some(SessionDuration::Max) | None => "1h".into(),
        }
    }
}
