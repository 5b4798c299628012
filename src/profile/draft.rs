//! A role of the chain, as its profile describes it.

use super::set::ProfileSet;
use crate::error::ConfigError;
use crate::event::Ignored;
use crate::profile::quotes::one_line;
use crate::role::{
    ExternalId, HopOptions, Invalid, MfaSerial, ProfileKey, RoleArn, RoleSessionName, SessionDuration, SourceIdentity,
    check_tags, parse_session_tags, parse_transitive_session_tags,
};
use std::time::Duration;

/// The names of two keys of aws-vault. Errors contain them.
pub(super) const SESSION_TAGS: &str = "session_tags";
pub(super) const SOURCE_IDENTITY: &str = "source_identity";

/// A role with the settings of its profile, before the flags are applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) role: RoleArn,
    pub(super) profile: Option<String>,
    pub(super) session_name: Option<RoleSessionName>,
    pub(super) options: HopOptions,
    /// The ignored setting of the profile, with the reason. `None` if no setting is ignored.
    pub(super) note: Option<Ignored>,
}

impl Draft {
    /// Creates a role without a profile.
    pub(super) fn plain(role: RoleArn) -> Self {
        Self { role, profile: None, session_name: None, options: HopOptions::default(), note: None }
    }

    /// Reads the role of a profile. Returns `None` if the profile has no role.
    ///
    /// # Errors
    /// Fails if a value is outside AWS's limits, although the SDKs would send or ignore such a value.
    pub(super) fn of_profile(profiles: &ProfileSet, name: &str) -> Result<Option<Self>, ConfigError> {
        let Some(role) = profiles.parsed(name, "role_arn", RoleArn::parse)? else { return Ok(None) };
        let duration = profiles.parsed(name, "duration_seconds", seconds)?;
        Ok(Some(Self {
            role,
            profile: Some(name.to_owned()),
            session_name: profiles.parsed(name, "role_session_name", RoleSessionName::parse)?,
            options: HopOptions {
                external_id: profiles.parsed(name, "external_id", ExternalId::parse)?,
                duration: duration.flatten(),
                mfa_serial: profiles.parsed(name, "mfa_serial", MfaSerial::parse)?,
                mfa_process: mfa_process(profiles, name),
                ..aws_vault_options(profiles, name)?
            },
            note: matches!(duration, Some(None)).then(|| {
                Ignored::new(format_args!("duration_seconds of profile {name}"), "not a whole number of seconds")
            }),
        }))
    }
}

/// Returns the shell command in a profile's `mfa_process`, a key of aws-vault.
pub(super) fn mfa_process(profiles: &ProfileSet, name: &str) -> Option<String> {
    profiles.profile(name)?.get("mfa_process").map(one_line)
}

/// Reads the tags and the source identity, in the keys of aws-vault. The AWS CLI and the SDKs ignore these keys.
///
/// # Errors
/// Fails if a value is invalid, or if a transitive tag is not one of the tags.
fn aws_vault_options(profiles: &ProfileSet, name: &str) -> Result<HopOptions, ConfigError> {
    let tags = profiles.parsed(name, SESSION_TAGS, parse_session_tags)?.unwrap_or_default();
    let transitive = profiles.parsed(name, "transitive_session_tags", parse_transitive_session_tags)?;
    let transitive_tags = transitive.unwrap_or_default();
    if check_tags(&tags, &transitive_tags).is_err() {
        let key = "transitive_session_tags";
        let value = profiles.profile(name).and_then(|settings| settings.get(key)).unwrap_or_default();
        let invalid = Invalid::new("each key must be in session_tags, and only once")
            .hint("add KEY=VALUE to session_tags, or remove the key from transitive_session_tags");
        return Err(profiles.invalid(name, key, value, invalid));
    }
    let source_identity = profiles.parsed(name, SOURCE_IDENTITY, SourceIdentity::parse)?;
    let used = [(SESSION_TAGS, !tags.is_empty()), (SOURCE_IDENTITY, source_identity.is_some())];
    let used = used.into_iter().filter(|(_, is_used)| *is_used);
    let of_profiles = used.map(|(key, _)| ProfileKey { key, profile: name.to_owned() }).collect();
    Ok(HopOptions { tags, transitive_tags, source_identity, of_profiles, ..HopOptions::default() })
}

/// Parses `duration_seconds` in the way in which Python's `int` parses a number. Returns `None` if the text is not a
/// number, for example `1h`, because the AWS CLI then ignores the key.
///
/// # Errors
/// Fails if the number is outside the limits of STS.
fn seconds(text: &str) -> Result<Option<SessionDuration>, Invalid> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits.split('_').all(is_number) {
        return Ok(None);
    }
    let seconds = if text.starts_with('-') { 0 } else { digits.replace('_', "").parse().unwrap_or(u64::MAX) };
    SessionDuration::from_duration(Duration::from_secs(seconds)).map(Some)
}
