//! What the user asked for, as far as it decides the role, the source credentials and the hops.
//!
//! Flags and `XASSUME_…` variables are already one here, except where the two differ in rank. AWS's own variables
//! are not here: `plan` reads them.

use super::source::TokenFrom;
use crate::origin::Origin;
use crate::role::{HopOptions, RoleArn, RoleSessionName};
use std::path::PathBuf;

/// The user's words, parsed.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// `--role-arn`, in the order in which the roles are assumed.
    pub(crate) roles: Vec<RoleArn>,
    /// `XASSUME_ROLE_ARN`, which ranks below a `--profile` that has a role.
    pub(crate) roles_variable: Vec<RoleArn>,
    pub(crate) profile: Option<ProfileChoice>,
    /// `--role-session-name`, for every hop.
    pub(crate) session_name: Option<RoleSessionName>,
    /// The name of sessions that nothing else names.
    pub(crate) default_session_name: RoleSessionName,
    /// The flags that become parameters of a hop.
    pub(crate) options: HopOptions,
    pub(crate) web_identity_token_file: Option<(PathBuf, TokenFrom)>,
    pub(crate) region: Option<String>,
    /// The flags whose values are from variables; all others were typed.
    pub(crate) by_variable: Vec<&'static str>,
}

impl Request {
    /// What the value of a flag was given by.
    pub(crate) fn word(&self, flag: &'static str) -> Origin {
        if self.by_variable.contains(&flag) { Origin::Variable(flag) } else { Origin::Flag(flag) }
    }

    /// What the roles, and their source, were named by: a flag where any was typed.
    pub(crate) fn naming(&self) -> Option<Origin> {
        let given = [
            ("role-arn", !self.roles.is_empty() || !self.roles_variable.is_empty()),
            ("profile", self.profile.is_some()),
            ("web-identity-token-file", self.web_identity_token_file.is_some()),
        ];
        let words = given.into_iter().filter(|(_, given)| *given).map(|(flag, _)| self.word(flag));
        words.clone().find(|word| word.is_typed()).or_else(|| words.clone().next())
    }
}

/// A profile that was asked for by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProfileChoice {
    pub(crate) name: String,
    pub(crate) from: ProfileFrom,
}

/// How it was asked for: only the flag beats keys in the environment, as in the AWS CLI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProfileFrom {
    /// `--profile`.
    Flag,
    /// `XASSUME_PROFILE`, which has `AWS_PROFILE`'s rank and stands before it.
    Variable,
}
