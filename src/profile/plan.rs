//! The plan: from which source credentials which roles are assumed, in which region.
//!
//! One pure function decides it, [`plan`]; the README's "Where the role comes from" is this file. It must not know
//! how anything is fetched, and it reads no file and no variable but those it is given.

mod selected;

use super::chain::{Base, walk};
use super::hops::{Call, Draft, RoleChain, finish};
use super::ignored;
use super::metadata::{Metadata, metadata};
use super::network::{Network, Region, Used, network, region};
use super::request::Request;
use super::set::ProfileSet;
use super::source::{self, Source, TokenFrom};
use crate::error::ConfigError;
use crate::origin::Precedence;
use crate::role::RoleArn;
use crate::vars::Vars;
use selected::{NamedBy, Selected, select};
use std::path::PathBuf;

/// What will be done, decided before anything is asked of anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) source: Source,
    pub(crate) hops: RoleChain,
    /// The profile whose settings count, whether or not credentials or a role are from it.
    pub(crate) profile: Option<String>,
    pub(crate) region: Option<Region>,
    pub(crate) network: Network,
    /// How instance metadata is asked, where it is the source.
    pub(crate) metadata: Metadata,
    /// What was passed over, and why; said by `-v`.
    pub(crate) notes: Vec<String>,
}

/// Decides the plan.
///
/// # Errors
/// What is missing, wrong or contradictory; a missing role comes before missing credentials.
pub(crate) fn plan(request: &Request, profiles: &ProfileSet, vars: &Vars) -> Result<Plan, ConfigError> {
    if let Some(variable) = vars.not_text() {
        return Err(ConfigError::NotText { variable });
    }
    match decide(request, profiles, vars) {
        // Of a flag and a variable the flag counts, also where the variable names the token: unless nothing else is
        // configured that could sign.
        Err(error @ ConfigError::NotForWebIdentity { word, token: Some(token), .. })
            if word.beside(token) == Precedence::This =>
        {
            let without = Request { web_identity_token_file: None, ..request.clone() };
            let Some(mut plan) = decide(&without, profiles, vars).ok().filter(|plan| plan.source.is_configured())
            else {
                return Err(error);
            };
            plan.notes.push(token.stands_back(word));
            Ok(plan)
        }
        decided => decided,
    }
}

fn decide(request: &Request, profiles: &ProfileSet, vars: &Vars) -> Result<Plan, ConfigError> {
    let mut planner = Planner {
        request,
        profiles,
        vars,
        selected: select(request, profiles, vars)?,
        notes: profiles.notes().to_vec(),
    };
    planner.note_names();
    if let Some(misplaced) = profiles.misplaced(planner.selected.name) {
        planner.note(format!("a section of profile {} is not read: {misplaced}", planner.selected.name));
    }
    let explicit = planner.explicit_roles();
    let Start { source, mut drafts } = planner.start(explicit)?;
    let metadata = planner.metadata(&source)?;
    // A role that is named by itself and is also where the profile or the token leads is one hop, not two.
    let repeated = drafts.last().zip(explicit.first()).is_some_and(|(draft, role)| draft.role == *role);
    drafts.extend(explicit.iter().skip(usize::from(repeated)).cloned().map(Draft::plain));
    let profiles_of_roles = drafts.iter().filter_map(|draft| draft.profile.as_deref());
    planner.notes.extend(ignored::notes(profiles, profiles_of_roles, planner.used(), vars));
    let call = if source.is_web_identity() { Call::AssumeRoleWithWebIdentity } else { Call::AssumeRole };
    let hops = finish(drafts, call, request, vars, &mut planner.notes)?;
    let used = planner.used();
    let region = region(request, profiles, vars, used)?;
    let network = network(profiles, vars, used, &mut planner.notes)?;
    let profile = used.map(|used| used.name.to_owned());
    Ok(Plan { source, hops, profile, region, network, metadata, notes: planner.notes })
}

/// What the roles that were named by themselves come after.
struct Start {
    source: Source,
    drafts: Vec<Draft>,
}

struct Planner<'a> {
    request: &'a Request,
    profiles: &'a ProfileSet,
    vars: &'a Vars,
    selected: Selected<'a>,
    notes: Vec<String>,
}

