//! One step of a role chain.

use super::arn::RoleArn;
use super::options::{
    ExternalId, MfaSerial, PolicyArn, RoleSessionName, SessionDuration, SessionPolicy, SourceIdentity,
};
use super::tags::{Tag, TagKey};
use std::fmt;

/// A hop, which is one step of a role chain. It has the parameters of one `AssumeRole` or `AssumeRoleWithWebIdentity`
/// call.
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
    /// The shell command of `mfa_process`, which prints a code of the MFA device.
    pub(crate) mfa_process: Option<String>,
    /// The profiles' keys that set tags or a source identity for this call. An error names them.
    pub(crate) of_profiles: Vec<ProfileKey>,
}

/// A key of a profile that sets tags or a source identity. It has an effect on the call for the profile's role, and on
/// the calls for later roles if STS passes its value on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProfileKey {
    pub(crate) key: &'static str,
    pub(crate) profile: String,
}

impl fmt::Display for ProfileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of profile '{}'", self.key, self.profile)
    }
}

impl fmt::Display for Hop {
    /// Writes the role and its options. Tags and policies are not written, only how many there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HopOptions { external_id, duration, policy, policy_arns, tags, source_identity, mfa_serial, .. } =
            &self.options;
        write!(f, "{}, session name {}", self.role, self.session_name)?;
        if let Some(id) = external_id {
            write!(f, ", external ID {id}")?;
        }
        match duration {
            Some(SessionDuration::Exactly(duration)) => {
                write!(f, ", duration {}", humantime::format_duration(*duration))?;
            }
            Some(SessionDuration::Max) => f.write_str(", maximum duration")?,
            None => {}
        }
        if let Some(name) = source_identity {
            write!(f, ", source identity {name}")?;
        }
        if let Some(serial) = mfa_serial {
            write!(f, ", MFA device {serial}")?;
        }
        match usize::from(policy.is_some()) + policy_arns.len() {
            0 => {}
            1 => f.write_str(", limited by 1 policy")?,
            count => write!(f, ", limited by {count} policies")?,
        }
        match tags.len() {
            0 => Ok(()),
            1 => f.write_str(", 1 tag"),
            count => write!(f, ", {count} tags"),
        }
    }
}
