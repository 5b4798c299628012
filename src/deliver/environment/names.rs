//! The names of the variables that the command must not inherit, and of those that a delivery sets.

use super::CommandCredentials;
use crate::vars::Vars;
use std::ffi::OsStr;

/// Removed whatever the delivery: each could lead an SDK to another identity, or mix one with this session. The man page
/// is generated from it.
pub const REMOVED: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    // Fallbacks of Go, Java 1 and Rust.
    "AWS_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "SECRET_ACCESS_KEY",
    // The first C++ SDKs take it for the secret key, before AWS_SECRET_ACCESS_KEY.
    "AWS_SECRET_KEY_ID",
    // Fallbacks of JavaScript 2 and Ruby, before any file.
    "AMAZON_ACCESS_KEY_ID",
    "AMAZON_SECRET_ACCESS_KEY",
    "AMAZON_SESSION_TOKEN",
    // For Rust's object_store another name of AWS_SESSION_TOKEN: of the two, the last in the environment counts.
    "AWS_TOKEN",
    // botocore prefers it to AWS_SESSION_TOKEN.
    "AWS_SECURITY_TOKEN",
    "AWS_DELEGATION_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_SESSION_EXPIRATION",
    "AWS_CREDENTIAL_SCOPE",
    "AWS_ACCOUNT_ID",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_SESSION_NAME",
    // Beats the full URI in current SDKs.
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CREDENTIAL_FILE",
    // Java 1's name of AWS_SHARED_CREDENTIALS_FILE, which it does not read.
    "AWS_CREDENTIAL_PROFILES_FILE",
    // A nested xassume must not assume this role again, nor write to this one's file.
    "XASSUME_ROLE_ARN",
    "XASSUME_PROFILE",
    "XASSUME_ROLE_SESSION_NAME",
    "XASSUME_EXTERNAL_ID",
    "XASSUME_DURATION",
    "XASSUME_POLICY",
    "XASSUME_POLICY_ARN",
    "XASSUME_TAG",
    "XASSUME_TRANSITIVE_TAG",
    "XASSUME_SOURCE_IDENTITY",
    "XASSUME_WEB_IDENTITY_TOKEN_FILE",
    "XASSUME_EXPECT_ACCOUNT",
    "XASSUME_MFA_SERIAL",
    "XASSUME_MFA_TOKEN",
    "XASSUME_MFA_COMMAND",
    "XASSUME_MFA_SESSION_DURATION",
    "XASSUME_CREDENTIALS_FILE",
    "XASSUME_ENDPOINT_TOKEN_FILE",
];

/// The variables of AWS's that lead to another identity, as far as they are set; the command gets none of them, unless
/// `--keep-env` names it.
pub(crate) fn other_identities(inherited: &Vars) -> impl Iterator<Item = &'static str> {
    let set = |name: &str| inherited.get(name).is_some_and(|value| !value.is_empty());
    REMOVED.iter().copied().filter(move |name| !name.starts_with("XASSUME_") && set(name))
}

/// Whether a variable of this name is kept from the command in some mode, unless `--keep-env` names it.
pub(crate) fn is_removed_by_default(name: &OsStr) -> bool {
    name == WATCHDOG_PID || REMOVED.iter().any(|removed| name == *removed)
}

/// Names the process that systemd's watchdog listens to: under supervision that is not the command.
pub(super) const WATCHDOG_PID: &str = "WATCHDOG_PID";

/// Set by every delivery. The region's names are among them only when there is a region.
pub(super) const ALWAYS_SET: &[&str] = &["AWS_REGION", "AWS_DEFAULT_REGION", "XASSUME_SESSION", "XASSUME_DEPTH"];

/// Set with the shared files: each SDK finds these, and no others.
const FILES: &[&str] =
    &["AWS_SHARED_CREDENTIALS_FILE", "AWS_CREDENTIAL_PROFILES_FILE", "AWS_CONFIG_FILE", "AWS_SDK_LOAD_CONFIG"];
const KEYS: &[&str] = &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION"];
/// Set where the keys are not variables: what else could give an identity.
const NO_OTHERS: &[&str] = &["BOTO_CONFIG", "AWS_EC2_METADATA_DISABLED"];
/// The file may not be set, but an inherited one would count before the token.
const ENDPOINT: &[&str] = &[
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];

/// The names that a delivery sets, apart from [`ALWAYS_SET`].
pub(super) fn delivered_names(delivery: &CommandCredentials) -> impl Iterator<Item = &'static str> {
    let groups: &[&[&str]] = match delivery {
        CommandCredentials::Env => &[KEYS],
        CommandCredentials::EnvIsolated { .. } => &[KEYS, FILES],
        CommandCredentials::File { .. } | CommandCredentials::Process { .. } => &[FILES, NO_OTHERS],
        CommandCredentials::Endpoint { .. } => &[ENDPOINT, FILES, NO_OTHERS],
    };
    groups.iter().copied().flatten().copied()
}

/// Whether a delivery sets the variable, apart from those that are always set.
pub(crate) fn is_set(name: &str, delivery: &CommandCredentials) -> bool {
    delivered_names(delivery).any(|known| known == name)
}
