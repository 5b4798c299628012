//! Errors in the settings from which the role and its source credentials follow. These settings are in the shared
//! config files and in environment variables.

use super::text::LONGER_COMMAND;
use super::{TriedSources, quoted};
use crate::origin::Origin;
use crate::role::{Invalid, MAX_HOPS, RoleArn};
use crate::session::{Flaw, KeyKind};
use std::fmt;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A setting is missing or invalid, or settings contradict each other. No field contains a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum ConfigError {
    /// A line that the AWS tools cannot read.
    #[error("syntax error in {}, line {line}: {reason}", .file.display())]
    Syntax { file: PathBuf, line: usize, reason: &'static str },
    /// `named_by` is the setting that names the profile. `absent` is the path of the config file, if there is no such file.
    #[error("profile {} not found ({named_by})", quoted(.name))]
    UnknownProfile {
        name: String,
        named_by: String,
        absent: Option<PathBuf>,
        near: Vec<String>,
        misplaced: Option<Box<Misplaced>>,
    },
    /// The settings of `key`, which is `source_profile` or `include_profile`, form a loop. The last element of
    /// `profiles` repeats the first.
    #[error("circular {key}: {}", .profiles.join(" → "))]
    Loop { key: &'static str, profiles: Vec<String> },
    #[error("profile '{profile}' includes more than {most} profiles")]
    TooManyIncluded { profile: String, most: usize },
    #[error("profile '{profile}' in {} has both {} and {}", .file.display(), .keys[0], .keys[1])]
    TwoSources { profile: String, file: PathBuf, keys: [&'static str; 2] },
    #[error("profile '{profile}' in {} has role_arn, but no source credentials for it", .file.display())]
    NoSourceForRole { profile: String, file: PathBuf },
    #[error("profile '{profile}' has an unknown credential_source {}", quoted(.value))]
    UnknownCredentialSource { profile: String, value: String },
    #[error("profile '{profile}' has credential_source = {value}, but {reason}")]
    EmptyCredentialSource { profile: String, value: &'static str, reason: &'static str },
    /// Profile `named_by` names profile `profile` as its `source_profile`, but `profile` has no credentials. The two
    /// can be the same profile.
    #[error("profile '{profile}' (source_profile of '{named_by}') has no credentials")]
    NoCredentials { profile: String, named_by: String, misplaced: Option<Box<Misplaced>> },
    #[error("{} is set, but {missing} is not", other_key(.missing))]
    PartialEnvironmentKeys { missing: &'static str },
    #[error("profile '{profile}' in {} has {}, but no {missing}", .file.display(), other_key(.missing))]
    PartialProfileKeys { profile: String, file: PathBuf, missing: &'static str },
    /// There is no field for the value, because the value may be secret.
    #[error("{variable} {flaw}")]
    UnusableEnvironmentKey { variable: &'static str, flaw: Flaw },
    /// There is no field for the value, because the value may be secret.
    #[error("{key} of profile '{profile}' in {} {flaw}", .file.display())]
    UnusableProfileKey { profile: String, file: PathBuf, key: &'static str, flaw: Flaw },
    /// There is no field for the value, because the value may be secret.
    #[error("{variable} is not valid UTF-8")]
    NotText { variable: &'static str },
    #[error("profile '{profile}' has {key}, but no role_arn")]
    WebIdentityWithoutRole { profile: String, key: &'static str },
    /// A path or a command contains a web identity token. There is no field for the value, because the token is secret.
    #[error("{named_by} contains a token, not {expected}")]
    ContainsToken { named_by: String, expected: &'static str },
    #[error("the SSO configuration of profile '{profile}' is incomplete: missing {}", .missing.join(", "))]
    IncompleteSso { profile: String, missing: Vec<&'static str>, sso_session: Option<String> },
    #[error("profile '{profile}' and [sso-session {sso_session}] have different values for {key}")]
    SsoMismatch { profile: String, sso_session: String, key: &'static str },
    #[error("[sso-session {}] not found (from profile '{profile}')", super::shortened(.name))]
    UnknownSsoSession { profile: String, name: String, near: Vec<String> },
    #[error("[services {}] not found (from profile '{profile}')", super::shortened(.name))]
    UnknownServices { profile: String, name: String },
    /// A value is invalid. `of` is a flag or a variable, in quotes, or a key with its profile and file.
    #[error("invalid value {} for {of}{invalid}", quoted(.value))]
    Value { of: String, value: String, invalid: Box<Invalid> },
    /// Nothing specifies a role. `profile` is the selected profile, or `None` if no profile is selected. `hint` is `None`
    /// if nothing shows what the user meant.
    #[error("no role specified{}", .profile.as_ref().map(|name| format!(", and profile '{name}' has no role_arn")).unwrap_or_default())]
    NoRole { profile: Option<String>, hint: Option<String> },
    /// No role is specified, and the named profile has no credentials either. `hint` is `None` if the settings of the
    /// profile do not show what the user meant.
    #[error("profile {} has neither role_arn nor credentials", quoted(.profile))]
    NothingToLaunch { profile: String, hint: Option<String> },
    #[error("profile '{profile}' (from --also) has no role_arn")]
    AlsoWithoutRole { profile: String },
    /// `word` is an option of roles, but nothing specifies a role, so the profile's own credentials would be used.
    /// `instead` is the flag that has the same effect on these credentials, if there is one.
    #[error("{word} requires a role, and profile {} has no role_arn", quoted(.profile))]
    WithoutRole { word: Origin, profile: String, instead: Option<Origin> },
    /// `word` requires credentials that expire, but no expiry of the credentials is known. They are of this kind.
    #[error("{shown} cannot be used with {credentials}: {}", no_expiry(*.kind))]
    NothingExpires { word: Origin, shown: String, credentials: String, kind: KeyKind },
    #[error("no AWS credentials found; tried: {}", .0.places.join(", "))]
    NoSource(TriedSources),
    #[error("role chain too long: more than {MAX_HOPS} roles")]
    TooManyHops,
    /// The duration is longer than one hour, but the role is assumed with the session of another role. `hop` is the
    /// number of the role in the chain, counted from 1.
    #[error("{} is too long for {role} (role {hop} of {of}{}): AWS limits role chaining to 1h", .by.name(), .by.roles())]
    ChainedDuration { role: String, hop: usize, of: usize, by: DurationBy },
    /// `--duration max` is set for a role that is assumed with an MFA code. `device` is `None` if the MFA device comes
    /// from the profile.
    #[error("{} cannot be used with MFA{} for {role}: to find the maximum, xassume tries several durations, and each try would need a new code", max(*.duration), from(*.device))]
    MaxWithMfa { role: String, duration: Origin, device: Option<Origin> },
    /// Only `AssumeRole` supports the option `word`, but the role is assumed with `AssumeRoleWithWebIdentity`. `token`
    /// is `None` if the web identity token comes from `AWS_WEB_IDENTITY_TOKEN_FILE` or from the profile.
    #[error("{word} cannot be used for {role}, which is assumed with a web identity token{}", from(*.token))]
    NotForWebIdentity { word: Origin, role: String, token: Option<Origin> },
}

/// A section that is ignored because its header has the form for the other shared file. The header must be `[profile
/// NAME]` in the config file and `[NAME]` in the credentials file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misplaced {
    /// The header as the user has written it, with its brackets.
    pub(crate) written: String,
    pub(crate) expected: String,
}

impl fmt::Display for Misplaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { written, expected } = self;
        let file = if expected.starts_with("[profile ") { "config" } else { "credentials" };
        write!(f, "rename the section {written} to {expected} in the {file} file")
    }
}

/// The setting from which a duration comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DurationBy {
    /// `--duration` or its variable. The second origin is the flag or the variable that selects the roles, if there is
    /// one.
    Origin(Origin, Option<Origin>),
    /// `duration_seconds` of the profile with this name.
    Profile(String),
}

impl DurationBy {
    fn name(&self) -> String {
        match self {
            Self::Origin(origin, _) => origin.to_string(),
            Self::Profile(profile) => format!("duration_seconds of profile '{profile}'"),
        }
    }

    fn roles(&self) -> String {
        match self {
            Self::Origin(_, Some(origin)) => format!(", from {origin}"),
            Self::Origin(_, None) | Self::Profile(_) => String::new(),
        }
    }
}

/// An access key has an ID and a secret, with a setting for each. Returns the setting for the secret if `key` is the
/// one for the ID, and the setting for the ID if `key` is the one for the secret.
fn other_key(key: &str) -> &'static str {
    match key {
        "AWS_ACCESS_KEY_ID" => "AWS_SECRET_ACCESS_KEY",
        "AWS_SECRET_ACCESS_KEY" => "AWS_ACCESS_KEY_ID",
        "aws_access_key_id" => "aws_secret_access_key",
        _ => "aws_access_key_id",
    }
}

/// Returns `--duration max` or `XASSUME_DURATION=max`, depending on what the user set.
fn max(duration: Origin) -> String {
    format!("{duration}{}max", if duration.is_typed() { ' ' } else { '=' })
}

fn no_expiry(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::LongTerm => "long-term keys do not expire",
        KeyKind::Temporary => "the source does not say when its credentials expire",
    }
}

fn from(origin: Option<Origin>) -> String {
    origin.map(|origin| format!(" (from {origin})")).unwrap_or_default()
}

/// Returns the hint for a profile that does not exist. `near` are the names that the user may have meant.
fn unknown_profile(name: &str, named_by: &str, absent: Option<&Path>, near: &[String]) -> String {
    let known = near.join(", ");
    match (absent, near) {
        // A role in the place of a profile. Other settings than flags and variables name the profile of another one.
        _ if named_by.starts_with("from ") && RoleArn::parse(name).is_ok() => {
            let flag = if named_by.contains("--") { "-r " } else { "XASSUME_ROLE_ARN=" };
            format!("did you mean: {flag}{name}")
        }
        (Some(path), _) => {
            let known = if near.is_empty() {
                "AWS_CONFIG_FILE selects another file".to_owned()
            } else {
                format!("profiles of the credentials file: {known}")
            };
            format!("{} does not exist ({known}); create a profile with: aws configure sso", path.display())
        }
        (None, [name]) => format!("did you mean '{name}'?"),
        (None, []) => "list profiles with: aws configure list-profiles (AWS_CONFIG_FILE selects another file)".into(),
        (None, _) => format!("known profiles: {known}"),
    }
}

impl ConfigError {
    /// Returns what the user can do about the error, or `None` if there is nothing to suggest.
    ///
    /// Long because each kind of error has a different hint.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Syntax { .. } => "a section looks like [profile NAME], a setting like region = eu-west-1".into(),
            Self::UnknownProfile { misplaced: Some(misplaced), .. }
            | Self::NoCredentials { misplaced: Some(misplaced), .. } => misplaced.to_string(),
            Self::UnknownProfile { name, named_by, absent, near, .. } => {
                unknown_profile(name, named_by, absent.as_deref(), near)
            }
            Self::UnknownSsoSession { near, .. } if near.len() == 1 => format!("did you mean '{}'?", near.join("")),
            Self::Loop { key, profiles } => {
                let last = profiles.iter().rev().nth(1).map_or("", String::as_str);
                if *key == "source_profile" {
                    format!("point source_profile of profile '{last}' to a profile with credentials")
                } else {
                    format!("remove {key} from profile '{last}'")
                }
            }
            Self::TooManyIncluded { .. } => "include a profile that has the settings itself".into(),
            Self::TwoSources { .. } => "remove one of them".into(),
            Self::NoSourceForRole { .. } => {
                "add source_profile = NAME, or credential_source = Environment, Ec2InstanceMetadata or EcsContainer"
                    .into()
            }
            Self::UnknownCredentialSource { .. } => {
                "valid values: Environment, Ec2InstanceMetadata, EcsContainer".into()
            }
            Self::EmptyCredentialSource { value: "Environment", .. } => {
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".into()
            }
            Self::EmptyCredentialSource { value: "Ec2InstanceMetadata", .. } => {
                "on EC2, unset AWS_EC2_METADATA_DISABLED; elsewhere use another credential_source, or source_profile".into()
            }
            Self::EmptyCredentialSource { .. } => "use another credential_source, or source_profile".into(),
            Self::NoCredentials { profile, .. } => format!(
                "add credentials with: aws configure --profile {profile} (access keys) or aws configure sso --profile {profile}"
            ),
            Self::PartialEnvironmentKeys { missing } => format!("set {missing} or unset {}", other_key(missing)),
            Self::PartialProfileKeys { missing, .. } => format!("add {missing} or remove {}", other_key(missing)),
            Self::UnusableEnvironmentKey { flaw: Flaw::LineBreak, .. } => {
                "remove the line break (`echo` appends one, `printf %s` does not)".into()
            }
            Self::UnusableEnvironmentKey { variable: key, .. } | Self::UnusableProfileKey { key, .. } => {
                format!("{key} must be exactly the value that AWS issued")
            }
            Self::NotText { variable } => format!("use UTF-8, or unset {variable}"),
            Self::WebIdentityWithoutRole { profile, .. } => format!("add role_arn = ARN to profile '{profile}'"),
            Self::ContainsToken { .. } => {
                "if a variable contains the token, use --web-identity-token-command 'printenv NAME' with its name".into()
            }
            Self::IncompleteSso { missing, sso_session: Some(session), .. }
                if missing.iter().all(|key| matches!(*key, "sso_start_url" | "sso_region")) =>
            {
                format!("add {} to [sso-session {session}]", missing.join(" and "))
            }
            Self::IncompleteSso { profile, .. } => format!("run: aws configure sso --profile {profile}"),
            Self::SsoMismatch { key, .. } => format!("remove {key} from the profile"),
            Self::UnknownSsoSession { near, .. } if !near.is_empty() => format!("known sessions: {}", near.join(", ")),
            Self::UnknownSsoSession { name, .. } => format!("add a section [sso-session {name}]"),
            Self::UnknownServices { name, .. } => format!("add a section [services {name}]"),
            Self::Value { invalid, .. } => return invalid.hint.clone(),
            Self::NoRole { hint: Some(hint), .. } | Self::NothingToLaunch { hint: Some(hint), .. } => hint.clone(),
            Self::NoRole { .. } => {
                "pass --role-arn ARN (or set XASSUME_ROLE_ARN or AWS_ROLE_ARN), or pass --profile NAME (or set AWS_PROFILE) with a profile that has role_arn or credentials"
                    .into()
            }
            Self::NothingToLaunch { profile, hint: None } => {
                format!("add role_arn = ARN, or credentials with: aws configure sso --profile {profile}")
            }
            Self::AlsoWithoutRole { profile } => format!("use a profile with role_arn; it can have source_profile = {profile}"),
            Self::WithoutRole { instead: Some(instead), .. } => {
                format!("for the lifetime of the MFA session, use {instead}, or add --role-arn ARN")
            }
            Self::WithoutRole { word, .. } => format!("{} {word}, or add --role-arn ARN", word.leave_out()),
            Self::NothingExpires { word, .. } => {
                format!("{} {word}; a role's session expires and can be refreshed", word.leave_out())
            }
            Self::NoSource(tried) => tried.hint().unwrap_or_else(|| {
                "use a profile with credentials (--profile NAME), run aws sso login, or set AWS_ACCESS_KEY_ID; on EC2, unset AWS_EC2_METADATA_DISABLED".into()
            }),
            Self::TooManyHops => "start the chain from a role closer to the target".into(),
            Self::ChainedDuration { by: DurationBy::Profile(profile), .. } => {
                format!("use 3600 or less, or remove duration_seconds from profile '{profile}'; {LONGER_COMMAND}")
            }
            Self::ChainedDuration { by: DurationBy::Origin(origin, _), .. } => {
                format!("use 1h or less, or {} {origin}; {LONGER_COMMAND}", origin.leave_out())
            }
            Self::MaxWithMfa { .. } => "set a fixed duration; with 1h or less, one code is enough for many sessions".into(),
            Self::NotForWebIdentity { word, .. } => {
                format!("{} {word}; if it is for a role that is assumed after this one, name that role with --role-arn", word.leave_out())
            }
        })
    }
}
