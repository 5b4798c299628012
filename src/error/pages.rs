//! Checks that `tests/errors/approved` has a page (the approved output) for each kind of error, or that the list below
//! says why there is none.

use super::denial::PolicyKind;
use super::*;
use Page::{Of, Without};
use std::path::Path;

enum Page {
    /// The name of the approved page.
    Of(&'static str),
    /// The reason why there is no page.
    Without(&'static str),
}

/// Lists the approved page of each variant of the error types. If a variant is not listed, the code does not compile.
macro_rules! pages {
    ($($kind:ty { $($variant:pat => $page:expr,)* })*) => {
        $(const _: fn(&$kind) = |kind| match kind { $($variant => (),)* };)*
        const PAGES: &[Page] = &[$($($page,)*)*];
    };
}

pages! {
    Error {
        Error::Usage { .. } => Of("usage-no-command"),
        Error::Conflict { .. } => Of("usage-verbose-and-quiet"),
        Error::Value { .. } => Of("value-expect-account"),
        Error::File { .. } => Of("value-ca-bundle-missing"),
        Error::Certificates { .. } => Of("network-bundle-without-certificate"),
        Error::Config(_) => Of("config-no-role"),
        Error::Source(_) => Of("source-process-failed"),
        Error::Mfa(_) => Of("mfa-command-fails"),
        Error::Assume(_) => Of("sts-denied"),
        Error::Waited { .. } => Of("sts-another-xassume-waits"),
        Error::WrongAccount { .. } => Of("sts-in-another-account"),
        Error::Place { .. } => Of("delivery-file-in-no-directory"),
        Error::Unprintable { .. } => Of("delivery-value-not-for-env"),
        Error::Cache { what: "clear", .. } => Of("delivery-cache-cannot-be-cleared"),
        Error::Cache { .. } => Of("delivery-cache-cannot-be-listed"),
        Error::Output(_) => Of("delivery-print-to-a-full-device"),
        Error::OutputClosed => Of("delivery-print-to-no-output"),
        Error::Lapsed => Of("delivery-session-lapsed"),
        Error::Command(_) => Of("command-not-found"),
        Error::Listen(_) => Of("listen-refused"),
        Error::Cannot { what: "deliver the session", .. } => Of("delivery-file-cannot-be-written"),
        Error::Cannot { what: "start", .. } => Of("usage-nested-too-deep"),
        Error::Cannot { hint: Some(_), .. } => Without("`tests/faults` limits processes, memory and open files"),
        Error::OfProfile { .. } => Of("sts-denied-for-a-profile"),
        Error::Cannot { hint: None, .. } => Without("`tests/process.rs`: the output for an SDK"),
    }
    CommandFault {
        CommandFault::Empty => Of("command-empty"),
        CommandFault::NotFound => Of("command-not-found"),
        CommandFault::Directory => Of("command-is-a-directory"),
        CommandFault::NotAFile => Of("command-is-not-a-file"),
        CommandFault::Unreachable(_) => Without("root can search every directory"),
        CommandFault::NotExecutable(_) => Of("command-not-executable"),
        CommandFault::NoInterpreter => Of("command-without-interpreter"),
        CommandFault::Busy => Without("a matter of timing"),
        CommandFault::Execve(_) => Without("no other error of execve(2) can be caused everywhere"),
    }
    ListenError {
        ListenError::Count(_) => Without("`tests/listening`: LISTEN_PID must be the ID of xassume"),
        ListenError::NotOpen { .. } => Without("`tests/listening`: LISTEN_PID must be the ID of xassume"),
        ListenError::Occupied { .. } => Of("listen-descriptor-in-use"),
        ListenError::Ready { .. } => Of("ready-descriptor-in-use"),
        ListenError::Refused { .. } => Of("listen-refused"),
    }
    ConfigError {
        ConfigError::Syntax { .. } => Of("config-syntax-section"),
        ConfigError::UnknownProfile { .. } => Of("config-profile-unknown"),
        ConfigError::Loop { .. } => Of("config-loop"),
        ConfigError::TooManyIncluded { .. } => Of("config-include-too-many"),
        ConfigError::TwoSources { .. } => Of("config-two-sources"),
        ConfigError::NoSourceForRole { .. } => Of("config-role-without-source"),
        ConfigError::UnknownCredentialSource { .. } => Of("config-credential-source-unknown"),
        ConfigError::EmptyCredentialSource { .. } => Of("config-credential-source-empty"),
        ConfigError::NoCredentials { .. } => Of("config-source-profile-without-credentials"),
        ConfigError::PartialEnvironmentKeys { .. } => Of("config-key-missing-in-the-environment"),
        ConfigError::PartialProfileKeys { .. } => Of("config-key-missing"),
        ConfigError::UnusableEnvironmentKey { .. } => Of("config-key-with-a-line-break-in-the-environment"),
        ConfigError::UnusableProfileKey { .. } => Of("config-key-with-a-line-break"),
        ConfigError::NotText { .. } => Of("config-variable-not-utf-8"),
        ConfigError::WebIdentityWithoutRole { .. } => Of("config-source-profile-with-token-and-no-role"),
        ConfigError::ContainsToken { .. } => Of("config-token-instead-of-a-path"),
        ConfigError::IncompleteSso { .. } => Of("config-sso-incomplete"),
        ConfigError::SsoMismatch { .. } => Of("config-sso-mismatch"),
        ConfigError::UnknownSsoSession { .. } => Of("config-sso-session-unknown"),
        ConfigError::UnknownServices { .. } => Of("config-services-unknown"),
        ConfigError::Value { .. } => Of("config-value-duration"),
        ConfigError::NoRole { .. } => Of("config-no-role"),
        ConfigError::NothingToLaunch { .. } => Of("config-no-role-in-profile"),
        ConfigError::AlsoWithoutRole { .. } => Of("config-also-without-role"),
        ConfigError::WithoutRole { .. } => Of("config-role-option-without-role"),
        ConfigError::NothingExpires { .. } => Of("config-nothing-expires"),
        ConfigError::NoSource(_) => Of("config-no-source"),
        ConfigError::TooManyHops => Of("config-too-many-roles"),
        ConfigError::ChainedDuration { by: DurationBy::Origin(..), .. } => Of("config-chained-duration-of-the-flag"),
        ConfigError::ChainedDuration { by: DurationBy::Profile(_), .. } => Of("config-chained-duration"),
        ConfigError::MaxWithMfa { .. } => Of("config-max-with-mfa"),
        ConfigError::NotForWebIdentity { .. } => Of("config-flag-not-for-web-identity"),
    }
    MfaFailure {
        MfaFailure::NoTerminal { .. } => Of("mfa-no-terminal"),
        MfaFailure::NotGiven { .. } => Of("mfa-stdin-empty"),
        MfaFailure::Malformed { from: CodeOrigin::Prompt } => Of("mfa-typed-no-code"),
        MfaFailure::Malformed { from: CodeOrigin::StandardInput } => Of("mfa-stdin-no-code"),
        MfaFailure::Malformed { from: CodeOrigin::Command } => Of("mfa-command-no-code"),
        MfaFailure::Unattended { has_role: true } => Of("mfa-refresh-unattended"),
        MfaFailure::Unattended { has_role: false } => Of("mfa-refresh-unattended-without-role"),
        MfaFailure::Malformed { from: CodeOrigin::Process } => Of("mfa-process-no-code"),
        MfaFailure::Command { from: CodeOrigin::Process, .. } => Of("mfa-process-fails"),
        MfaFailure::Command { .. } => Of("mfa-command-fails"),
        MfaFailure::SameAgain { from: CodeOrigin::Prompt } => Of("mfa-typed-same-again"),
        MfaFailure::SameAgain { .. } => Without("a warning of a refresh"),
    }
    SourceError {
        SourceError::SsoExpired { .. } => Of("source-sso-expired"),
        SourceError::SignIn { .. } => Without("`tests/sign_in`: only after a question on a terminal"),
        SourceError::LoginExpired { .. } => Of("source-login-expired"),
        SourceError::Expired { .. } => Of("source-instance-expired"),
        SourceError::Process { .. } => Of("source-process-failed"),
        SourceError::TokenCommand { .. } => Of("source-token-command-failed"),
        SourceError::GitHub(_) => Of("source-github-without-permission"),
        SourceError::Container { answer: Answer::None, .. } => Of("source-container-gone"),
        SourceError::Container { answer: Answer::Refused(_), .. } => Of("source-container-token"),
        SourceError::ContainerToken => Of("source-container-token-with-a-line-break"),
        SourceError::Silent { .. } => Of("source-sso-silent"),
        SourceError::InstanceMetadata { .. } => Of("source-instance-fails"),
        SourceError::File { contents: Some("one OIDC token"), .. } => Of("source-token-file-missing"),
        SourceError::File { contents: Some(_), .. } => Of("source-container-token-file-missing"),
        SourceError::File { contents: None, .. } => Of("source-login-file-unusable"),
        SourceError::Service { answer: Answer::None, .. } => Of("source-sso-unreachable"),
        SourceError::Service { answer: Answer::Refused(_), .. } => Of("source-sso-refuses"),
    }
    MetadataFailure {
        MetadataFailure::Silent { .. } => Of("source-instance-silent"),
        MetadataFailure::NoRole => Of("source-instance-without-role"),
        MetadataFailure::Status { .. } => Of("source-instance-fails"),
        MetadataFailure::NoToken(_) => Of("source-instance-without-token"),
        MetadataFailure::Unusable(_) => Of("source-instance-lists-no-role"),
    }
    GitHubFailure {
        GitHubFailure::NotInJob => Of("source-github-outside-a-job"),
        GitHubFailure::NotPermitted { pull_request: false } => Of("source-github-without-permission"),
        GitHubFailure::NotPermitted { pull_request: true } => Of("source-github-in-a-pull-request"),
        GitHubFailure::Unset(_) => Of("source-github-without-request-token"),
        GitHubFailure::Url => Of("source-github-url"),
        GitHubFailure::OtherHost => Of("source-github-other-host"),
        GitHubFailure::RequestToken => Of("source-github-request-token"),
        GitHubFailure::Status { status: 401, .. } => Of("source-github-expired"),
        GitHubFailure::Status { .. } => Of("source-github-fails"),
        GitHubFailure::Unanswered { untrusted: true, .. } => Without("`tests/sources/github.rs`: the CA bundle"),
        GitHubFailure::Unanswered { .. } => Of("source-github-unreachable"),
        GitHubFailure::Response(_) => Of("source-github-no-json"),
    }
    ProcessFailure {
        ProcessFailure::CouldNotStart(_) => Without("/bin/sh can always be started"),
        ProcessFailure::Ended(_) => Of("source-process-failed"),
        ProcessFailure::TimedOut(..) => Of("source-process-silent"),
        ProcessFailure::TooMuchOutput(_) => Of("source-process-endless"),
        ProcessFailure::BadOutput(_) => Of("source-process-no-json"),
        ProcessFailure::BadToken(TokenFlaw::Empty) => Of("source-token-command-prints-nothing"),
        ProcessFailure::BadToken(TokenFlaw::Json) => Of("source-token-command-prints-json"),
        ProcessFailure::BadToken(TokenFlaw::Words(_)) => Of("source-token-command-of-a-profile-prints-words"),
        ProcessFailure::BadToken(TokenFlaw::NotText | TokenFlaw::Length(_)) => Without("a unit test of the token"),
        ProcessFailure::Expired(_) => Of("source-process-expired"),
    }
    StsCall {
        StsCall::AssumeRole => Of("sts-denied"),
        StsCall::AssumeRoleWithWebIdentity => Of("token-not-trusted"),
        StsCall::GetSessionToken => Of("mfa-session-denied"),
        StsCall::GetCallerIdentity => Without("a step of `--check`, see `tests/check.rs`"),
    }
    AttemptsMade {
        AttemptsMade { last_timed_out: false, .. } => Without("a matter of timing, see `tests/network.rs`"),
        AttemptsMade { last_timed_out: true, .. } => Of("sts-throttled-and-then-silent"),
    }
    Cause {
        Cause::Refused { .. } => Of("sts-denied"),
        Cause::Network(_) => Of("network-refused"),
        Cause::Unexpected(_) => Of("network-answer-empty"),
    }
    Refusal {
        Refusal::AccessDenied { .. } => Of("sts-denied"),
        Refusal::RootUser => Of("denied-root-user"),
        Refusal::MfaCode => Of("mfa-code-rejected"),
        Refusal::MfaDevice => Of("mfa-device-rejected"),
        Refusal::SourceExpired => Of("sts-source-expired"),
        Refusal::SourceUnknown => Of("sts-source-unknown"),
        Refusal::Signature { clock_off_secs: None } => Of("sts-signature"),
        Refusal::Signature { clock_off_secs: Some(_) } => Of("sts-clock-ahead"),
        Refusal::DurationAboveRole => Of("sts-duration-above-the-roles"),
        Refusal::DurationAboveChaining => Of("sts-duration-above-chaining"),
        Refusal::RegionDisabled => Of("sts-region-disabled"),
        Refusal::BadPolicy => Of("sts-policy-malformed"),
        Refusal::PackedPolicy => Of("sts-policy-packed"),
        Refusal::Token(_) => Of("token-not-trusted"),
        Refusal::Throttled => Of("sts-throttled"),
        Refusal::Unavailable => Of("sts-unavailable"),
        Refusal::Other => Of("sts-unknown-refusal"),
    }
    TokenRefusal {
        TokenRefusal::NoProvider => Of("token-without-provider"),
        TokenRefusal::Audience => Of("token-audience"),
        TokenRefusal::NotTrusted => Of("token-not-trusted"),
        TokenRefusal::IssuerUnreachable => Of("token-keys-not-retrieved"),
        TokenRefusal::Thumbprint => Of("token-thumbprint"),
        TokenRefusal::ClaimRejected => Of("token-claim-rejected"),
        TokenRefusal::Expired => Of("token-expired"),
        TokenRefusal::Invalid => Of("token-used-before"),
    }
    PolicyDenial {
        PolicyDenial { policy: PolicyKind::Identity, effect: PolicyEffect::NoAllow } => Of("denied-identity-missing"),
        PolicyDenial { policy: PolicyKind::Identity, effect: PolicyEffect::Deny } => Of("denied-identity-deny"),
        PolicyDenial { policy: PolicyKind::Trust, effect: PolicyEffect::NoAllow } => Of("denied-trust-missing"),
        PolicyDenial { policy: PolicyKind::Trust, effect: PolicyEffect::Deny } => Of("denied-trust-deny"),
        PolicyDenial { policy: PolicyKind::ServiceControl, effect: PolicyEffect::NoAllow } => Of("denied-scp-missing"),
        PolicyDenial { policy: PolicyKind::ServiceControl, effect: PolicyEffect::Deny } => Of("denied-scp-deny"),
        PolicyDenial { policy: PolicyKind::ResourceControl, effect: PolicyEffect::NoAllow } => Of("denied-rcp-missing"),
        PolicyDenial { policy: PolicyKind::ResourceControl, effect: PolicyEffect::Deny } => Of("denied-rcp-deny"),
        PolicyDenial { policy: PolicyKind::Boundary, effect: PolicyEffect::NoAllow } => Of("denied-boundary-missing"),
        PolicyDenial { policy: PolicyKind::Boundary, effect: PolicyEffect::Deny } => Of("denied-boundary-deny"),
        PolicyDenial { policy: PolicyKind::Session, effect: PolicyEffect::NoAllow } => Of("denied-session-policy-missing"),
        PolicyDenial { policy: PolicyKind::Session, effect: PolicyEffect::Deny } => Of("denied-session-policy-deny"),
        PolicyDenial { policy: PolicyKind::VpcEndpoint, effect: PolicyEffect::NoAllow } => Of("denied-vpc-endpoint-missing"),
        PolicyDenial { policy: PolicyKind::VpcEndpoint, effect: PolicyEffect::Deny } => Of("denied-vpc-endpoint-deny"),
    }
    NetworkFailure {
        NetworkFailure::Dns { .. } => Of("network-no-such-name"),
        NetworkFailure::Unreachable { .. } => Of("network-refused"),
        NetworkFailure::Proxy { .. } => Of("network-proxy"),
        NetworkFailure::Tls { .. } => Of("network-tls-unknown-authority"),
        NetworkFailure::TimedOut { .. } => Of("network-silence"),
        NetworkFailure::TooLate { .. } => Without("a matter of timing, see `sts::truncated`"),
        NetworkFailure::TooLarge { .. } => Of("network-answer-too-large"),
        NetworkFailure::Endpoint { .. } => Of("network-fips-and-endpoint"),
    }
}

#[test]
fn each_kind_of_error_has_an_approved_page_or_a_reason() {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors/approved");
    for page in PAGES {
        match page {
            Of(name) => assert!(pages.join(name).with_extension("txt").exists(), "there is no page {name}"),
            Without(reason) => assert!(!reason.is_empty()),
        }
    }
}
