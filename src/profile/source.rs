//! The source credentials, with which the first role is assumed.
//!
//! The order within a profile is that of botocore's `ProfileProviderBuilder.providers`. This module only decides where
//! the credentials come from. `sts` fetches them.

use super::set::{ProfileSet, Settings, near};
use super::text::FileKind;
use super::token::{TOKEN_FILE, TOKEN_PROCESS, TokenFrom, TokenSource, program};
use crate::error::ConfigError;
use crate::profile::quotes::one_line;
use crate::region::region_name;
use crate::role::{Invalid, is_account};
use crate::session::{KeyKind, Keys, account_of};
use crate::vars::Vars;
use std::fmt;

/// Where the source credentials come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
    EnvironmentKeys(Keys),
    /// Access keys in the shared files.
    ProfileKeys { profile: String, keys: Keys },
    /// The command of `credential_process`. Its arguments may be secret.
    Process { profile: String, command: String },
    /// IAM Identity Center. The user signs in and gets the credentials of a role in an account.
    Sso { session: SsoSession, account_id: String, role_name: String },
    /// The session of `aws login`, which the key `login_session` names.
    Login { profile: String, session_arn: String },
    /// A token instead of credentials. The first role is assumed with an `AssumeRoleWithWebIdentity` call, which is not
    /// signed.
    WebIdentity { token: TokenSource, from: TokenFrom },
    /// The credentials endpoint of a container in ECS or EKS.
    Container,
    /// The role of the EC2 instance.
    InstanceMetadata,
}

/// A session of IAM Identity Center. A sign-in starts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SsoSession {
    pub(crate) profile: String,
    /// The name of the `sso-session` section. `None` if the profile itself has the settings of the session.
    pub(crate) name: Option<String>,
    pub(crate) start_url: String,
    pub(crate) region: String,
    /// `sso_registration_scopes`: what a sign-in asks permission for. `None` if it is not set.
    pub(crate) scopes: Option<Vec<String>>,
}

impl Source {
    /// Returns the profile that contains the credentials. Returns `None` if they do not come from a profile.
    pub(super) fn profile(&self) -> Option<&str> {
        match self {
            Self::ProfileKeys { profile, .. }
            | Self::Process { profile, .. }
            | Self::Sso { session: SsoSession { profile, .. }, .. }
            | Self::Login { profile, .. }
            | Self::WebIdentity { from: TokenFrom::Profile { name: profile, .. }, .. } => Some(profile),
            Self::EnvironmentKeys(_) | Self::WebIdentity { .. } | Self::Container | Self::InstanceMetadata => None,
        }
    }

    /// Checks whether the first role is assumed with an `AssumeRoleWithWebIdentity` call.
    pub(crate) fn is_web_identity(&self) -> bool {
        matches!(self, Self::WebIdentity { .. })
    }

    /// Returns the kind of keys that are in the environment or in a profile, or `None` for other sources.
    pub(crate) fn static_kind(&self) -> Option<KeyKind> {
        match self {
            Self::EnvironmentKeys(keys) | Self::ProfileKeys { keys, .. } => Some(KeyKind::of(keys)),
            _ => None,
        }
    }

    /// Returns the account of the credentials, or `None` if it is not known without a call.
    pub(crate) fn account(&self) -> Option<&str> {
        match self {
            Self::Sso { account_id, .. } => Some(account_id),
            Self::Login { session_arn, .. } => account_of(session_arn).filter(|account| is_account(account)),
            _ => None,
        }
    }

    /// Checks whether some setting selects this source. This is false only for the EC2 instance, which is used if there
    /// is no other source.
    pub(super) fn is_configured(&self) -> bool {
        !matches!(self, Self::InstanceMetadata)
    }
}

impl fmt::Display for Source {
    /// Writes the source for `-v`. An access key ID is written, because it is not secret. Of the command of
    /// `credential_process`, only the program is written, because the arguments can be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EnvironmentKeys(keys) => write!(f, "keys in the environment ({})", keys.access_key_id),
            Self::ProfileKeys { profile, keys } => write!(f, "keys of profile {profile} ({})", keys.access_key_id),
            Self::Process { profile, command } => {
                write!(f, "credential_process of profile {profile} ({})", program(command))
            }
            Self::Sso { session, account_id, role_name } => {
                write!(f, "SSO of profile {} ({role_name} in account {account_id})", session.profile)
            }
            Self::Login { profile, session_arn } => write!(f, "`aws login` of profile {profile} ({session_arn})"),
            Self::WebIdentity { token, from } => token.write(from, f),
            Self::Container => f.write_str("the container's credentials endpoint"),
            Self::InstanceMetadata => f.write_str("the instance's role (EC2 metadata)"),
        }
    }
}

