//! Makes the plan. The section "Where the role comes from" in `docs/concepts.md` describes the rules.
//!
//! The functions are pure: the caller passes the files and the variables. `sts` decides how credentials are fetched.

mod also;
mod last_resort;
mod notes;
mod own;
mod selected;
mod title;

use super::chain::{Base, walk};
use super::conflicts::{FOR_ASSUME_ROLE, Outline, RULES, Start};
use super::draft::{Draft, mfa_process};
use super::hops::{RoleChain, finish};
use super::ignored;
use super::label::label_of;
use super::metadata::Metadata;
use super::network::{Network, Region, network, region};
use super::request::Request;
use super::set::ProfileSet;
use super::setting::{Lookup, of_variable};
use super::source::{self, Source};
use super::token::{TokenFrom, TokenSource};
use crate::conflicts::settle;
use crate::error::ConfigError;
use crate::event::Ignored;
use crate::flags::ROLE_ARN;
use crate::origin::Origin;
use crate::role::{MfaSerial, RoleArn};
use crate::vars::Vars;
use selected::{NamedBy, Selected, select};

/// The plan for requesting a session: the source credentials, the roles, and the network settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) source: Source,
    /// The roles to assume. If there are none, the command gets the credentials of the source.
    pub(crate) hops: RoleChain,
    /// Whether the first role is that of `AWS_ROLE_ARN`.
    pub(crate) inherits_role: bool,
    /// The MFA device with which a session of `GetSessionToken` is requested for the command. `None` if a role is
    /// assumed, because the device then belongs to a hop.
    pub(crate) device: Option<MfaSerial>,
    /// The shell command of `mfa_process`, which prints a code of `device`.
    pub(crate) mfa_process: Option<String>,
    /// The profile whose settings apply, even if neither credentials nor a role come from it.
    pub(crate) profile: Option<String>,
    /// What identifies the session in a prompt (`XASSUME_LABEL`).
    pub(crate) label: String,
    pub(crate) region: Option<Region>,
    pub(crate) network: Network,
    /// The settings for requests to instance metadata. They have an effect only if instance metadata is the source.
    pub(crate) metadata: Metadata,
    /// The ignored settings, each with the reason. `-v` logs them.
    pub(crate) notes: Vec<Ignored>,
}

/// Makes the plan.
///
/// # Errors
/// Fails if something is missing, invalid or contradictory. If both the role and the credentials are missing, the error
/// is about the role.
pub(crate) fn plan(request: &Request, profiles: &ProfileSet, vars: &Vars) -> Result<Plan, ConfigError> {
    if let Some(variable) = vars.not_text() {
        return Err(ConfigError::NotText { variable });
    }
    let selected = select(request, profiles, vars)?;
    let mut planner = Planner { request, profiles, vars, selected, notes: profiles.notes.clone() };
    planner.require_role()?;
    planner.note_names();
    if let Some(misplaced) = profiles.misplaced(planner.selected.name) {
        planner.note(&misplaced.written, format!("its file uses the form {}", misplaced.expected));
    }
    let explicit = planner.explicit_roles();
    let mut outline = planner.outline(explicit)?;
    // Cannot fail, because all rules are `Otherwise::Later`: `hops` returns an error for the conflicts that remain.
    let _ = settle(&mut outline, RULES, &mut planner.notes);
    let Outline { request, start: Start { source, drafts, notes }, .. } = outline;
    planner.notes.extend(notes);
    if let Source::WebIdentity { token, from } = &source {
        token.check(from)?;
    }
    let inherits_role = drafts.len() > explicit.len() && drafts.first().is_some_and(|first| first.profile.is_none());
    let metadata = planner.metadata(&source, drafts.is_empty())?;
    let device = if drafts.is_empty() { planner.own_device(&source, &request)? } else { None };
    let mfa_process = device.as_ref().and_then(|_| mfa_process(profiles, planner.selected.name));
    let profiles_of_roles = drafts.iter().filter_map(|draft| draft.profile.as_deref());
    let used = planner.selected.name;
    let is_named = planner.selected.by != NamedBy::Default
        && drafts.last().is_none_or(|last| last.profile.as_deref() == Some(used));
    planner.notes.extend(ignored::notes(profiles, profiles_of_roles, source.profile(), used, vars));
    let hops = finish(drafts, source.is_web_identity(), &request, vars, &mut planner.notes)?;
    let label = label_of(hops.last().filter(|_| !is_named), used);
    let settings = planner.settings();
    let region = region(&request, &settings)?;
    let network = network(&settings, &mut planner.notes)?;
    let profile = planner.profile();
    let notes = planner.notes;
    let plan =
        Plan { source, hops, inherits_role, device, mfa_process, profile, label, region, network, metadata, notes };
    plan.of_also(&request, vars)
}

