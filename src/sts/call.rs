//! One call to STS: the request of a hop, and the client that sends it.

use super::Network;
use super::http::StsConnection;
use super::source::Proof;
use crate::error::{AssumeError, Cause, Refusal, StsCall};
use crate::mfa::MfaSession;
use crate::report::Progress;
use crate::report::waiting::Awaited;
use crate::role::{Hop, HopOptions, MfaCode, MfaSerial, PolicyArn, SessionDuration};
use crate::session::{CallerIdentity, Granted, Keys, Secret};
use crate::sts::attempts::{TooManyRequests, Watch};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::types::{PolicyDescriptorType, Tag};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::time::{Duration, Instant};

/// One hop of a chain.
pub(super) struct Call<'a> {
    pub(super) hop: &'a Hop,
    /// The hop's number, from 1, and how many there are.
    pub(super) place: (usize, usize),
    pub(super) action: StsCall,
    pub(super) region: &'a str,
    pub(super) network: &'a Network,
    pub(super) line: &'a StsConnection,
    pub(super) attempts: u32,
    pub(super) deadline: Instant,
    pub(super) progress: &'a Progress,
}

/// A device and its code.
#[derive(Debug, Clone, Copy)]
pub(super) struct Code<'a> {
    pub(super) serial: &'a MfaSerial,
    pub(super) code: &'a MfaCode,
}

impl Call<'_> {
    /// Asks for each duration in turn until STS agrees. With a code there is only one: the plan sees to that.
    pub(super) async fn longest(&self, proof: &Proof, mfa: Option<Code<'_>>) -> Result<Granted, Box<AssumeError>> {
        let mut durations = self.durations();
        loop {
            let asked = durations.pop();
            let answer = match proof {
                Proof::Keys(keys) => self.assume_role(keys, asked, mfa).await,
                Proof::Token(token) => self.assume_role_with_web_identity(token, asked).await,
            };
            match answer {
                Err(error) if !durations.is_empty() => match &error.cause {
                    Cause::Refused { refusal: Refusal::DurationAboveRole, .. } => {}
                    Cause::Refused { refusal: Refusal::DurationAboveChaining, .. } => durations.truncate(1),
                    _ => return Err(error),
                },
                result => return result,
            }
        }
    }

    /// The durations to ask for, the first at the end; none where none was asked for.
    fn durations(&self) -> Vec<Duration> {
        const HOUR: u64 = 3600;
        match self.hop.options.duration {
            None => Vec::new(),
            Some(SessionDuration::Exactly(duration)) => vec![duration],
            // What is assumed from a session gets an hour, so there is nothing to find out.
            Some(SessionDuration::Max) if self.place.0 > 1 => vec![SessionDuration::HOUR],
            Some(SessionDuration::Max) => [1, 2, 4, 8, 12].map(|hours| Duration::from_secs(hours * HOUR)).to_vec(),
        }
    }

    async fn assume_role(
        &self,
        keys: &Keys,
        duration: Option<Duration>,
        mfa: Option<Code<'_>>,
    ) -> Result<Granted, Box<AssumeError>> {
        let client = self.signing_client(keys)?;
        let HopOptions { external_id, policy, policy_arns, tags, transitive_tags, source_identity, .. } =
            &self.hop.options;
        let request = client
            .assume_role()
            .role_arn(self.hop.role.as_str())
            .role_session_name(self.hop.session_name.as_str())
            .set_duration_seconds(seconds(duration))
            .set_external_id(external_id.as_ref().map(|id| id.as_str().to_owned()))
            .set_policy(policy.as_ref().map(|policy| policy.as_str().to_owned()))
            .set_policy_arns(descriptors(policy_arns))
            .set_tags(not_empty(
                tags.iter()
                    .filter_map(|tag| Tag::builder().key(tag.key.as_str()).value(tag.value.as_str()).build().ok()),
            ))
            .set_transitive_tag_keys(not_empty(transitive_tags.iter().map(|key| key.as_str().to_owned())))
            .set_source_identity(source_identity.as_ref().map(|name| name.as_str().to_owned()))
            .set_serial_number(mfa.map(|mfa| mfa.serial.as_str().to_owned()))
            .set_token_code(mfa.map(|mfa| mfa.code.reveal().to_owned()));
        let answer = self.within_time(request.send()).await?;
        let session = self.session(answer.credentials, answer.assumed_role_user)?;
        #[expect(deprecated, reason = "what replaces it is told by newer endpoints only")]
        let packed_policy = answer.packed_policy_size;
        Ok(Granted { session, packed_policy, token_size: answer.session_token_utilization })
    }

    /// Buys an MFA session with a code. The keys are a user's own.
    pub(super) async fn get_session_token(
        &self,
        keys: &Keys,
        mfa: Code<'_>,
        duration: Duration,
    ) -> Result<MfaSession, Box<AssumeError>> {
        let client = self.signing_client(keys)?;
        let request = client
            .get_session_token()
            .set_duration_seconds(seconds(Some(duration)))
            .serial_number(mfa.serial.as_str())
            .token_code(mfa.code.reveal());
        let answer = self.within_time(request.send()).await?;
        let (keys, validity) = self.credentials(answer.credentials)?;
        Ok(MfaSession { keys, validity })
    }

    /// Asks whose the keys are. STS tells everybody, whatever policies say.
    pub(super) async fn get_caller_identity(&self, keys: &Keys) -> Result<CallerIdentity, Box<AssumeError>> {
        let request = self.signing_client(keys)?.get_caller_identity();
        let answer = self.within_time(request.send()).await?;
        self.identity(answer)
    }

    async fn assume_role_with_web_identity(
        &self,
        token: &Secret,
        duration: Option<Duration>,
    ) -> Result<Granted, Box<AssumeError>> {
        let client = aws_sdk_sts::Client::from_conf(self.config()?.build());
        let HopOptions { policy, policy_arns, .. } = &self.hop.options;
        let request = client
            .assume_role_with_web_identity()
            .role_arn(self.hop.role.as_str())
            .role_session_name(self.hop.session_name.as_str())
            .web_identity_token(token.reveal())
            .set_duration_seconds(seconds(duration))
            .set_policy(policy.as_ref().map(|policy| policy.as_str().to_owned()))
            .set_policy_arns(descriptors(policy_arns));
        let answer = self.within_time(request.send()).await?;
        let session = self.session(answer.credentials, answer.assumed_role_user)?;
        #[expect(deprecated, reason = "what replaces it is told by newer endpoints only")]
        let packed_policy = answer.packed_policy_size;
        Ok(Granted { session, packed_policy, token_size: answer.session_token_utilization })
    }

    fn signing_client(&self, keys: &Keys) -> Result<aws_sdk_sts::Client, Box<AssumeError>> {
        let config = self.config()?.credentials_provider(credentials(keys));
        Ok(aws_sdk_sts::Client::from_conf(config.build()))
    }

    /// The client's settings: nothing is read from the environment or from files, so nothing there can panic.
    fn config(&self) -> Result<aws_sdk_sts::config::Builder, Box<AssumeError>> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(self.too_late());
        }
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(for_a_try(left, self.attempts))
            .operation_timeout(left)
            .build();
        let retries = RetryConfig::standard()
            .with_max_attempts(self.attempts)
            .with_initial_backoff(Duration::from_millis(250))
            .with_max_backoff(Duration::from_secs(5));
        let mut shared = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(self.region.to_owned()))
            .use_fips(self.network.fips)
            .use_dual_stack(self.network.dualstack)
            .http_client(self.line.client.clone())
            .sleep_impl(TokioSleep::new())
            .timeout_config(timeouts)
            .retry_config(retries);
        shared.set_endpoint_url(self.network.endpoint.clone());
        shared.set_app_name(AppName::new("xassume").ok());
        let watch = Watch { route: self.route(), attempts: self.line.attempts.clone() };
        let config = aws_sdk_sts::config::Builder::from(&shared.build());
        Ok(config.interceptor(watch).retry_classifier(TooManyRequests))
    }

    fn awaited(&self) -> Awaited {
        let ((hop, of), role) = (self.place, self.hop.role.to_string());
        Awaited::Sts { call: self.action, role, hop, of, tries: self.line.tries.clone() }
    }

    /// The answer. The SDK's own time-outs hold, and one above them for whatever they do not cover.
    async fn within_time<T, E>(
        &self,
        call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Box<AssumeError>>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        self.line.tries.begin();
        self.line.attempts.begin();
        self.progress.waits_for(self.awaited());
        let begun = Instant::now();
        let left = self.deadline.saturating_duration_since(begun);
        match tokio::time::timeout(left, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(SdkError::TimeoutError(_))) | Err(_) => Err(self.timed_out(begun.elapsed())),
            Ok(Err(error)) => Err(self.refused(&error)),
        }
    }
}

