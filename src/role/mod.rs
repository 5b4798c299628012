//! A role and the options with which it is assumed.
//!
//! Each type is parsed once, with AWS's own limits, so that nothing invalid reaches the network. Pure: no environment, no
//! file, no clock.

mod arn;
#[cfg(any(test, fuzzing))]
pub(crate) mod hostile;
mod mfa;
mod options;

pub(crate) use arn::{RoleArn, is_account, split_list as split_roles};
pub(crate) use mfa::{MFA_SESSION, MfaCode, parse_mfa_session};
pub(crate) use options::{
    ExternalId, MfaSerial, PolicyArn, RoleSessionName, SessionDuration, SessionPolicy, SourceIdentity, Tag, TagKey,
    check_tags, parse_duration,
};

/// The most hops a chain may have.
pub(crate) const MAX_HOPS: usize = 10;

/// Why a value is not valid, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invalid {
    reason: String,
    /// All valid values, where they can be listed.
    possible: Vec<&'static str>,
    pub(crate) hint: Option<String>,
}

impl Invalid {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), possible: Vec::new(), hint: None }
    }

    /// Another value than these.
    pub(crate) fn not_one_of(possible: impl Into<Vec<&'static str>>) -> Self {
        Self { reason: String::new(), possible: possible.into(), hint: None }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Says which part of the value is meant.
    fn of(self, part: &str) -> Self {
        Self { reason: format!("{part} {}", self.reason), ..self }
    }
}

impl std::fmt::Display for Invalid {
    /// The end of a sentence about the value, with what separates it, in clap's form.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.possible.is_empty() {
            write!(f, ": {}", self.reason)
        } else {
            write!(f, " [possible values: {}]", self.possible.join(", "))
        }
    }
}

impl std::error::Error for Invalid {}

/// How one role is assumed: the parameters of one `AssumeRole` or `AssumeRoleWithWebIdentity` call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hop {
    pub(crate) role: RoleArn,
    pub(crate) session_name: RoleSessionName,
    pub(crate) options: HopOptions,
}

/// The optional parameters of a hop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HopOptions {
    pub(crate) external_id: Option<ExternalId>,
    pub(crate) duration: Option<SessionDuration>,
    pub(crate) policy: Option<SessionPolicy>,
    pub(crate) policy_arns: Vec<PolicyArn>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) transitive_tags: Vec<TagKey>,
    pub(crate) source_identity: Option<SourceIdentity>,
    pub(crate) mfa_serial: Option<MfaSerial>,
}

impl std::fmt::Display for Hop {
    /// The role and its options; of tags and policies only their number.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let HopOptions { external_id, duration, policy, policy_arns, tags, source_identity, mfa_serial, .. } =
            &self.options;
        write!(f, "{} as {}", self.role, self.session_name)?;
        if let Some(id) = external_id {
            write!(f, ", external id {id}")?;
        }
        match duration {
            Some(SessionDuration::Exactly(duration)) => write!(f, ", for {}", humantime::format_duration(*duration))?,
            Some(SessionDuration::Max) => f.write_str(", for as long as it allows")?,
            None => {}
        }
        if let Some(name) = source_identity {
            write!(f, ", source identity {}", name.as_str())?;
        }
        if let Some(serial) = mfa_serial {
            write!(f, ", MFA device {serial}")?;
        }
        match usize::from(policy.is_some()) + policy_arns.len() {
            0 => {}
            1 => f.write_str(", narrowed by a policy")?,
            count => write!(f, ", narrowed by {count} policies")?,
        }
        match tags.len() {
            0 => Ok(()),
            1 => f.write_str(", 1 tag"),
            count => write!(f, ", {count} tags"),
        }
    }
}
