//! All flags, each with its name, its variable, the number of its values, and its help text. [`GROUPS`] lists them in
//! the order of `--help`.
//!
//! To add a flag, define a constant in `session` or `command`, add the constant to [`GROUPS`], and read the flag in
//! `settings`, which decides what its values mean. A flag that most users need is in [`COMMON`], too.

mod command;
mod flag;
mod other_tools;
mod session;

pub(crate) use command::*;
pub use flag::{Flag, Kind};
pub(crate) use other_tools::{equivalent, without_equivalent};
pub(crate) use session::*;

/// All flags, in the order of `--help`, and the heading of each group.
#[rustfmt::skip]
pub const GROUPS: &[(&str, &[Flag])] = &[
    ("Role", &[
        ROLE_ARN, PROFILE, ROLE_SESSION_NAME, EXTERNAL_ID, DURATION, POLICY, POLICY_ARN, TAG, TRANSITIVE_TAG,
        SOURCE_IDENTITY, WEB_IDENTITY_TOKEN_FILE, WEB_IDENTITY_TOKEN_COMMAND, WEB_IDENTITY_PROVIDER,
        WEB_IDENTITY_AUDIENCE, ALSO, EXPECT_ACCOUNT, NO_LOGIN,
    ]),
    ("MFA", &[MFA_SERIAL, MFA_TOKEN, MFA_COMMAND, MFA_SESSION_DURATION]),
    ("STS", &[REGION, STS_ENDPOINT, CA_BUNDLE, STS_TIMEOUT]),
    ("Cache", &[NO_CACHE, CACHE_DIR, MIN_TTL, FORCE_REFRESH]),
    ("Long-running commands", &[
        ON_EXPIRY, SIGNAL, SIGNAL_PID_FILE, REFRESH_MARGIN, STOP_SIGNAL, STOP_TIMEOUT, ON_REFRESH_FAILURE, PROCESS_GROUP,
        LISTEN, RESTART_ORDER, READY, READY_TIMEOUT, REFRESH_HOOK, REFRESH_HOOK_TIMEOUT,
    ]),
    ("Passing credentials", &[
        VIA, CREDENTIALS_FILE, FILE_MODE, ENDPOINT_ADDRESS, ENDPOINT_TOKEN_FILE, ENV_FILE, KEEP_ENV, ISOLATE,
    ]),
    ("Other modes", &[SERVE, PRINT, CHECK, LIST_SESSIONS, CLEAR_CACHE, COMPLETIONS]),
    ("Output", &[LOG_FORMAT, VERBOSE, QUIET]),
];

/// The flags that `-h` explains. Of all others it shows only the names.
pub(crate) const COMMON: [Flag; 8] = [ROLE_ARN, PROFILE, CHECK, PRINT, VIA, ON_EXPIRY, DURATION, VERBOSE];

/// Returns all flags, in the order of `--help`.
pub fn all_flags() -> impl Iterator<Item = &'static Flag> {
    GROUPS.iter().flat_map(|(_, flags)| *flags)
}

/// The usage line, for `--help` and for usage errors.
pub(crate) const USAGE: &str = "xassume [OPTIONS] [--] COMMAND [ARGUMENT]...";

/// The arguments with which SDKs run xassume for `--via process`. The path of the socket follows them.
pub(crate) const FROM_SOCKET: [&str; 3] = ["--print", "credential-process", "--from-socket"];
