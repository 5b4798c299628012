//! One call to STS: builds the request and reads the answer.

mod web_identity;

use super::answer::{arn, identity, rounded, temporary_keys};
use super::connection::StsConnection;
use super::date::Dated;
use super::failure::chain;
use crate::error::{AssumeError, AttemptsMade, Cause, NetworkFailure, Refusal, StsCall};
use crate::event::EventSink;
use crate::report::Progress;
use crate::report::waiting::Awaited;
use crate::role::{Hop, HopOptions, MfaCode, MfaSerial, PolicyArn, SessionDuration};
use crate::session::{CallerIdentity, Granted, Keys, Session, TokenSize};
use aws_credential_types::Credentials;
use aws_sdk_sts::Client;
use aws_sdk_sts::error::SdkError;
use aws_sdk_sts::types::{PolicyDescriptorType, Tag};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::time::{Duration, Instant};

/// The values that all calls for one session have in common.
#[derive(Clone, Copy)]
pub(super) struct CallContext<'a> {
    pub(super) connection: &'a StsConnection<'a>,
    pub(super) deadline: Instant,
    pub(super) progress: &'a Progress,
    pub(super) events: &'a dyn EventSink,
}

/// A call for one role of the chain, or for the keys of the source if no role is assumed.
pub(super) struct Call<'a> {
    pub(super) context: CallContext<'a>,
    /// `None` if no role is assumed.
    pub(super) hop: Option<&'a Hop>,
    /// The number of this hop, counted from 1, and the number of all hops.
    pub(super) place: (usize, usize),
    pub(super) action: StsCall,
}

/// An MFA device and a code from it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Code<'a> {
    pub(super) serial: &'a MfaSerial,
    pub(super) code: &'a MfaCode,
}

