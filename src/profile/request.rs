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
    /// Where the values of all flags come from.
    pub(crate) origins: Vec<Origin>,
}

impl Request {
    /// Where the flag's value comes from, if it has one.
    pub(super) fn given(&self, flag: &'static Flag) -> Option<Origin> {
        self.origins.iter().copied().find(|origin| origin.flag() == flag)
    }

    /// The same, for a flag that has a value.
    pub(super) fn origin(&self, flag: &'static Flag) -> Origin {
        self.given(flag).unwrap_or(Origin::Flag(flag))
    }

    /// Removes the value of a flag on which conflicts depend.
    pub(super) fn remove(&mut self, flag: &Flag) {
        self.origins.retain(|origin| origin.flag() != flag);
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

    /// What names the roles and their source: a flag if any is typed.
    pub(super) fn naming(&self) -> Option<Origin> {
        let origins = [&ROLE_ARN, &PROFILE, &WEB_IDENTITY_TOKEN_FILE].map(|flag| self.given(flag));
        let given = || origins.into_iter().flatten();
        given().find(|origin| origin.is_typed()).or_else(|| given().next())
    }
}
