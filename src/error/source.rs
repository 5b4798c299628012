//! Why the source credentials, from which the first role is assumed, could not be had.

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
    /// The token for the container endpoint cannot be sent to it; which of AWS's variables it is from is not told.
    ContainerToken,
    /// The source, named as in the plan, did not answer within `--sts-timeout`.
    Silent { name: String, limit: Duration },
    /// Instance metadata did not give credentials.
    InstanceMetadata { reason: String, failure: MetadataFailure },
    /// The web identity token file cannot be used.
    TokenFile { path: PathBuf, named_by: String, reason: String },
    /// A service that hands out credentials was asked and refused, or was not reached.
    Service { service: &'static str, profile: String, reason: String, answer: Answer },
}

/// What a source has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing: it was not reached.
    None,
    /// No credentials; with this HTTP status where that is known.
    Refused(Option<u16>),
}

/// How instance metadata failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetadataFailure {
    /// Nothing answers.
    Silent,
    /// It answers, and the instance has no role.
    NoRole,
    /// It answers otherwise.
    Refused,
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
    /// Whether nothing was answered. What refuses has answered.
    pub(crate) fn is_outage(&self) -> bool {
        matches!(
            self,
            Self::Silent { .. }
                | Self::Container { answer: Answer::None, .. }
                | Self::InstanceMetadata { failure: MetadataFailure::Silent, .. }
                | Self::Service { answer: Answer::None, .. }
        )
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
            Self::Container { .. } => {
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI must lead to the container's own endpoint".into()
            }
            Self::ContainerToken => {
                "AWS_CONTAINER_AUTHORIZATION_TOKEN, or its _FILE, must hold the token alone, without a line break behind it"
                    .into()
            }
            Self::Silent { .. } => "check the network and proxies; --sts-timeout sets the limit".into(),
            Self::InstanceMetadata { failure: MetadataFailure::Silent, .. } => {
                "not on EC2? give keys, a profile or a token file; in a container the IMDSv2 hop limit must be 2".into()
            }
            Self::InstanceMetadata { failure: MetadataFailure::NoRole, .. } => {
                "attach an instance profile with a role to the instance".into()
            }
            Self::InstanceMetadata { failure: MetadataFailure::Refused, .. } => {
                "is metadata enabled for the instance, and may this user or container reach it?".into()
            }
            Self::TokenFile { named_by, .. } => format!("{named_by} must name a readable file with one OIDC token"),
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
            Self::InstanceMetadata { reason, .. } => write!(f, "instance metadata: {reason}"),
            Self::TokenFile { path, reason, .. } => write!(f, "web identity token file {}: {reason}", path.display()),
            Self::Service { service, profile, reason, .. } => write!(f, "{service}, for profile {profile}: {reason}"),
        }
    }
}