impl Call<'_> {
    /// Assumes the role with the longest duration that STS accepts. Requests each duration in turn, the longest first,
    /// until STS accepts one.
    ///
    /// An MFA code is valid for one request only. With a code, there is only one request, because the plan rejects the
    /// duration `max` for a role with an MFA code.
    pub(super) async fn longest(
        &self,
        hop: &Hop,
        keys: &Keys,
        mfa: Option<Code<'_>>,
    ) -> Result<Granted, Box<AssumeError>> {
        let mut durations = self.durations(hop);
        loop {
            match self.assume_role(hop, keys, durations.pop(), mfa).await {
                Err(error) if can_be_shorter(&mut durations, &error.cause) => {}
                result => return result,
            }
        }
    }

    /// Returns the durations to request, the shortest first. The caller takes them from the end of the list. An empty
    /// list means that the request contains no duration, so that STS uses its default.
    fn durations(&self, hop: &Hop) -> Vec<Duration> {
        match hop.options.duration {
            None => Vec::new(),
            Some(SessionDuration::Exactly(duration)) => vec![duration],
            // With role chaining, the longest duration that STS accepts is one hour.
            Some(SessionDuration::Max) if self.place.0 > 1 => vec![SessionDuration::HOUR],
            Some(SessionDuration::Max) => [1, 2, 4, 8, 12].map(Duration::from_hours).to_vec(),
        }
    }

    async fn assume_role(
        &self,
        hop: &Hop,
        keys: &Keys,
        duration: Option<Duration>,
        mfa: Option<Code<'_>>,
    ) -> Result<Granted, Box<AssumeError>> {
        let HopOptions { external_id, policy, policy_arns, tags, transitive_tags, source_identity, .. } = &hop.options;
        let request = self
            .client(keys)?
            .assume_role()
            .role_arn(hop.role.as_str())
            .role_session_name(hop.session_name.as_str())
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
        let (keys, validity) = self.read(|dated, route| temporary_keys(answer.credentials, dated, route))?;
        let arn = arn(answer.assumed_role_user).map_err(|cause| self.failed(cause))?;
        #[expect(deprecated, reason = "only newer endpoints send its replacement")]
        let packed_policy = answer.packed_policy_size;
        let token = TokenSize::new(&keys, answer.session_token_utilization, packed_policy);
        Ok(Granted { keys, validity, arn, token })
    }

    /// Requests an MFA session. `keys` must be the long-term keys of an IAM user.
    pub(super) async fn get_session_token(
        &self,
        keys: &Keys,
        mfa: Code<'_>,
        duration: Duration,
    ) -> Result<Session, Box<AssumeError>> {
        let request = self
            .client(keys)?
            .get_session_token()
            .set_duration_seconds(seconds(Some(duration)))
            .serial_number(mfa.serial.as_str())
            .token_code(mfa.code.reveal());
        let answer = self.within_time(request.send()).await?;
        let (keys, validity) = self.read(|dated, route| temporary_keys(answer.credentials, dated, route))?;
        let validity = Some(validity);
        Ok(Session { keys, validity, assumed_role_arn: None, account_id: None, instance_region: None })
    }

    /// Returns the identity to which the keys belong. No policy of the caller can forbid this call.
    pub(super) async fn get_caller_identity(&self, keys: &Keys) -> Result<CallerIdentity, Box<AssumeError>> {
        let request = self.client(keys)?.get_caller_identity();
        let answer = self.within_time(request.send()).await?;
        self.read(|_, _| identity(answer))
    }

    /// Returns a client that signs its requests with `keys`. Its time limit is the time that is left for the session.
    fn client(&self, keys: &Keys) -> Result<Client, Box<AssumeError>> {
        let left = self.time_left()?;
        let config = self.context.connection.config(left, None).credentials_provider(credentials(keys));
        Ok(Client::from_conf(config.build()))
    }

    /// Returns the time that is left for the session.
    ///
    /// # Errors
    /// No time is left.
    fn time_left(&self) -> Result<Duration, Box<AssumeError>> {
        let left = self.left();
        if left.is_zero() {
            let limit = self.context.connection.network.timeout;
            return Err(self.failed(Cause::Network(NetworkFailure::TooLate { host: self.host(), limit })));
        }
        Ok(left)
    }

    /// Makes a call, and waits for the answer.
    async fn within_time<T, E: std::error::Error + 'static>(
        &self,
        request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Box<AssumeError>> {
        self.context.connection.attempts.begin();
        self.answer(Instant::now(), Box::pin(request)).await
    }

    /// Waits for the answer to a request of a call that began at `begun`. The SDK's own timeouts do not cover everything
    /// that can take time, so the whole wait has another timeout.
    async fn answer<T, E: std::error::Error + 'static>(
        &self,
        begun: Instant,
        request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Box<AssumeError>> {
        let CallContext { connection, progress, .. } = self.context;
        let (hop, of) = self.place;
        let role = self.hop.map_or_else(|| "the user".to_owned(), |hop| hop.role.to_string());
        progress.waits_for(Awaited::Sts { call: self.action, role, hop, of, tries: connection.attempts.count.clone() });
        match tokio::time::timeout(self.left(), request).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(SdkError::TimeoutError(_))) | Err(_) => Err(self.timed_out(begun.elapsed())),
            Ok(Err(error)) => {
                let cause = match (&error, connection.attempts.end()) {
                    (SdkError::ConstructionFailure(_), _) | (_, None) => {
                        Cause::Network(NetworkFailure::Endpoint { reason: chain(&error).join(": ") })
                    }
                    (_, Some((cause, _))) => cause,
                };
                Err(self.failed(cause))
            }
        }
    }

    /// Returns the error of a call that took too long. If an attempt of the call failed for a reason other than a
    /// timeout, the error of the last such attempt is the cause.
    fn timed_out(&self, time: Duration) -> Box<AssumeError> {
        let (time, connection) = (rounded(time), self.context.connection);
        let Some((cause, last_timed_out)) = connection.attempts.end() else {
            return self.failed(Cause::Network(NetworkFailure::TimedOut { host: self.host(), after: time }));
        };
        let attempts = AttemptsMade { attempts: connection.attempts.count.number(), time, last_timed_out };
        Box::new(AssumeError { attempts: Some(attempts), ..*self.failed(cause) })
    }

    /// Reads an answer. The time at which it was sent is the latest `Date` on this connection, which came with this
    /// answer.
    fn read<T>(
        &self,
        read: impl FnOnce(Dated, &super::route::Route) -> Result<T, Cause>,
    ) -> Result<T, Box<AssumeError>> {
        let connection = self.context.connection;
        read(connection.date.last(), &connection.route()).map_err(|cause| self.failed(cause))
    }

    fn failed(&self, cause: Cause) -> Box<AssumeError> {
        Box::new(AssumeError::new(self.hop, self.place, self.action, &self.context.connection.region, cause))
    }

    fn left(&self) -> Duration {
        self.context.deadline.saturating_duration_since(Instant::now())
    }

    fn host(&self) -> String {
        self.context.connection.route().to_string()
    }
}

/// Checks whether STS refused a duration, and a shorter one can be requested. `durations` are the shorter ones. Those
/// that STS would refuse too are removed.
fn can_be_shorter(durations: &mut Vec<Duration>, cause: &Cause) -> bool {
    match cause {
        Cause::Refused { refusal: Refusal::DurationAboveRole, .. } => {}
        Cause::Refused { refusal: Refusal::DurationAboveChaining, .. } => durations.truncate(1),
        _ => return false,
    }
    !durations.is_empty()
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
