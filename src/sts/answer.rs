//! What STS's answer means: a session, or the reason why there is none.

use super::call::Call;
use super::http::{self, difference};
use crate::error::{AssumeError, Cause, NetworkFailure, Refusal};
use crate::explain;
use crate::session::{CallerIdentity, Keys, Secret, Session, Validity};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
use aws_sdk_sts::types::{AssumedRoleUser, Credentials};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::time::{Duration, SystemTime};

impl Call<'_> {
    pub(super) fn timed_out(&self) -> Box<AssumeError> {
        self.failed(Cause::Network(NetworkFailure::TimedOut { host: self.host(), after: self.network.timeout }))
    }

    fn failed(&self, cause: Cause) -> Box<AssumeError> {
        Box::new(AssumeError::new(self.hop, self.place, self.action, self.region, cause))
    }

    pub(super) fn refused<E>(&self, error: &SdkError<E, HttpResponse>) -> Box<AssumeError>
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
            SdkError::ServiceError(service) => {
                let status = service.raw().status();
                let message = service.err().message().unwrap_or("no reason was given").trim().to_owned();
                match service.err().code() {
                    code if status.is_server_error() => Cause::Refused {
                        code: code.map_or_else(|| format!("HTTP status {status}"), str::to_owned),
                        message,
                        refusal: Refusal::Unavailable,
                    },
                    Some(code) => {
                        let refusal = explain::refusal(code, &message);
                        Cause::Refused { code: code.to_owned(), message, refusal }
                    }
                    None => Cause::Garbage(format!("it has HTTP status {status}, but is no document of STS's")),
                }
            }
            _ => match http::failure(error, &self.host()) {
                large @ NetworkFailure::TooLarge { .. } => Cause::Network(large),
                failure if http::broke_off(error) => Cause::Network(failure),
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

    pub(super) fn session(
        &self,
        credentials: Option<Credentials>,
        user: Option<AssumedRoleUser>,
    ) -> Result<Session, Box<AssumeError>> {
        let (keys, validity) = self.credentials(credentials)?;
        let user = user.ok_or_else(|| self.garbage("it holds no assumed-role user"))?;
        if !is_text(&user.arn) {
            return Err(self.garbage("its assumed-role ARN is empty or not text"));
        }
        Ok(Session { keys, validity, assumed_role_arn: user.arn })
    }

    pub(super) fn credentials(&self, credentials: Option<Credentials>) -> Result<(Keys, Validity), Box<AssumeError>> {
        let credentials = credentials.ok_or_else(|| self.garbage("it holds no credentials"))?;
        let fields = [&credentials.access_key_id, &credentials.secret_access_key, &credentials.session_token];
        if !fields.into_iter().all(|field| is_text(field)) {
            return Err(self.garbage("its credentials are empty or not text"));
        }
        let expiration = SystemTime::try_from(credentials.expiration)
            .map_err(|_| self.garbage("its expiration is no moment that this machine can hold"))?;
        let local = crate::sys::clock::wall();
        let (server, then) = self.line.date.last().unwrap_or((local, local));
        let left = expiration.duration_since(server).map_err(|_| self.garbage("its session has expired already"))?;
        let keys = Keys {
            access_key_id: credentials.access_key_id,
            secret_access_key: Secret::new(credentials.secret_access_key),
            session_token: Some(Secret::new(credentials.session_token)),
        };
        Ok((keys, Validity { expiration, left, lifetime: left, skew_secs: difference(server, then) }))
    }

    pub(super) fn identity(&self, answer: GetCallerIdentityOutput) -> Result<CallerIdentity, Box<AssumeError>> {
        let texts = [answer.arn, answer.account].map(|field| field.filter(|field| is_text(field)));
        match texts {
            [Some(arn), Some(account)] => Ok(CallerIdentity { arn, account }),
            _ => Err(self.garbage("it tells no ARN or no account")),
        }
    }

    fn garbage(&self, reason: &str) -> Box<AssumeError> {
        self.failed(Cause::Garbage(reason.to_owned()))
    }
}

/// Whether a field can become a variable's value.
fn is_text(field: &str) -> bool {
    !field.is_empty() && !field.contains(char::is_control)
}
