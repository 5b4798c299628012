//! The words for a role and for how it is assumed.
//!
//! Each type is parsed once, at the edge, with AWS's own limits, so that nothing invalid reaches the network
//! and no later code has to doubt its input. Pure: no environment, no file, no clock.

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

/// A word that does not keep AWS's limits: what was wrong and what to do about it.
///
/// `Display` gives the reason as a clause (`is not a role ARN`), which the caller puts behind the flag's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invalid {
    pub(crate) reason: String,
    pub(crate) hint: Option<String>,
}

impl Invalid {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl std::fmt::Display for Invalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)
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

/// The optional parameters of a hop; nothing is sent for what is absent.
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
    /// The role, then each option that is sent; of tags and policies only how many there are.
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
