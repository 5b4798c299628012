//! The reason of an error: a word for programs that read the log. The messages may change, the words do not.
//!
//! This file is the only place that decides which error has which reason. No `match` here has a `_` arm, so a new kind of
//! error does not compile without one.

use super::{
    Answer, AssumeError, Cause, CommandError, ConfigError, Error, GitHubFailure, MetadataFailure, NetworkFailure,
    ProcessFailure, Refusal, SourceError, TokenRefusal,
};
use crate::process::outcome::NOT_FOUND;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why something failed. `docs/supervision.md` says what each reason means, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reason {
    Usage,
    Config,
    NoCredentials,
    ExpiredLogin,
    ExpiredCredentials,
    InvalidCredentials,
    Denied,
    Rejected,
    Mfa,
    Clock,
    Throttled,
    Unavailable,
    Network,
    Timeout,
    InvalidAnswer,
    SourceFailed,
    WrongAccount,
    SessionExpired,
    NotReady,
    HookFailed,
    NotFound,
    NotRunnable,
    NoProcess,
    Socket,
    File,
    Output,
    System,
}

impl fmt::Display for Reason {
    /// Writes the word.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl Error {
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::Usage { .. } | Self::Conflict { .. } | Self::Value { .. } | Self::Unprintable { .. } => Reason::Usage,
            Self::File { .. } | Self::Certificates { .. } | Self::Place { .. } | Self::Cache { .. } => Reason::File,
            Self::Config(error) => of_config(error),
            Self::Source(error) => of_source(error),
            Self::Mfa(_) => Reason::Mfa,
            Self::Assume(error) => of_call(error),
            Self::Waited { .. } => Reason::Timeout,
            Self::WrongAccount { .. } => Reason::WrongAccount,
            Self::Output(_) | Self::OutputClosed => Reason::Output,
            Self::Lapsed => Reason::SessionExpired,
            Self::Command(error) => of_command(error),
            Self::Listen(_) => Reason::Socket,
            Self::Cannot { .. } => Reason::System,
            Self::OfProfile { error, .. } => error.reason(),
        }
    }
}

fn of_config(error: &ConfigError) -> Reason {
    match error {
        ConfigError::NoSource(_) => Reason::NoCredentials,
        ConfigError::Syntax { .. }
        | ConfigError::UnknownProfile { .. }
        | ConfigError::Loop { .. }
        | ConfigError::TooManyIncluded { .. }
        | ConfigError::TwoSources { .. }
        | ConfigError::NoSourceForRole { .. }
        | ConfigError::UnknownCredentialSource { .. }
        | ConfigError::EmptyCredentialSource { .. }
        | ConfigError::NoCredentials { .. }
        | ConfigError::PartialEnvironmentKeys { .. }
        | ConfigError::PartialProfileKeys { .. }
        | ConfigError::UnusableEnvironmentKey { .. }
        | ConfigError::UnusableProfileKey { .. }
        | ConfigError::NotText { .. }
        | ConfigError::WebIdentityWithoutRole { .. }
        | ConfigError::ContainsToken { .. }
        | ConfigError::IncompleteSso { .. }
        | ConfigError::SsoMismatch { .. }
        | ConfigError::UnknownSsoSession { .. }
        | ConfigError::UnknownServices { .. }
        | ConfigError::Value { .. }
        | ConfigError::NoRole { .. }
        | ConfigError::NothingToLaunch { .. }
        | ConfigError::AlsoWithoutRole { .. }
        | ConfigError::WithoutRole { .. }
        | ConfigError::NothingExpires { .. }
        | ConfigError::TooManyHops
        | ConfigError::ChainedDuration { .. }
        | ConfigError::MaxWithMfa { .. }
        | ConfigError::NotForWebIdentity { .. } => Reason::Config,
    }
}

fn of_source(error: &SourceError) -> Reason {
    match error {
        SourceError::SsoExpired { .. } | SourceError::SignIn { .. } | SourceError::LoginExpired { .. } => {
            Reason::ExpiredLogin
        }
        SourceError::Process { failure, .. } | SourceError::TokenCommand { failure, .. } => of_process(failure),
        SourceError::GitHub(failure) => of_github(failure),
        SourceError::Container { answer, .. } | SourceError::Service { answer, denied: None, .. } => of_answer(*answer),
        SourceError::ContainerToken => Reason::Config,
        SourceError::Silent { .. } => Reason::Timeout,
        SourceError::Expired { .. } => Reason::ExpiredCredentials,
        // Instance metadata was tried only because there was no other source.
        SourceError::InstanceMetadata { last_resort: Some(_), .. } => Reason::NoCredentials,
        SourceError::InstanceMetadata { failure, last_resort: None } => match failure {
            MetadataFailure::Silent { .. } => Reason::Network,
            MetadataFailure::NoRole => Reason::NoCredentials,
            MetadataFailure::Status { status, .. } | MetadataFailure::NoToken(status) => of_status(*status),
            MetadataFailure::Unusable(_) => Reason::InvalidAnswer,
        },
        SourceError::File { .. } => Reason::File,
        SourceError::Service { denied: Some(_), .. } => Reason::Denied,
    }
}

