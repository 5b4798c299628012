//! The parsed flags about the role, the source credentials and the hops.
//!
//! A flag and its variable are one value here. `plan` reads the variables of AWS.

use super::source::Source;
use super::token::TokenSource;
use crate::error::ConfigError;
use crate::flags::{
    DURATION, EXTERNAL_ID, Flag, MFA_SERIAL, PROFILE, ROLE_ARN, SOURCE_IDENTITY, TAG, TRANSITIVE_TAG,
    WEB_IDENTITY_PROVIDER, WEB_IDENTITY_TOKEN_COMMAND, WEB_IDENTITY_TOKEN_FILE,
};
use crate::origin::Origin;
use crate::role::{HopOptions, RoleArn, RoleSessionName};
use crate::session::KeyKind;

#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The roles, in the order in which they are assumed.
    pub(crate) roles: Vec<RoleArn>,
    pub(crate) profile: Option<String>,
    /// The value of `--role-session-name`, which applies to every role of the chain.
    pub(crate) session_name: Option<RoleSessionName>,
    /// The session name for a role for which nothing else sets a session name.
    pub(crate) default_session_name: RoleSessionName,
    /// The flags that are parameters of an `AssumeRole` call.
    pub(crate) options: HopOptions,
    /// The web identity token, and the flag or the variable that selects it.
    pub(crate) web_identity: Option<(TokenSource, Origin)>,
    /// The role, if this is a session of `--also`. `None` for the default session.
    pub(crate) also: Option<AlsoRole>,
    pub(crate) region: Option<String>,
    /// Where the values come from: one origin for each flag that has a value.
    pub(crate) origins: Vec<Origin>,
    /// The first flag or variable that has an effect only on credentials that expire, and its text for messages.
    pub(crate) needs_expiry: Option<(Origin, String)>,
}

/// The role of a session of `--also`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AlsoRole {
    /// This role, which is assumed with the source credentials of the default session.
    Given(RoleArn),
    /// The role of [`Request::profile`], which must have one.
    OfProfile,
}

impl Request {
    /// Checks that no flag and no variable needs credentials that expire. `kind` is the kind of the source's keys,
    /// whose expiry is not known.
    ///
    /// # Errors
    /// Fails if there is such a flag or variable.
    pub(crate) fn allow_no_expiry(&self, source: &Source, kind: KeyKind) -> Result<(), ConfigError> {
        let Some((word, shown)) = self.needs_expiry.clone() else { return Ok(()) };
        Err(ConfigError::NothingExpires { word, shown, credentials: source.to_string(), kind })
    }

    /// Returns where the value of a flag comes from, which is the command line or the flag's variable. Returns `None`
    /// if the flag has no value.
    pub(crate) fn given(&self, flag: &'static Flag) -> Option<Origin> {
        self.origins.iter().copied().find(|origin| origin.flag() == flag)
    }

    /// Returns where the value of a flag comes from, which is the command line or the flag's variable. If the flag has
    /// no value, returns `Origin::Flag`, as for the command line.
    pub(super) fn origin(&self, flag: &'static Flag) -> Origin {
        self.given(flag).unwrap_or(Origin::Flag(flag))
    }

    /// Returns the flag or the variable that selects the web identity token, or `None` if there is neither.
    pub(super) fn token_origin(&self) -> Option<Origin> {
        self.web_identity.as_ref().map(|(_, origin)| *origin)
    }

    /// Removes the value of a flag that is ignored because of a conflict.
    pub(super) fn remove(&mut self, flag: &Flag) {
        self.origins.retain(|origin| origin.flag() != flag);
        let options = &mut self.options;
        match *flag {
            WEB_IDENTITY_TOKEN_FILE | WEB_IDENTITY_TOKEN_COMMAND | WEB_IDENTITY_PROVIDER => self.web_identity = None,
            EXTERNAL_ID => options.external_id = None,
            DURATION => options.duration = None,
            TAG => options.tags.clear(),
            TRANSITIVE_TAG => options.transitive_tags.clear(),
            SOURCE_IDENTITY => options.source_identity = None,
            MFA_SERIAL => options.mfa_serial = None,
            _ => {}
        }
    }

    /// Returns the flag or the variable that selects the roles and their source. If there are both, returns the flag.
    /// Returns `None` if there is neither.
    pub(super) fn naming(&self) -> Option<Origin> {
        let origins = [self.given(&ROLE_ARN), self.given(&PROFILE), self.token_origin()];
        let given = || origins.into_iter().flatten();
        given().find(|origin| origin.is_typed()).or_else(|| given().next())
    }
}