const KEY_ID: &str = "aws_access_key_id";
const SECRET_KEY: &str = "aws_secret_access_key";

/// Returns the access keys in the environment, or `None` if neither the key ID nor the secret key is set.
///
/// # Errors
/// Fails if only one of the two is set, or if a value is invalid.
pub(super) fn environment_keys(vars: &Vars) -> Result<Option<Keys>, ConfigError> {
    let partial = |missing| Err(ConfigError::PartialEnvironmentKeys { missing });
    match (vars.text("AWS_ACCESS_KEY_ID"), vars.text("AWS_SECRET_ACCESS_KEY")) {
        (None, None) => Ok(None),
        (Some(_), None) => partial("AWS_SECRET_ACCESS_KEY"),
        (None, Some(_)) => partial("AWS_ACCESS_KEY_ID"),
        (Some(id), Some(secret)) => {
            let token = |name| vars.text(name).map(|token| (name, token));
            // Long-term keys (AKIA) have no token, so AWS_SECURITY_TOKEN belongs to other credentials.
            let old_name = token("AWS_SECURITY_TOKEN").filter(|_| !id.starts_with("AKIA"));
            let token = token("AWS_SESSION_TOKEN").or(old_name);
            Keys::checked(("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", secret), token)
                .map(Some)
                .map_err(|(variable, flaw)| ConfigError::UnusableEnvironmentKey { variable, flaw })
        }
    }
}

/// Checks whether the credentials endpoint of a container is set.
pub(super) fn has_container(vars: &Vars) -> bool {
    vars.text("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").is_some()
        || vars.text("AWS_CONTAINER_CREDENTIALS_FULL_URI").is_some()
}

/// Checks whether instance metadata is allowed.
pub(super) fn has_instance_metadata(vars: &Vars) -> bool {
    !vars.is_true("AWS_EC2_METADATA_DISABLED")
}

/// Checks whether a profile has an access key ID or a secret access key. One of the two is enough, as in botocore's
/// `_has_static_credentials`.
pub(super) fn has_keys(settings: &Settings) -> bool {
    settings.get(KEY_ID).is_some() || settings.get(SECRET_KEY).is_some()
}

/// Returns the credentials of a profile itself, but does not use its role. The first of these that the profile has
/// counts: web identity, SSO, keys in the credentials file, login, process, keys in the config file. Returns `None` if
/// the profile has none of them.
///
/// # Errors
/// Fails if the credentials are incomplete or invalid.
pub(super) fn of_profile(profiles: &ProfileSet, name: &str) -> Result<Option<Source>, ConfigError> {
    let Some(settings) = profiles.profile(name) else { return Ok(None) };
    let profile = name.to_owned();
    if let Some(token) = token_of_profile(profiles, name)? {
        return Ok(Some(token));
    }
    if let Some(sso) = sso(profiles, name, settings)? {
        return Ok(Some(sso));
    }
    let keys_file = settings.file(KEY_ID).or_else(|| settings.file(SECRET_KEY));
    if has_keys(settings) && keys_file == Some(FileKind::Credentials) {
        return static_keys(profiles, name, settings).map(Some);
    }
    if let Some(session) = settings.get("login_session") {
        return Ok(Some(Source::Login { profile, session_arn: session.to_owned() }));
    }
    if let Some(command) = settings.get("credential_process") {
        return Ok(Some(Source::Process { profile, command: one_line(command) }));
    }
    if has_keys(settings) { static_keys(profiles, name, settings).map(Some) } else { Ok(None) }
}

/// Returns the web identity token of a profile, or `None` if the profile has none.
///
/// # Errors
/// The profile has both a token file and a command that prints a token.
pub(super) fn token_of_profile(profiles: &ProfileSet, name: &str) -> Result<Option<Source>, ConfigError> {
    let Some(settings) = profiles.profile(name) else { return Ok(None) };
    let selected = |token, key| Source::WebIdentity { token, from: TokenFrom::Profile { name: name.to_owned(), key } };
    Ok(match (settings.get(TOKEN_FILE), settings.get(TOKEN_PROCESS)) {
        (Some(_), Some(_)) => {
            let (file, keys) = (profiles.path_of(name, TOKEN_PROCESS).to_owned(), [TOKEN_FILE, TOKEN_PROCESS]);
            return Err(ConfigError::TwoSources { profile: name.to_owned(), file, keys });
        }
        (Some(path), None) => Some(selected(TokenSource::File(path.into()), TOKEN_FILE)),
        (None, Some(command)) => Some(selected(TokenSource::Command(one_line(command)), TOKEN_PROCESS)),
        (None, None) => None,
    })
}

