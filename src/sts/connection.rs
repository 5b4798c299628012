//! The connection to STS in one region, and the settings of the SDK for it.

use super::attempts::{Attempts, INITIAL_BACKOFF, MAX_BACKOFF, TooManyRequests, Verdict, Watch};
use super::date::ServerDate;
use super::http::client;
use super::network::Network;
use super::route::Route;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use std::time::Duration;

/// A connection to STS. All calls on it share sockets and root certificates.
#[derive(Debug, Clone)]
pub(super) struct StsConnection<'a> {
    pub(super) network: &'a Network,
    pub(super) region: String,
    pub(super) max_attempts: u32,
    pub(super) client: SharedHttpClient,
    pub(super) date: ServerDate,
    /// The attempts of the current call.
    pub(super) attempts: Attempts,
}

impl<'a> StsConnection<'a> {
    pub(super) fn new(network: &'a Network, region: String, max_attempts: u32) -> Self {
        let date = ServerDate::default();
        let client = client(network, &date);
        Self { network, region, max_attempts, client, date, attempts: Attempts::default() }
    }

    /// Returns the SDK settings for a call that may take `time`. If `one_attempt` is the time limit of an attempt, the
    /// SDK makes one attempt only. The SDK reads no setting from the environment or from files, so an invalid setting
    /// there cannot make it panic.
    pub(super) fn config(&self, time: Duration, one_attempt: Option<Duration>) -> aws_sdk_sts::config::Builder {
        let attempt = one_attempt.map_or_else(|| attempt_timeout(time, self.max_attempts), |limit| limit.min(time));
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(attempt).operation_timeout(time).build();
        let retries = RetryConfig::standard()
            .with_max_attempts(if one_attempt.is_some() { 1 } else { self.max_attempts })
            .with_initial_backoff(INITIAL_BACKOFF)
            .with_max_backoff(MAX_BACKOFF);
        let mut shared = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(self.region.clone()))
            .use_fips(self.network.fips)
            .use_dual_stack(self.network.dualstack)
            .http_client(self.client.clone())
            .sleep_impl(TokioSleep::new())
            .timeout_config(timeouts)
            .retry_config(retries);
        shared.set_endpoint_url(self.network.endpoint.clone());
        shared.set_app_name(AppName::new("xassume").ok());
        let watch = Watch { route: self.route(), attempts: self.attempts.clone() };
        let config = aws_sdk_sts::config::Builder::from(&shared.build());
        let verdict = Verdict { attempts: self.attempts.clone() };
        config.interceptor(watch).retry_classifier(TooManyRequests).retry_classifier(verdict)
    }

    pub(super) fn route(&self) -> Route {
        let url = self.network.url(&self.region).unwrap_or_else(|| format!("STS in {}", self.region));
        let proxy = self.network.proxies.of_request(&url).ok().flatten();
        Route { url, proxy }
    }
}

/// Returns the time limit of one attempt. The attempts share the time of the call equally, but each gets at least ten
/// seconds if the call has as much time. So if no attempt gets an answer, they use up the whole time.
pub(super) fn attempt_timeout(time: Duration, attempts: u32) -> Duration {
    (time / attempts).max(Duration::from_secs(10)).min(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_without_an_answer_use_up_the_time() {
        for (time, attempts, one) in [(2, 5, 2), (30, 5, 10), (30, 1, 30), (51, 3, 17), (600, 5, 120)] {
            let (time, one) = (Duration::from_secs(time), Duration::from_secs(one));
            assert_eq!(attempt_timeout(time, attempts), one);
            assert!(one * attempts >= time);
        }
    }
}
