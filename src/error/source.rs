//! Why the source credentials, from which the first role is assumed, could not be had.

use super::shortened;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// A source that did not give credentials.
#[derive(Debug)]
pub(crate) enum SourceError {
    /// The IAM Identity Center session of a profile is missing or has ended.
    SsoExpired { profile: String, sso_session: Option<String>, reason: String },
    /// The `aws login` session of a profile is missing or has ended.
    LoginExpired { profile: String, reason: String },
    /// A profile's `credential_process` did not give credentials.
    Process { profile: String, failure: ProcessFailure },
    /// The container endpoint did not give credentials.
    Container { reason: String, answer: Answer },
    /// The token in `AWS_CONTAINER_AUTHORIZATION_TOKEN` cannot be sent to the container endpoint.
    ContainerToken,
    /// The source, named as in the plan, did not answer within `--sts-timeout`.
    Silent { name: String, limit: Duration },
    /// Instance metadata did not give credentials. Where nothing names it, other places gave none before.
    InstanceMetadata { failure: MetadataFailure, last_resort: Option<LookedAt> },
    /// A file of a source cannot be used.
    File { file: StoredFile, path: PathBuf, named_by: String, reason: String },
    /// A service that hands out credentials was asked and refused, or was not reached.
    Service { service: &'static str, profile: String, reason: String, answer: Answer },
}

/// A file that belongs to a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoredFile {
    WebIdentityToken,
    ContainerToken,
    /// What `aws sso login` or `aws login` writes.
    Login,
}

/// What was looked at for credentials and gave none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LookedAt {
    pub(crate) places: Vec<String>,
    /// Profiles that have credentials, and that nothing names.
    pub(crate) profiles: Vec<String>,
}

impl LookedAt {
    /// What to do where there are profiles to choose from.
    pub(crate) fn hint(&self) -> Option<String> {
        const MOST: usize = 8;
        let more = if self.profiles.len() > MOST { ", …" } else { "" };
        let names = self.profiles.iter().take(MOST).map(|name| shortened(name)).collect::<Vec<_>>().join(", ");
        (!names.is_empty()).then(|| format!("--profile NAME uses one of the profiles with credentials: {names}{more}"))
    }
}

impl fmt::Display for LookedAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.places.join(", "))
    }
}

/// What a source has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing: it was not reached.
    None,
    /// No credentials; with this HTTP status where that is known.
    Refused(Option<u16>),
}

impl Answer {
    /// Whether a later request may have another answer.
    fn is_outage(self) -> bool {
        match self {
            Self::None => true,
            Self::Refused(status) => status.is_some_and(is_passing),
        }
    }
}

/// Whether a service that answers with this HTTP status may answer otherwise later.
pub(crate) fn is_passing(status: u16) -> bool {
    status == 429 || status >= 500
}

/// How instance metadata failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MetadataFailure {
    /// Nothing answers at this URL.
    Silent { endpoint: String, reason: String },
    /// It answers, and the instance has no role.
    NoRole,
    /// It answers with this HTTP status; `what` was asked for.
    Status { what: &'static str, status: u16 },
    /// It refuses a token with this HTTP status, and a request without one (`IMDSv1`) is forbidden by the settings.
    NoToken(u16),
    /// It answers with something that cannot be used.
    Unusable(String),
}

impl fmt::Display for MetadataFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent { endpoint, reason } => write!(f, "nothing answers at {endpoint} ({reason})"),
            Self::NoRole => f.write_str("the instance has no role"),
            Self::Status { what, status } => {
                let meaning = match status {
                    401 => "the token is not accepted",
                    403 => "access is forbidden",
                    404 => "there is none",
                    405 => "the method is not allowed",
                    429 => "there are too many requests",
                    500.. => "the service has a fault",
                    _ => "the request is refused",
                };
                write!(f, "asked for {what}, it answers with HTTP status {status}: {meaning}")
            }
            Self::NoToken(status) => {
                write!(f, "asked for a token, it answers with HTTP status {status}, and IMDSv1 is disabled")
            }
            Self::Unusable(reason) => f.write_str(reason),
        }
    }
}

/// How a `credential_process` failed.
#[derive(Debug)]
pub(crate) enum ProcessFailure {
    CouldNotStart(String),
    /// It ended with another status than 0; its stderr was shown.
    Ended(String),
    TimedOut(Duration),
    TooMuchOutput(usize),
    /// Its output is not what AWS documents.
    BadOutput(String),
    /// It answered with credentials that have expired.
    Expired(String),
}

impl MetadataFailure {
    fn hint(&self) -> &'static str {
        match self {
            Self::Silent { .. } => {
                "not on EC2? give keys, a profile or a token file; in a container the IMDSv2 hop limit must be 2"
            }
            Self::NoRole => "attach an instance profile with a role to the instance",
            Self::Status { status, .. } if is_passing(*status) => "try again later",
            Self::NoToken(_) => "unset AWS_EC2_METADATA_V1_DISABLED if requests without a token are to be sent",
            Self::Status { .. } | Self::Unusable(_) => {
                "is metadata enabled for the instance, and may this user or container reach it?"
            }
        }
    }
}

