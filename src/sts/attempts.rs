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
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::BoxError;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority, RetryReason,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The attempts of the current call.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempts {
    pub(super) count: Tries,
    /// The error of the last attempt that failed for a reason other than a timeout, and whether a later attempt timed
    /// out. `None` if there was no such error.
    last: Arc<Mutex<Option<(Cause, bool)>>>,
    /// How long the SDK would wait before the next attempt. `None` if it would not try again.
    next: Arc<Mutex<Option<Backoff>>>,
}

/// The limits of the pause before an attempt, see [`Backoff::pause`].
pub(super) const INITIAL_BACKOFF: Duration = Duration::from_millis(250);
pub(super) const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// How long to wait before the next attempt.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Backoff {
    /// The pause that the server asks for. `None` if it asks for none.
    requested: Option<Duration>,
}

impl Backoff {
    /// Returns the pause after this number of attempts, as the SDK computes it: a random part of a time that doubles
    /// with each attempt, unless the server asks for a pause.
    pub(super) fn pause(self, attempts: u32) -> Duration {
        let doubled = INITIAL_BACKOFF.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)));
        let random = f64::from(getrandom::u32().unwrap_or(u32::MAX)) / f64::from(u32::MAX);
        self.requested.unwrap_or_else(|| doubled.min(MAX_BACKOFF).mul_f64(random)).min(MAX_BACKOFF)
    }
}

impl Attempts {
    /// Begins a new call. The attempts of the previous call are forgotten.
    pub(super) fn begin(&self) {
        self.count.begin();
        *self.state() = None;
        self.set_next(None);
    }

    /// Returns how long the SDK would wait before the next attempt, or `None` if it would not try again.
    pub(super) fn next(&self) -> Option<Backoff> {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_next(&self, next: Option<Backoff>) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = next;
    }

    /// Returns the error of the last attempt that failed for a reason other than a timeout, and whether a later attempt
    /// timed out. Returns `None` if there was no such error.
    pub(super) fn end(&self) -> Option<(Cause, bool)> {
        self.state().clone()
    }

    fn sent(&self) {
        self.count.sent();
        self.set_next(None);
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

/// Records in [`Attempts`] whether the SDK would try again, and changes nothing. It runs after all other classifiers.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) attempts: Attempts,
}

impl ClassifyRetry for Verdict {
    fn classify_retry(&self, _: &InterceptorContext) -> RetryAction {
        RetryAction::NoActionIndicated
    }

    fn classify_retry_v2(&self, _: &InterceptorContext, previous: &RetryAction) -> RetryAction {
        self.attempts.set_next(match previous {
            RetryAction::RetryIndicated(RetryReason::RetryableError { retry_after, .. }) => {
                Some(Backoff { requested: *retry_after })
            }
            _ => None,
        });
        RetryAction::NoActionIndicated
    }

    fn name(&self) -> &'static str {
        "Verdict"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_a_limit_unless_the_server_asks_for_another() {
        for (attempts, most) in [(0, 250), (1, 250), (2, 500), (3, 1000), (5, 4000), (6, 5000), (u32::MAX, 5000)] {
            let most = Duration::from_millis(most);
            let pauses = [(); 100].map(|()| Backoff::default().pause(attempts));
            let longest = pauses.into_iter().max().unwrap_or_default();
            // Each of the 100 random pauses is in the lower half with a probability of one half.
            assert!((most / 2..=most).contains(&longest), "{attempts}: {longest:?}");
        }
        for (requested, pause) in [(0, 0), (3, 3), (5, 5), (3600, 5)] {
            let backoff = Backoff { requested: Some(Duration::from_secs(requested)) };
            assert_eq!(backoff.pause(1), Duration::from_secs(pause));
        }
    }
}
