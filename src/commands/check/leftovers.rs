//! What could win over the session when the command looks for credentials: variables and shared files. Pure.

use crate::deliver::Via;
use crate::deliver::environment::other_credentials;
use crate::profile::{DEFAULT, ProfileSet};
use crate::settings::Settings;
use crate::vars::Vars;

/// Settings with which a profile gives credentials of its own.
const IDENTITY: &[&str] = &[
    "aws_access_key_id",
    "credential_process",
    "login_session",
    "role_arn",
    "sso_account_id",
    "sso_session",
    "web_identity_token_file",
];

/// Other identities around the command.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Leftovers {
    /// Variables that lead to other identities, and that the command does not get.
    pub(super) removed: Vec<&'static str>,
    /// Those that it gets all the same, by `--keep-env`.
    pub(super) kept: Vec<&'static str>,
    pub(super) files: SharedFiles,
}

/// What the command sees of the shared files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SharedFiles {
    /// A copy without identities.
    Filtered,
    /// The user's own, where no default profile gives credentials.
    Harmless,
    /// The user's own, and the default profile gives credentials.
    DefaultProfile,
}

/// Looks at what the command would inherit.
pub(super) fn shadows(settings: &Settings, profiles: Option<&ProfileSet>, vars: &Vars) -> Leftovers {
    let keep = &settings.delivery.keep;
    let (kept, removed) = other_credentials(vars).partition(|name| keep.iter().any(|kept| kept == name));
    let default = profiles.and_then(|profiles| profiles.profile(DEFAULT));
    let files = match settings.delivery.via {
        Via::Env if !settings.delivery.isolate => {
            if default.is_some_and(|default| IDENTITY.iter().any(|key| default.get(key).is_some())) {
                SharedFiles::DefaultProfile
            } else {
                SharedFiles::Harmless
            }
        }
        Via::Env | Via::File { .. } | Via::Endpoint { .. } | Via::Process => SharedFiles::Filtered,
    };
    Leftovers { removed, kept, files }
}
