//! Source credentials: from what the plan says, the keys that sign the first call to STS.
//!
//! The SDK answers leaf providers only (SSO, `aws login`, container, instance metadata); which of them is asked was
//! decided in `profile::plan`. `credential_process` is run by xassume's own road, so that it can be interrupted,
//! has a time limit and shows its stderr.

use super::Network;
use super::failure;
use super::http::{self, Proxy, ServerDate};
use super::instance::Instance;
use crate::error::{Answer, ProcessFailure, SourceError, told};
use crate::files::read_at_most;
use crate::profile::{Source, TokenFrom};
use crate::session::{Flaw, Keys, Part, Secret, parse_time, rfc3339};
use crate::sys::helper::{self, Attendance, HelperError};
use crate::waiting::{ProgramLimit, Tries};
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::login::LoginCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::sso::SsoCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_types::region::Region;
use serde::Deserialize;
use std::ffi::CString;
use std::fmt;
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
    pub(crate) limit: ProgramLimit,
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

/// Asks the source.
///
/// # Errors
/// Why the source gave nothing.
pub(super) async fn resolve(
    source: &Source,
    network: &Network,
    region: &str,
    helpers: &Helpers<'_>,
) -> Result<Proof, SourceError> {
    let keys = match source {
        Source::WebIdentity { token_file, from } => return read_token(token_file, from).map(Proof::Token),
        Source::EnvironmentKeys(keys) | Source::ProfileKeys { keys, .. } => keys.clone(),
        Source::Process { profile, command } => process(profile, command, helpers).await?,
        Source::Sso { profile, session_name, start_url, region, account_id, role_name } => {
            let provider = SsoCredentialsProvider::builder()
                .configure(&provider_config(network, Proxy::FromEnvironment, region))
                .account_id(account_id)
                .role_name(role_name)
                .start_url(start_url)
                .region(Region::new(region.clone()));
            let mut provider = provider;
            provider.set_session_name(session_name.clone());
            provided(provider.build()).await.map_err(|error| sso_failure(profile, session_name.clone(), &error))?
        }
        Source::Login { profile, session_arn } => {
            let provider = LoginCredentialsProvider::builder(session_arn)
                .configure(&provider_config(network, Proxy::FromEnvironment, region))
                .build();
            provided(provider).await.map_err(|error| login_failure(profile, &error))?
        }
        Source::Container => {
            let config = provider_config(network, Proxy::Never, region);
            let provider = EcsCredentialsProvider::builder().configure(&config).build();
            provided(provider).await.map_err(|error| container_failure(&error))?
        }
        Source::InstanceMetadata => Instance::new(network).keys().await?,
    };
    Ok(Proof::Keys(keys))
}

/// Reads a web identity token: one line of text.
///
/// # Errors
/// When the file cannot be read, or holds no token.
fn read_token(path: &Path, from: &TokenFrom) -> Result<Secret, SourceError> {
    let failed = |reason: String| SourceError::TokenFile { path: path.to_owned(), named_by: from.to_string(), reason };
    let bytes = zeroize::Zeroizing::new(read_at_most(path, 2 * MOST_TOKEN).map_err(|error| failed(told(&error)))?);
    let text = std::str::from_utf8(&bytes).map_err(|_| failed("it is not text".into()))?;
    let token = Secret::new(text.trim());
    match token.reveal().len() {
        4..=MOST_TOKEN if !token.reveal().contains(char::is_whitespace) => Ok(token),
        0 => Err(failed("it is empty".into())),
        _ => Err(failed("it does not hold one token".into())),
    }
}

pub(super) fn provider_config(network: &Network, proxy: Proxy, region: &str) -> ProviderConfig {
    ProviderConfig::without_region()
        .with_http_client(http::client(network, proxy, &ServerDate::default(), &Tries::default()))
        .with_sleep_impl(TokioSleep::new())
        .with_region((!region.is_empty()).then(|| Region::new(region.to_owned())))
}

pub(super) async fn provided(provider: impl ProvideCredentials) -> Result<Keys, CredentialsError> {
    keys(&provider.provide_credentials().await?).map_err(CredentialsError::provider_error)
}

fn keys(credentials: &Credentials) -> Result<Keys, UnusableKey> {
    Keys::checked(credentials.access_key_id(), credentials.secret_access_key(), credentials.session_token())
        .map_err(|(part, flaw)| UnusableKey { part, flaw })
}

/// What makes the answer of one of the SDK's providers useless.
#[derive(Debug)]
struct UnusableKey {
    part: Part,
    flaw: Flaw,
}

impl fmt::Display for UnusableKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} in its answer {}", self.part, self.flaw)
    }
}

