//! All flags, each with its name, its variable, the number of its values, and its help text. [`FLAGS`] lists them in
//! the order of `--help`.
//!
//! To add a flag, define a constant in `session` or `command`, add the constant to [`FLAGS`], and read the flag in
//! `settings`, which decides what its values mean.

mod command;
mod flag;
mod session;

pub(crate) use command::*;
pub(crate) use flag::OUTPUT;
pub use flag::{Flag, Kind};
pub(crate) use session::*;

/// All flags, in the order of `--help`.
#[rustfmt::skip]
pub const FLAGS: &[Flag] = &[
    ROLE_ARN, PROFILE, ROLE_SESSION_NAME, EXTERNAL_ID, DURATION, POLICY, POLICY_ARN, TAG, TRANSITIVE_TAG,
    SOURCE_IDENTITY, WEB_IDENTITY_TOKEN_FILE, EXPECT_ACCOUNT,
    MFA_SERIAL, MFA_TOKEN, MFA_COMMAND, MFA_SESSION_DURATION,
    REGION, STS_ENDPOINT, CA_BUNDLE, STS_TIMEOUT,
    NO_CACHE, CACHE_DIR, MIN_TTL, FORCE_REFRESH,
    ON_EXPIRY, SIGNAL, REFRESH_MARGIN, STOP_SIGNAL, STOP_TIMEOUT, ON_REFRESH_FAILURE, PROCESS_GROUP,
    VIA, CREDENTIALS_FILE, FILE_MODE, ENDPOINT_TOKEN_FILE, KEEP_ENV, ISOLATE,
    PRINT, CHECK, CLEAR_CACHE,
    LOG_FORMAT, VERBOSE, QUIET,
];

/// The usage line, for `--help` and for usage errors.
pub(crate) const USAGE: &str = "xassume [OPTIONS] [--] COMMAND [ARGUMENT]...";

/// The arguments with which SDKs run xassume for `--via process`. The path of the socket follows them.
pub(crate) const FROM_SOCKET: [&str; 3] = ["--print", "credential-process", "--from-socket"];
