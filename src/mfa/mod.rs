//! Multi-factor authentication: where the codes come from and how they are used.
//!
//! A code is valid for one call, and the user should be prompted only once. So the code of an IAM user is used to get
//! an MFA session (`GetSessionToken`), with which roles can be assumed for half a day. If an MFA session is not
//! possible, the code is sent when the role is assumed. `mode` decides between the two, `codes` gets the codes, and
//! `store` stores MFA sessions. `sts` makes the calls.

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
