//! Why a call failed: from the SDK's error to a [`Cause`].

use super::failure::{broke_off, chain, failure};
use super::network::CONNECT_TIMEOUT;
use super::refusal::refusal;
use super::route::Route;
use crate::error::{Cause, NetworkFailure, Refusal};
use aws_sdk_sts::error::{ErrorMetadata, ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;

/// The status by which HTTP throttles (RFC 6585, 4).
pub(super) const TOO_MANY_REQUESTS: u16 = 429;

/// The status of a proxy that requires credentials (RFC 9110, 15.5.8).
const PROXY_AUTHENTICATION_REQUIRED: u16 = 407;

/// The cause of a call's error; not for timeouts.
pub(super) fn of_call<E>(error: &SdkError<E, HttpResponse>, route: &Route) -> Cause
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match error {
        SdkError::DispatchFailure(dispatch) => match dispatch.as_connector_error() {
            Some(error) => of_connection(error, route),
            None => Cause::Network(failure(error, route)),
        },
        SdkError::ConstructionFailure(_) => {
            Cause::Network(NetworkFailure::Endpoint { reason: chain(error).join(": ") })
        }
        SdkError::ServiceError(service) => of_answer(service.raw().status(), service.err().meta(), route),
        _ => of_unreadable(error, route),
    }
}

/// The cause in an error answer. Some statuses are enough, whatever sent them; for the others STS's code counts.
pub(super) fn of_answer(status: StatusCode, error: &ErrorMetadata, route: &Route) -> Cause {
    let message = error.message().unwrap_or("no reason was given").trim().to_owned();
    let refusal = match status.as_u16() {
        // STS throttles with 400 and a code. A server in front of it uses this status, with any body.
        TOO_MANY_REQUESTS => Some(Refusal::Throttled),
        _ if status.is_server_error() => Some(Refusal::Unavailable),
        _ => error.code().map(|code| refusal(code, &message)),
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

/// The cause of a failed connection.
pub(super) fn of_connection(error: &ConnectorError, route: &Route) -> Cause {
    Cause::Network(if error.is_timeout() {
        let limit = humantime::format_duration(CONNECT_TIMEOUT);
        NetworkFailure::Unreachable { host: route.to_string(), reason: format!("no connection within {limit}") }
    } else {
        failure(error, route)
    })
}

/// The cause of an answer that was cut off or that the SDK cannot read.
pub(super) fn of_unreadable(error: &(dyn std::error::Error + 'static), route: &Route) -> Cause {
    match failure(error, route) {
        large @ NetworkFailure::TooLarge { .. } => Cause::Network(large),
        failure if broke_off(error) => Cause::Network(failure),
        _ => Cause::Unexpected(chain(error).pop().unwrap_or_default()),
    }
}
