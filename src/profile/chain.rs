//! Follows the `source_profile` settings from a profile with a role to the credentials with which the first role is
//! assumed.
//!
//! The rules are those of botocore's `AssumeRoleProvider`. In addition, a profile with any kind of credentials can be
//! its own source profile, as in the Rust SDK. Only [`Base::resolve`] checks the credentials of the chain. So invalid
//! credentials cause no error if the plan uses another source.

use super::draft::Draft;
use super::set::{ProfileSet, Settings};
use super::source::{self, Source};
use super::token::token_key;
use crate::error::ConfigError;
use crate::role::MAX_HOPS;
use crate::vars::Vars;
use std::ops::ControlFlow::{self, Break, Continue};

/// The roles of a chain of profiles, in the order in which they are assumed, and the base of the chain.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) drafts: Vec<Draft>,
    pub(super) base: Base,
}

/// The end of a chain of profiles. The first role of the chain is assumed with the credentials that this end
/// determines.
#[derive(Debug)]
pub(super) enum Base {
    /// The credentials of the profile `name`, which is the `source_profile` of `named_by`. Both can be the same
    /// profile.
    Profile { name: String, named_by: String },
    /// The `credential_source` of this profile.
    Named { profile: String, source: &'static CredentialSource },
    /// The profile has a role, but neither `source_profile` nor `credential_source`.
    Missing { profile: String },
}

/// A value of `credential_source`, which names a source that needs no profile.
#[derive(Debug)]
pub(super) struct CredentialSource {
    name: &'static str,
    /// Returns the source, or `None` if it is not available.
    find: fn(&Vars) -> Result<Option<Source>, ConfigError>,
    /// Why the source is not available.
    missing: &'static str,
}

/// All values of `credential_source`.
const CREDENTIAL_SOURCES: &[CredentialSource] = &[
    CredentialSource {
        name: "Environment",
        find: |vars| Ok(source::environment_keys(vars)?.map(Source::EnvironmentKeys)),
        missing: "AWS_ACCESS_KEY_ID is not set",
    },
    CredentialSource {
        name: "Ec2InstanceMetadata",
        find: |vars| Ok(source::has_instance_metadata(vars).then_some(Source::InstanceMetadata)),
        missing: "AWS_EC2_METADATA_DISABLED is true",
    },
    CredentialSource {
        name: "EcsContainer",
        find: |vars| Ok(source::has_container(vars).then_some(Source::Container)),
        missing: "no AWS_CONTAINER_CREDENTIALS_… variable is set",
    },
];

/// Follows the chain from the profile `start`, which has a role, to its base.
///
/// A source profile with static keys is the base even if it also has `role_arn`, as in botocore's
/// `_resolve_credentials_from_profile`. A profile with a web identity token is also the base, because its role is
/// assumed without credentials.
///
/// # Errors
/// Fails if the profiles form a loop, if a source is unknown, if a profile has two sources, if there are too many
/// roles, or if a value is invalid.
pub(super) fn walk(profiles: &ProfileSet, start: &str) -> Result<Walk, ConfigError> {
    let mut drafts = Vec::new();
    let mut visited: Vec<String> = Vec::new();
    let mut current = start.to_owned();
    let base = loop {
        let named_by = visited.last().unwrap_or(&current).clone();
        visited.push(current.clone());
        let name = current;
        profiles.includes(&name)?;
        let Some(settings) = profiles.profile(&name) else { break Base::Profile { name, named_by } };
        let token = token_key(settings);
        if let Some(key) = token
            && settings.get("role_arn").is_none()
        {
            return Err(ConfigError::WebIdentityWithoutRole { profile: name, key });
        }
        let token = token.is_some();
        if visited.len() > 1 && source::has_keys(settings) && !token {
            break Base::Profile { name, named_by };
        }
        let Some(draft) = Draft::of_profile(profiles, &name)? else { break Base::Profile { name, named_by } };
        drafts.push(draft);
        if drafts.len() > MAX_HOPS {
            return Err(ConfigError::TooManyHops);
        }
        if token {
            break Base::Profile { name, named_by };
        }
        match next(profiles, &name, settings)? {
            Break(base) => break base,
            Continue(source) if source == name => break Base::Profile { named_by: name.clone(), name },
            Continue(source) => match visited.iter().position(|seen| *seen == source) {
                None => current = source,
                Some(at) => {
                    let mut profiles = visited.split_off(at);
                    profiles.push(source);
                    return Err(ConfigError::Loop { key: "source_profile", profiles });
                }
            },
        }
    };
    drafts.reverse();
    Ok(Walk { drafts, base })
}

/// Returns the credentials that `credential_source` of a profile names. Returns `None` if the profile has no such
/// setting.
///
/// # Errors
/// Fails if the value is unknown or if these credentials do not exist.
pub(super) fn named_source(profiles: &ProfileSet, vars: &Vars, name: &str) -> Result<Option<Source>, ConfigError> {
    let Some(settings) = profiles.profile(name) else { return Ok(None) };
    match next(profiles, name, settings)? {
        ControlFlow::Break(base @ Base::Named { .. }) => base.resolve(profiles, vars).map(Some),
        ControlFlow::Break(_) | ControlFlow::Continue(_) => Ok(None),
    }
}

/// Returns the source profile of a profile with a role, or the base of the chain if there is no source profile.
fn next(profiles: &ProfileSet, profile: &str, settings: &Settings) -> Result<ControlFlow<Base, String>, ConfigError> {
    let file = |key| profiles.path_of(profile, key).to_owned();
    let profile = profile.to_owned();
    match (settings.get("source_profile"), settings.get("credential_source")) {
        (Some(_), Some(_)) => {
            let keys = ["source_profile", "credential_source"];
            Err(ConfigError::TwoSources { profile, file: file(keys[1]), keys })
        }
        (None, None) => Ok(Break(Base::Missing { profile })),
        (None, Some(value)) => match CREDENTIAL_SOURCES.iter().find(|known| known.name.eq_ignore_ascii_case(value)) {
            Some(source) => Ok(Break(Base::Named { profile, source })),
            None => Err(ConfigError::UnknownCredentialSource { profile, value: value.to_owned() }),
        },
        (Some(name), None) if profiles.profile(name).is_some() => Ok(Continue(name.to_owned())),
        (Some(name), None) => {
            let file = file("source_profile");
            Err(profiles.unknown(name, format!("source_profile of '{profile}' in {}", file.display())))
        }
    }
}

impl Base {
    /// Returns the source credentials that the end of the chain determines.
    ///
    /// # Errors
    /// Fails if there are no credentials, or if they are incomplete or invalid.
    pub(super) fn resolve(self, profiles: &ProfileSet, vars: &Vars) -> Result<Source, ConfigError> {
        match self {
            Self::Profile { name, named_by } => {
                let misplaced = profiles.misplaced(&name).cloned().map(Box::new);
                source::of_profile(profiles, &name)?.ok_or(ConfigError::NoCredentials {
                    profile: name,
                    named_by,
                    misplaced,
                })
            }
            Self::Missing { profile } => {
                let file = profiles.path_of(&profile, "role_arn").to_owned();
                Err(ConfigError::NoSourceForRole { profile, file })
            }
            Self::Named { profile, source: CredentialSource { name, find, missing } } => {
                find(vars)?.ok_or(ConfigError::EmptyCredentialSource { profile, value: name, reason: missing })
            }
        }
    }
}
