//! Errors of fetching the source credentials, with which the first role is assumed.

use super::answer::{Answer, is_passing};
use super::github::GitHubFailure;
use super::process::ProcessFailure;
use super::sign_in::{SignInFailure, TokenId};
use super::text::TRY_LATER;
use super::token_source::command_hint;
use super::{quoted, shortened};
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// The reason why a source gave no credentials.
#[derive(Debug, Error)]
pub(crate) enum SourceError {
    /// The user must sign in to IAM Identity Center.
    #[error("the SSO session of profile '{profile}' has expired or was never started")]
    SsoExpired {
        profile: String,
        sso_session: Option<String>,
        /// The token that the service has refused. `None` if no token was sent.
        refused: Option<TokenId>,
    },
    /// The user agreed to sign in to IAM Identity Center, but could not.
    #[error("cannot sign in to IAM Identity Center (profile {}): {failure}", quoted(.profile))]
    SignIn { profile: String, sso_session: Option<String>, failure: SignInFailure },
    #[error("the `aws login` session of profile '{profile}' {reason}")]
    LoginExpired { profile: String, reason: String },
    #[error("credential_process of profile '{profile}' {failure}")]
    Process { profile: String, failure: ProcessFailure },
    /// The command that prints a web identity token. `named_by` is the flag, the variable or the key of a profile.
    /// `variable` is the environment variable that the command prints, if it does nothing else.
    #[error("{named_by} {failure}")]
    TokenCommand { named_by: String, variable: Option<String>, failure: ProcessFailure },
    #[error("cannot get a web identity token from GitHub Actions: {0}")]
    GitHub(GitHubFailure),
    #[error("container credentials endpoint: {reason}")]
    Container { reason: String, answer: Answer },
    /// The token in `AWS_CONTAINER_AUTHORIZATION_TOKEN` is not a valid HTTP header value.
    #[error("the container authorization token contains a character that is not allowed in an HTTP header")]
    ContainerToken,
    /// The source did not answer within the limit. `name` is the text with which the plan describes the source.
    #[error("{name} timed out after {}", humantime::format_duration(*.limit))]
    Silent { name: String, limit: Duration },
    /// The credentials have expired. This is an error only if the command would get them. `name` is the text with which
    /// the plan describes the source.
    #[error("the credentials of {name} expired at {at}")]
    Expired { name: String, at: String },
    /// EC2 instance metadata gave no credentials. If instance metadata was used only because no other source was
    /// configured, `last_resort` lists the sources that were tried before.
    #[error("{}", metadata(.failure, .last_resort.as_deref()))]
    InstanceMetadata { failure: MetadataFailure, last_resort: Option<Box<TriedSources>> },
    /// A file that a source reads. `contents` is what the user must put into the file, or `None` if the AWS CLI writes
    /// the file.
    #[error("{what} {} (from {named_by}): {reason}", .path.display())]
    File { what: &'static str, path: PathBuf, named_by: String, contents: Option<&'static str>, reason: String },
    /// An AWS service from which a profile gets its credentials failed, or refused the request. `denied` is the role of
    /// IAM Identity Center and its account, if the user may not use the role.
    #[error("cannot get credentials for profile {} from {service}: {reason}", quoted(.profile))]
    Service { service: &'static str, profile: String, reason: String, answer: Answer, denied: Option<(String, String)> },
}

fn metadata(failure: &MetadataFailure, tried: Option<&TriedSources>) -> String {
    match tried.map(|tried| tried.places.join(", ")) {
        Some(tried) => format!("no AWS credentials found; tried: {tried} and EC2 instance metadata ({failure})"),
        None => format!("EC2 instance metadata: {failure}"),
    }
}

/// The sources that were tried but have no credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TriedSources {
    pub(crate) places: Vec<String>,
    /// Profiles that have credentials, but are not selected.
    pub(crate) profiles: Vec<String>,
    /// Why no web identity token was used, although a variable shows that the user may have wanted to use one.
    pub(crate) token: Option<String>,
}

impl TriedSources {
    /// Returns a hint about the web identity token or about the profiles that the user could select. Returns `None` if no
    /// variable refers to a token and no profile has credentials.
    pub(crate) fn hint(&self) -> Option<String> {
        const MOST: usize = 8;
        if let Some(token) = &self.token {
            return Some(token.clone());
        }
        let more = if self.profiles.len() > MOST { ", …" } else { "" };
        let names = self.profiles.iter().take(MOST).map(|name| shortened(name)).collect::<Vec<_>>().join(", ");
        (!names.is_empty()).then(|| format!("use --profile NAME; profiles with credentials: {names}{more}"))
    }
}