/// Reads the access keys of a profile. The access key ID and the secret access key may be in different files. A token
/// is used only from the file with the key ID, because a token in the other file may belong to another session.
fn static_keys(profiles: &ProfileSet, name: &str, settings: &Settings) -> Result<Source, ConfigError> {
    let partial = |present, missing| {
        let file = profiles.path_of(name, present).to_owned();
        Err(ConfigError::PartialProfileKeys { profile: name.to_owned(), file, missing })
    };
    let (id, secret) = match (settings.get(KEY_ID), settings.get(SECRET_KEY)) {
        (Some(id), Some(secret)) => (id, secret),
        (None, _) => return partial(SECRET_KEY, KEY_ID),
        (_, None) => return partial(KEY_ID, SECRET_KEY),
    };
    let kind = settings.file(KEY_ID).unwrap_or(FileKind::Config);
    let token = |key| settings.get_from(kind, key).map(|token| (key, token));
    let token = token("aws_session_token").or_else(|| token("aws_security_token"));
    let keys = Keys::checked((KEY_ID, id), (SECRET_KEY, secret), token).map_err(|(key, flaw)| {
        let file = profiles.path_of(name, key).to_owned();
        ConfigError::UnusableProfileKey { profile: name.to_owned(), file, key, flaw }
    })?;
    Ok(Source::ProfileKeys { profile: name.to_owned(), keys })
}

/// Reads the SSO settings, with or without an `sso-session` section. Returns `None` if the profile has no SSO settings.
fn sso(profiles: &ProfileSet, profile: &str, settings: &Settings) -> Result<Option<Source>, ConfigError> {
    // Without an account and a role, an SSO session is used only for bearer tokens, so it is not a source of
    // credentials. botocore ignores it, too.
    if settings.get("sso_account_id").is_none() && settings.get("sso_role_name").is_none() {
        return Ok(None);
    }
    let session = settings.get("sso_session").map(|name| sso_session(profiles, profile, name)).transpose()?;
    let mut missing = Vec::new();
    let mut value = |key: &'static str| match (settings.get(key), session.and_then(|(_, s)| s.get(key))) {
        (Some(own), Some(shared)) if own != shared => Err(ConfigError::SsoMismatch {
            profile: profile.into(),
            sso_session: session.map(|(name, _)| name.to_owned()).unwrap_or_default(),
            key,
        }),
        (own, shared) => {
            if own.or(shared).is_none() {
                missing.push(key);
            }
            Ok(own.or(shared).unwrap_or_default().to_owned())
        }
    };
    let (start_url, region) = (value("sso_start_url")?, value("sso_region")?);
    let (account_id, role_name) = (value("sso_account_id")?, value("sso_role_name")?);
    let name = session.map(|(name, _)| name.to_owned());
    let profile = profile.to_owned();
    if !missing.is_empty() {
        return Err(ConfigError::IncompleteSso { profile, missing, sso_session: name });
    }
    if !is_account(&account_id) {
        let invalid = Invalid::new("not an account ID").hint("an account ID has 12 digits");
        return Err(profiles.invalid(&profile, "sso_account_id", &account_id, invalid));
    }
    // The Region must be valid, because it becomes a part of the name of the host to which the token of the login is
    // sent.
    let region = region_name(&region.to_ascii_lowercase())
        .map_err(|invalid| profiles.invalid(&profile, "sso_region", &region, invalid))?;
    let scopes = session.and_then(|(_, session)| session.get("sso_registration_scopes")).map(scopes);
    Ok(Some(Source::Sso { session: SsoSession { profile, name, start_url, region, scopes }, account_id, role_name }))
}

/// Splits a list of scopes at the commas, as the AWS CLI does.
fn scopes(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
}

/// Returns the name and the settings of the `sso-session` section that a profile names.
fn sso_session<'a>(
    profiles: &'a ProfileSet,
    profile: &str,
    name: &'a str,
) -> Result<(&'a str, &'a Settings), ConfigError> {
    let session = profiles.sso_sessions.get(name).map(|session| (name, session));
    session.ok_or_else(|| ConfigError::UnknownSsoSession {
        profile: profile.to_owned(),
        name: name.to_owned(),
        near: near(name, profiles.sso_sessions.keys()),
    })
}
