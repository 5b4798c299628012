//! `credential_process`: a program that prints access keys.
//!
//! xassume runs the program as a helper. This means that the program has a time limit, that a signal can interrupt it,
//! and that its standard error is shown.

use super::SourceKeys;
use crate::error::{ProcessFailure, SourceError};
use crate::role::is_account;
use crate::session::{Keys, Validity, parse_time, rfc3339};
use crate::sys::clock::wall;
use crate::sys::helper::{self, Attendance, ProgramLimit};
use serde::Deserialize;
use std::ffi::CString;
use zeroize::Zeroizing;

/// The maximum size in bytes of the program's output. The AWS SDK for Java has the same limit.
const MAX_OUTPUT: usize = 64_000;

/// The values that are needed to run a helper program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Helpers<'a> {
    /// The environment of the program. It is the inherited environment, but with the same `XASSUME_DEPTH` as for the
    /// command.
    pub(crate) environment: &'a [CString],
    pub(crate) attendance: Attendance,
}

/// Runs the program and returns the access keys that it prints.
///
/// # Errors
/// The program fails or exceeds its time limit, or its output does not contain valid keys.
pub(in crate::sts) async fn keys(
    profile: &str,
    command: &str,
    helpers: Helpers<'_>,
    limit: ProgramLimit,
) -> Result<SourceKeys, SourceError> {
    let failed = |failure| SourceError::Process { profile: profile.to_owned(), failure };
    let output = helper::run_shell(command, helpers.environment, helpers.attendance, limit, MAX_OUTPUT).await;
    output.and_then(|output| process_keys(&Zeroizing::new(output))).map_err(failed)
}

/// The output of a `credential_process`, in the format that AWS documents.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ProcessOutput {
    version: u32,
    access_key_id: Zeroizing<String>,
    secret_access_key: Zeroizing<String>,
    session_token: Option<Zeroizing<String>>,
    expiration: Option<String>,
    account_id: Option<String>,
}

/// Reads the keys in the output of a `credential_process`.
pub(in crate::sts) fn process_keys(output: &[u8]) -> Result<SourceKeys, ProcessFailure> {
    // The parser's own message may quote a secret from the output, so only the position of the error is shown.
    let not_json = |error: serde_json::Error| {
        let reason = format!("not the expected JSON (line {}, column {})", error.line(), error.column());
        ProcessFailure::BadOutput(reason)
    };
    let output: ProcessOutput = serde_json::from_slice(output).map_err(not_json)?;
    let ProcessOutput { version, access_key_id: id, secret_access_key: secret, session_token: token, .. } = output;
    let failed = |reason: String| Err(ProcessFailure::BadOutput(reason));
    if version != 1 {
        return failed(format!("unknown version {version} (expected 1)"));
    }
    let now = wall();
    let expiration = match output.expiration.map(|text| parse_time(&text)) {
        Some(None) => return failed("Expiration is not a valid RFC 3339 time".into()),
        Some(Some(moment)) if moment <= now => return Err(ProcessFailure::Expired(rfc3339(moment))),
        Some(expiration) => expiration,
        None => None,
    };
    let validity = expiration.map(|expiration| Validity::by_local_clock(expiration, now));
    // A wrong account must not reach the command. The keys are valid without it.
    let account_id = output.account_id.filter(|account| is_account(account));
    let token = token.as_ref().map(|token| ("SessionToken", token.as_str()));
    Keys::checked(("AccessKeyId", &id), ("SecretAccessKey", &secret), token)
        .map(|keys| SourceKeys { keys, validity, account_id })
        .or_else(|(name, flaw)| failed(format!("{name} {flaw}")))
}
