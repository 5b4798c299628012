//! A profile without a role: the command gets the profile's own credentials.
//!
//! Only a profile that the user has named is launched in this way, so xassume never passes on credentials that the
//! user has not selected.

use super::super::chain;
use super::super::request::Request;
use super::super::set::ProfileSet;
use super::super::source::{self, Source};
use super::super::token::TokenFrom;
use super::selected::NamedBy;
use super::{Plan, Planner};
use crate::error::{ConfigError, shortened};
use crate::flags::{
    DURATION, EXTERNAL_ID, Flag, MFA_SERIAL, MFA_SESSION_DURATION, POLICY, POLICY_ARN, ROLE_SESSION_NAME,
    SOURCE_IDENTITY, TAG, TRANSITIVE_TAG, WEB_IDENTITY_PROVIDER, WEB_IDENTITY_TOKEN_COMMAND, WEB_IDENTITY_TOKEN_FILE,
};
use crate::origin::Origin;
use crate::role::MfaSerial;
use crate::session::KeyKind;
use crate::vars::Vars;

const ROLE_ARN: &str = "role_arn";

/// The flags that have an effect only on roles.
const OF_ROLES: [&Flag; 11] = [
    &ROLE_SESSION_NAME,
    &EXTERNAL_ID,
    &DURATION,
    &POLICY,
    &POLICY_ARN,
    &TAG,
    &TRANSITIVE_TAG,
    &SOURCE_IDENTITY,
    &WEB_IDENTITY_TOKEN_FILE,
    &WEB_IDENTITY_TOKEN_COMMAND,
    &WEB_IDENTITY_PROVIDER,
];
/// The variables of these flags are errors. If they were ignored, the command would get more permissions than they allow.
const RESTRICTIONS: [&Flag; 2] = [&POLICY, &POLICY_ARN];

impl Plan {
    /// Checks whether the command gets keys from a profile or the environment, whose expiry is not known.
    pub(crate) fn has_no_expiry(&self) -> bool {
        self.hops.is_empty() && self.device.is_none() && self.source.static_kind().is_some()
    }
}

impl Planner<'_> {
    /// Returns the selected profile's own credentials, because nothing specifies a role.
    ///
    /// # Errors
    /// Fails if no profile is named, or if the profile has no credentials.
    pub(super) fn own_source(&mut self) -> Result<Source, ConfigError> {
        let name = self.selected.name;
        if self.selected.by == NamedBy::Default {
            let misplaced = self.profiles.misplaced(name).map(ToString::to_string);
            let hint = misplaced.or_else(|| self.vars.text("XASSUME_LABEL").map(in_a_session));
            return Err(ConfigError::NoRole { profile: self.profile(), hint });
        }
        let source = credentials(self.profiles, self.vars, name)?;
        for variable in ["AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE"] {
            let is_used = variable == "AWS_ACCESS_KEY_ID" && matches!(source, Source::EnvironmentKeys(_));
            if self.vars.text(variable).is_some() && !is_used {
                self.note(variable, format!("the credentials of profile {name} are used"));
            }
        }
        Ok(source)
    }

    /// Returns the MFA device for the profile's own credentials, and checks the flags that apply to roles only.
    ///
    /// # Errors
    /// Fails if a flag requires a role, or credentials that expire.
    pub(super) fn own_device(&mut self, source: &Source, request: &Request) -> Result<Option<MfaSerial>, ConfigError> {
        let device = self.device(source, request)?;
        if let (Some(kind), None) = (source.static_kind(), &device) {
            request.allow_no_expiry(source, kind)?;
        }
        for flag in OF_ROLES {
            let instead = (device.is_some() && *flag == DURATION).then_some(Origin::Flag(&MFA_SESSION_DURATION));
            self.refuse(flag, instead, request)?;
        }
        Ok(device)
    }

    /// Returns the MFA device with which a session of `GetSessionToken` is requested. This call accepts only long-term
    /// keys, so a device is ignored with other credentials.
    ///
    /// # Errors
    /// Fails if the device of the profile is invalid, or if `--mfa-serial` is typed for other credentials.
    fn device(&mut self, source: &Source, request: &Request) -> Result<Option<MfaSerial>, ConfigError> {
        let name = self.selected.name;
        let of_profile = self.profiles.parsed(name, "mfa_serial", MfaSerial::parse)?;
        if source.static_kind() == Some(KeyKind::LongTerm) {
            return Ok(request.options.mfa_serial.clone().or(of_profile));
        }
        self.refuse(&MFA_SERIAL, None, request)?;
        if of_profile.is_some() {
            let setting = format_args!("mfa_serial of profile {name}");
            self.note(setting, "without a role, only long-term keys in the profile are used with MFA");
        }
        Ok(None)
    }

    /// Checks that an option of roles is not given. A flag is an error. A variable is an error if it restricts a session,
    /// and is otherwise ignored. `instead` is the flag that has the same effect on the profile's own credentials.
    ///
    /// # Errors
    /// Fails if the flag or its variable is an error.
    fn refuse(&mut self, flag: &'static Flag, instead: Option<Origin>, request: &Request) -> Result<(), ConfigError> {
        let name = self.selected.name;
        match request.given(flag) {
            Some(word) if word.is_typed() || RESTRICTIONS.contains(&flag) => {
                return Err(ConfigError::WithoutRole { word, profile: name.to_owned(), instead });
            }
            Some(word) => self.note(word, format!("profile {name} has no role")),
            None => {}
        }
        Ok(())
    }
}

