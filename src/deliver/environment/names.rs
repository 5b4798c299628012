//! The names of the variables that the command must not inherit, and of those that a delivery sets.

use crate::deliver::settings::{DeliverySettings, Via};
use crate::error::Error;
use crate::flags::{FLAGS, Flag};
use crate::role::Invalid;
use crate::vars::Vars;
use std::ffi::OsStr;
use std::sync::LazyLock;

/// The variables that are removed whatever the delivery: AWS's, and those of the flags that say so.
pub static REMOVED: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| CREDENTIALS.iter().copied().chain(OF_FLAGS.iter().map(String::as_str)).collect());

static OF_FLAGS: LazyLock<Vec<String>> =
    LazyLock::new(|| FLAGS.iter().filter(|flag| flag.removed).map(Flag::variable_name).collect());

/// Each of these selects other credentials in some SDK, or would be mixed with this session.
const CREDENTIALS: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    // Fallbacks of Go, Java 1 and Rust.
    "AWS_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "SECRET_ACCESS_KEY",
    // In the first C++ SDKs it takes precedence over AWS_SECRET_ACCESS_KEY.
    "AWS_SECRET_KEY_ID",
    // Fallbacks of JavaScript 2 and Ruby, before any file.
    "AMAZON_ACCESS_KEY_ID",
    "AMAZON_SECRET_ACCESS_KEY",
    "AMAZON_SESSION_TOKEN",
    // Another name of AWS_SESSION_TOKEN in Rust's object_store; the last of the two in the environment counts.
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
    // Takes precedence over the full URI in current SDKs.
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CREDENTIAL_FILE",
    // Java 1's name for AWS_SHARED_CREDENTIALS_FILE, which it does not read.
    "AWS_CREDENTIAL_PROFILES_FILE",
];

/// The variables that select other credentials, as far as they are set. The command gets none of them, except those that
/// `--keep-env` keeps.
pub(crate) fn other_credentials(inherited: &Vars) -> impl Iterator<Item = &'static str> {
    let set = |name: &str| inherited.get(name).is_some_and(|value| !value.is_empty());
    CREDENTIALS.iter().copied().filter(move |name| set(name))
}

/// Whether the variable is removed in some mode, unless `--keep-env` keeps it.
pub(crate) fn is_removed_by_default(name: &OsStr) -> bool {
    name == WATCHDOG_PID || REMOVED.iter().any(|removed| name == *removed)
}

/// The process that must send systemd's watchdog messages. Under supervision that is not the command.
pub(super) const WATCHDOG_PID: &str = "WATCHDOG_PID";

/// Set by every delivery, the region's names only when the region is known.
pub(super) const ALWAYS_SET: &[&str] = &["AWS_REGION", "AWS_DEFAULT_REGION", "XASSUME_SESSION", "XASSUME_DEPTH"];

/// Set with the shared files: each SDK finds these, and no others.
pub(super) const FILES: &[&str] =
    &["AWS_SHARED_CREDENTIALS_FILE", "AWS_CREDENTIAL_PROFILES_FILE", "AWS_CONFIG_FILE", "AWS_SDK_LOAD_CONFIG"];
const KEYS: &[&str] = &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION"];
/// Set where the keys are not in variables, to close the other sources of credentials.
const NO_OTHERS: &[&str] = &["BOTO_CONFIG", "AWS_EC2_METADATA_DISABLED"];
/// The token file is not set in all cases, but an inherited one would take precedence over the token.
const ENDPOINT: &[&str] = &[
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];

impl Via {
    /// The names that this delivery sets, in addition to [`ALWAYS_SET`].
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        let groups: &[&[&str]] = match self {
            Self::Env => &[KEYS],
            Self::File { .. } | Self::Process => &[FILES, NO_OTHERS],
            Self::Endpoint { .. } => &[ENDPOINT, FILES, NO_OTHERS],
        };
        groups.iter().copied().flatten().copied()
    }

    /// Whether this delivery sets the variable, apart from those that every delivery sets.
    pub(crate) fn sets(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }
}

/// Whether `--isolate` sets the variable.
pub(crate) fn isolation_sets(name: &str) -> bool {
    FILES.contains(&name)
}

impl DeliverySettings {
    /// Checks the names of `--keep-env`.
    ///
    /// # Errors
    /// The first variable that xassume sets itself.
    pub(crate) fn check_keep(&self) -> Result<(), Error> {
        let set =
            |name: &&str| ALWAYS_SET.contains(name) || self.via.sets(name) || self.isolate && isolation_sets(name);
        let Some(name) = self.keep.iter().filter_map(|name| name.to_str()).find(set) else { return Ok(()) };
        let invalid = Invalid::new("xassume sets this variable").hint("remove it, or use another --via");
        Err(Error::Value { origin: self.keep_by.to_string(), value: name.to_owned(), invalid })
    }
}
