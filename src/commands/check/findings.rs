//! What a check has found, without secrets.

use crate::error::{AssumeError, Cause, ConfigError, Error, MfaFailure, Refusal, StsCall};
use crate::event::{AssumedRole, Event, MfaSessionFrom, SessionEvent};
use crate::mfa::mode::{KeyKind, MfaMode, device, mfa_mode};
use crate::profile::{Plan, ProfileSet};
use crate::session::CallerIdentity;
use crate::settings::{Mode, Settings};
use crate::sts;
use crate::supervise::policy::Duty;
use crate::vars::Vars;
use std::path::PathBuf;
use std::time::SystemTime;

/// Everything that is known at the end of the check, or where it failed.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    pub(super) settings: &'a Settings,
    pub(super) vars: &'a Vars,
    /// The config file and the credentials file, and whether they exist.
    pub(super) files: Vec<(PathBuf, bool)>,
    pub(super) profiles: Option<&'a ProfileSet>,
    pub(super) plan: Option<&'a Plan>,
    pub(super) source: Option<FoundSource>,
    /// The events of the calls to STS.
    pub(super) events: Vec<Event>,
    /// Why the session is not cached; none if it is.
    pub(super) uncached: Option<Uncached>,
    pub(super) failure: Option<(Place, Error)>,
}

/// Why a session is not cached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Uncached {
    /// `--no-cache`.
    Disabled,
    /// Sessions of this source cannot be distinguished, or no directory can be used: the problem and the hint for the one
    /// that the user can fix.
    Impossible(Option<(String, String)>),
}

/// The source credentials, and what the first call to STS has shown.
#[derive(Debug)]
pub(super) struct FoundSource {
    /// None for a web identity token.
    pub(super) access_key_id: Option<String>,
    pub(super) kind: KeyKind,
    /// The region of STS.
    pub(super) region: String,
    /// The region of the instance, where none is set.
    pub(super) instance_region: Option<String>,
    /// The owner of the keys; none for a web identity token.
    pub(super) caller: Option<Result<CallerIdentity, Box<AssumeError>>>,
    /// STS's clock minus the local one, in seconds.
    pub(super) skew_secs: Option<i64>,
}

/// The steps of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Config,
    Source,
    Unattended,
    Sts,
    Clock,
    Caller,
    Mfa,
    /// Counted from 1.
    Role(usize),
    Session,
    Delivery,
    Expiry,
    Environment,
}

impl Findings<'_> {
    /// The steps of this check, in their order.
    pub(super) fn places(&self) -> Vec<Place> {
        let mut places = vec![Place::Config, Place::Source, Place::Unattended, Place::Sts, Place::Clock, Place::Caller];
        let hops = self.plan.map_or(1, |plan| plan.hops.len());
        places.extend((1..=hops).map(Place::Role));
        if let Some(before) = self.hop_with_code() {
            let at = places.iter().position(|place| *place == Place::Role(before));
            places.insert(at.unwrap_or(places.len()), Place::Mfa);
        }
        places.extend([Place::Session, Place::Delivery, Place::Expiry, Place::Environment]);
        places
    }

    /// The number of the role whose call needs an MFA code first.
    fn hop_with_code(&self) -> Option<usize> {
        let plan = self.plan?;
        let (_, at, _) = device(&plan.hops)?;
        let kind = self.source.as_ref().map_or(KeyKind::LongTerm, |source| source.kind);
        Some(if matches!(mfa_mode(&plan.hops, kind), MfaMode::Session(_)) { 1 } else { at })
    }

    /// Ends the check with this error.
    pub(super) fn fail(&mut self, mut error: Error) {
        self.name_caller(&mut error);
        self.failure = Some((self.place(&error), error));
    }

    /// STS's URL, if the region is known.
    pub(super) fn endpoint(&self) -> Option<String> {
        let region = self.source.as_ref().map(|source| source.region.as_str());
        sts::endpoint(self.plan?, self.settings.sts.endpoint.as_deref(), region)
    }

    /// The roles that were assumed, in their order.
    pub(super) fn roles(&self) -> impl Iterator<Item = &AssumedRole> {
        self.events.iter().filter_map(|event| match event {
            Event::Session(SessionEvent::RoleAssumed { role, .. }) => Some(role),
            _ => None,
        })
    }

    /// The MFA session that signed the first call: its access key ID, its expiry and its origin.
    pub(super) fn mfa_session(&self) -> Option<(&str, SystemTime, MfaSessionFrom)> {
        self.events.iter().rev().find_map(|event| match event {
            Event::Session(SessionEvent::MfaSession { access_key_id, expiration, from }) => {
                Some((access_key_id.as_str(), *expiration, *from))
            }
            _ => None,
        })
    }

    /// The command's session, if all roles were assumed.
    pub(super) fn session(&self) -> Option<&AssumedRole> {
        self.roles().nth(self.plan?.hops.len() - 1)
    }

    /// Adds the caller to a denial in which STS left it out: the policies are about that caller.
    fn name_caller(&self, error: &mut Error) {
        let Error::Assume(error) = error else { return };
        let source = self.source.as_ref().and_then(|source| source.caller.as_ref());
        let known = match (self.roles().last(), source) {
            (Some(before), _) => Some(&before.arn),
            (None, Some(Ok(source))) => Some(&source.arn),
            (None, _) => None,
        };
        if let Cause::Refused { refusal: Refusal::AccessDenied { caller: caller @ None, .. }, .. } = &mut error.cause {
            *caller = known.cloned();
        }
    }

    fn place(&self, error: &Error) -> Place {
        match error {
            Error::File { .. } if self.plan.is_none() => Place::Config,
            Error::Config(error) => of_config(error),
            // Unreadable certificates, a partition without a region and a recursion all come before the source.
            Error::Source(_) | Error::File { .. } | Error::Certificates { .. } | Error::Usage { .. } => Place::Source,
            Error::Mfa(error) if matches!(error.kind, MfaFailure::Unattended) && !self.may_have_used_a_code() => {
                Place::Unattended
            }
            Error::Mfa(_) => Place::Mfa,
            Error::Assume(error) => of_call(error),
            _ => Place::Session,
        }
    }

    /// A code may have been used for an MFA session or for a role.
    fn may_have_used_a_code(&self) -> bool {
        self.mfa_session().is_some() || self.roles().next().is_some()
    }
}

