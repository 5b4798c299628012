//! The container and the EC2 instance, which are the source if nothing else has credentials.

use super::super::metadata::{Metadata, metadata};
use super::super::source::{self, Source};
use super::Planner;
use crate::error::{ConfigError, TriedSources};
use crate::flags::{
    Flag, WEB_IDENTITY_AUDIENCE, WEB_IDENTITY_PROVIDER, WEB_IDENTITY_TOKEN_COMMAND, WEB_IDENTITY_TOKEN_FILE,
};
use crate::vars::Vars;
use std::ffi::OsStr;

impl Planner<'_> {
    /// Returns the container, or else the EC2 instance, or `None` if neither is available.
    pub(super) fn surroundings(&self) -> Option<Source> {
        if source::has_container(self.vars) {
            Some(Source::Container)
        } else {
            source::has_instance_metadata(self.vars).then_some(Source::InstanceMetadata)
        }
    }

    /// Returns the sources that were tried, and why no web identity token is among them. `further` is the name of another
    /// such source.
    pub(super) fn tried(&self, further: Option<&str>) -> TriedSources {
        TriedSources { token: unused_token(self.vars), ..self.selected.tried(self.profiles, further) }
    }

    /// Returns the settings for requests to instance metadata. If instance metadata is only the last resort, the settings
    /// contain the sources that were tried before. `named` says that the profile names instance metadata, which is then
    /// not the last resort.
    pub(super) fn metadata(&self, source: &Source, named: bool) -> Result<Metadata, ConfigError> {
        if *source != Source::InstanceMetadata {
            return Ok(Metadata::default());
        }
        let last_resort = (!named && !self.profile_has_role()).then(|| Box::new(self.tried(None)));
        Ok(Metadata { last_resort, ..metadata(&self.settings())? })
    }
}

/// Returns why the variables select no web identity token although the user may have wanted to use one. Returns `None`
/// if they do not refer to a token.
fn unused_token(vars: &Vars) -> Option<String> {
    let set = |name: &str| vars.get(name).is_some_and(|value| !value.is_empty());
    let selecting = [&WEB_IDENTITY_PROVIDER, &WEB_IDENTITY_TOKEN_FILE, &WEB_IDENTITY_TOKEN_COMMAND];
    let mut selecting = selecting.into_iter().map(Flag::variable_name);
    let audience = WEB_IDENTITY_AUDIENCE.variable_name();
    if let Some(empty) = selecting.find(|name| vars.get(name).is_some_and(OsStr::is_empty)) {
        Some(format!("{empty} is empty, so it selects no web identity token"))
    } else if set("ACTIONS_ID_TOKEN_REQUEST_URL") {
        Some("in GitHub Actions, use --web-identity-provider github".to_owned())
    } else {
        set(&audience).then(|| format!("{audience} has no effect without --web-identity-provider github"))
    }
}
