//! Multi-factor authentication: where a code comes from, and what it is spent on.
//!
//! A code is good for one call, and a person should be asked for it once. So a user's code buys a session
//! (`GetSessionToken`) from which roles can be assumed for half a day; only where that cannot be does the code go with
//! the role itself. `way` decides which, and is pure; `codes` gets the code, by `prompt` from a person; `sessions`
//! keeps what it bought. The calls themselves are made in `sts`.

mod codes;
#[cfg(any(test, fuzzing))]
pub(crate) mod hostile;
pub(crate) mod mode;
mod prompt;
mod sessions;

pub(crate) use codes::Codes;
pub(crate) use sessions::{KeptInProcess, MfaKey, MfaSession, MfaSessions};