/// Whether sessions are refreshed: then a launch rejects sources that need an MFA code for each refresh.
pub(super) fn refreshes(settings: &Settings) -> bool {
    matches!(settings.mode, Mode::Supervise(policy) if policy.duty() == Duty::Refresh)
}

/// The step of a failed call. If STS cannot be reached, the first call fails for it.
fn of_call(error: &AssumeError) -> Place {
    match error.call {
        StsCall::GetCallerIdentity | StsCall::AssumeRoleWithWebIdentity if is_unanswered(error) => Place::Sts,
        StsCall::GetCallerIdentity if is_clock(error) => Place::Clock,
        StsCall::GetCallerIdentity => Place::Caller,
        StsCall::GetSessionToken => Place::Mfa,
        StsCall::AssumeRole | StsCall::AssumeRoleWithWebIdentity => Place::Role(error.hop),
    }
}

/// Whether this failure of `GetCallerIdentity` means that no role can be assumed either. A launch does not make this call.
pub(super) fn is_fatal(error: &AssumeError) -> bool {
    let keys = matches!(
        error.cause,
        Cause::Refused { refusal: Refusal::SourceExpired | Refusal::SourceUnknown | Refusal::Signature { .. }, .. }
    );
    keys || is_unanswered(error)
}

fn is_unanswered(error: &AssumeError) -> bool {
    match &error.cause {
        Cause::Network(_) | Cause::Unexpected(_) => true,
        Cause::Refused { refusal, .. } => *refusal == Refusal::Unavailable,
    }
}

fn is_clock(error: &AssumeError) -> bool {
    matches!(error.cause, Cause::Refused { refusal: Refusal::Signature { clock_off_secs: Some(_) }, .. })
}

fn of_config(error: &ConfigError) -> Place {
    match error {
        ConfigError::TwoSources { .. }
        | ConfigError::NoSourceForRole { .. }
        | ConfigError::UnknownCredentialSource { .. }
        | ConfigError::EmptyCredentialSource { .. }
        | ConfigError::NoCredentials { .. }
        | ConfigError::PartialEnvironmentKeys { .. }
        | ConfigError::PartialProfileKeys { .. }
        | ConfigError::UnusableEnvironmentKey { .. }
        | ConfigError::UnusableProfileKey { .. }
        | ConfigError::WebIdentityWithoutRole { .. }
        | ConfigError::IncompleteSso { .. }
        | ConfigError::SsoMismatch { .. }
        | ConfigError::UnknownSsoSession { .. }
        | ConfigError::NoSource(_) => Place::Source,
        _ => Place::Config,
    }
}
