//! The flags about the role, the source credentials and the hops, parsed.
//!
//! A flag and its variable are one value here. AWS's variables are read by `plan`.

use super::source::TokenFrom;
use crate::flags::{
    DURATION, EXTERNAL_ID, Flag, MFA_SERIAL, PROFILE, ROLE_ARN, SOURCE_IDENTITY, TAG, TRANSITIVE_TAG,
    WEB_IDENTITY_TOKEN_FILE,
};
use crate::origin::Origin;
use crate::role::{HopOptions, RoleArn, RoleSessionName};
use std::path::PathBuf;

#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// In the order in which the roles are assumed.
    pub(crate) roles: Vec<RoleArn>,
    pub(crate) profile: Option<String>,
    /// `--role-session-name`, for every hop.
    pub(crate) session_name: Option<RoleSessionName>,
    /// The session name if nothing sets another.
    pub(crate) default_session_name: RoleSessionName,
    /// The flags that are parameters of a hop.
    pub(crate) options: HopOptions,
    pub(crate) web_identity_token_file: Option<(PathBuf, TokenFrom)>,
    pub(crate) region: Option<String>,
    /// The flags whose values come from variables. All others are typed.
    pub(crate) by_variable: Vec<&'static Flag>,
}

impl Request {
    /// Where the flag's value comes from, if it has one.
    pub(super) fn origin(&self, flag: &'static Flag) -> Origin {
        if self.by_variable.contains(&flag) { Origin::Variable(flag) } else { Origin::Flag(flag) }
    }

    /// Whether the flag, which is one that conflicts depend on, has a value.
    pub(super) fn has(&self, flag: &Flag) -> bool {
        let options = &self.options;
        match *flag {
            ROLE_ARN => !self.roles.is_empty(),
            PROFILE => self.profile.is_some(),
            WEB_IDENTITY_TOKEN_FILE => self.web_identity_token_file.is_some(),
            EXTERNAL_ID => options.external_id.is_some(),
            DURATION => options.duration.is_some(),
            TAG => !options.tags.is_empty(),
            TRANSITIVE_TAG => !options.transitive_tags.is_empty(),
            SOURCE_IDENTITY => options.source_identity.is_some(),
            MFA_SERIAL => options.mfa_serial.is_some(),
            _ => false,
        }
    }

    pub(super) fn remove(&mut self, flag: &Flag) {
        let options = &mut self.options;
        match *flag {
            WEB_IDENTITY_TOKEN_FILE => self.web_identity_token_file = None,
            EXTERNAL_ID => options.external_id = None,
            DURATION => options.duration = None,
            TAG => options.tags.clear(),
            TRANSITIVE_TAG => options.transitive_tags.clear(),
            SOURCE_IDENTITY => options.source_identity = None,
            MFA_SERIAL => options.mfa_serial = None,
            _ => {}
        }
    }

    pub(super) fn given(&self, flag: &'static Flag) -> Option<Origin> {
        self.has(flag).then(|| self.origin(flag))
    }

    /// What names the roles and their source: a flag if any is typed.
    pub(super) fn naming(&self) -> Option<Origin> {
        let origins = [&ROLE_ARN, &PROFILE, &WEB_IDENTITY_TOKEN_FILE].map(|flag| self.given(flag));
        let given = || origins.into_iter().flatten();
        given().find(|origin| origin.is_typed()).or_else(|| given().next())
    }
}
