//! Selects the profile whose settings apply.

use super::super::request::{AlsoRole, Request};
use super::super::set::{DEFAULT, ProfileSet, Settings};
use super::super::source;
use crate::error::{ConfigError, TriedSources};
use crate::flags::PROFILE;
use crate::vars::Vars;

pub(super) struct Selected<'a> {
    pub(super) name: &'a str,
    pub(super) settings: Option<&'a Settings>,
    pub(super) by: NamedBy,
}

impl Selected<'_> {
    /// Returns the sources that were tried and have no credentials. `further` is the name of another such source, which
    /// this function adds to the list.
    pub(super) fn tried(&self, profiles: &ProfileSet, further: Option<&str>) -> TriedSources {
        let name = self.name;
        let profile = match (profiles.misplaced(name), self.settings) {
            (Some(found), _) => format!("profile '{name}' (written {}, not {})", found.written, found.expected),
            (None, Some(_)) => format!("profile '{name}'"),
            (None, None) => format!("profile '{name}' (not found)"),
        };
        let environment = ["AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE"].map(str::to_owned);
        let environment = environment.into_iter().filter(|_| self.by != NamedBy::Flag);
        let rest = [profile, "container variables".into()].into_iter().chain(further.map(str::to_owned));
        let gives = |name: &&str| matches!(source::of_profile(profiles, name), Ok(Some(_)));
        let profiles = profiles.names().filter(gives).map(str::to_owned).collect();
        TriedSources { places: environment.chain(rest).collect(), profiles, token: None }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NamedBy {
    /// `--profile`, which takes precedence over keys and tokens in the environment.
    Flag,
    /// The environment variable with this name.
    Variable(&'static str),
    /// Nothing names a profile, so the default profile is used. It need not exist.
    Default,
}

/// Selects the profile. `AWS_PROFILE` takes precedence over `AWS_DEFAULT_PROFILE`, as in the documentation of the AWS
/// CLI and in all SDKs except Python's.
///
/// # Errors
/// Fails if a flag or a variable names a profile that does not exist.
pub(super) fn select<'a>(
    request: &'a Request,
    profiles: &'a ProfileSet,
    vars: &'a Vars,
) -> Result<Selected<'a>, ConfigError> {
    let variable = |name: &'static str| Some((vars.text(name)?, NamedBy::Variable(name)));
    let by = if request.origin(&PROFILE).is_typed() { NamedBy::Flag } else { NamedBy::Variable("XASSUME_PROFILE") };
    let ours = request.profile.as_deref().map(|name| (name, by));
    let named = ours.or_else(|| variable("AWS_PROFILE")).or_else(|| variable("AWS_DEFAULT_PROFILE"));
    let (name, by) = named.unwrap_or((DEFAULT, NamedBy::Default));
    let settings = profiles.profile(name);
    let named_by = match by {
        NamedBy::Flag if request.also == Some(AlsoRole::OfProfile) => "--also",
        NamedBy::Flag => "--profile",
        NamedBy::Variable(variable) => variable,
        NamedBy::Default => {
            profiles.includes(name)?;
            return Ok(Selected { name, settings, by });
        }
    };
    if settings.is_none() {
        return Err(profiles.unknown(name, format!("from {named_by}")));
    }
    profiles.includes(name)?;
    Ok(Selected { name, settings, by })
}
