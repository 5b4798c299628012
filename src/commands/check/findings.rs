//! What a check has found, without secrets.

use crate::claims::Claims;
use crate::error::{AssumeError, Cause, ConfigError, Error, MfaFailure, Refusal, StsCall};
use crate::event::{AssumedRole, Event, MfaSessionFrom, Problem, SessionEvent};
use crate::mfa::mode::{KeyKind, MfaMode, device, mfa_mode};
use crate::process::Pid;
use crate::profile::{Plan, ProfileSet};
use crate::session::{CallerIdentity, Session};
use crate::settings::Settings;
use crate::sts;
use crate::supervise::policy::Duty;
use crate::vars::Vars;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// Everything that is known at the end of the check, or at the point where the check failed.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    pub(super) settings: &'a Settings,
    pub(super) vars: &'a Vars,
    /// The paths of the config file and of the credentials file, and whether each of them exists.
    pub(super) files: Vec<(PathBuf, bool)>,
    pub(super) profiles: Option<&'a ProfileSet>,
    pub(super) plan: Option<&'a Plan>,
    pub(super) source: Option<FoundSource>,
    /// The time at which the login to IAM Identity Center expires. `None` if it can be refreshed, or for another source.
    pub(super) login_end: Option<SystemTime>,
    /// The events that the calls to STS have reported.
    pub(super) events: Vec<Event>,
    /// The session for the command. `None` if there is none.
    pub(super) session: Option<FoundSession>,
    /// The sessions of `--also`, in their order. If one is not available, it and those after it are missing.
    pub(super) others: Vec<FoundSession>,
    /// The process that `--signal-pid-file` names, or why it would not be signaled. `None` without this flag, or if the
    /// check ended before.
    pub(super) named: Option<Result<Pid, Problem>>,
    /// Why the session is not cached. `None` if the session is cached, or if there is no session.
    pub(super) uncached: Option<Uncached>,
    pub(super) failure: Option<(Place, Error)>,
}

/// Why a session is not cached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Uncached {
    /// `--no-cache` is set.
    Disabled,
    /// The session has no key in the cache (see [`Sessions::key`](crate::launch::sessions::Sessions::key)), or no cache
    /// directory can be used. If the user can fix one of the directories, the field contains the problem with that
    /// directory, and the hint.
    Impossible(Option<(String, String)>),
}

/// The session for the command, without its keys.
#[derive(Debug)]
pub(super) struct FoundSession {
    /// The ARN of the assumed role. `None` without a role.
    pub(super) arn: Option<String>,
    pub(super) account: Option<String>,
    /// The expiration and the lifetime. `None` if no expiry is known.
    pub(super) term: Option<(SystemTime, Duration)>,
}

impl From<&Session> for FoundSession {
    fn from(session: &Session) -> Self {
        let term = session.validity.as_ref().map(|validity| (validity.expiration, validity.lifetime));
        Self { arn: session.assumed_role_arn.clone(), account: session.account().map(str::to_owned), term }
    }
}

/// The source credentials, and what the first call to STS has shown about them.
#[derive(Debug)]
pub(super) struct FoundSource {
    /// `None` if the source is a web identity token, which has no access key.
    pub(super) access_key_id: Option<String>,
    pub(super) kind: KeyKind,
    /// The region in which STS is called.
    pub(super) region: String,
    /// The region of the EC2 instance on which xassume runs. `None` if a region is set, or if instance metadata is not
    /// the source.
    pub(super) instance_region: Option<String>,
    /// The identity that owns the access keys, as returned by `GetCallerIdentity`. `None` for a web identity token, or
    /// if the check ended before this call.
    pub(super) caller: Option<Result<CallerIdentity, Box<AssumeError>>>,
    /// The time of STS's clock minus the time of the local clock, in seconds. `None` if STS has not answered.
    pub(super) skew_secs: Option<i64>,
}

/// The steps of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Config,
    Source,
    /// The claims of the token. Only if the source is a web identity token.
    Token,
    Unattended,
    Sts,
    Clock,
    Caller,
    Mfa,
    /// The role with this number in the chain, counted from 1.
    Role(usize),
    Session,
    /// The session of `--also` at this place, counted from 0.
    Also(usize),
    Delivery,
    Expiry,
    Environment,
}

