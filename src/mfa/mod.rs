//! Multi-factor authentication: the source of codes, and their use.
//!
//! A code is valid for one call, and the user should be prompted only once. So an IAM user's code is used for an MFA
//! session (`GetSessionToken`), with which roles can be assumed for half a day. Where that is impossible, the code is
//! sent with the role itself. `mode` decides this, `codes` gets codes, `store` keeps MFA sessions. `sts` makes the calls.

mod codes;
#[cfg(any(test, fuzzing))]
pub(crate) mod hostile;
mod input;
pub(crate) mod mode;
mod prompt;
mod settings;
mod store;

pub(crate) use codes::Codes;
pub(crate) use settings::{CodeSource, MfaSettings};
pub(crate) use store::{LastMfaSession, MfaKey, MfaSessions, can_sign};
