//! Gets the source credentials, which authenticate the first call to STS.
//!
//! `profile::plan` selects the source. The SDK's own credentials providers are not used, because they read files of any
//! size and accept fewer time formats than the AWS CLI.

pub(super) mod console_login;
pub(super) mod container;
pub(super) mod device_grant;
mod document;
mod dpop;
mod github;
pub(super) mod instance;
pub(super) mod login_file;
mod oidc;
pub(super) mod process;
mod registration;
mod service;
pub(super) mod sso;
pub(super) mod sso_session;
pub(super) mod web_identity;

use crate::error::reason_of;
use crate::files::read_at_most;
use crate::session::{Keys, Validity};
use std::path::Path;
use zeroize::Zeroizing;

/// The keys of a source.
#[derive(Debug, Clone)]
pub(super) struct SourceKeys {
    pub(super) keys: Keys,
    /// `None` if the source does not say when the keys expire.
    pub(super) validity: Option<Validity>,
    /// The account that a `credential_process` names. `None` for other sources.
    pub(super) account_id: Option<String>,
}

impl From<Keys> for SourceKeys {
    fn from(keys: Keys) -> Self {
        Self { keys, validity: None, account_id: None }
    }
}

/// Reads the text of a token file, which may have at most `most` bytes.
fn token_text(path: &Path, most: usize) -> Result<Zeroizing<String>, String> {
    let bytes = Zeroizing::new(read_at_most(path, most).map_err(|error| reason_of(&error))?);
    let text = std::str::from_utf8(&bytes).map_err(|_| "the file is not text")?;
    Ok(Zeroizing::new(text.to_owned()))
}