/// How long one of so many tries waits: where nothing comes at all, they use up the time that is left.
fn for_a_try(left: Duration, attempts: u32) -> Duration {
    (left / attempts).max(Duration::from_secs(10)).min(left)
}

fn seconds(duration: Option<Duration>) -> Option<i32> {
    duration.and_then(|duration| i32::try_from(duration.as_secs()).ok())
}

fn not_empty<T>(items: impl Iterator<Item = T>) -> Option<Vec<T>> {
    let items: Vec<T> = items.collect();
    if items.is_empty() { None } else { Some(items) }
}

fn descriptors(arns: &[PolicyArn]) -> Option<Vec<PolicyDescriptorType>> {
    not_empty(arns.iter().map(|arn| PolicyDescriptorType::builder().arn(arn.as_str()).build()))
}

fn credentials(keys: &Keys) -> Credentials {
    Credentials::new(
        keys.access_key_id.as_str(),
        keys.secret_access_key.reveal(),
        keys.session_token.as_ref().map(|token| token.reveal().to_owned()),
        None,
        "xassume",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_without_an_answer_use_up_the_time() {
        for (left, attempts, one) in [(2, 5, 2), (30, 5, 10), (30, 1, 30), (51, 3, 17), (600, 5, 120)] {
            let (left, one) = (Duration::from_secs(left), Duration::from_secs(one));
            assert_eq!(for_a_try(left, attempts), one);
            assert!(one * attempts >= left);
        }
    }
}