impl Findings<'_> {
    /// Returns the steps of this check, in the order in which they are shown.
    pub(super) fn places(&self) -> Vec<Place> {
        let mut places = vec![Place::Config, Place::Source];
        places.extend(self.plan.filter(|plan| plan.source.is_web_identity()).map(|_| Place::Token));
        places.extend([Place::Unattended, Place::Sts, Place::Clock, Place::Caller]);
        let hops = self.plan.map_or(1, |plan| plan.hops.len());
        places.extend((1..=hops).map(Place::Role));
        if let Some(before) = self.hop_with_code() {
            let at = places.iter().position(|place| *place == Place::Role(before));
            places.insert(at.unwrap_or(places.len()), Place::Mfa);
        }
        places.push(Place::Session);
        places.extend((0..self.settings.also.len()).map(Place::Also));
        places.extend([Place::Delivery, Place::Expiry, Place::Environment]);
        places
    }

    /// Returns the number, counted from 1, of the first role that cannot be assumed without an MFA code. The MFA step
    /// comes before the step of this role. Returns `None` if no role has an MFA device.
    fn hop_with_code(&self) -> Option<usize> {
        let plan = self.plan?;
        let (at, _) = device(plan)?;
        let kind = self.source.as_ref().map_or(KeyKind::LongTerm, |source| source.kind);
        Some(if matches!(mfa_mode(plan, kind), MfaMode::Session(_)) { 1 } else { at })
    }

    /// Ends the check with this error, at the step to which the error belongs.
    pub(super) fn fail(&mut self, mut error: Error) {
        self.name_caller(&mut error);
        self.failure = Some((self.place(&error), error));
    }

    /// Returns the URL of STS, or `None` if the region is not known.
    pub(super) fn endpoint(&self) -> Option<String> {
        let region = self.source.as_ref().map(|source| source.region.as_str());
        sts::endpoint(self.plan?, self.settings.sts.endpoint.as_deref(), region)
    }

    /// Returns the roles that were assumed, in the order of the chain.
    pub(super) fn roles(&self) -> impl Iterator<Item = &AssumedRole> {
        self.events.iter().filter_map(|event| match event {
            Event::Session(SessionEvent::RoleAssumed { role, .. }) => Some(role),
            _ => None,
        })
    }

    /// Returns the claims of the last web identity token, and the seconds until it expires. Both are `None` if they are
    /// not known. Returns `None` if the source has returned no token.
    pub(super) fn token(&self) -> Option<(Option<&Claims>, Option<i64>)> {
        self.events.iter().rev().find_map(|event| match event {
            Event::Session(SessionEvent::WebIdentityToken { claims, left_secs }) => Some((claims.as_ref(), *left_secs)),
            _ => None,
        })
    }

    /// Returns the time until which the user is signed in to IAM Identity Center. Returns `None` if the check did not sign
    /// in.
    pub(super) fn signed_in_until(&self) -> Option<SystemTime> {
        self.events.iter().find_map(|event| match event {
            Event::Session(SessionEvent::SignedIn { expiration, .. }) => Some(*expiration),
            _ => None,
        })
    }

    /// Returns the MFA session that signed the first call: its access key ID, its expiry and its origin. Returns `None`
    /// if there is no MFA session.
    pub(super) fn mfa_session(&self) -> Option<(&str, SystemTime, MfaSessionFrom)> {
        self.events.iter().rev().find_map(|event| match event {
            Event::Session(SessionEvent::MfaSession { access_key_id, expiration, from }) => {
                Some((access_key_id.as_str(), *expiration, *from))
            }
            _ => None,
        })
    }

    /// If STS denied a request and did not name the caller, adds the caller to the error, so that the hints can say
    /// whose policies to check.
    fn name_caller(&self, error: &mut Error) {
        let Error::Assume(error) = error else { return };
        let source = || Some(&self.source.as_ref()?.caller.as_ref()?.as_ref().ok()?.arn);
        let known = self.roles().last().map(|before| &before.arn).or_else(source);
        if let Cause::Refused { refusal: Refusal::AccessDenied { caller: caller @ None, .. }, .. } = &mut error.cause {
            *caller = known.cloned();
        }
    }

    fn place(&self, error: &Error) -> Place {
        match error {
            Error::File { .. } if self.plan.is_none() => Place::Config,
            Error::Config(error) => match **error {
                // Only the source has shown that its credentials do not expire.
                ConfigError::NothingExpires { .. } if self.plan.is_some() => Place::Expiry,
                _ => of_config(error),
            },
            // Unreadable certificates and a missing region are found before the first call to STS, so they are shown at
            // the step of the source.
            Error::Source(_)
            | Error::File { .. }
            | Error::Certificates { .. }
            | Error::Usage { .. }
            | Error::Conflict { .. } => Place::Source,
            Error::Mfa(error)
                if matches!(error.kind, MfaFailure::Unattended { .. }) && !self.may_have_used_a_code() =>
            {
                Place::Unattended
            }
            Error::Mfa(_) => Place::Mfa,
            Error::Assume(error) => of_call(error),
            _ => Place::Session,
        }
    }

    /// Checks whether an MFA code may have been used up, because there is an MFA session, or because a role was
    /// assumed.
    fn may_have_used_a_code(&self) -> bool {
        self.mfa_session().is_some() || self.roles().next().is_some()
    }
}

/// Checks whether a launch with these settings refreshes its sessions. Such a launch fails if each refresh would need a
/// code from the user.
pub(super) fn refreshes(settings: &Settings) -> bool {
    settings.mode.policy().is_some_and(|policy| policy.duty() == Duty::Refresh)
}

/// Returns the step to which a failed call belongs. If the first call gets no answer, this is [`Place::Sts`], because
/// STS cannot be reached.
fn of_call(error: &AssumeError) -> Place {
    match error.call {
        StsCall::GetCallerIdentity | StsCall::AssumeRoleWithWebIdentity if is_unanswered(error) => Place::Sts,
        StsCall::GetCallerIdentity if is_clock(error) => Place::Clock,
        StsCall::GetCallerIdentity => Place::Caller,
        StsCall::GetSessionToken => Place::Mfa,
        StsCall::AssumeRole | StsCall::AssumeRoleWithWebIdentity => Place::Role(error.number),
    }
}

/// Checks whether this failure of `GetCallerIdentity` means that a launch fails, too. Other failures are not fatal,
/// because a launch does not make this call. `needs_sts` means that a launch calls STS.
pub(super) fn is_fatal(error: &AssumeError, needs_sts: bool) -> bool {
    let keys = matches!(
        error.cause,
        Cause::Refused { refusal: Refusal::SourceExpired | Refusal::SourceUnknown | Refusal::Signature { .. }, .. }
    );
    keys || (needs_sts && is_unanswered(error))
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
        | ConfigError::ContainsToken { .. }
        | ConfigError::IncompleteSso { .. }
        | ConfigError::SsoMismatch { .. }
        | ConfigError::UnknownSsoSession { .. }
        | ConfigError::NothingToLaunch { .. }
        | ConfigError::NoSource(_) => Place::Source,
        _ => Place::Config,
    }
}
