//! A role of the chain, as its profile describes it.

use super::set::ProfileSet;
use crate::error::ConfigError;
use crate::event::Ignored;
use crate::role::{ExternalId, HopOptions, Invalid, MfaSerial, RoleArn, RoleSessionName, SessionDuration};
use std::time::Duration;

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
                ..HopOptions::default()
            },
            note: matches!(duration, Some(None)).then(|| {
                Ignored::new(format_args!("duration_seconds of profile {name}"), "not a whole number of seconds")
            }),
        }))
    }
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
