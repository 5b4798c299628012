//! Counts the attempts of a call to STS, stores the error of the last attempt, and decides whether to try again.
//!
//! When the time limit of a call has passed, the SDK reports a timeout, but not the errors of earlier attempts. Only an
//! interceptor gets those errors, so this module has one.

use super::cause::{TOO_MANY_REQUESTS, of_attempt};
use super::route::Route;
use crate::error::Cause;
use crate::report::waiting::Tries;
use aws_sdk_sts::config::interceptors::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef, InterceptorContext,
};
use aws_sdk_sts::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::BoxError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The attempts of the current call.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempts {
    pub(super) count: Tries,
    /// The error of the last attempt that failed for a reason other than a timeout, and whether a later attempt timed
    /// out. `None` if there was no such error.
    last: Arc<Mutex<Option<(Cause, bool)>>>,
}

impl Attempts {
    /// Begins a new call. The attempts of the previous call are forgotten.
    pub(super) fn begin(&self) {
        self.count.begin();
        *self.state() = None;
    }

    /// Returns the error of the last attempt that failed for a reason other than a timeout, and whether a later attempt
    /// timed out. Returns `None` if there was no such error.
    pub(super) fn end(&self) -> Option<(Cause, bool)> {
        self.state().clone()
    }

    fn sent(&self) {
        self.count.sent();
        if let Some((_, timed_out)) = &mut *self.state() {
            *timed_out = true;
        }
    }

    fn failed(&self, cause: Cause) {
        *self.state() = Some((cause, false));
    }

    fn state(&self) -> MutexGuard<'_, Option<(Cause, bool)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An interceptor that records the attempts of a call in [`Attempts`].
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
            self.attempts.failed(of_attempt(error, context.response(), &self.route));
        }
        Ok(())
    }
}

/// Makes the SDK try again after [`TOO_MANY_REQUESTS`], whatever the body of the answer is. Of all error responses, the
/// SDK itself tries again only after those with status 500, 502, 503 or 504, and after those with an STS error code for
/// throttling.
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
