//! The URL at which STS is asked: the one that a flag, a variable or the profile names, else the region's own, which the
//! SDK knows. The URLs of the services that give source credentials follow from it.

use super::{Network, main_region};
use crate::error::quoted;
use crate::profile::{Plan, Source, endpoint as endpoint_url};
use crate::vars::Vars;
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

/// A service that gives out source credentials.
#[derive(Debug, Clone, Copy)]
pub(super) enum Giver {
    /// The portal of IAM Identity Center.
    Portal,
    /// What refreshes a login of IAM Identity Center.
    Oidc,
    /// AWS Sign-In, which refreshes a login to the console.
    SignIn,
}

impl Giver {
    /// Its URL in a region: a variable's, unless those are to be ignored, else the region's own.
    ///
    /// # Errors
    /// Which variable holds no URL.
    pub(super) fn url(self, region: &str, vars: &Vars) -> Result<String, String> {
        let variable = match self {
            Self::Portal => "AWS_ENDPOINT_URL_SSO",
            Self::Oidc => "AWS_ENDPOINT_URL_SSO_OIDC",
            Self::SignIn => "AWS_ENDPOINT_URL_SIGNIN",
        };
        let mut named = [variable, "AWS_ENDPOINT_URL"].into_iter().filter_map(|name| Some((name, vars.text(name)?)));
        if let Some((name, url)) = named.next().filter(|_| !vars.is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) {
            let url =
                endpoint_url(url).map_err(|invalid| format!("invalid value {} for '{name}'{invalid}", quoted(url)))?;
            return Ok(url.trim_end_matches('/').to_owned());
        }
        let of_sts = of_region(region, false, false).unwrap_or_default();
        let suffix = of_sts.strip_prefix(&format!("https://sts.{region}.")).unwrap_or("amazonaws.com");
        Ok(match self {
            Self::Portal => format!("https://portal.sso.{region}.{suffix}"),
            Self::Oidc => format!("https://oidc.{region}.{suffix}"),
            Self::SignIn => format!("https://{region}.signin.{}", sign_in_suffix(region, suffix)),
        })
    }
}

/// AWS Sign-In is in the domain of the console, which is not that of the services.
fn sign_in_suffix<'s>(region: &str, suffix: &'s str) -> &'s str {
    match suffix {
        "amazonaws.com" if region.starts_with("us-gov-") => "amazonaws-us-gov.com",
        "amazonaws.com" => "aws.amazon.com",
        "amazonaws.com.cn" => "amazonaws.cn",
        "amazonaws.eu" => "amazonaws-eusc.eu",
        "c2s.ic.gov" => "c2shome.ic.gov",
        "sc2s.sgov.gov" => "sc2shome.sgov.gov",
        "csp.hci.ic.gov" => "csphome.hci.ic.gov",
        "cloud.adc-e.uk" => "csphome.adc-e.uk",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_givers_of_credentials_are_in_their_partitions() {
        for (giver, region, url) in [
            (Giver::Portal, "eu-west-1", "https://portal.sso.eu-west-1.amazonaws.com"),
            (Giver::Portal, "us-east-1", "https://portal.sso.us-east-1.amazonaws.com"),
            (Giver::Portal, "cn-north-1", "https://portal.sso.cn-north-1.amazonaws.com.cn"),
            (Giver::Portal, "us-gov-west-1", "https://portal.sso.us-gov-west-1.amazonaws.com"),
            (Giver::Oidc, "us-iso-east-1", "https://oidc.us-iso-east-1.c2s.ic.gov"),
            (Giver::SignIn, "eu-west-1", "https://eu-west-1.signin.aws.amazon.com"),
            (Giver::SignIn, "cn-north-1", "https://cn-north-1.signin.amazonaws.cn"),
            (Giver::SignIn, "us-gov-west-1", "https://us-gov-west-1.signin.amazonaws-us-gov.com"),
            (Giver::SignIn, "us-isob-east-1", "https://us-isob-east-1.signin.sc2shome.sgov.gov"),
            (Giver::SignIn, "eusc-de-east-1", "https://eusc-de-east-1.signin.amazonaws-eusc.eu"),
        ] {
            assert_eq!(giver.url(region, &Vars::default()), Ok(url.into()));
        }
    }

    #[test]
    fn variables_stand_above_them_unless_they_are_to_be_ignored() {
        let url = |vars: &[(&str, &str)]| Giver::Portal.url("eu-west-1", &vars.iter().copied().collect());
        let (own, all) = (("AWS_ENDPOINT_URL_SSO", "http://own/"), ("AWS_ENDPOINT_URL", "http://all"));
        assert_eq!(url(&[own, all]), Ok("http://own".into()));
        assert_eq!(url(&[all]), Ok("http://all".into()));
        let no_url = Err("invalid value 'own' for 'AWS_ENDPOINT_URL_SSO': must be an http or https URL".into());
        assert_eq!(url(&[("AWS_ENDPOINT_URL_SSO", "own"), all]), no_url);
        let ignored = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
        assert_eq!(url(&[own, ignored]), Ok("https://portal.sso.eu-west-1.amazonaws.com".into()));
    }
}
