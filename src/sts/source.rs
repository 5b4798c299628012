//! Source credentials: from what the plan says, the keys that sign the first call to STS.
//!
//! Which source is asked was decided in `profile::plan`. None of the SDK's own providers is used: they read files without
//! a limit and take fewer forms of times than the AWS CLI. `credential_process` is run as a helper of xassume, so
//! that it can be interrupted, has a time limit and shows its stderr.

mod console_login;
mod container;
mod document;
mod dpop;
pub(super) mod instance;
mod login_file;
mod service;
mod sso;

use super::Network;
use crate::error::{ProcessFailure, SourceError, StoredFile, reason_of};
use crate::files::read_at_most;
use crate::profile::{Metadata, Source, TokenFrom};
use crate::report::Report;
use crate::session::{Keys, Part, Secret, parse_time, rfc3339};
use crate::sys::helper::{self, Attendance, HelperError, ProgramLimit};
use crate::vars::Vars;
use instance::Instance;
use login_file::Login;
use serde::Deserialize;
use sso::Portal;
use std::ffi::{CString, OsStr};
use std::path::Path;

/// The most that it may print; the Java SDK's limit for a `credential_process`.
const HELPER_BYTES: usize = 64_000;

/// The longest web identity token that STS takes.
const MOST_TOKEN: usize = 20_000;

/// What a `credential_process` needs to be run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Helpers<'a> {
    /// The environment that xassume inherited, with the depth counted on.
    pub(crate) environment: &'a [CString],
    pub(crate) attendance: Attendance,
}

/// What vouches for the first call to STS.
#[derive(Debug, Clone)]
pub(super) enum Proof {
    Keys(Keys),
    /// A web identity token: the call is not signed.
    Token(Secret),
}

impl Proof {
    /// The keys, unless it is a token.
    pub(super) fn keys(&self) -> Option<&Keys> {
        match self {
            Self::Keys(keys) => Some(keys),
            Self::Token(_) => None,
        }
    }
}

/// What a question to a source needs besides the source.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) network: &'a Network,
    pub(super) metadata: &'a Metadata,
    pub(super) vars: &'a Vars,
    pub(super) report: Report,
    /// For a program.
    pub(super) limit: ProgramLimit,
}

impl<'a> Asking<'a> {
    pub(super) fn home(&self) -> Option<&'a OsStr> {
        self.vars.get("HOME").filter(|home| !home.is_empty())
    }

    /// Keeps a login that was refreshed. What cannot be kept is of use to this run all the same.
    fn keep(&self, login: &Login) {
        if let Err(error) = login.save() {
            let path = login.path().display();
            self.report.warning(format_args!("cannot keep the refreshed login in {path}: {}", reason_of(&error)));
        }
    }
}

/// Asks the source.
///
/// # Errors
/// Why the source gave nothing.
pub(super) async fn resolve(
    source: &Source,
    asking: &Asking<'_>,
    region: &str,
    helpers: &Helpers<'_>,
) -> Result<Proof, SourceError> {
    let keys = match source {
        Source::WebIdentity { token_file, from } => return read_token(token_file, from).map(Proof::Token),
        Source::EnvironmentKeys(keys) | Source::ProfileKeys { keys, .. } => keys.clone(),
        Source::Process { profile, command } => process(profile, command, helpers, asking.limit).await?,
        Source::Sso { profile, session_name, start_url, region, account_id, role_name } => {
            let session_name = session_name.as_deref();
            Portal { profile, session_name, start_url, region, account_id, role_name }.keys(asking).await?
        }
        Source::Login { profile, session_arn } => console_login::keys(profile, session_arn, region, asking).await?,
        Source::Container => container::keys(asking.network, asking.vars).await?,
        Source::InstanceMetadata => Instance::new(asking.network, asking.metadata).keys().await?,
    };
    Ok(Proof::Keys(keys))
}

/// Reads a web identity token: one line of text.
///
/// # Errors
/// When the file cannot be read, or holds no token.
fn read_token(path: &Path, from: &TokenFrom) -> Result<Secret, SourceError> {
    let failed = |reason: String| SourceError::File {
        file: StoredFile::WebIdentityToken,
        path: path.to_owned(),
        named_by: from.to_string(),
        reason,
    };
    let bytes = zeroize::Zeroizing::new(read_at_most(path, 2 * MOST_TOKEN).map_err(|error| failed(reason_of(&error)))?);
    let text = std::str::from_utf8(&bytes).map_err(|_| failed("the file is not text".into()))?;
    let token = Secret::new(text.trim());
    match token.reveal().len() {
        4..=MOST_TOKEN if !token.reveal().contains(char::is_whitespace) => Ok(token),
        0 => Err(failed("the file is empty".into())),
        _ => Err(failed("the file does not contain one token".into())),
    }
}

/// The output of a `credential_process`, as AWS documents it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ProcessOutput {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<String>,
}

async fn process(
    profile: &str,
    command: &str,
    helpers: &Helpers<'_>,
    limit: ProgramLimit,
) -> Result<Keys, SourceError> {
    let failed = |failure| SourceError::Process { profile: profile.to_owned(), failure };
    let output = helper::run_shell(command, helpers.environment, helpers.attendance, limit, HELPER_BYTES)
        .await
        .map_err(|error| failed(error.into()))?;
    process_keys(&zeroize::Zeroizing::new(output)).map_err(failed)
}

/// Reads the output of a `credential_process`.
pub(super) fn process_keys(output: &[u8]) -> Result<Keys, ProcessFailure> {
    let failed = |reason: String| Err(ProcessFailure::BadOutput(reason));
    let parsed: ProcessOutput = match serde_json::from_slice(output) {
        Ok(parsed) => parsed,
        // The error's own text may quote the output, which holds secrets: only its place is told.
        Err(error) => {
            return failed(format!("not the expected JSON (line {}, column {})", error.line(), error.column()));
        }
    };
    let [id, secret] = [parsed.access_key_id, parsed.secret_access_key].map(zeroize::Zeroizing::new);
    let token = parsed.session_token.map(zeroize::Zeroizing::new);
    if parsed.version != 1 {
        return failed(format!("unknown version {} (expected 1)", parsed.version));
    }
    if let Some(text) = parsed.expiration {
        match parse_time(&text) {
            None => return failed("Expiration is not a valid RFC 3339 time".into()),
            Some(moment) if moment <= crate::sys::clock::wall() => {
                return Err(ProcessFailure::Expired(rfc3339(moment)));
            }
            Some(_) => {}
        }
    }
    let keys = Keys::checked(&id, &secret, token.as_ref().map(|token| token.as_str()));
    keys.or_else(|(part, flaw)| {
        let name = match part {
            Part::AccessKeyId => "AccessKeyId",
            Part::SecretAccessKey => "SecretAccessKey",
            Part::SessionToken => "SessionToken",
        };
        failed(format!("{name} {flaw}"))
    })
}

impl From<HelperError> for ProcessFailure {
    fn from(error: HelperError) -> Self {
        match error {
            HelperError::Spawn(error) => Self::CouldNotStart(reason_of(&error)),
            HelperError::Failed(how) => Self::Ended(how.to_string()),
            HelperError::TimedOut(limit) => Self::TimedOut(limit),
            HelperError::TooLarge(limit) => Self::TooMuchOutput(limit),
        }
    }
}
