//! The role chain. The settings of each role come from its profile and from the flags.
//!
//! Flags take precedence over the profile. `plan` decides where the roles and the source credentials come from.

use super::conflicts::FOR_ASSUME_ROLE;
use super::draft::{Draft, SESSION_TAGS, SOURCE_IDENTITY};
use super::request::Request;
use super::setting::of_variable;
use crate::error::{ConfigError, DurationBy};
use crate::event::Ignored;
use crate::flags::{DURATION, MFA_SERIAL};
use crate::role::{Hop, HopOptions, MAX_HOPS, ProfileKey, RoleSessionName, SessionDuration};
use crate::vars::Vars;
use std::time::Duration;

/// The roles to assume. The first role is assumed with the source credentials. Each other role is assumed with the
/// session of the role before it. Without roles, the command gets the source credentials themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RoleChain(Vec<Hop>);

impl RoleChain {
    #[cfg(test)]
    pub(crate) fn new(hops: Vec<Hop>) -> Self {
        Self(hops)
    }

    /// Returns the hop that is assumed with the source credentials.
    pub(crate) fn first(&self) -> Option<&Hop> {
        self.0.first()
    }

    /// Returns the hop whose session the command gets.
    pub(crate) fn last(&self) -> Option<&Hop> {
        self.0.last()
    }