/// The source credentials, and the roles to assume with them.
type SourceAndRoles = (Source, Vec<Draft>);

struct Planner<'a> {
    request: &'a Request,
    profiles: &'a ProfileSet,
    vars: &'a Vars,
    selected: Selected<'a>,
    notes: Vec<Ignored>,
}

impl<'a> Planner<'a> {
    /// Returns the name of the selected profile, or `None` if it does not exist.
    fn profile(&self) -> Option<String> {
        self.selected.settings.map(|_| self.selected.name.to_owned())
    }

    fn settings(&self) -> Lookup<'a> {
        Lookup { profiles: self.profiles, vars: self.vars, used: self.selected.name }
    }

    fn by_flag(&self) -> bool {
        self.selected.by == NamedBy::Flag
    }

    fn profile_has_role(&self) -> bool {
        self.selected.settings.is_some_and(|settings| settings.get("role_arn").is_some())
    }

    /// Returns the explicit roles, which are those of `--role-arn` or `XASSUME_ROLE_ARN`. `XASSUME_ROLE_ARN` is ignored
    /// if the profile of `--profile` has a role.
    fn explicit_roles(&mut self) -> &'a [RoleArn] {
        let by_variable = self.request.given(&ROLE_ARN).is_some_and(|origin| !origin.is_typed());
        if by_variable && self.by_flag() && self.profile_has_role() {
            self.note("XASSUME_ROLE_ARN", "conflicts with the role of --profile");
            return &[];
        }
        &self.request.roles
    }

    /// Returns the role of `AWS_ROLE_ARN` as the only element, or an empty list if the variable is not set.
    fn aws_role(&self) -> Result<Vec<Draft>, ConfigError> {
        let role = of_variable(self.vars, "AWS_ROLE_ARN", RoleArn::parse)?;
        Ok(role.map(Draft::plain).into_iter().collect())
    }

    /// Returns the token file that `AWS_WEB_IDENTITY_TOKEN_FILE` names, or `None` if the variable is unset or empty.
    fn aws_token(&self) -> Option<TokenSource> {
        self.vars.nonempty("AWS_WEB_IDENTITY_TOKEN_FILE").map(|path| TokenSource::File(path.into()))
    }

    /// Determines the source and the roles. If a variable selects a web identity token and may be ignored, also
    /// determines the source and the roles without it.
    fn outline(&mut self, explicit: &[RoleArn]) -> Result<Outline, ConfigError> {
        let request = self.request.clone();
        let start = self.start(request.web_identity.clone(), explicit)?;
        let replaceable = start.is_unsigned()
            && request.token_origin().is_some_and(|origin| !origin.is_typed())
            && FOR_ASSUME_ROLE.into_iter().filter_map(|flag| request.given(flag)).any(Origin::is_typed);
        // The EC2 instance does not replace the token, because no setting selects the role of the instance.
        let without_token = replaceable.then(|| self.start(None, explicit).ok()).flatten();
        let without_token = without_token.filter(|start| start.source.is_configured());
        Ok(Outline { request, start, without_token })
    }

    /// Determines the source and the roles. `token` is the web identity token that a flag or its variable selects.
    fn start(&mut self, token: Option<(TokenSource, Origin)>, explicit: &[RoleArn]) -> Result<Start, ConfigError> {
        let others = std::mem::take(&mut self.notes);
        let (source, drafts) = self.source_and_roles(token, explicit)?;
        let notes = std::mem::replace(&mut self.notes, others);
        let mut start = Start { source, drafts, notes };
        // A first explicit role that is also the last role of the profile or the token is assumed only once.
        let repeated = start.drafts.last().zip(explicit.first()).is_some_and(|(draft, role)| draft.role == *role);
        start.drafts.extend(explicit.iter().skip(usize::from(repeated)).cloned().map(Draft::plain));
        Ok(start)
    }

    /// Determines the source credentials, and the roles that are assumed before the explicit ones.
    ///
    /// The order of the sources is botocore's: keys in the environment, the profile's role, the web identity token in
    /// the environment, the profile's credentials, the container, the instance. A web identity token that a flag selects
    /// takes precedence over all of them, and `--profile` takes precedence over the environment.
    fn source_and_roles(
        &mut self,
        token: Option<(TokenSource, Origin)>,
        explicit: &[RoleArn],
    ) -> Result<SourceAndRoles, ConfigError> {
        if explicit.is_empty() && !self.profile_has_role() && self.vars.text("AWS_ROLE_ARN").is_none() {
            return Ok((self.own_source()?, Vec::new()));
        }
        if let Some((token, by)) = token {
            return self.start_with_token(token, by, explicit);
        }
        if !self.by_flag()
            && let Some(keys) = source::environment_keys(self.vars)?
        {
            return self.start_with_keys(Source::EnvironmentKeys(keys), explicit);
        }
        if self.profile_has_role() {
            let walk = walk(self.profiles, self.selected.name)?;
            return Ok((walk.base.resolve(self.profiles, self.vars)?, walk.drafts));
        }
        if !self.by_flag()
            && let Some(token) = self.aws_token()
        {
            return self.start_with_aws_token(token);
        }
        match source::of_profile(self.profiles, self.selected.name)?.or_else(|| self.surroundings()) {
            Some(source) if explicit.is_empty() => Ok((source, self.aws_role()?)),
            Some(source) => Ok((source, Vec::new())),
            None => Err(ConfigError::NoSource(
                self.tried(Some("instance metadata (disabled by AWS_EC2_METADATA_DISABLED)")),
            )),
        }
    }

    /// Uses the web identity token that a flag selects as the source. If there are explicit roles and
    /// `AWS_WEB_IDENTITY_TOKEN_FILE` names another token, `AWS_ROLE_ARN` is ignored, because it belongs to that other
    /// token.
    fn start_with_token(
        &mut self,
        token: TokenSource,
        by: Origin,
        explicit: &[RoleArn],
    ) -> Result<SourceAndRoles, ConfigError> {
        let drafts = if self.profile_has_role() && (self.by_flag() || explicit.is_empty()) {
            walk(self.profiles, self.selected.name)?.drafts
        } else if explicit.is_empty() || self.aws_token().is_none_or(|other| other == token) {
            self.aws_role()?
        } else {
            if self.vars.text("AWS_ROLE_ARN").is_some() {
                self.note("AWS_ROLE_ARN", "it is set for another web identity token");
            }
            Vec::new()
        };
        self.note_source_passed_over(format!("{by} is set"));
        Ok((Source::WebIdentity { token, from: TokenFrom::Flag(by) }, drafts))
    }

    /// Uses the keys in the environment as the source. If the selected profile has a role, its roles are assumed with
    /// these keys instead of the profile's own source.
    fn start_with_keys(&mut self, keys: Source, explicit: &[RoleArn]) -> Result<SourceAndRoles, ConfigError> {
        if !explicit.is_empty() {
            self.note_source_passed_over("AWS_ACCESS_KEY_ID is set");
            return Ok((keys, Vec::new()));
        }
        if self.profile_has_role() {
            let walk = walk(self.profiles, self.selected.name)?;
            // A role that is assumed with a web identity token cannot be assumed with keys instead.
            if let Base::Profile { name, .. } = &walk.base
                && let Some(source) = source::token_of_profile(self.profiles, name)?
            {
                return Ok((source, walk.drafts));
            }
            let name = self.selected.name;
            self.note(format_args!("the source of profile {name}"), "AWS_ACCESS_KEY_ID is set");
            return Ok((keys, walk.drafts));
        }
        match self.aws_token() {
            Some(token) => {
                self.note("AWS_ACCESS_KEY_ID", "AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE are set");
                self.start_with_aws_token(token)
            }
            None => Ok((keys, self.aws_role()?)),
        }
    }

    /// Uses `AWS_WEB_IDENTITY_TOKEN_FILE` as the source. If `AWS_ROLE_ARN` is set, it is the first role.
    fn start_with_aws_token(&mut self, token: TokenSource) -> Result<SourceAndRoles, ConfigError> {
        self.note_source_passed_over("AWS_WEB_IDENTITY_TOKEN_FILE is set");
        let source = Source::WebIdentity { token, from: TokenFrom::Variable };
        Ok((source, self.aws_role()?))
    }
}

#[cfg(test)]
mod tests;