impl fmt::Display for StoredFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WebIdentityToken => "web identity token file",
            Self::ContainerToken => "container token file",
            Self::Login => "login file",
        })
    }
}

impl fmt::Display for ProcessFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CouldNotStart(reason) => write!(f, "it could not be started: {reason}"),
            Self::Ended(how) => write!(f, "it {how}"),
            Self::TimedOut(limit) => write!(f, "it gave no answer within {}", humantime::format_duration(*limit)),
            Self::TooMuchOutput(limit) => write!(f, "it printed more than {limit} bytes"),
            Self::BadOutput(reason) => write!(f, "its output {reason}"),
            Self::Expired(moment) => write!(f, "its credentials expired at {moment}"),
        }
    }
}

impl SourceError {
    /// Whether the source did not answer, has a fault, or was asked too often. A refusal is an answer.
    pub(crate) fn is_outage(&self) -> bool {
        match self {
            Self::Silent { .. } => true,
            Self::Container { answer, .. } | Self::Service { answer, .. } => answer.is_outage(),
            Self::InstanceMetadata { failure, .. } => match failure {
                MetadataFailure::Silent { .. } => true,
                MetadataFailure::Status { status, .. } => is_passing(*status),
                MetadataFailure::NoRole | MetadataFailure::NoToken(_) | MetadataFailure::Unusable(_) => false,
            },
            Self::SsoExpired { .. }
            | Self::LoginExpired { .. }
            | Self::Process { .. }
            | Self::ContainerToken
            | Self::File { .. } => false,
        }
    }

    /// The one thing to do.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::SsoExpired { sso_session: Some(session), .. } => {
                format!("log in again: aws sso login --sso-session {session}")
            }
            Self::SsoExpired { profile, sso_session: None, .. } => {
                format!("log in again: aws sso login --profile {profile}")
            }
            Self::LoginExpired { profile, .. } => format!("log in again: aws login --profile {profile}"),
            Self::Process { failure: ProcessFailure::BadOutput(_), .. } => {
                r#"it must print {"Version":1,"AccessKeyId":…,"SecretAccessKey":…,"SessionToken":…,"Expiration":…}"#
                    .into()
            }
            Self::Process { failure: ProcessFailure::TimedOut(_), .. } => {
                "--sts-timeout, when given, limits the program; otherwise it has a minute".into()
            }
            // Its arguments may hold secrets, so the command is not shown.
            Self::Process { profile, .. } => {
                format!("run the credential_process of [profile {profile}] by hand to see what it does")
            }
            Self::Container { answer: Answer::Refused(Some(401 | 403)), .. } => {
                "AWS_CONTAINER_AUTHORIZATION_TOKEN, or the file of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, must hold its token"
                    .into()
            }
            Self::Container { answer: Answer::Refused(Some(429 | 500..)), .. } => "try again later".into(),
            Self::Container { .. } => {
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI must lead to the container's own endpoint".into()
            }
            Self::ContainerToken => {
                "AWS_CONTAINER_AUTHORIZATION_TOKEN must hold the token alone, without a line break behind it".into()
            }
            Self::Silent { .. } => "check the network and proxies; --sts-timeout sets the limit".into(),
            Self::InstanceMetadata { failure, last_resort } => {
                last_resort.as_ref().and_then(LookedAt::hint).unwrap_or_else(|| failure.hint().into())
            }
            Self::File { file, named_by, .. } => match file {
                StoredFile::WebIdentityToken => format!("{named_by} must name a readable file with one OIDC token"),
                StoredFile::ContainerToken => {
                    format!("{named_by} must name a readable file with the token alone, without a line break behind it")
                }
                StoredFile::Login => {
                    "remove it, and log in again: the AWS CLI writes it at each login".into()
                }
            },
            Self::Service { profile, .. } => {
                format!("`aws sts get-caller-identity --profile {profile}` shows whether the AWS CLI gets credentials there")
            }
        }
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no source credentials: ")?;
        match self {
            Self::SsoExpired { profile, reason, .. } => {
                write!(f, "the SSO session of profile {profile} cannot be used: {reason}")
            }
            Self::LoginExpired { profile, reason } => {
                write!(f, "the `aws login` session of profile {profile} cannot be used: {reason}")
            }
            Self::Process { profile, failure, .. } => write!(f, "credential_process of profile {profile}: {failure}"),
            Self::Container { reason, .. } => write!(f, "the container's credentials endpoint: {reason}"),
            Self::ContainerToken => f.write_str("the container's authorization token cannot be sent in an HTTP header"),
            Self::Silent { name, limit } => {
                write!(f, "{name} gave no answer within {}", humantime::format_duration(*limit))
            }
            Self::InstanceMetadata { failure, last_resort: None } => write!(f, "instance metadata: {failure}"),
            Self::InstanceMetadata { failure, last_resort: Some(looked_at) } => {
                write!(f, "none in {looked_at}; instance metadata: {failure}")
            }
            Self::File { file, path, named_by, reason } => {
                write!(f, "{file} {} ({named_by}): {reason}", path.display())
            }
            Self::Service { service, profile, reason, .. } => write!(f, "{service}, for profile {profile}: {reason}"),
        }
    }
}
