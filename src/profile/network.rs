//! The settings with which STS is reached: the Region, the endpoint and the CA certificates. Here, they come from AWS's
//! variables and from the profile.
//!
//! The caller applies `--sts-endpoint` and `--ca-bundle`, which take precedence.

use super::proxy::Proxies;
use super::request::Request;
use super::set::ProfileSet;
use super::setting::{Lookup, checked, of_variable};
use crate::error::{ConfigError, shortened};
use crate::event::Ignored;
use crate::region::region_name;
use crate::role::Invalid;
use std::ffi::OsStr;
use std::path::PathBuf;

/// A Region and where it is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) name: String,
    /// The flag, the variable or the profile, as messages show it.
    pub(crate) from: String,
}

/// The settings of the connection to STS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Network {
    /// The URL that replaces the endpoint of the Region.
    pub(crate) endpoint_url: Option<String>,
    /// The path of a PEM file with additional CA certificates.
    pub(crate) ca_bundle: Option<PathBuf>,
    pub(crate) fips: bool,
    pub(crate) dualstack: bool,
    pub(crate) proxies: Proxies,
}

impl Network {
    /// Returns the selected variants of the endpoint, each after a comma, such as `, FIPS, dual-stack`. Returns an
    /// empty text if no variant is selected.
    pub(crate) fn variants(&self) -> String {
        let variants = [(self.fips, ", FIPS"), (self.dualstack, ", dual-stack")];
        variants.iter().filter(|(chosen, _)| *chosen).map(|(_, name)| *name).collect()
    }
}

/// Returns the Region from `--region`, `AWS_REGION`, `AWS_DEFAULT_REGION`, or `region` of the used profile, in this
/// order. Returns `None` if none of these is set. The `region` of a source profile is ignored, as in botocore.
///
/// # Errors
/// Fails if the value is not a valid Region name. This is checked because the name becomes part of a host name.
pub(super) fn region(request: &Request, settings: &Lookup<'_>) -> Result<Option<Region>, ConfigError> {
    if let Some(name) = &request.region {
        return Ok(Some(Region { name: checked("--region", name, region_name)?, from: "--region".into() }));
    }
    for variable in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        if let Some(name) = of_variable(settings.vars, variable, region_name)? {
            return Ok(Some(Region { name, from: variable.into() }));
        }
    }
    let from = format!("profile {}", settings.used);
    Ok(settings.of_profile("region", region_name)?.map(|name| Region { name, from }))
}

/// Reads the endpoint, the CA certificates, the endpoint variants and the proxies. A variable takes precedence over the
/// profile's setting.
///
/// # Errors
/// Fails if a value is invalid, or if the profile names a `services` section that does not exist.
pub(super) fn network(settings: &Lookup<'_>, notes: &mut Vec<Ignored>) -> Result<Network, ConfigError> {
    let legacy = settings.get("AWS_STS_REGIONAL_ENDPOINTS", "sts_regional_endpoints");
    if legacy.is_some_and(|value| value.eq_ignore_ascii_case("legacy")) {
        notes.push(Ignored::new("sts_regional_endpoints = legacy", "the regional endpoint is used"));
    }
    let mut is_true = |variable: &str, key: &str| {
        let value = settings.get(variable, key).unwrap_or("false");
        if !["true", "false"].iter().any(|known| value.eq_ignore_ascii_case(known)) {
            let name = if settings.vars.text(variable).is_some() { variable } else { key };
            let setting = format_args!("{name} = {}", shortened(value));
            notes.push(Ignored::new(setting, "only true enables it"));
        }
        value.eq_ignore_ascii_case("true")
    };
    let of_profile = || settings.profiles.profile(settings.used)?.get("ca_bundle").map(OsStr::new);
    let ca_bundle = settings.vars.nonempty("AWS_CA_BUNDLE").or_else(of_profile);
    let endpoint_url = if is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls") {
        None
    } else {
        endpoint_url(settings)?
    };
    Ok(Network {
        endpoint_url,
        ca_bundle: ca_bundle.map(PathBuf::from),
        fips: is_true("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
        dualstack: is_true("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"),
        proxies: Proxies::of(settings.vars),
    })
}

/// Returns the URL for STS. As in botocore's `ConfiguredEndpointProvider`, it comes from the first of these that is
/// set: the variable for STS, the variable for all services, the profile's setting for STS, its setting for all
/// services. Returns `None` if none of them is set.
fn endpoint_url(settings: &Lookup<'_>) -> Result<Option<String>, ConfigError> {
    for name in ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"] {
        if let Some(url) = of_variable(settings.vars, name, endpoint)? {
            return Ok(Some(url));
        }
    }
    let Lookup { profiles, used, .. } = *settings;
    match service_url(profiles, used)? {
        Some(url) => endpoint(url).map(Some).map_err(|invalid| profiles.invalid(used, "endpoint_url", url, invalid)),
        None => settings.of_profile("endpoint_url", endpoint),
    }
}

/// Returns the URL for STS from the profile's `services` section, or `None` if there is none.
fn service_url<'a>(profiles: &'a ProfileSet, profile: &str) -> Result<Option<&'a str>, ConfigError> {
    let Some(name) = profiles.profile(profile).and_then(|settings| settings.get("services")) else { return Ok(None) };
    let Some(services) = profiles.services.get(name) else {
        return Err(ConfigError::UnknownServices { profile: profile.to_owned(), name: name.to_owned() });
    };
    let url = services.nested("sts").iter().rfind(|(key, value)| key == "endpoint_url" && !value.is_empty());
    Ok(url.map(|(_, url)| url.as_str()))
}

/// Checks an endpoint's URL and converts its scheme to lower case.
///
/// # Errors
/// Fails if the scheme is not http or https, if the host is missing, or if the URL contains white space.
pub(crate) fn endpoint(text: &str) -> Result<String, Invalid> {
    let known = |scheme: &&str| ["https", "http"].iter().any(|known| known.eq_ignore_ascii_case(scheme));
    match text.split_once("://").filter(|(scheme, _)| known(scheme)) {
        Some((scheme, host)) if !host.is_empty() && !host.starts_with('/') && !text.contains(char::is_whitespace) => {
            Ok(format!("{}://{host}", scheme.to_ascii_lowercase()))
        }
        _ => {
            Err(Invalid::new("must be an http or https URL").hint("for example https://sts.eu-central-1.amazonaws.com"))
        }
    }
}
