//! A role of the chain, as its profile describes it.

use super::set::ProfileSet;
use crate::error::ConfigError;
use crate::event::Ignored;
use crate::role::{ExternalId, HopOptions, Invalid, MfaSerial, RoleArn, RoleSessionName, SessionDuration};
use std::time::Duration;

/// A role with its profile's settings, before the flags apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) role: RoleArn,
    pub(super) profile: Option<String>,
    pub(super) session_name: Option<RoleSessionName>,
    pub(super) options: HopOptions,
    /// What is ignored, and why.
    pub(super) note: Option<Ignored>,
}

impl Draft {
    /// A role without a profile.
    pub(super) fn plain(role: RoleArn) -> Self {
        Self { role, profile: None, session_name: None, options: HopOptions::default(), note: None }
    }

    /// The role of a profile, if it has one.
    ///
    /// # Errors
    /// When a value is outside AWS's limits. The SDKs send it or ignore it.
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

/// `duration_seconds` as Python's `int` reads it. Where that fails, the AWS CLI ignores the key. The other forms of
/// `--duration` are not accepted: AWS's tools do not read them.
///
/// # Errors
/// When the number is outside the limits of STS.
fn seconds(text: &str) -> Result<Option<SessionDuration>, Invalid> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits.split('_').all(is_number) {
        return Ok(None);
    }
    let seconds = if text.starts_with('-') { 0 } else { digits.replace('_', "").parse().unwrap_or(u64::MAX) };
    SessionDuration::from_duration(Duration::from_secs(seconds)).map(Some)
}
