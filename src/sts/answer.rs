//! What STS's answer means: a session, or the reason why there is none.

use super::call::Call;
use super::date::Dated;
use super::failure::{self, Route};
use super::http;
use crate::error::{AssumeError, AttemptsMade, Cause, NetworkFailure, Refusal};
use crate::session::{CallerIdentity, Keys, Secret, Session, Validity};
use crate::sts::attempts::TOO_MANY_REQUESTS;
use crate::sts::refusal;
use aws_sdk_sts::error::{ErrorMetadata, ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
use aws_sdk_sts::types::{AssumedRoleUser, Credentials};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use std::time::{Duration, SystemTime};

impl Call<'_> {
    /// The call's time was over before anything was sent.
    pub(super) fn too_late(&self) -> Box<AssumeError> {
        self.failed(Cause::Network(NetworkFailure::TooLate { host: self.host(), limit: self.network.timeout }))
    }

    /// The time, or that of the last try, was up after `time`: told is what the tries before have brought.
    pub(super) fn timed_out(&self, time: Duration) -> Box<AssumeError> {
        let time = rounded(time);
        let Some((cause, last)) = self.line.attempts.end() else {
            return self.failed(Cause::Network(NetworkFailure::TimedOut { host: self.host(), after: time }));
        };
        let attempts = AttemptsMade { attempts: self.line.tries.number(), time, last };
        Box::new(AssumeError { attempts: Some(attempts), ..*self.failed(cause) })
    }

    fn failed(&self, cause: Cause) -> Box<AssumeError> {
        Box::new(AssumeError::new(self.hop, self.place, self.action, self.region, cause))
    }

    /// The error of a call that came to its end in time.
    pub(super) fn refused<E>(&self, error: &SdkError<E, HttpResponse>) -> Box<AssumeError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let route = self.route();
        self.failed(match error {
            SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
                Some(failure) => unreached(failure, &route),
                None => Cause::Network(failure::failure(error, &route)),
            },
            SdkError::ConstructionFailure(_) => {
                Cause::Network(NetworkFailure::Endpoint { reason: failure::chain(error).join(": ") })
            }
            SdkError::ServiceError(service) => answered(service.raw().status(), service.err().meta(), &route),
            _ => misread(error, &route),
        })
    }

    fn host(&self) -> String {
        self.route().to_string()
    }

    pub(super) fn route(&self) -> Route {
        let url = self.network.url(self.region).unwrap_or_else(|| format!("STS in {}", self.region));
        let proxy = self.network.proxies.of_request(&url).ok().flatten();
        Route { url, proxy }
    }

    pub(super) fn session(
        &self,
        credentials: Option<Credentials>,
        user: Option<AssumedRoleUser>,
    ) -> Result<Session, Box<AssumeError>> {
        let (keys, validity) = self.credentials(credentials)?;
        let user = user.ok_or_else(|| self.garbage("no assumed-role user"))?;
        if !is_text(&user.arn) {
            return Err(self.garbage("the assumed-role ARN is missing or not text"));
        }
        Ok(Session { keys, validity, assumed_role_arn: user.arn })
    }

    pub(super) fn credentials(&self, credentials: Option<Credentials>) -> Result<(Keys, Validity), Box<AssumeError>> {
        let credentials = credentials.ok_or_else(|| self.garbage("no credentials"))?;
        let fields = [&credentials.access_key_id, &credentials.secret_access_key, &credentials.session_token];
        if !fields.into_iter().all(|field| is_text(field)) {
            return Err(self.garbage("the credentials are empty or not text"));
        }
        let expiration =
            SystemTime::try_from(credentials.expiration).map_err(|_| self.garbage("the expiration is out of range"))?;
        let dated = self.line.date.last().unwrap_or_else(Dated::now);
        let lifetime = expiration.duration_since(dated.server).ok().filter(|lifetime| !lifetime.is_zero());
        let lifetime = lifetime.ok_or_else(|| self.garbage("the session has already expired"))?;
        let age = dated.age();
        let left = lifetime.saturating_sub(age);
        if left.is_zero() {
            let after = rounded(age);
            return Err(self.failed(Cause::Network(NetworkFailure::TimedOut { host: self.host(), after })));
        }
        let keys = Keys {
            access_key_id: credentials.access_key_id,
            secret_access_key: Secret::new(credentials.secret_access_key),
            session_token: Some(Secret::new(credentials.session_token)),
        };
        Ok((keys, Validity { expiration, left, lifetime, skew_secs: dated.skew() }))
    }

    pub(super) fn identity(&self, answer: GetCallerIdentityOutput) -> Result<CallerIdentity, Box<AssumeError>> {
        let texts = [answer.arn, answer.account].map(|field| field.filter(|field| is_text(field)));
        match texts {
            [Some(arn), Some(account)] => Ok(CallerIdentity { arn, account }),
            _ => Err(self.garbage("no ARN or no account")),
        }
    }

    fn garbage(&self, reason: &str) -> Box<AssumeError> {
        self.failed(Cause::Unexpected(reason.to_owned()))
    }
}

