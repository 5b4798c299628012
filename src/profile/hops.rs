//! How each role of the chain is assumed: which profile's settings and which flags go to which hop.
//!
//! Flags beat the profile. It does not know where roles and source credentials come from.

use super::request::Request;
use super::set::ProfileSet;
use crate::error::{ConfigError, DurationBy};
use crate::origin::Precedence;
use crate::role::{
    ExternalId, Hop, HopOptions, Invalid, MAX_HOPS, MfaSerial, RoleArn, RoleSessionName, SessionDuration,
};
use crate::vars::Vars;
use std::time::Duration;

/// The roles to assume, one with the session of the one before; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoleChain {
    earlier: Vec<Hop>,
    last: Hop,
}

impl RoleChain {
    /// A chain of these hops, unless there are none.
    #[cfg(test)]
    pub(crate) fn new(mut hops: Vec<Hop>) -> Option<Self> {
        let last = hops.pop()?;
        Some(Self { earlier: hops, last })
    }

    /// The hop that is assumed with the source credentials.
    pub(crate) fn first(&self) -> &Hop {
        self.earlier.first().unwrap_or(&self.last)
    }

    /// The hop whose session the command gets.
    pub(crate) fn last(&self) -> &Hop {
        &self.last
    }

    /// All hops, in the order in which they are assumed.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Hop> {
        self.earlier.iter().chain(std::iter::once(self.last()))
    }

    /// The longest lifetime that STS may grant: an hour when nothing is asked for, and in a chain.
    pub(crate) fn longest_lifetime(&self) -> Duration {
        match self.last.options.duration {
            Some(SessionDuration::Exactly(duration)) => duration,
            Some(SessionDuration::Max) if self.earlier.is_empty() => SessionDuration::MOST,
            Some(SessionDuration::Max) | None => SessionDuration::HOUR,
        }
    }

    /// How many hops there are: at least one.
    pub(crate) fn len(&self) -> usize {
        self.earlier.len() + 1
    }
}

/// A role before the flags are applied: what its profile says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) role: RoleArn,
    pub(super) profile: Option<String>,
    session_name: Option<RoleSessionName>,
    external_id: Option<ExternalId>,
    duration: Option<SessionDuration>,
    mfa_serial: Option<MfaSerial>,
    /// What was passed over, and why.
    note: Option<String>,
}

impl Draft {
    /// A role that was named by itself.
    pub(super) fn plain(role: RoleArn) -> Self {
        Self {
            role,
            profile: None,
            session_name: None,
            external_id: None,
            duration: None,
            mfa_serial: None,
            note: None,
        }
    }

    /// The role of a profile, if it has one.
    ///
    /// # Errors
    /// When a value is outside AWS's limits; the SDKs send it, or pass it over.
    pub(super) fn of_profile(profiles: &ProfileSet, name: &str) -> Result<Option<Self>, ConfigError> {
        let Some(role) = read(profiles, name, "role_arn", RoleArn::parse)? else { return Ok(None) };
        let duration = read(profiles, name, "duration_seconds", seconds)?;
        Ok(Some(Self {
            role,
            profile: Some(name.to_owned()),
            session_name: read(profiles, name, "role_session_name", RoleSessionName::parse)?,
            external_id: read(profiles, name, "external_id", ExternalId::parse)?,
            duration: duration.flatten(),
            mfa_serial: read(profiles, name, "mfa_serial", MfaSerial::parse)?,
            note: matches!(duration, Some(None)).then(|| {
                format!("duration_seconds of profile {name} is not used: it is not a whole number of seconds")
            }),
        }))
    }
}

fn read<T>(
    profiles: &ProfileSet,
    profile: &str,
    key: &'static str,
    parse: fn(&str) -> Result<T, Invalid>,
) -> Result<Option<T>, ConfigError> {
    let Some(value) = profiles.profile(profile).and_then(|settings| settings.get(key)) else { return Ok(None) };
    parse(value).map(Some).map_err(|invalid| ConfigError::Value {
        profile: profile.to_owned(),
        file: profiles.path_of(profile, key).to_owned(),
        key,
        value: value.to_owned(),
        invalid: invalid.into(),
    })
}

