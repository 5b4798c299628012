//! What a check has found: facts, collected by the walk and told by `steps`. No secret is among them.

use crate::error::{AssumeError, Cause, ConfigError, Error, MfaFailure, Refusal, StsCall};
use crate::mfa::mode::{KeyKind, MfaMode, device, mfa_mode};
use crate::profile::{Plan, ProfileSet};
use crate::session::{CallerIdentity, Granted, Session};
use crate::settings::Settings;
use crate::vars::Vars;
use std::path::PathBuf;
use std::time::SystemTime;

/// Everything that is known when the walk has ended, at its end or where it failed.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    pub(super) settings: &'a Settings,
    pub(super) vars: &'a Vars,
    /// The config file and the credentials file, and whether they are there.
    pub(super) files: Vec<(PathBuf, Presence)>,
    pub(super) profiles: Option<&'a ProfileSet>,
    pub(super) plan: Option<&'a Plan>,
    pub(super) source: Option<FoundSource>,
    /// The URL at which STS is asked, once the region is known.
    pub(super) endpoint: Option<String>,
    /// Whose keys the source gave; none for a web identity token. A refusal here need not be one of the role.
    pub(super) caller: Option<Result<CallerIdentity, Box<AssumeError>>>,
    /// STS's clock less the local one, in seconds.
    pub(super) skew_secs: Option<i64>,
    pub(super) mfa: Option<FoundMfa>,
    /// The hops that were assumed, in their order.
    pub(super) granted: Vec<Granted>,
    /// Why what was obtained is not kept for later runs, if it is not.
    pub(super) unkept: Option<Unkept>,
    /// What ended the walk before its end.
    pub(super) failure: Option<Error>,
    /// Why the session could not be handed to a command.
    pub(super) undelivered: Option<Error>,
}

/// Why a session is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unkept {
    /// `--no-cache`.
    ByWish,
    /// Sessions of this source cannot be told apart.
    Unnamed,
    /// No directory takes it. What is wrong with the one that a user would mend, and how.
    NoDirectory(Option<(String, String)>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    There,
    Missing,
}

/// What the source gave.
#[derive(Debug)]
pub(super) struct FoundSource {
    /// None for a web identity token.
    pub(super) access_key_id: Option<String>,
    pub(super) kind: KeyKind,
    /// The region in which STS is asked.
    pub(super) region: String,
    /// The instance's own, where nobody named one.
    pub(super) instance_region: Option<String>,
}

/// The MFA session that signs the first call.
#[derive(Debug)]
pub(super) struct FoundMfa {
    pub(super) access_key_id: String,
    /// By the local clock.
    pub(super) ends: SystemTime,
    pub(super) from: MfaFrom,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MfaFrom {
    /// An earlier run bought it.
    Cache,
    /// This check bought it, and spent a code.
    Code,
}

/// The stations of the way.
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

impl<'a> Findings<'a> {
    /// The stations of this way, in their order.
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

    /// The hop before which a code is needed, if one is.
    fn hop_with_code(&self) -> Option<usize> {
        let plan = self.plan?;
        let (_, at, _) = device(&plan.hops)?;
        let kind = self.source.as_ref().map_or(KeyKind::LongTerm, |source| source.kind);
        Some(if matches!(mfa_mode(&plan.hops, kind), MfaMode::Session(_)) { 1 } else { at })
    }

    /// Nothing but the question.
    pub(super) fn new(settings: &'a Settings, vars: &'a Vars, files: Vec<(PathBuf, Presence)>) -> Self {
        Self {
            settings,
            vars,
            files,
            profiles: None,
            plan: None,
            source: None,
            endpoint: None,
            caller: None,
            skew_secs: None,
            mfa: None,
            granted: Vec::new(),
            unkept: None,
            failure: None,
            undelivered: None,
        }
    }

    /// The session that the command would get, if the walk came so far.
    pub(super) fn session(&self) -> Option<&Session> {
        let hops = self.plan.map_or(0, |plan| plan.hops.len());
        self.granted.last().filter(|_| self.granted.len() == hops).map(|granted| &granted.session)
    }

    /// Puts the caller's name into a denial in which STS left it out: the policies are about that caller.
    pub(super) fn name_caller(&mut self) {
        let Some(Error::Assume(error)) = &mut self.failure else { return };
        let known = match (self.granted.last(), &self.caller) {
            (Some(before), _) => Some(before.session.role_arn()),
            (None, Some(Ok(source))) => Some(source.arn.as_str()),
            (None, _) => None,
        };
        if let Cause::Refused { refusal: Refusal::AccessDenied { caller: caller @ None, .. }, .. } = &mut error.cause {
            *caller = known.map(str::to_owned);
        }
    }

    /// Where the way ends, and why, if it does not lead to a command with a session.
    pub(super) fn failed(&self) -> Option<(Place, &Error)> {
        let on_the_walk = self.failure.as_ref().map(|error| (self.place(error), error));
        on_the_walk.or_else(|| self.undelivered.as_ref().map(|error| (Place::Delivery, error)))
    }

    fn place(&self, error: &Error) -> Place {
        match error {
            Error::File { .. } if self.plan.is_none() => Place::Config,
            Error::Config(error) => of_config(error),
            // Without the certificates, in a partition without a region, in a circle not even the source is asked.
            Error::Source(_) | Error::File { .. } | Error::Certificates { .. } | Error::Usage { .. } => Place::Source,
            Error::Mfa(error) if matches!(error.kind, MfaFailure::Unattended) && !self.has_heard_of_roles() => {
                Place::Unattended
            }
            Error::Mfa(_) => Place::Mfa,
            Error::Assume(error) => of_call(error),
            _ => Place::Session,
        }
    }

    /// Whether a code can have been spent already.
    fn has_heard_of_roles(&self) -> bool {
        self.mfa.is_some() || !self.granted.is_empty()
    }
}

/// Where a call belongs that failed. The first of them, when STS is not there, proves that.
fn of_call(error: &AssumeError) -> Place {
    match error.call {
        StsCall::GetCallerIdentity | StsCall::AssumeRoleWithWebIdentity if is_unanswered(error) => Place::Sts,
        StsCall::GetCallerIdentity if is_clock(error) => Place::Clock,
        StsCall::GetCallerIdentity => Place::Caller,
        StsCall::GetSessionToken => Place::Mfa,
        StsCall::AssumeRole | StsCall::AssumeRoleWithWebIdentity => Place::Role(error.hop),
    }
}

/// Whether a refusal to tell whose the keys are means that no role can be assumed with them either. A launch does not
/// ask, so another refusal is no reason to stop.
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
        ConfigError::Syntax { .. }
        | ConfigError::UnknownProfile { .. }
        | ConfigError::UnknownSourceProfile { .. }
        | ConfigError::Loop { .. }
        | ConfigError::UnknownServices { .. }
        | ConfigError::Value { .. }
        | ConfigError::Variable { .. }
        | ConfigError::NotText { .. }
        | ConfigError::NoRole { .. }
        | ConfigError::TooManyHops
        | ConfigError::ChainedDuration { .. }
        | ConfigError::MaxWithMfa { .. }
        | ConfigError::NotForWebIdentity { .. } => Place::Config,
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
    }
}
