//! The calls to STS: one session for a chain of roles.
//!
//! With `source` the only place that knows the AWS SDK. The calls are made with the service's own client, since the
//! SDK's ready-made provider lacks MFA codes, source identities and transitive tags, and hides the assumed-role ARN.

mod http;
pub(crate) mod source;

pub(crate) use http::read_bundle;

use crate::error::{AssumeError, Cause, Error, NetworkFailure, Refusal};
use crate::explain;
use crate::profile::{Plan, Source};
use crate::role::{Hop, HopOptions, PolicyArn, SessionDuration};
use crate::session::{Keys, Secret, Session, Validity};
use aws_credential_types::Credentials;
use aws_sdk_sts::config::{AppName, BehaviorVersion, Region};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::types::{PolicyDescriptorType, Tag};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use http::{Proxy, ServerDate};
use source::Proof;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// How STS is reached.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    /// An endpoint in place of the region's own.
    pub(crate) endpoint: Option<String>,
    /// PEM certificates to trust besides the machine's.
    pub(crate) ca_bundle: Option<Arc<[u8]>>,
    pub(crate) fips: bool,
    pub(crate) dualstack: bool,
    /// For all calls of one session and their retries.
    pub(crate) timeout: Duration,
}

/// Asks STS for sessions, as often as one is needed: each time with source credentials that are resolved anew.
pub(crate) struct Sts<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) network: &'a Network,
    pub(crate) helpers: source::Helpers<'a>,
}

/// A session, and the region that came with its source.
#[derive(Debug)]
pub(crate) struct Obtained {
    pub(crate) session: Session,
    /// The instance's own region, when instance metadata was the source and nobody named one.
    pub(crate) instance_region: Option<String>,
}

impl Sts<'_> {
    /// Resolves the source and assumes each role of the chain with the session before; all calls within `limit`.
    ///
    /// # Errors
    /// The source's failure, or that of the hop at which STS refused or was not reached.
    pub(crate) async fn obtain(&self, limit: Duration) -> Result<Obtained, Error> {
        let instance_region = match (&self.plan.region, &self.plan.source) {
            (None, Source::InstanceMetadata) => source::instance_region(self.network).await,
            _ => None,
        };
        let region = self.region(instance_region.as_deref())?;
        let mut proof = source::resolve(&self.plan.source, self.network, &region, &self.helpers).await?;
        let deadline = Instant::now() + limit;
        let of = self.plan.hops.len();
        let mut session = None;
        for (at, hop) in self.plan.hops.iter().enumerate() {
            let web_identity = matches!(proof, Proof::Token(_));
            let call =
                Call { hop, place: (at + 1, of), web_identity, region: &region, network: self.network, deadline };
            let assumed = call.longest(&proof).await?;
            proof = Proof::Keys(assumed.keys.clone());
            session = Some(assumed);
        }
        match session {
            Some(session) => Ok(Obtained { session, instance_region }),
            None => Err(Error::System { what: "assume a role", reason: "the plan holds none".into() }),
        }
    }

    /// The region of STS: the user's, the instance's, else the partition's main one.
    fn region(&self, instance: Option<&str>) -> Result<String, Error> {
        if let Some(region) = self.plan.region.as_ref().map(|region| region.name.as_str()).or(instance) {
            return Ok(region.to_owned());
        }
        let partition = self.plan.hops.first().role.partition();
        main_region(partition).map(str::to_owned).ok_or_else(|| {
            Error::usage(
                format!("no region is known for partition {partition}"),
                "name one with --region or AWS_REGION",
            )
        })
    }
}

/// The region in which a partition's STS is asked when nobody names one.
pub(crate) fn main_region(partition: &str) -> Option<&'static str> {
    Some(match partition {
        "aws" => "us-east-1",
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        "aws-iso" => "us-iso-east-1",
        "aws-iso-b" => "us-isob-east-1",
        "aws-iso-e" => "eu-isoe-west-1",
        "aws-iso-f" => "us-isof-south-1",
        "aws-eusc" => "eusc-de-east-1",
        _ => return None,
    })
}

/// One hop of a chain.
struct Call<'a> {
    hop: &'a Hop,
    place: (usize, usize),
    web_identity: bool,
    region: &'a str,
    network: &'a Network,
    deadline: Instant,
}