    /// Returns all hops, in the order in which they are assumed.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Hop> + DoubleEndedIterator {
        self.0.iter()
    }

    /// Returns the longest lifetime that STS may grant for the last role. If the requested duration is `max`, this is
    /// 12 hours for a single role, and one hour for a longer chain. Otherwise, it is the requested duration, or one
    /// hour if none is requested.
    pub(crate) fn longest_lifetime(&self) -> Duration {
        match self.last().and_then(|last| last.options.duration) {
            Some(SessionDuration::Exactly(duration)) => duration,
            Some(SessionDuration::Max) if self.len() == 1 => SessionDuration::MOST,
            Some(SessionDuration::Max) | None => SessionDuration::HOUR,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Checks whether no role is assumed.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Applies the flags and the session names to the roles. `web_identity` is true if the first role is assumed with a web
/// identity token.
///
/// The session name of each hop comes from the flag, the profile, `AWS_ROLE_SESSION_NAME`, or the default, in this
/// order. The source identity and the MFA device belong to the caller, so their flags apply to the first `AssumeRole`
/// call. All other flags apply to the last hop.
///
/// # Errors
/// Fails if there are too many hops, if there is a flag that no hop can use, if a role would be assumed for more than
/// one hour with the session of another role, or if each attempt of `--duration max` would need a new MFA code.
pub(super) fn finish(
    drafts: Vec<Draft>,
    web_identity: bool,
    request: &Request,
    vars: &Vars,
    notes: &mut Vec<Ignored>,
) -> Result<RoleChain, ConfigError> {
    if drafts.len() > MAX_HOPS {
        return Err(ConfigError::TooManyHops);
    }
    let first_signed = usize::from(web_identity);
    let mut profiles = Vec::with_capacity(drafts.len());
    let mut hops = Vec::with_capacity(drafts.len());
    for (at, draft) in drafts.into_iter().enumerate() {
        profiles.push(draft.profile.clone());
        hops.push(hop(draft, at >= first_signed, request, vars, notes)?);
    }
    let flags = &request.options;
    if flags.source_identity.is_some() {
        for hop in &mut hops {
            hop.options.source_identity = None;
            hop.options.of_profiles.retain(|of| of.key != SOURCE_IDENTITY);
        }
        if let Some(caller) = hops.get_mut(first_signed) {
            caller.options.source_identity.clone_from(&flags.source_identity);
        }
    }
    if let Some(caller) = hops.get_mut(first_signed) {
        let of_profile = caller.options.mfa_serial.take();
        caller.options.mfa_serial = flags.mfa_serial.clone().or(of_profile);
    } else if let [only] = &hops[..] {
        refuse_unsigned(only, request)?;
    }
    one_device(&mut hops, notes);
    for hop in hops.iter_mut().filter(|hop| hop.options.mfa_serial.is_none()) {
        if hop.options.mfa_process.take().is_some() {
            let setting = format_args!("mfa_process for {}", hop.role);
            notes.push(Ignored::new(setting, "no MFA code is needed for this role"));
        }
    }
    let Some(last) = hops.last_mut() else { return Ok(RoleChain::default()) };
    let of_profile = last.options.external_id.take();
    last.options.external_id = flags.external_id.clone().or(of_profile);
    if flags.duration.is_some() {
        last.options.duration = flags.duration;
        profiles.pop();
    }
    last.options.policy.clone_from(&flags.policy);
    last.options.policy_arns.clone_from(&flags.policy_arns);
    if !flags.tags.is_empty() {
        last.options.tags.clone_from(&flags.tags);
        last.options.transitive_tags.clone_from(&flags.transitive_tags);
        last.options.of_profiles.retain(|of| of.key != SESSION_TAGS);
    }
    pass_on(&mut hops);
    let chain = RoleChain(hops);
    check_durations(&chain, &profiles, request)?;
    Ok(chain)
}

/// Fails if a flag is set that only `AssumeRole` supports. `only` is the only role, and it is assumed with a web
/// identity token, so it cannot use such a flag.
///
/// # Errors
/// The error names the first such flag.
fn refuse_unsigned(only: &Hop, request: &Request) -> Result<(), ConfigError> {
    let Some(flag) = FOR_ASSUME_ROLE.into_iter().find(|flag| request.given(flag).is_some()) else { return Ok(()) };
    let token = request.token_origin();
    Err(ConfigError::NotForWebIdentity { word: request.origin(flag), role: only.role.to_string(), token })
}

/// Checks the durations. With role chaining, a duration of at most one hour is allowed. This is not checked for the
/// first role, because only STS knows whether the source credentials are those of a role.
///
/// # Errors
/// Fails if a later role has a duration of more than one hour, or if `--duration max` is used with an MFA device.
fn check_durations(chain: &RoleChain, profiles: &[Option<String>], request: &Request) -> Result<(), ConfigError> {
    let duration = request.origin(&DURATION);
    for (at, hop) in chain.iter().enumerate().skip(1) {
        if matches!(hop.options.duration, Some(SessionDuration::Exactly(time)) if time > SessionDuration::HOUR) {
            let profile = profiles.get(at).cloned().flatten();
            let by = profile.map_or_else(|| DurationBy::Origin(duration, request.naming()), DurationBy::Profile);
            return Err(ConfigError::ChainedDuration { role: hop.role.to_string(), hop: at + 1, of: chain.len(), by });
        }
    }
    match chain.first() {
        Some(Hop { role, options, .. })
            if options.mfa_serial.is_some() && options.duration == Some(SessionDuration::Max) =>
        {
            let device = request.given(&MFA_SERIAL);
            Err(ConfigError::MaxWithMfa { role: role.to_string(), duration, device })
        }
        _ => Ok(()),
    }
}

/// Removes all MFA devices of a chain except the first. The devices are those of one user. A code is valid for one call
/// only, so it cannot be used for a second role.
fn one_device(hops: &mut [Hop], notes: &mut Vec<Ignored>) {
    for hop in hops.iter_mut().filter(|hop| hop.options.mfa_serial.is_some()).skip(1) {
        hop.options.mfa_serial = None;
        notes.push(Ignored::new(format_args!("mfa_serial for {}", hop.role), "an earlier role uses the MFA code"));
    }
}

/// Adds the keys of earlier profiles to each role whose call they affect, because STS passes on the source identity and the
/// transitive tags of a session to the next role.
fn pass_on(hops: &mut [Hop]) {
    let mut passed_on: Vec<ProfileKey> = Vec::new();
    for HopOptions { of_profiles, transitive_tags, .. } in hops.iter_mut().map(|hop| &mut hop.options) {
        let has_transitive_tags = !transitive_tags.is_empty();
        let own = of_profiles.iter().filter(|of| of.key == SOURCE_IDENTITY || has_transitive_tags).cloned();
        let own: Vec<_> = own.collect();
        of_profiles.extend(passed_on.iter().cloned());
        passed_on.extend(own);
    }
}

/// Creates a hop with its session name. If `signed` is false, the hop is an `AssumeRoleWithWebIdentity` call, which has
/// no parameters for an external ID, an MFA device, tags and a source identity, so these are ignored.
fn hop(
    draft: Draft,
    signed: bool,
    request: &Request,
    vars: &Vars,
    notes: &mut Vec<Ignored>,
) -> Result<Hop, ConfigError> {
    let session_name = match (&request.session_name, draft.session_name) {
        (Some(flag), _) => flag.clone(),
        (None, Some(of_profile)) => of_profile,
        (None, None) => of_variable(vars, "AWS_ROLE_SESSION_NAME", RoleSessionName::parse)?
            .unwrap_or_else(|| request.default_session_name.clone()),
    };
    notes.extend(draft.note);
    let mut options = draft.options;
    if !signed {
        let ignored = [
            ("external_id", options.external_id.take().is_some()),
            ("mfa_serial", options.mfa_serial.take().is_some()),
            ("mfa_process", options.mfa_process.take().is_some()),
            (SESSION_TAGS, !std::mem::take(&mut options.tags).is_empty()),
            (SOURCE_IDENTITY, options.source_identity.take().is_some()),
        ];
        options.transitive_tags.clear();
        options.of_profiles.clear();
        let ignored: Vec<_> = ignored.into_iter().filter(|(_, is_set)| *is_set).map(|(key, _)| key).collect();
        if !ignored.is_empty() {
            let setting = format_args!("{} for {}", ignored.join(", "), draft.role);
            notes.push(Ignored::new(setting, "not used with a web identity"));
        }
    }
    Ok(Hop { role: draft.role, session_name, options })
}