impl<'a> Planner<'a> {
    fn used(&self) -> Option<Used<'a>> {
        Some(Used { name: self.selected.name, settings: self.selected.settings? })
    }

    fn by_flag(&self) -> bool {
        self.selected.by == NamedBy::Flag
    }

    fn profile_has_role(&self) -> bool {
        self.selected.settings.is_some_and(|settings| settings.get("role_arn").is_some())
    }

    fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Says which of several names of a profile counts.
    fn note_names(&mut self) {
        let NamedBy::Variable(chosen) = self.selected.by else { return };
        for other in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
            let name = self.selected.name;
            if let Some(passed_over) = self.vars.text(other).filter(|other| *other != name) {
                self.note(format!("{other}={passed_over} is not used: {chosen}={name} comes first"));
            }
        }
    }

    /// `--role-arn`, or `XASSUME_ROLE_ARN` unless `--profile` has a role itself.
    fn explicit_roles(&mut self) -> &'a [RoleArn] {
        let (flag, variable) = (&self.request.roles, &self.request.roles_variable);
        let beaten_by = if !flag.is_empty() {
            "--role-arn"
        } else if self.by_flag() && self.profile_has_role() {
            "the role of --profile"
        } else {
            return variable;
        };
        if !variable.is_empty() {
            self.note(format!("XASSUME_ROLE_ARN is not used: {beaten_by} comes first"));
        }
        flag
    }

    /// `AWS_ROLE_ARN`.
    fn aws_role(&self) -> Result<Option<Draft>, ConfigError> {
        const NAME: &str = "AWS_ROLE_ARN";
        let Some(value) = self.vars.text(NAME) else { return Ok(None) };
        let role = RoleArn::parse(value).map_err(|invalid| ConfigError::Variable {
            name: NAME,
            value: value.to_owned(),
            invalid: invalid.into(),
        })?;
        Ok(Some(Draft::plain(role)))
    }

    /// `AWS_WEB_IDENTITY_TOKEN_FILE`.
    fn aws_token(&self) -> Option<PathBuf> {
        self.vars.get("AWS_WEB_IDENTITY_TOKEN_FILE").filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    /// The source credentials, and the roles that are not named by themselves.
    ///
    /// The order is botocore's: keys in the environment, the profile's role, web identity from the environment, the
    /// profile's own credentials, the container, the instance. A token file that was asked for stands before all,
    /// `--profile` before the environment.
    fn start(&mut self, explicit: &[RoleArn]) -> Result<Start, ConfigError> {
        if explicit.is_empty() && !self.profile_has_role() && self.vars.text("AWS_ROLE_ARN").is_none() {
            let misplaced = self.profiles.misplaced(self.selected.name).cloned().map(Box::new);
            return Err(ConfigError::NoRole { profile: self.used().map(|used| used.name.to_owned()), misplaced });
        }
        let plain = |planner: &Self, source| {
            let drafts = if explicit.is_empty() { planner.aws_role()?.into_iter().collect() } else { Vec::new() };
            Ok(Start { source, drafts })
        };
        if let Some((token_file, from)) = self.request.web_identity_token_file.clone() {
            return self.start_with_token(token_file, from, explicit);
        }
        if !self.by_flag()
            && let Some(keys) = source::environment_keys(self.vars)?
        {
            return self.start_with_keys(Source::EnvironmentKeys(keys), explicit);
        }
        if self.profile_has_role() {
            let walk = walk(self.profiles, self.selected.name)?;
            return Ok(Start { source: walk.base.resolve(self.profiles, self.vars)?, drafts: walk.drafts });
        }
        if !self.by_flag()
            && let Some(token_file) = self.aws_token()
        {
            return self.start_with_aws_token(token_file);
        }
        let source = source::of_profile(self.profiles, self.selected.name)?.or_else(|| self.surroundings());
        match source {
            Some(source) => plain(self, source),
            None => {
                Err(ConfigError::NoSource(self.selected.tried(self.profiles, Some("instance metadata (disabled)"))))
            }
        }
    }

    /// A token file of our own: it is the source. `AWS_ROLE_ARN` goes with it unless AWS's variable names another.
    fn start_with_token(
        &mut self,
        token_file: PathBuf,
        from: TokenFrom,
        explicit: &[RoleArn],
    ) -> Result<Start, ConfigError> {
        let drafts = if self.profile_has_role() && (self.by_flag() || explicit.is_empty()) {
            walk(self.profiles, self.selected.name)?.drafts
        } else if explicit.is_empty() || self.aws_token().is_none_or(|other| other == token_file) {
            self.aws_role()?.into_iter().collect()
        } else {
            if self.vars.text("AWS_ROLE_ARN").is_some() {
                self.note("AWS_ROLE_ARN is not used: it goes with another token file");
            }
            Vec::new()
        };
        self.note_source_passed_over("a web identity token file was asked for");
        Ok(Start { source: Source::WebIdentity { token_file, from }, drafts })
    }

    /// Keys in the environment. They are the source, whatever `AWS_PROFILE` names as such; its roles stay.
    fn start_with_keys(&mut self, keys: Source, explicit: &[RoleArn]) -> Result<Start, ConfigError> {
        if !explicit.is_empty() {
            self.note_source_passed_over("there are keys in the environment");
            return Ok(Start { source: keys, drafts: Vec::new() });
        }
        if self.profile_has_role() {
            let walk = walk(self.profiles, self.selected.name)?;
            // A web identity role trusts the token and no keys.
            if let Base::Profile { name, .. } = &walk.base
                && let Some(source) = self.web_identity_of(name)?
            {
                return Ok(Start { source, drafts: walk.drafts });
            }
            self.note(format!(
                "keys in the environment are used in place of the source of profile {}",
                self.selected.name
            ));
            return Ok(Start { source: keys, drafts: walk.drafts });
        }
        match self.aws_token() {
            Some(token_file) => {
                self.note("keys in the environment are not used: AWS_ROLE_ARN goes with AWS_WEB_IDENTITY_TOKEN_FILE");
                self.start_with_aws_token(token_file)
            }
            None => Ok(Start { source: keys, drafts: self.aws_role()?.into_iter().collect() }),
        }
    }

    fn web_identity_of(&self, profile: &str) -> Result<Option<Source>, ConfigError> {
        let has_token =
            self.profiles.profile(profile).is_some_and(|settings| settings.get("web_identity_token_file").is_some());
        if has_token { source::of_profile(self.profiles, profile) } else { Ok(None) }
    }

    /// `AWS_WEB_IDENTITY_TOKEN_FILE`, with `AWS_ROLE_ARN` as the first hop if it is set.
    fn start_with_aws_token(&mut self, token_file: PathBuf) -> Result<Start, ConfigError> {
        self.note_source_passed_over("AWS_WEB_IDENTITY_TOKEN_FILE is set");
        let source = Source::WebIdentity { token_file, from: TokenFrom::Variable };
        Ok(Start { source, drafts: self.aws_role()?.into_iter().collect() })
    }

    /// What the machine offers when nothing is configured.
    fn surroundings(&self) -> Option<Source> {
        if source::has_container(self.vars) {
            Some(Source::Container)
        } else {
            source::has_instance_metadata(self.vars).then_some(Source::InstanceMetadata)
        }
    }

    /// Says that a profile which somebody named gives neither role nor credentials.
    fn note_source_passed_over(&mut self, reason: &str) {
        if self.selected.by != NamedBy::Nobody || self.profile_has_role() {
            let name = self.selected.name;
            self.note(format!("profile {name} is not the source: {reason}"));
        }
    }

    /// How the source is asked where it is the instance, and what was looked at before it if nothing names it.
    fn metadata(&self, source: &Source) -> Result<Metadata, ConfigError> {
        if *source != Source::InstanceMetadata {
            return Ok(Metadata::default());
        }
        let last_resort = (!self.profile_has_role()).then(|| self.selected.tried(self.profiles, None));
        Ok(Metadata { last_resort, ..metadata(self.profiles, self.vars, self.used())? })
    }
}

#[cfg(test)]
mod tests;