fn of_process(failure: &ProcessFailure) -> Reason {
    match failure {
        ProcessFailure::TimedOut(..) => Reason::Timeout,
        ProcessFailure::Expired(_) => Reason::ExpiredCredentials,
        ProcessFailure::CouldNotStart(_)
        | ProcessFailure::Ended(_)
        | ProcessFailure::TooMuchOutput(_)
        | ProcessFailure::BadOutput(_)
        | ProcessFailure::BadToken(_) => Reason::SourceFailed,
    }
}

fn of_github(failure: &GitHubFailure) -> Reason {
    match failure {
        GitHubFailure::NotInJob
        | GitHubFailure::NotPermitted { .. }
        | GitHubFailure::Unset(_)
        | GitHubFailure::Url
        | GitHubFailure::OtherHost
        | GitHubFailure::RequestToken => Reason::Config,
        GitHubFailure::Status { status, .. } => of_status(*status),
        GitHubFailure::Unanswered { answer, .. } => of_answer(*answer),
        GitHubFailure::Response(_) => Reason::InvalidAnswer,
    }
}

fn of_answer(answer: Answer) -> Reason {
    match answer {
        Answer::None => Reason::Network,
        Answer::Refused(None) => Reason::SourceFailed,
        Answer::Refused(Some(status)) => of_status(status),
    }
}

fn of_status(status: u16) -> Reason {
    match status {
        401 | 403 => Reason::Denied,
        429 => Reason::Throttled,
        500.. => Reason::Unavailable,
        0..=400 | 402 | 404..=428 | 430..=499 => Reason::SourceFailed,
    }
}

fn of_call(error: &AssumeError) -> Reason {
    match &error.cause {
        Cause::Refused { refusal, .. } => of_refusal(refusal),
        Cause::Network(failure) => match failure {
            NetworkFailure::Dns { .. }
            | NetworkFailure::Unreachable { .. }
            | NetworkFailure::Proxy { .. }
            | NetworkFailure::Tls { .. } => Reason::Network,
            NetworkFailure::TimedOut { .. } | NetworkFailure::TooLate { .. } => Reason::Timeout,
            NetworkFailure::TooLarge { .. } => Reason::InvalidAnswer,
            NetworkFailure::Endpoint { .. } => Reason::Config,
        },
        Cause::Unexpected(_) => Reason::InvalidAnswer,
    }
}

fn of_refusal(refusal: &Refusal) -> Reason {
    match refusal {
        Refusal::AccessDenied { .. } | Refusal::RootUser => Reason::Denied,
        Refusal::MfaCode | Refusal::MfaDevice => Reason::Mfa,
        Refusal::SourceExpired => Reason::ExpiredCredentials,
        Refusal::SourceUnknown | Refusal::Signature { clock_off_secs: None } => Reason::InvalidCredentials,
        Refusal::Signature { clock_off_secs: Some(_) } => Reason::Clock,
        Refusal::DurationAboveRole
        | Refusal::DurationAboveChaining
        | Refusal::RegionDisabled
        | Refusal::BadPolicy
        | Refusal::PackedPolicy
        | Refusal::Other => Reason::Rejected,
        Refusal::Token(refusal) => match refusal {
            TokenRefusal::NoProvider
            | TokenRefusal::Audience
            | TokenRefusal::NotTrusted
            | TokenRefusal::Thumbprint
            | TokenRefusal::ClaimRejected => Reason::Denied,
            TokenRefusal::IssuerUnreachable => Reason::Unavailable,
            TokenRefusal::Expired => Reason::ExpiredCredentials,
            TokenRefusal::Invalid => Reason::InvalidCredentials,
        },
        Refusal::Throttled => Reason::Throttled,
        Refusal::Unavailable => Reason::Unavailable,
    }
}

fn of_command(error: &CommandError) -> Reason {
    if error.status() == NOT_FOUND { Reason::NotFound } else { Reason::NotRunnable }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_lists_each_reason() {
        let page = include_str!("../../docs/supervision.md");
        let (_, section) = page.split_once("\n| `reason` | ").expect("the table");
        let (section, _) = section.split_once("\n\n").expect("its end");
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
        let documented: Vec<&str> = rows.filter_map(|row| Some(row.split_once('`')?.0)).collect();
        let reason = |word: &&str| serde_json::from_value::<Reason>(word.to_string().into()).expect(word);
        let reasons: Vec<Reason> = documented.iter().map(reason).collect();
        let places: Vec<usize> = reasons.iter().map(|reason| *reason as usize).collect();
        assert!(places.iter().copied().eq(0..=Reason::System as usize), "each reason once, in order: {documented:?}");
        let words: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        assert_eq!(words, documented);
    }
}
