//! Variables and shared files that may select other credentials for the command. Pure.

use crate::deliver::Via;
use crate::deliver::environment::other_credentials;
use crate::profile::{DEFAULT, ProfileSet};
use crate::settings::Settings;
use crate::vars::Vars;

/// Settings that give a profile its own credentials.
const CREDENTIALS: &[&str] = &[
    "aws_access_key_id",
    "credential_process",
    "login_session",
    "role_arn",
    "sso_account_id",
    "sso_session",
    "web_identity_token_file",
];

/// Other credentials that the command could find.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Leftovers {
    /// Variables that the command does not get.
    pub(super) removed: Vec<&'static str>,
    /// Variables that it gets because of `--keep-env`.
    pub(super) kept: Vec<&'static str>,
    pub(super) files: SharedFiles,
}

/// What the command sees of the shared files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SharedFiles {
    /// A copy without credentials.
    Filtered,
    /// The user's files; the default profile has no credentials.
    Harmless,
    /// The user's files; the default profile has credentials.
    DefaultProfile,
}

/// The leftovers that the command would inherit.
pub(super) fn leftovers(settings: &Settings, profiles: Option<&ProfileSet>, vars: &Vars) -> Leftovers {
    let keep = &settings.delivery.keep;
    let (kept, removed) = other_credentials(vars).partition(|name| keep.iter().any(|kept| kept == name));
    let default = profiles.and_then(|profiles| profiles.profile(DEFAULT));
    let files = match settings.delivery.via {
        Via::Env if !settings.delivery.isolate => {
            if default.is_some_and(|default| CREDENTIALS.iter().any(|key| default.get(key).is_some())) {
                SharedFiles::DefaultProfile
            } else {
                SharedFiles::Harmless
            }
        }
        Via::Env | Via::File { .. } | Via::Endpoint { .. } | Via::Process => SharedFiles::Filtered,
    };
    Leftovers { removed, kept, files }
}