impl std::error::Error for UnusableKey {}

/// The innermost reason: the SDK's outer ones only say that a provider failed.
fn last_reason(error: &CredentialsError) -> String {
    let reason = failure::chain(error).pop().unwrap_or_default();
    // The SDK's parser on a text that is no JSON.
    if reason.starts_with("Error at offset") {
        return "its answer cannot be understood".into();
    }
    match failure::proxy_of(error) {
        Some(proxy) => format!("through the proxy {}: {reason}", proxy.url),
        None => reason,
    }
}

/// What the SDK's words for its own failures tell of the answer.
fn answer(error: &CredentialsError, status: Option<u16>) -> Answer {
    let unreached = |text: &String| ["dispatch failure", "request has timed out"].contains(&text.as_str());
    if failure::chain(error).iter().any(unreached) { Answer::None } else { Answer::Refused(status) }
}

fn container_failure(error: &CredentialsError) -> SourceError {
    if failure::chain(error).iter().any(|text| text.contains("the auth token could not be used")) {
        return SourceError::ContainerToken;
    }
    let reason = last_reason(error);
    // The SDK gives the status in its own debug form, at the end of its text.
    let status = reason.rsplit_once("StatusCode(").and_then(|(_, rest)| rest.trim_end_matches(')').parse().ok());
    let reason = status.map_or(reason, |status: u16| format!("it answers with HTTP status {status}"));
    SourceError::Container { reason, answer: answer(error, status) }
}

fn sso_failure(profile: &str, sso_session: Option<String>, error: &CredentialsError) -> SourceError {
    let texts = failure::chain(error);
    let ended = [
        "expired",
        "failed to load the cached SSO token",
        "Unauthorized",
        "cached SSO token",
        "failed to open",
        "failed to read",
    ];
    let profile = profile.to_owned();
    if texts.iter().any(|text| ended.iter().any(|word| text.contains(word))) {
        SourceError::SsoExpired { profile, sso_session, reason: "it is missing or has ended".into() }
    } else {
        let (reason, answer) = (last_reason(error), answer(error, None));
        SourceError::Service { service: "IAM Identity Center", profile, reason, answer }
    }
}

/// The SDK tells why a login is over in words of its own, and says no more than that its refresh failed where AWS Sign-In
/// was not reached or is ill.
fn login_failure(profile: &str, error: &CredentialsError) -> SourceError {
    let texts = failure::chain(error);
    let says = |words: &str| texts.iter().any(|text| text.contains(words));
    let ended = |reason: &str| SourceError::LoginExpired { profile: profile.to_owned(), reason: reason.to_owned() };
    let failed = |reason| {
        let (profile, answer) = (profile.to_owned(), answer(error, None));
        SourceError::Service { service: "AWS Sign-In", profile, reason, answer }
    };
    match last_reason(error) {
        reason if reason.starts_with("No such file") => ended("it is missing or has ended"),
        _ if says("session has expired") => ended("it has ended"),
        _ if says("change in your password") => ended("the password has changed since"),
        _ if says("insufficient permissions") => {
            failed("access denied: the user needs signin:CreateOAuth2Token".into())
        }
        reason if says("failed to refresh") => failed(reason),
        reason => ended(&reason),
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

async fn process(profile: &str, command: &str, helpers: &Helpers<'_>) -> Result<Keys, SourceError> {
    let failed = |failure| SourceError::Process { profile: profile.to_owned(), failure };
    let output = helper::run_shell(command, helpers.environment, helpers.attendance, helpers.limit, HELPER_BYTES)
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
            return failed(format!("is not the expected JSON (line {}, column {})", error.line(), error.column()));
        }
    };
    let [id, secret] = [parsed.access_key_id, parsed.secret_access_key].map(zeroize::Zeroizing::new);
    let token = parsed.session_token.map(zeroize::Zeroizing::new);
    if parsed.version != 1 {
        return failed(format!("has version {}; only 1 is known", parsed.version));
    }
    if let Some(text) = parsed.expiration {
        match parse_time(&text) {
            None => return failed("has an Expiration that is not a time".into()),
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
        failed(format!("has keys that cannot be used: {name} {flaw}"))
    })
}

impl From<HelperError> for ProcessFailure {
    fn from(error: HelperError) -> Self {
        match error {
            HelperError::Spawn(error) => Self::CouldNotStart(told(&error)),
            HelperError::Failed(how) => Self::Ended(how.to_string()),
            HelperError::TimedOut(limit) => Self::TimedOut(limit),
            HelperError::TooLarge(limit) => Self::TooMuchOutput(limit),
        }
    }
}