/// Why EC2 instance metadata gave no credentials.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum MetadataFailure {
    #[error("cannot reach {endpoint}: {reason}")]
    Silent { endpoint: String, reason: String },
    #[error("the EC2 instance has no IAM role")]
    NoRole,
    #[error("the request for {what} failed with HTTP {status}: {}", meaning(*.status))]
    Status { what: &'static str, status: u16 },
    /// The request for a token was rejected, and requests without a token (`IMDSv1`) are disabled.
    #[error("the request for a token failed with HTTP {0}, and IMDSv1 is disabled")]
    NoToken(u16),
    #[error("{0}")]
    Unusable(String),
}

fn meaning(status: u16) -> &'static str {
    match status {
        401 => "the token was rejected",
        403 => "access is forbidden",
        404 => "not found",
        405 => "the method is not allowed",
        429 => "too many requests",
        500.. => "the service failed",
        _ => "the request was rejected",
    }
}

impl MetadataFailure {
    fn hint(&self) -> &'static str {
        match self {
            Self::Silent { .. } => {
                "not on EC2? use --profile NAME or set AWS_ACCESS_KEY_ID; in a container on EC2, the IMDSv2 hop limit must be at least 2"
            }
            Self::NoRole => "attach an instance profile with a role to the instance",
            Self::Status { status, .. } if is_passing(*status) => TRY_LATER,
            Self::NoToken(_) => "unset AWS_EC2_METADATA_V1_DISABLED to allow requests without a token",
            Self::Status { .. } | Self::Unusable(_) => {
                "enable instance metadata, and check that this user or container may access it"
            }
        }
    }
}

impl SourceError {
    /// Checks whether the same request may succeed later: the source did not answer, failed, or limited the rate of
    /// requests. Returns false if the source refused the request.
    pub(crate) fn is_outage(&self) -> bool {
        match self {
            Self::Silent { .. } | Self::InstanceMetadata { failure: MetadataFailure::Silent { .. }, .. } => true,
            Self::InstanceMetadata { failure: MetadataFailure::Status { status, .. }, .. } => is_passing(*status),
            Self::Container { answer, .. } | Self::Service { answer, .. } => answer.is_outage(),
            Self::GitHub(failure) => failure.is_outage(),
            _ => false,
        }
    }

    /// Returns what the user can do about the error.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::SignIn { failure: SignInFailure::Unanswered(_), .. } | Self::Service { answer: Answer::None, .. } => {
                "check the network connection and the endpoint; if you need a proxy, set HTTPS_PROXY".into()
            }
            Self::SsoExpired { sso_session: Some(session), .. } | Self::SignIn { sso_session: Some(session), .. } => {
                format!("log in with: aws sso login --sso-session {session}")
            }
            Self::SsoExpired { profile, .. } | Self::SignIn { profile, .. } => {
                format!("log in with: aws sso login --profile {profile}")
            }
            Self::LoginExpired { profile, .. } => format!("log in with: aws login --profile {profile}"),
            Self::Expired { .. } => "get new credentials from the source, and check the system clock".into(),
            Self::Process { failure: ProcessFailure::BadOutput(_), .. } => {
                r#"the credential_process must print {"Version":1,"AccessKeyId":…,"SecretAccessKey":…,"SessionToken":…,"Expiration":…}"#
                    .into()
            }
            // The hint does not contain the command, because its arguments may contain secrets.
            Self::Process { profile, failure } => failure
                .limit_hint("credential_process")
                .unwrap_or_else(|| format!("run the credential_process of profile '{profile}' yourself")),
            Self::TokenCommand { named_by, variable, failure } => {
                command_hint(named_by, variable.as_deref(), failure)
            }
            Self::GitHub(failure) => failure.hint().into(),
            Self::Container { answer: Answer::Refused(Some(401 | 403)), .. } => {
                "check AWS_CONTAINER_AUTHORIZATION_TOKEN, or the file in AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE".into()
            }
            Self::Container { answer: Answer::Refused(Some(429 | 500..)), .. } => TRY_LATER.into(),
            Self::Container { .. } => {
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI must point to the container's own endpoint".into()
            }
            Self::ContainerToken => {
                "AWS_CONTAINER_AUTHORIZATION_TOKEN must contain only the token, without a line break".into()
            }
            Self::Silent { .. } => "check the network and proxies, or raise the limit (--sts-timeout or XASSUME_STS_TIMEOUT)".into(),
            Self::InstanceMetadata { failure, last_resort } => {
                last_resort.as_deref().and_then(TriedSources::hint).unwrap_or_else(|| failure.hint().into())
            }
            Self::File { named_by, contents: Some(contents), .. } => {
                format!("{named_by} must point to a readable file with {contents}")
            }
            Self::File { contents: None, .. } => {
                "remove the file and log in again with the AWS CLI, which writes a new file".into()
            }
            Self::Service { denied: Some((role, account)), .. } => {
                format!("you are signed in, but may not use permission set {} in account {account}; check sso_role_name and sso_account_id", quoted(role))
            }
            Self::Service { profile, .. } => {
                format!("to see whether the AWS CLI can use the profile, run: aws sts get-caller-identity --profile {profile}")
            },
        }
    }
}