impl Call<'_> {
    /// Asks for each duration in turn until STS agrees.
    async fn longest(&self, proof: &Proof) -> Result<Session, Box<AssumeError>> {
        let mut durations = self.durations();
        loop {
            let asked = durations.pop();
            let answer = match proof {
                Proof::Keys(keys) => self.assume_role(keys, asked).await,
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

    async fn assume_role(&self, keys: &Keys, duration: Option<Duration>) -> Result<Session, Box<AssumeError>> {
        let date = ServerDate::default();
        let client =
            aws_sdk_sts::Client::from_conf(self.config(&date)?.credentials_provider(credentials(keys)).build());
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
            .set_source_identity(source_identity.as_ref().map(|name| name.as_str().to_owned()));
        let answer = self.within_time(request.send()).await?.map_err(|error| self.refused(&error))?;
        self.session(answer.credentials, answer.assumed_role_user, &date)
    }

    async fn assume_role_with_web_identity(
        &self,
        token: &Secret,
        duration: Option<Duration>,
    ) -> Result<Session, Box<AssumeError>> {
        let date = ServerDate::default();
        let client = aws_sdk_sts::Client::from_conf(self.config(&date)?.build());
        let HopOptions { policy, policy_arns, .. } = &self.hop.options;
        let request = client
            .assume_role_with_web_identity()
            .role_arn(self.hop.role.as_str())
            .role_session_name(self.hop.session_name.as_str())
            .web_identity_token(token.reveal())
            .set_duration_seconds(seconds(duration))
            .set_policy(policy.as_ref().map(|policy| policy.as_str().to_owned()))
            .set_policy_arns(descriptors(policy_arns));
        let answer = self.within_time(request.send()).await?.map_err(|error| self.refused(&error))?;
        self.session(answer.credentials, answer.assumed_role_user, &date)
    }

    /// The client's settings: nothing is read from the environment or from files, so nothing there can panic.
    fn config(&self, date: &ServerDate) -> Result<aws_sdk_sts::config::Builder, Box<AssumeError>> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(self.timed_out());
        }
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(left.min(Duration::from_secs(10)))
            .operation_timeout(left)
            .build();
        let mut config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(self.region.to_owned()))
            .use_fips(self.network.fips)
            .use_dual_stack(self.network.dualstack)
            .http_client(http::client(self.network, Proxy::FromEnvironment, date))
            .sleep_impl(TokioSleep::new())
            .timeout_config(timeouts)
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(5)
                    .with_initial_backoff(Duration::from_millis(250))
                    .with_max_backoff(Duration::from_secs(5)),
            );
        config.set_endpoint_url(self.network.endpoint.clone());
        config.set_app_name(AppName::new("xassume").ok());
        Ok(config)
    }

    /// The SDK's own time-outs, and one above them for whatever they do not cover.
    async fn within_time<T>(&self, call: impl Future<Output = T>) -> Result<T, Box<AssumeError>> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        tokio::time::timeout(left, call).await.map_err(|_| self.timed_out())
    }

    fn timed_out(&self) -> Box<AssumeError> {
        self.failed(Cause::Network(NetworkFailure::TimedOut { host: self.host(), after: self.network.timeout }))
    }

    fn failed(&self, cause: Cause) -> Box<AssumeError> {
        AssumeError::new(self.hop, self.place, self.web_identity, self.region, cause)
    }

    fn refused<E>(&self, error: &SdkError<E, HttpResponse>) -> Box<AssumeError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        self.failed(match error {
            SdkError::TimeoutError(_) => {
                Cause::Network(NetworkFailure::TimedOut { host: self.host(), after: self.network.timeout })
            }
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                Cause::Network(NetworkFailure::TimedOut { host: self.host(), after: Duration::from_secs(5) })
            }
            SdkError::DispatchFailure(_) => Cause::Network(http::failure(error, &self.host())),
            SdkError::ConstructionFailure(_) => {
                Cause::Network(NetworkFailure::Endpoint { reason: http::chain(error).join(": ") })
            }
            SdkError::ServiceError(service) => match (service.err().code(), service.err().message()) {
                (None, _) if service.raw().status().is_server_error() => Cause::Refused {
                    code: format!("HTTP status {}", service.raw().status()),
                    message: "no reason was given".into(),
                    refusal: Refusal::Unavailable,
                },
                (Some(code), message) => {
                    let message = message.unwrap_or("no reason was given").trim().to_owned();
                    let refusal = if service.raw().status().is_server_error() {
                        Refusal::Unavailable
                    } else {
                        explain::refusal(code, &message)
                    };
                    Cause::Refused { code: code.to_owned(), message, refusal }
                }
                (None, _) => Cause::Garbage(format!("HTTP status {} without an error code", service.raw().status())),
            },
            _ => match http::failure(error, &self.host()) {
                large @ NetworkFailure::TooLarge { .. } => Cause::Network(large),
                _ => Cause::Garbage(http::chain(error).pop().unwrap_or_default()),
            },
        })
    }

    fn host(&self) -> String {
        match &self.network.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => format!("STS in {}", self.region),
        }
    }

    fn session(
        &self,
        credentials: Option<aws_sdk_sts::types::Credentials>,
        user: Option<aws_sdk_sts::types::AssumedRoleUser>,
        date: &ServerDate,
    ) -> Result<Session, Box<AssumeError>> {
        let garbage = |reason: &str| self.failed(Cause::Garbage(reason.to_owned()));
        let credentials = credentials.ok_or_else(|| garbage("it holds no credentials"))?;
        let user = user.ok_or_else(|| garbage("it holds no assumed-role user"))?;
        let fields =
            [&credentials.access_key_id, &credentials.secret_access_key, &credentials.session_token, &user.arn];
        if fields.iter().any(|field| field.is_empty() || field.contains(|c: char| c.is_control())) {
            return Err(garbage("its credentials are empty or not text"));
        }
        let expiration = SystemTime::try_from(credentials.expiration)
            .map_err(|_| garbage("its expiration is no moment that this machine can hold"))?;
        let local = crate::sys::clock::wall();
        let (server, then) = date.last().unwrap_or((local, local));
        let left = expiration.duration_since(server).map_err(|_| garbage("its session has expired already"))?;
        Ok(Session {
            keys: Keys {
                access_key_id: credentials.access_key_id,
                secret_access_key: Secret::new(credentials.secret_access_key),
                session_token: Some(Secret::new(credentials.session_token)),
            },
            validity: Validity { expiration, left, lifetime: left, skew_secs: difference(server, then) },
            assumed_role_arn: user.arn,
        })
    }
}

/// The first moment less the second, in whole seconds.
fn difference(one: SystemTime, other: SystemTime) -> i64 {
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    match one.duration_since(other) {
        Ok(ahead) => seconds(ahead),
        Err(behind) => -seconds(behind.duration()),
    }
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
