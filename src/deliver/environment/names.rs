//! The names of the variables that the command must not inherit, and of the variables that a delivery sets.

use crate::deliver::settings::{DeliverySettings, Via};
use crate::error::Error;
use crate::flags::{Flag, all_flags};
use crate::role::Invalid;
use crate::vars::{Vars, describes_sockets};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::LazyLock;

/// The variables that are removed whichever delivery is used: AWS's variables, and the `XASSUME_…` variables of the
/// flags whose field `removed` is set.
pub static REMOVED: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| CREDENTIALS.iter().copied().chain(OF_FLAGS.iter().map(String::as_str)).collect());

static OF_FLAGS: LazyLock<Vec<String>> =
    LazyLock::new(|| all_flags().filter(|flag| flag.removed).map(Flag::variable_name).collect());

/// The AWS variables that must not reach the command. Each of them selects other credentials in some SDK, or would be
/// combined with this session.
const CREDENTIALS: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    // The SDKs for Go, Java 1 and Rust read these variables as fallbacks.
    "AWS_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "SECRET_ACCESS_KEY",
    // In the first versions of the C++ SDK, this variable takes precedence over AWS_SECRET_ACCESS_KEY.
    "AWS_SECRET_KEY_ID",
    // The SDKs for JavaScript 2 and Ruby read these variables as fallbacks, before they read any file.
    "AMAZON_ACCESS_KEY_ID",
    "AMAZON_SECRET_ACCESS_KEY",
    "AMAZON_SESSION_TOKEN",
    // Rust's object_store reads this variable as another name for AWS_SESSION_TOKEN. If both are set, the later one in
    // the environment counts.
    "AWS_TOKEN",
    // botocore prefers this variable to AWS_SESSION_TOKEN.
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
    // In current SDKs, this variable takes precedence over AWS_CONTAINER_CREDENTIALS_FULL_URI.
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CREDENTIAL_FILE",
    // The SDK for Java 1 reads this variable instead of AWS_SHARED_CREDENTIALS_FILE.
    "AWS_CREDENTIAL_PROFILES_FILE",
];

/// The variables that minio-go reads (also in restic) after the AWS variables, but before any file and the endpoint. They
/// are removed only if the command does not get the credentials in variables, because a `MinIO` server reads them too.
const OF_MINIO: &[&str] = &["MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD", "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"];

/// Checks whether the variable is one of those that select other credentials before files and the endpoint.
pub(super) fn comes_before_files(name: &OsStr) -> bool {
    OF_MINIO.iter().any(|known| name == *known)
}

/// Returns the names of the inherited variables that select other credentials with this delivery and are not empty. The
/// command gets only those of them that `--keep-env` keeps.
pub(crate) fn other_credentials(inherited: &Vars, via: &Via) -> impl Iterator<Item = &'static str> {
    let before_files = if *via == Via::Env { &[] } else { OF_MINIO };
    CREDENTIALS.iter().chain(before_files).copied().filter(|name| inherited.nonempty(name).is_some())
}

/// Checks whether the variable is that of a flag whose field `removed` is set.
pub(crate) fn is_of_removed_flag(name: &OsStr) -> bool {
    OF_FLAGS.iter().any(|removed| name == removed.as_str())
}

/// Checks whether the variable is removed in at least one mode. `--keep-env`, which can keep the variable, is not taken
/// into account.
pub(crate) fn is_removed_by_default(name: &OsStr) -> bool {
    requests_tokens(name)
        || describes_sockets(name)
        || comes_before_files(name)
        || REMOVED.iter().any(|removed| name == *removed)
}

/// Checks whether the variable is one of those with which a job of GitHub Actions gets OIDC tokens. They are removed with
/// `--isolate`, because the command could assume other roles with such tokens.
pub(super) fn requests_tokens(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b"ACTIONS_ID_TOKEN_")
}

/// Checks whether the variable is one with which a service manager addresses the main process of a service. The refresh
/// hook is not that process.
pub(super) fn is_for_main_process(name: &OsStr) -> bool {
    describes_sockets(name) || ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"].iter().any(|known| name == *known)
}

/// The variables that every delivery sets. The two for the region are set only if the region is known.
pub(super) const ALWAYS_SET: &[&str] =
    &["AWS_REGION", "AWS_DEFAULT_REGION", "XASSUME_SESSION", "XASSUME_LABEL", "XASSUME_DEPTH"];

/// The variables that make each SDK find the shared files of the delivery, and no other files.
pub(super) const FILES: &[&str] =
    &["AWS_SHARED_CREDENTIALS_FILE", "AWS_CREDENTIAL_PROFILES_FILE", "AWS_CONFIG_FILE", "AWS_SDK_LOAD_CONFIG"];
/// The variables that contain the session. The one for the account is set only if the account is known.
const KEYS: &[&str] =
    &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION", "AWS_ACCOUNT_ID"];
/// The variables that disable other sources of credentials. They are set if the command does not get the credentials in
/// variables.
const NO_OTHERS: &[&str] = &["BOTO_CONFIG", "MINIO_SHARED_CREDENTIALS_FILE", "AWS_EC2_METADATA_DISABLED"];
/// The variables of the endpoint. The variable for the token file is not always set. If it is inherited, it is always
/// removed, because SDKs would prefer the inherited file to the endpoint's token.
const ENDPOINT: &[&str] = &[
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];

impl Via {
    /// Returns the names of the variables that this delivery sets, in addition to [`ALWAYS_SET`].
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        let groups: &[&[&str]] = match self {
            Self::Env => &[KEYS],
            Self::File { .. } | Self::Process => &[FILES, NO_OTHERS],
            Self::Endpoint { .. } => &[ENDPOINT, FILES, NO_OTHERS],
        };
        groups.iter().copied().flatten().copied()
    }

    /// Checks whether this delivery sets the variable. Variables that every delivery sets do not count.
    pub(crate) fn sets(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }
}

/// Checks whether `--isolate` sets the variable.
pub(crate) fn isolation_sets(name: &str) -> bool {
    FILES.contains(&name)
}

impl DeliverySettings {
    /// Checks the names of `--keep-env`.
    ///
    /// # Errors
    /// Fails for the first variable that xassume sets itself.
    pub(crate) fn check_keep(&self) -> Result<(), Error> {
        let set =
            |name: &&str| ALWAYS_SET.contains(name) || self.via.sets(name) || self.isolate && isolation_sets(name);
        let Some(name) = self.keep.iter().filter_map(|name| name.to_str()).find(set) else { return Ok(()) };
        let or_via = if ALWAYS_SET.contains(&name) { "" } else { ", or use another --via" };
        let invalid = Invalid::new("xassume sets this variable").hint(format!("do not keep {name}{or_via}"));
        Err(Error::Value { origin: self.keep_by.to_string(), value: Some(name.to_owned()), invalid })
    }
}