/// `duration_seconds` as Python's `int` reads it; nothing where that fails, since the AWS CLI passes the key over then. The
/// other forms of `--duration` would mislead AWS's tools.
///
/// # Errors
/// When the number is outside what STS allows.
fn seconds(text: &str) -> Result<Option<SessionDuration>, Invalid> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits.split('_').all(is_number) {
        return Ok(None);
    }
    let seconds = if text.starts_with('-') { 0 } else { digits.replace('_', "").parse().unwrap_or(u64::MAX) };
    SessionDuration::from_duration(Duration::from_secs(seconds)).map(Some)
}

/// Which call of STS a hop is. Only the first can be by web identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    AssumeRole,
    AssumeRoleWithWebIdentity,
}

/// Applies the flags and the session names.
///
/// Session name: flag, profile, `AWS_ROLE_SESSION_NAME`, default, for every hop. Source identity and MFA device, which
/// are the caller's, go to the first `AssumeRole` call; everything else goes to the last hop.
///
/// A variable that does not go with what was typed is dropped.
///
/// # Errors
/// A flag that no hop can carry, too many hops, more than an hour for a role that is assumed from another's session, or
/// a duration that is found by asking where each question takes an MFA code.
pub(super) fn finish(
    drafts: Vec<Draft>,
    call: Call,
    request: &Request,
    vars: &Vars,
    notes: &mut Vec<String>,
) -> Result<RoleChain, ConfigError> {
    let of = drafts.len();
    if of > MAX_HOPS {
        return Err(ConfigError::TooManyHops);
    }
    let first_signed = usize::from(call == Call::AssumeRoleWithWebIdentity);
    let mut flags = request.options.clone();
    let mut profiles = Vec::with_capacity(of);
    let mut hops = Vec::with_capacity(of);
    for (at, draft) in drafts.into_iter().enumerate() {
        profiles.push(draft.profile.clone());
        let call = if at < first_signed { call } else { Call::AssumeRole };
        hops.push(hop(draft, call, request, vars, notes)?);
    }
    if let ([hop], Call::AssumeRoleWithWebIdentity) = (&hops[..], call) {
        settle_unsigned(&mut flags, hop, request, notes)?;
    }
    settle_duration(&mut flags, &hops, request, notes);
    if let Some(caller) = hops.get_mut(first_signed) {
        caller.options.source_identity.clone_from(&flags.source_identity);
        if flags.mfa_serial.is_some() {
            caller.options.mfa_serial.clone_from(&flags.mfa_serial);
        }
    }
    let Some(mut last) = hops.pop() else { return Err(ConfigError::NoRole { profile: None, misplaced: None }) };
    if flags.external_id.is_some() {
        last.options.external_id.clone_from(&flags.external_id);
    }
    if flags.duration.is_some() {
        last.options.duration = flags.duration;
        profiles.pop();
    }
    one_device(hops.iter_mut().chain([&mut last]), notes);
    last.options.policy.clone_from(&flags.policy);
    last.options.policy_arns.clone_from(&flags.policy_arns);
    last.options.tags.clone_from(&flags.tags);
    last.options.transitive_tags.clone_from(&flags.transitive_tags);
    let chain = RoleChain { earlier: hops, last };
    // The first role is assumed with the source credentials: whether those are a role's, only STS knows.
    for (at, hop) in chain.iter().enumerate().skip(1) {
        if matches!(hop.options.duration, Some(SessionDuration::Exactly(asked)) if asked > SessionDuration::HOUR) {
            let profile = profiles.get(at).cloned().flatten();
            let by_word = || DurationBy::Origin(request.word("duration"), request.naming());
            let by = profile.map_or_else(by_word, DurationBy::Profile);
            return Err(ConfigError::ChainedDuration { role: hop.role.to_string(), hop: at + 1, of, by });
        }
    }
    let first = chain.first();
    if first.options.mfa_serial.is_some() && first.options.duration == Some(SessionDuration::Max) {
        let device = flags.mfa_serial.is_some().then(|| request.word("mfa-serial"));
        let duration = request.word("duration");
        return Err(ConfigError::MaxWithMfa { role: first.role.to_string(), duration, device });
    }
    Ok(chain)
}

/// Leaves one device in a chain, the first: a code is the user's, is good for one call, and no role has a device.
fn one_device<'a>(hops: impl Iterator<Item = &'a mut Hop>, notes: &mut Vec<String>) {
    for hop in hops.filter(|hop| hop.options.mfa_serial.is_some()).skip(1) {
        hop.options.mfa_serial = None;
        notes.push(format!("mfa_serial is not used for {}: the one code goes with a role before it", hop.role));
    }
}