/// The status of a proxy that wants to know who asks (RFC 9110, 15.5.8).
const PROXY_AUTHENTICATION_REQUIRED: u16 = 407;

/// What an answer means that is no success: by its status where that says enough, whoever sent it, else by STS's code.
pub(super) fn answered(status: StatusCode, error: &ErrorMetadata, route: &Route) -> Cause {
    let message = error.message().unwrap_or("no reason was given").trim().to_owned();
    let refusal = match status.as_u16() {
        // STS throttles with 400 and a code; what stands before it does so with this status and any body.
        TOO_MANY_REQUESTS => Some(Refusal::Throttled),
        _ if status.is_server_error() => Some(Refusal::Unavailable),
        _ => error.code().map(|code| refusal::refusal(code, &message)),
    };
    match (refusal, &route.proxy) {
        (Some(refusal), _) => {
            let code = error.code().map_or_else(|| format!("HTTP {}", status.as_u16()), str::to_owned);
            Cause::Refused { code, message, refusal }
        }
        (None, Some(proxy)) if status.as_u16() == PROXY_AUTHENTICATION_REQUIRED => {
            let reason = "authentication required".into();
            Cause::Network(NetworkFailure::Proxy { proxy: proxy.url.clone(), reason })
        }
        (None, _) => Cause::Unexpected(format!("HTTP {}", status.as_u16())),
    }
}

/// What a failed connection means.
pub(super) fn unreached(error: &ConnectorError, route: &Route) -> Cause {
    Cause::Network(if error.is_timeout() {
        let limit = humantime::format_duration(http::CONNECT_TIMEOUT);
        NetworkFailure::Unreachable { host: route.to_string(), reason: format!("no connection within {limit}") }
    } else {
        failure::failure(error, route)
    })
}

/// What an answer means that broke off, or is none that the SDK can read.
pub(super) fn misread(error: &(dyn std::error::Error + 'static), route: &Route) -> Cause {
    match failure::failure(error, route) {
        large @ NetworkFailure::TooLarge { .. } => Cause::Network(large),
        failure if failure::broke_off(error) => Cause::Network(failure),
        _ => Cause::Unexpected(failure::chain(error).pop().unwrap_or_default()),
    }
}

/// The time in whole seconds, and less than one in hundredths, as exact as it is worth telling; never none.
fn rounded(time: Duration) -> Duration {
    let unit = if time < Duration::from_millis(950) { 10 } else { 1000 };
    let units = (time + Duration::from_millis(unit / 2)).as_nanos() / Duration::from_millis(unit).as_nanos();
    Duration::from_millis(u64::try_from(units).unwrap_or(u64::MAX).max(1).saturating_mul(unit))
}

/// Whether a field can become a variable's value.
fn is_text(field: &str) -> bool {
    !field.is_empty() && !field.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_exact_as_it_is_worth_telling() {
        for (milliseconds, told) in
            [(0, 10), (4, 10), (297, 300), (944, 940), (950, 1000), (1499, 1000), (1500, 2000), (30_004, 30_000)]
        {
            assert_eq!(rounded(Duration::from_millis(milliseconds)), Duration::from_millis(told), "{milliseconds}");
        }
    }
}
