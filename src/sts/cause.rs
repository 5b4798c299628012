//! Finds out why an attempt of a call failed: converts an error of the SDK to a [`Cause`].

use super::failure::{broke_off, chain, failure};
use super::network::CONNECT_TIMEOUT;
use super::refusal::{refusal, token_refusal};
use super::route::Route;
use crate::error::{Cause, NetworkFailure, Refusal};
use aws_sdk_sts::error::{ErrorMetadata, ProvideErrorMetadata};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityError;
use aws_sdk_sts::operation::get_session_token::GetSessionTokenError;
use aws_smithy_runtime_api::client::interceptors::context::Error;
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;

/// The HTTP status for too many requests (RFC 6585, section 4).
pub(super) const TOO_MANY_REQUESTS: u16 = 429;

/// The HTTP status with which a proxy asks for credentials (RFC 9110, section 15.5.8).
const PROXY_AUTHENTICATION_REQUIRED: u16 = 407;

/// Returns the cause of a failed attempt. The caller handles timeouts, so the failure must not be a timeout.
pub(super) fn of_attempt(error: &OrchestratorError<Error>, response: Option<&HttpResponse>, route: &Route) -> Cause {
    match (error.as_connector_error(), response) {
        (Some(error), _) => of_connection(error, route),
        (None, Some(response)) => match error.as_operation_error().and_then(metadata) {
            Some((metadata, meaning)) => of_answer(response.status(), metadata, meaning, route),
            None => of_unreadable(error, route),
        },
        (None, None) => Cause::Network(failure(error, route)),
    }
}

/// Converts an error code and a message to the refusal that they mean.
type Meaning = fn(&str, &str) -> Refusal;

/// Returns the error code and the message that STS sent, and how to find out what they mean for the call that failed.
/// Returns `None` if the error is not from one of the calls below.
fn metadata(error: &Error) -> Option<(&ErrorMetadata, Meaning)> {
    fn of<E>(error: &Error, meaning: Meaning) -> Option<(&ErrorMetadata, Meaning)>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        error.downcast_ref::<E>().map(|error| (error.meta(), meaning))
    }
    of::<AssumeRoleError>(error, refusal)
        .or_else(|| of::<AssumeRoleWithWebIdentityError>(error, token_refusal))
        .or_else(|| of::<GetSessionTokenError>(error, refusal))
        .or_else(|| of::<GetCallerIdentityError>(error, refusal))
}

/// Returns the cause of an error response. Status 429 and the statuses for server errors have one meaning, even if a
/// server in front of STS sent them. With any other status, the STS error code in the response determines the cause.
fn of_answer(status: StatusCode, error: &ErrorMetadata, meaning: Meaning, route: &Route) -> Cause {
    let message = error.message().unwrap_or("no reason was given").trim().to_owned();
    let refusal = match status.as_u16() {
        // STS itself throttles with status 400 and an error code. So status 429 comes from a server in front of STS,
        // and the body may be anything.
        TOO_MANY_REQUESTS => Some(Refusal::Throttled),
        _ if status.is_server_error() => Some(Refusal::Unavailable),
        _ => error.code().map(|code| meaning(code, &message)),
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
        (None, _) => {
            let body = if status.is_success() {
                ", but the body is not an STS response"
            } else {
                " without an STS error code"
            };
            Cause::Unexpected(format!("HTTP {}{body}", status.as_u16()))
        }
    }
}

/// Returns the cause of a failed connection.
fn of_connection(error: &ConnectorError, route: &Route) -> Cause {
    Cause::Network(if error.is_timeout() {
        let limit = humantime::format_duration(CONNECT_TIMEOUT);
        NetworkFailure::Unreachable { host: route.to_string(), reason: format!("no connection within {limit}") }
    } else {
        failure(error, route)
    })
}

/// Returns the cause if an answer was cut off or the SDK cannot read it.
fn of_unreadable(error: &(dyn std::error::Error + 'static), route: &Route) -> Cause {
    match failure(error, route) {
        large @ NetworkFailure::TooLarge { .. } => Cause::Network(large),
        failure if broke_off(error) => Cause::Network(failure),
        _ => Cause::Unexpected(chain(error).pop().unwrap_or_default()),
    }
}
