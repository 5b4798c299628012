//! The URLs of STS and of the services that return source credentials. A URL comes from a flag, a variable or the
//! profile, or else it is the default of the region.

use crate::error::quoted;
use crate::profile::{Plan, Source, endpoint as endpoint_url};
use crate::vars::Vars;
use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Returns the URL of STS for a plan. `region` is the region of the EC2 instance, if it is known. Returns `None` if the
/// URL depends on that region and it is not known yet, or if there is no URL for the region.
pub(crate) fn endpoint(plan: &Plan, flag: Option<&str>, region: Option<&str>) -> Option<String> {
    let network = &plan.network;
    if let Some(named) = flag.or(network.endpoint_url.as_deref()) {
        return Some(named.to_owned());
    }
    if (&plan.region, region, &plan.source) == (&None, None, &Source::InstanceMetadata) {
        return None;
    }
    url_of_sts(region_of_sts(plan, region)?, network.fips, network.dualstack)
}

/// Returns the region in which STS is called. This is the plan's region, or else the region of the EC2 instance, or
/// else the region of IAM Identity Center if no role is assumed, or else the main region of the partition. Returns
/// `None` if none of them is known.
pub(super) fn region_of_sts<'r>(plan: &'r Plan, instance: Option<&'r str>) -> Option<&'r str> {
    let planned = plan.region.as_ref().map(|region| region.name.as_str());
    planned.or(instance).or_else(|| match (plan.hops.first(), &plan.source) {
        (Some(first), _) => main_region(first.role.partition()),
        (None, Source::Sso { session, .. }) => Some(&session.region),
        (None, _) => main_region("aws"),
    })
}

/// Returns the URL of STS in a region. It is the URL that the SDK's client uses, because it comes from the same
/// resolver. Returns `None` if the resolver has no URL for the region.
pub(super) fn url_of_sts(region: &str, fips: bool, dualstack: bool) -> Option<String> {
    let params = Params::builder().region(region).use_fips(fips).use_dual_stack(dualstack).build().ok()?;
    let resolver = DefaultResolver::new();
    // The resolver sends no request, so it has a result as soon as it is polled.
    match pin!(resolver.resolve_endpoint(&params)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(endpoint) => Some(endpoint.ok()?.url().to_owned()),
        Poll::Pending => None,
    }
}

/// An AWS service that returns source credentials or refreshes a login.
#[derive(Debug, Clone, Copy)]
pub(super) enum CredentialService {
    /// The access portal of IAM Identity Center, which returns the credentials of a role.
    Portal,
    /// The OIDC service of IAM Identity Center, with which a user signs in and a login is refreshed.
    Oidc,
    /// AWS Sign-In, which refreshes a login to the console.
    SignIn,
}

impl CredentialService {
    /// Returns the URL of the service in a region. Environment variables can replace the default URL, unless
    /// `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` is set.
    ///
    /// # Errors
    /// The value of such a variable is not a URL. The text names the variable.
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
        let of_sts = url_of_sts(region, false, false).unwrap_or_default();
        let suffix = of_sts.strip_prefix(&format!("https://sts.{region}.")).unwrap_or("amazonaws.com");
        Ok(match self {
            Self::Portal => format!("https://portal.sso.{region}.{suffix}"),
            Self::Oidc => format!("https://oidc.{region}.{suffix}"),
            Self::SignIn => format!("https://{region}.signin.{}", sign_in_suffix(region, suffix)),
        })
    }
}

/// Returns the domain of AWS Sign-In in a region, which is the domain of the console. `suffix` is the domain of the
/// other AWS services in that region.
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

/// Returns the region in which STS is called for a partition if no region is set. Returns `None` if the partition is
/// unknown.
fn main_region(partition: &str) -> Option<&'static str> {
    Some(match partition {
        "aws" => "us-east-1",
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        "aws-iso" => "us-iso-east-1",
        "aws-iso-b" => "us-isob-east-1",
        "aws-iso-e" => "eu-isoe-west-1",
        "aws-iso-f" => "us-isof-south-1",
        "aws-eusc" => "eusc-de-east-1",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credential_services_are_in_the_domain_of_their_partition() {
        for (service, region, url) in [
            (CredentialService::Portal, "eu-west-1", "https://portal.sso.eu-west-1.amazonaws.com"),
            (CredentialService::Portal, "us-east-1", "https://portal.sso.us-east-1.amazonaws.com"),
            (CredentialService::Portal, "cn-north-1", "https://portal.sso.cn-north-1.amazonaws.com.cn"),
            (CredentialService::Portal, "us-gov-west-1", "https://portal.sso.us-gov-west-1.amazonaws.com"),
            (CredentialService::Oidc, "us-iso-east-1", "https://oidc.us-iso-east-1.c2s.ic.gov"),
            (CredentialService::SignIn, "eu-west-1", "https://eu-west-1.signin.aws.amazon.com"),
            (CredentialService::SignIn, "cn-north-1", "https://cn-north-1.signin.amazonaws.cn"),
            (CredentialService::SignIn, "us-gov-west-1", "https://us-gov-west-1.signin.amazonaws-us-gov.com"),
            (CredentialService::SignIn, "us-isob-east-1", "https://us-isob-east-1.signin.sc2shome.sgov.gov"),
            (CredentialService::SignIn, "eusc-de-east-1", "https://eusc-de-east-1.signin.amazonaws-eusc.eu"),
        ] {
            assert_eq!(service.url(region, &Vars::default()), Ok(url.into()));
        }
    }

    #[test]
    fn variables_replace_the_urls_unless_they_are_ignored() {
        let url = |vars: &[(&str, &str)]| CredentialService::Portal.url("eu-west-1", &vars.iter().copied().collect());
        let (own, all) = (("AWS_ENDPOINT_URL_SSO", "http://own/"), ("AWS_ENDPOINT_URL", "http://all"));
        assert_eq!(url(&[own, all]), Ok("http://own".into()));
        assert_eq!(url(&[all]), Ok("http://all".into()));
        let no_url = Err("invalid value 'own' for 'AWS_ENDPOINT_URL_SSO': must be an http or https URL".into());
        assert_eq!(url(&[("AWS_ENDPOINT_URL_SSO", "own"), all]), no_url);
        let ignored = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
        assert_eq!(url(&[own, ignored]), Ok("https://portal.sso.eu-west-1.amazonaws.com".into()));
    }
}