/// One hop with its profile's settings and its name. A web identity hop has no external id and no MFA device.
fn hop(draft: Draft, call: Call, request: &Request, vars: &Vars, notes: &mut Vec<String>) -> Result<Hop, ConfigError> {
    const VARIABLE: &str = "AWS_ROLE_SESSION_NAME";
    let session_name = match (&request.session_name, draft.session_name, vars.text(VARIABLE)) {
        (Some(flag), _, _) => flag.clone(),
        (None, Some(of_profile), _) => of_profile,
        (None, None, Some(value)) => RoleSessionName::parse(value).map_err(|invalid| ConfigError::Variable {
            name: VARIABLE,
            value: value.to_owned(),
            invalid: invalid.into(),
        })?,
        (None, None, None) => request.default_session_name.clone(),
    };
    notes.extend(draft.note);
    let mut options = HopOptions { duration: draft.duration, ..HopOptions::default() };
    if call == Call::AssumeRoleWithWebIdentity {
        if draft.external_id.is_some() || draft.mfa_serial.is_some() {
            let role = &draft.role;
            notes.push(format!("external_id and mfa_serial are ignored for {role}: its web identity needs neither"));
        }
    } else {
        options.external_id = draft.external_id;
        options.mfa_serial = draft.mfa_serial;
    }
    Ok(Hop { role: draft.role, session_name, options })
}

/// Drops what only `AssumeRole` takes, where it came by variables and the one role or its token was typed.
///
/// # Errors
/// The first such flag that does not rank below.
fn settle_unsigned(
    flags: &mut HopOptions,
    hop: &Hop,
    request: &Request,
    notes: &mut Vec<String>,
) -> Result<(), ConfigError> {
    let given = [
        ("external-id", flags.external_id.is_some()),
        ("tag", !flags.tags.is_empty()),
        ("transitive-tag", !flags.transitive_tags.is_empty()),
        ("source-identity", flags.source_identity.is_some()),
        ("mfa-serial", flags.mfa_serial.is_some()),
    ];
    for word in given.into_iter().filter(|(_, given)| *given).map(|(flag, _)| request.word(flag)) {
        if request.naming().is_none_or(|naming| word.beside(naming) != Precedence::Other) {
            let token = request.web_identity_token_file.is_some().then(|| request.word("web-identity-token-file"));
            return Err(ConfigError::NotForWebIdentity { word, role: hop.role.to_string(), token });
        }
        notes.push(format!("{word} is not used: {} is assumed with a web identity token", hop.role));
    }
    *flags = HopOptions {
        duration: flags.duration,
        policy: flags.policy.take(),
        policy_arns: std::mem::take(&mut flags.policy_arns),
        ..HopOptions::default()
    };
    Ok(())
}

/// Drops a duration, or a device, that came by a variable and does not go with what was typed.
fn settle_duration(flags: &mut HopOptions, hops: &[Hop], request: &Request, notes: &mut Vec<String>) {
    let word = request.word("duration");
    match (hops, flags.duration) {
        ([_, .., last], Some(SessionDuration::Exactly(asked)))
            if asked > SessionDuration::HOUR
                && request.naming().is_some_and(|naming| word.beside(naming) == Precedence::Other) =>
        {
            let (of, role) = (hops.len(), &last.role);
            notes.push(format!("{word} is not used: role chaining is capped at 1h, for {role} (role {of} of {of})"));
            flags.duration = None;
        }
        ([only], Some(SessionDuration::Max)) => {
            let own = flags.mfa_serial.is_some();
            let of_profile = only.options.mfa_serial.is_some() && request.profile.is_some();
            let device = own.then_some("mfa-serial").or_else(|| of_profile.then_some("profile"));
            let Some(device) = device.map(|flag| request.word(flag)) else { return };
            match word.beside(device) {
                Precedence::Other => {
                    notes.push(word.stands_back(device));
                    flags.duration = None;
                }
                Precedence::This if own => {
                    notes.push(device.stands_back(word));
                    flags.mfa_serial = None;
                }
                Precedence::This | Precedence::Neither => {}
            }
        }
        _ => {}
    }
}
