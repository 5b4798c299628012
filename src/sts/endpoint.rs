//! The URL at which STS is asked: the one that somebody names, else the region's own, which the SDK knows.

use super::{Network, main_region};
use crate::profile::{Plan, Source};
use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

impl Network {
    /// The URL for a region; `None` where the SDK knows none, which the call will tell.
    pub(super) fn url(&self, region: &str) -> Option<String> {
        self.endpoint.clone().or_else(|| of_region(region, self.fips, self.dualstack))
    }
}

/// The URL for a plan, which a flag may replace; `None` as long as an instance has not told the `region`.
pub(crate) fn endpoint(plan: &Plan, flag: Option<&str>, region: Option<&str>) -> Option<String> {
    let network = &plan.network;
    if let Some(named) = flag.or(network.endpoint_url.as_deref()) {
        return Some(named.to_owned());
    }
    let region = match (&plan.region, region) {
        (Some(named), _) => named.name.as_str(),
        (None, Some(region)) => region,
        (None, None) if plan.source == Source::InstanceMetadata => return None,
        (None, None) => main_region(plan.hops.first().role.partition())?,
    };
    of_region(region, network.fips, network.dualstack)
}

/// What the SDK's own client resolves before each request.
fn of_region(region: &str, fips: bool, dualstack: bool) -> Option<String> {
    let params = Params::builder().region(region).use_fips(fips).use_dual_stack(dualstack).build().ok()?;
    let resolver = DefaultResolver::new();
    // It is ready at once: it has nobody to ask.
    match pin!(resolver.resolve_endpoint(&params)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(endpoint) => Some(endpoint.ok()?.url().to_owned()),
        Poll::Pending => None,
    }
}
