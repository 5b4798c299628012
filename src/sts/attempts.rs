//! The attempts of a call: what became of its tries, noted as each ends, and whether another one makes sense.
//!
//! The SDK tells of a call whose time is up that it was, and nothing of what came before. What an answer means is
//! `answer`'s to say.

use super::answer::{answered, misread, unreached};
use super::failure::Route;
use crate::error::{Cause, LastAttempt};
use aws_sdk_sts::config::interceptors::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef, InterceptorContext,
};
use aws_sdk_sts::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::{BoxError, ErrorMetadata, ProvideErrorMetadata};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityError;
use aws_sdk_sts::operation::get_session_token::GetSessionTokenError;
use aws_smithy_runtime_api::client::interceptors::context::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The status by which HTTP throttles (RFC 6585, 4).
pub(super) const TOO_MANY_REQUESTS: u16 = 429;

/// What the tries of the call that is under route have brought.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempts(Arc<Mutex<Option<(Cause, LastAttempt)>>>);

impl Attempts {
    /// A new call: nothing is known of it.
    pub(super) fn begin(&self) {
        *self.state() = None;
    }

    /// What the last try has brought that brought anything, and whether that was the last one; `None` if nothing did.
    pub(super) fn end(&self) -> Option<(Cause, LastAttempt)> {
        self.state().clone()
    }

    fn sent(&self) {
        if let Some((_, last)) = &mut *self.state() {
            *last = LastAttempt::TimedOut;
        }
    }

    fn failed(&self, cause: Cause) {
        *self.state() = Some((cause, LastAttempt::Failed));
    }

    fn state(&self) -> MutexGuard<'_, Option<(Cause, LastAttempt)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes the attempts of a call on this route.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) route: Route,
    pub(super) attempts: Attempts,
}

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "Watch"
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.attempts.sent();
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(Err(error)) = context.output_or_error() else { return Ok(()) };
        if !error.is_timeout_error() {
            self.attempts.failed(match (error.as_connector_error(), context.response()) {
                (Some(error), _) => unreached(error, &self.route),
                (None, Some(response)) => match error.as_operation_error().and_then(metadata) {
                    Some(metadata) => answered(response.status(), metadata, &self.route),
                    None => misread(error, &self.route),
                },
                (None, None) => misread(error, &self.route),
            });
        }
        Ok(())
    }
}

/// STS's code and text, out of the error of whichever call it was.
fn metadata(error: &Error) -> Option<&ErrorMetadata> {
    fn of<E>(error: &Error) -> Option<&ErrorMetadata>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        error.downcast_ref::<E>().map(E::meta)
    }
    of::<AssumeRoleError>(error)
        .or_else(|| of::<AssumeRoleWithWebIdentityError>(error))
        .or_else(|| of::<GetSessionTokenError>(error))
        .or_else(|| of::<GetCallerIdentityError>(error))
}

/// Tries again after [`TOO_MANY_REQUESTS`], whatever the body says. The SDK's own classifiers know 500, 502, 503 and
/// 504 by the status, and throttling by STS's codes alone.
#[derive(Debug)]
pub(super) struct TooManyRequests;

impl ClassifyRetry for TooManyRequests {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.response() {
            Some(response) if response.status().as_u16() == TOO_MANY_REQUESTS => RetryAction::throttling_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "Too Many Requests"
    }
}
