//! Why the shared config files and the environment do not lead to a role and its source credentials.
//!
//! Facts as fields, no secret among them. `Display` is one line; the hint is the one thing to do.

use super::{LookedAt, shortened};
use crate::origin::Origin;
use crate::role::{Invalid, MAX_HOPS};
use crate::session::Flaw;
use std::fmt;
use std::path::PathBuf;

/// What is missing, wrong or contradictory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConfigError {
    /// A line of a shared file that no tool of AWS could read.
    Syntax { file: PathBuf, line: usize, reason: &'static str },
    /// A flag or a variable names a profile that is in neither file.
    UnknownProfile { name: String, named_by: &'static str, near: Vec<String>, misplaced: Option<Box<Misplaced>> },
    /// A `source_profile` names a profile that is in neither file.
    UnknownSourceProfile {
        profile: String,
        name: String,
        file: PathBuf,
        near: Vec<String>,
        misplaced: Option<Box<Misplaced>>,
    },
    /// The profiles lead back to one another; the last is the first again.
    Loop { profiles: Vec<String> },
    /// A profile has both `source_profile` and `credential_source`.
    TwoSources { profile: String, file: PathBuf },
    /// A profile has `role_arn` but says not from where the role is assumed.
    NoSourceForRole { profile: String, file: PathBuf },
    /// A `credential_source` that AWS does not define.
    UnknownCredentialSource { profile: String, value: String },
    /// A `credential_source` that has nothing to give.
    EmptyCredentialSource { profile: String, value: &'static str, reason: &'static str },
    /// A profile that another names as its source, or itself, has no credentials.
    NoCredentials { profile: String, named_by: String, misplaced: Option<Box<Misplaced>> },
    /// One key of the pair is in the environment; the other is not.
    PartialEnvironmentKeys { missing: &'static str },
    /// One key of the pair is in a profile; the other is not.
    PartialProfileKeys { profile: String, file: PathBuf, missing: &'static str },
    /// A variable's value cannot be a key; it is not told.
    UnusableEnvironmentKey { variable: &'static str, flaw: Flaw },
    /// A profile's value cannot be a key; it is not told.
    UnusableProfileKey { profile: String, file: PathBuf, key: &'static str, flaw: Flaw },
    /// A variable that decides something holds bytes that are no text; some of them are secret, so they are not told.
    NotText { variable: &'static str },
    /// A `source_profile` with a web identity token file, but without the role that goes with it.
    WebIdentityWithoutRole { profile: String },
    /// A profile for IAM Identity Center lacks settings.
    IncompleteSso { profile: String, missing: Vec<&'static str>, sso_session: Option<String> },
    /// A profile and its SSO session disagree.
    SsoMismatch { profile: String, sso_session: String, key: &'static str },
    /// A profile names an `sso-session` section that is not there.
    UnknownSsoSession { profile: String, name: String, near: Vec<String> },
    /// A profile names a `services` section that is not there.
    UnknownServices { profile: String, name: String },
    /// A profile's value is outside its limits.
    Value { profile: String, file: PathBuf, key: &'static str, value: String, invalid: Box<Invalid> },
    /// A variable's or a flag's value is outside its limits.
    Variable { name: &'static str, value: String, invalid: Box<Invalid> },
    /// Nothing names a role; the profile was looked at and has none.
    NoRole { profile: Option<String>, misplaced: Option<Box<Misplaced>> },
    /// Nothing gives source credentials; each place that was looked at.
    NoSource(LookedAt),
    /// A chain of more roles than [`MAX_HOPS`].
    TooManyHops,
    /// More than an hour was asked for a role that is assumed from another role's session; hops count from 1.
    ChainedDuration { role: String, hop: usize, of: usize, by: DurationBy },
    /// `--duration max`, where each duration that is tried would take an MFA code; the device is the profile's, unless
    /// a word names it.
    MaxWithMfa { role: String, duration: Origin, device: Option<Origin> },
    /// A flag for `AssumeRole`, but the only hop is `AssumeRoleWithWebIdentity`, which has no such parameter. The token
    /// is AWS's variable's or the profile's, unless a word names it.
    NotForWebIdentity { word: Origin, role: String, token: Option<Origin> },
}

/// A section that is not read, because its header has the form of the other file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misplaced {
    /// The header with its brackets.
    pub(crate) written: String,
    pub(crate) expected: String,
}

impl fmt::Display for Misplaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { written, expected } = self;
        let file = if expected.starts_with("[profile ") { "config" } else { "credentials" };
        write!(f, "its section is written {written}, but must be written {expected} in the {file} file")
    }
}

/// What asks for a duration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DurationBy {
    /// `--duration`, and what names the roles.
    Origin(Origin, Option<Origin>),
    /// `duration_seconds` of this profile.
    Profile(String),
}

impl ConfigError {
    /// The one thing to do.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Syntax { file, line, .. } => format!(
                "mend line {line} of {}: a section looks like [profile NAME], a setting like region = eu-west-1",
                file.display()
            ),
            Self::UnknownProfile { misplaced: Some(misplaced), .. }
            | Self::UnknownSourceProfile { misplaced: Some(misplaced), .. }
            | Self::NoCredentials { misplaced: Some(misplaced), .. }
            | Self::NoRole { misplaced: Some(misplaced), .. } => misplaced.to_string(),
            Self::UnknownProfile { near, .. } | Self::UnknownSourceProfile { near, .. } if !near.is_empty() => {
                format!("known profiles: {}", near.join(", "))
            }
            Self::UnknownProfile { .. } | Self::UnknownSourceProfile { .. } => {
                "`aws configure list-profiles` shows the profiles; AWS_CONFIG_FILE may name another file".into()
            }
            Self::Loop { profiles } => {
                let last = profiles.iter().rev().nth(1).map_or("", String::as_str);
                format!("give profile {last} a source_profile with credentials of its own")
            }
            Self::TwoSources { profile, .. } => {
                format!("remove source_profile or credential_source from profile {profile}")
            }
            Self::NoSourceForRole { .. } => {
                "add source_profile = NAME, or credential_source = Environment, Ec2InstanceMetadata or EcsContainer"
                    .into()
            }
            Self::UnknownCredentialSource { .. } => {
                "AWS knows Environment, Ec2InstanceMetadata and EcsContainer".into()
            }
            Self::EmptyCredentialSource { value: "Environment", .. } => {
                "export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".into()
            }
            Self::EmptyCredentialSource { .. } => "use another credential_source, or a source_profile".into(),
            Self::NoCredentials { profile, .. } => {
                format!("`aws configure --profile {profile}` stores keys; `aws configure sso` sets up a login")
            }
            Self::PartialEnvironmentKeys { missing } => format!("export {missing}, or unset what is left of the pair"),
            Self::PartialProfileKeys { profile, file, missing } => {
                format!("add {missing} to profile {profile} in {}", file.display())
            }
            Self::UnusableEnvironmentKey { variable, flaw: Flaw::LineBreak } => format!(
                "export {variable} without a line break: `echo` puts one behind what it writes, `printf %s` does not"
            ),
            Self::UnusableEnvironmentKey { variable, .. } => format!("export {variable} as AWS gave it"),
            Self::UnusableProfileKey { profile, file, key, .. } => {
                format!("write {key} of profile {profile} in {} as AWS gave it", file.display())
            }
            Self::NotText { variable } => format!("write {variable} in UTF-8, as AWS does, or unset it"),
            Self::WebIdentityWithoutRole { .. } => "add role_arn = ARN to it".into(),
            Self::IncompleteSso { missing, sso_session: Some(session), .. }
                if missing.iter().all(|key| matches!(*key, "sso_start_url" | "sso_region")) =>
            {
                format!("add {} to [sso-session {session}]", missing.join(" and "))
            }
            Self::IncompleteSso { profile, .. } => format!("run `aws configure sso --profile {profile}`"),
            Self::SsoMismatch { key, .. } => format!("remove {key} from the profile"),
            Self::UnknownSsoSession { near, .. } if !near.is_empty() => {
                format!("known sessions: {}", near.join(", "))
            }
            Self::UnknownSsoSession { name, .. } => format!("add a section [sso-session {name}]"),
            Self::UnknownServices { name, .. } => format!("add a section [services {name}]"),
            Self::Value { invalid, .. } | Self::Variable { invalid, .. } => return invalid.hint.clone(),
            Self::NoRole { .. } => {
                "give --role-arn ARN, --profile NAME, XASSUME_ROLE_ARN, AWS_PROFILE with a role_arn, or AWS_ROLE_ARN"
                    .into()
            }
            Self::NoSource(looked_at) => looked_at
                .hint()
                .unwrap_or_else(|| "give keys in the environment, a profile with credentials, or a token file".into()),
            Self::TooManyHops => "assume a role nearer to the last one".into(),
            Self::ChainedDuration { by: DurationBy::Profile(profile), .. } => {
                format!("remove duration_seconds from profile {profile}, or use 3600")
            }
            Self::ChainedDuration { by: DurationBy::Origin(word, _), .. } => {
                format!("{} {word}, or ask for 1h", word.leave_out())
            }
            Self::MaxWithMfa { .. } => "name the duration; up to 1h, one code serves for many sessions".into(),
            Self::NotForWebIdentity { word, .. } => {
                format!("{} {word}, or chain a further role with --role-arn", word.leave_out())
            }
        })
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { file, line, reason } => write!(f, "cannot read {}, line {line}: {reason}", file.display()),
            Self::UnknownProfile { name, named_by, .. } => {
                write!(f, "there is no profile {}, which {named_by} names", shortened(name))
            }
            Self::UnknownSourceProfile { profile, name, file, .. } => {
                let name = shortened(name);
                write!(f, "there is no profile {name}, the source_profile of {profile} in {}", file.display())
            }
            Self::Loop { profiles } => {
                write!(f, "the profiles are one another's source_profile: {}", profiles.join(" → "))
            }
            Self::TwoSources { profile, file } => {
                write!(f, "profile {profile} in {} has both source_profile and credential_source", file.display())
            }
            Self::NoSourceForRole { profile, file } => {
                write!(f, "profile {profile} in {} has role_arn, but no source credentials for it", file.display())
            }
            Self::UnknownCredentialSource { profile, value } => {
                write!(f, "profile {profile} has an unknown credential_source `{}`", shortened(value))
            }
            Self::EmptyCredentialSource { profile, value, reason } => {
                write!(f, "profile {profile} has credential_source = {value}, but {reason}")
            }
            Self::NoCredentials { profile, named_by, .. } => {
                write!(f, "profile {profile}, the source_profile of {named_by}, has no credentials")
            }
            Self::PartialEnvironmentKeys { missing } => {
                write!(f, "the environment has half a pair of keys: {missing} is missing")
            }
            Self::PartialProfileKeys { profile, file, missing } => {
                write!(f, "profile {profile} in {} has half a pair of keys: {missing} is missing", file.display())
            }
            Self::UnusableEnvironmentKey { variable, flaw } => {
                write!(f, "the environment has keys that cannot be used: {variable} {flaw}")
            }
            Self::UnusableProfileKey { profile, file, key, flaw } => {
                write!(f, "profile {profile} in {} has keys that cannot be used: {key} {flaw}", file.display())
            }
            Self::NotText { variable } => write!(f, "{variable} is not UTF-8"),
            Self::WebIdentityWithoutRole { profile } => {
                write!(f, "profile {profile} has web_identity_token_file, but no role_arn")
            }
            Self::IncompleteSso { profile, missing, .. } => {
                write!(f, "profile {profile} is set up for SSO, but lacks {}", missing.join(", "))
            }
            Self::SsoMismatch { profile, sso_session, key } => {
                write!(f, "profile {profile} and its [sso-session {sso_session}] disagree about {key}")
            }
            Self::UnknownSsoSession { profile, name, .. } => {
                write!(f, "there is no [sso-session {}], which profile {profile} names", shortened(name))
            }
            Self::UnknownServices { profile, name } => {
                write!(f, "there is no [services {}], which profile {profile} names", shortened(name))
            }
            Self::Value { profile, file, key, value, invalid } => {
                write!(f, "profile {profile} in {}: {key} `{}` {invalid}", file.display(), shortened(value))
            }
            Self::Variable { name, value, invalid } => write!(f, "{name} `{}` {invalid}", shortened(value)),
            Self::NoRole { profile: Some(profile), .. } => {
                write!(f, "no role to assume: nothing names one, and profile {profile} has no role_arn")
            }
            Self::NoRole { profile: None, .. } => f.write_str("no role to assume: nothing names one"),
            Self::NoSource(looked_at) => write!(f, "no source credentials; looked at {looked_at}"),
            Self::TooManyHops => {
                write!(f, "the role chain has more than {MAX_HOPS} roles, which is the most that xassume assumes")
            }
            Self::ChainedDuration { role, hop, of, by } => {
                write!(f, "cannot ask for more than 1h for {role} (role {hop} of {of}")?;
                match by {
                    DurationBy::Origin(word, Some(naming)) => write!(f, ", by {naming}), as {word} does")?,
                    DurationBy::Origin(word, None) => write!(f, "), as {word} does")?,
                    DurationBy::Profile(_) => f.write_str(")")?,
                }
                f.write_str(": role chaining is capped there")
            }
            Self::MaxWithMfa { role, duration, device } => {
                write!(f, "cannot find out the longest duration for {role}, as {duration} asks: ")?;
                f.write_str("each try would take an MFA code")?;
                device.map_or(Ok(()), |word| write!(f, " ({word})"))
            }
            Self::NotForWebIdentity { word, role, token } => {
                write!(f, "{word} cannot be used for {role}, which is assumed with a web identity token")?;
                token.map_or(Ok(()), |token| write!(f, " ({token})"))
            }
        }
    }
}

impl std::error::Error for ConfigError {}