/// Returns the profile's own credentials, or those that its `credential_source` names.
///
/// # Errors
/// Fails if the profile has no credentials, or if they are incomplete or invalid.
fn credentials(profiles: &ProfileSet, vars: &Vars, name: &str) -> Result<Source, ConfigError> {
    let source = match source::of_profile(profiles, name)? {
        Some(Source::WebIdentity { from: TokenFrom::Profile { name: profile, key }, .. }) => {
            return Err(ConfigError::WebIdentityWithoutRole { profile, key });
        }
        None => chain::named_source(profiles, vars, name)?,
        source => source,
    };
    source.ok_or_else(|| ConfigError::NothingToLaunch { profile: name.to_owned(), hint: missing(profiles, name) })
}

/// Returns the hint for a run without a role in the environment that another xassume has made. `label` names its session.
fn in_a_session(label: &str) -> String {
    let label = shortened(label);
    format!(
        "this environment has the session of {label}: run the command without xassume, or pass -p or -r for another session"
    )
}

/// Returns a hint about what a profile without role and credentials lacks. Returns `None` if its settings do not show
/// what the user meant.
fn missing(profiles: &ProfileSet, name: &str) -> Option<String> {
    if let Some(misplaced) = profiles.misplaced(name) {
        return Some(misplaced.to_string());
    }
    let settings = profiles.profile(name)?;
    // The length is compared first, because the time of the other comparison grows with it.
    let is_similar = |key: &str| key.len() <= ROLE_ARN.len() + 2 && strsim::levenshtein(key, ROLE_ARN) <= 2;
    if let Some(key) = settings.keys().find(|key| *key != ROLE_ARN && is_similar(key)) {
        return Some(format!("did you mean {ROLE_ARN} instead of {key}?"));
    }
    if settings.get("sso_session").or(settings.get("sso_start_url")).is_some() {
        return Some(format!("add sso_account_id and sso_role_name to profile '{name}'"));
    }
    if settings.get("source_profile").is_some() {
        return Some(format!("source_profile has no effect without role_arn; add role_arn = ARN to profile '{name}'"));
    }
    let includes = profiles.includes(name).ok()?;
    let with_keys = |included: &&String| profiles.profile(included).is_some_and(source::has_keys);
    let named = includes.iter().find(with_keys)?;
    Some(format!("access keys are never included; use the keys with: --profile {named}"))
}
