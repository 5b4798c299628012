//! How STS is reached: the Region, the endpoint and the CA certificates, from AWS's variables and the profile.
//!
//! `--sts-endpoint` and `--ca-bundle` take precedence; the caller applies them.

use super::proxy::Proxies;
use super::region_name::region_name;
use super::request::Request;
use super::set::{ProfileSet, Settings};
use crate::error::{ConfigError, shortened};
use crate::event::Ignored;
use crate::role::Invalid;
use crate::vars::Vars;
use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;

/// The profile whose settings other than credentials apply.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used<'a> {
    pub(super) name: &'a str,
    pub(super) settings: &'a Settings,
}

/// A Region and where it is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) name: String,
    pub(crate) from: RegionFrom,
}

/// Where the Region is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RegionFrom {
    Flag,
    /// `AWS_REGION` or `AWS_DEFAULT_REGION`.
    Variable(&'static str),
    Profile(String),
}

impl fmt::Display for RegionFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("--region"),
            Self::Variable(variable) => f.write_str(variable),
            Self::Profile(profile) => write!(f, "profile {profile}"),
        }
    }
}

/// The settings of the connection to STS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Network {
    /// Replaces the Region's endpoint.
    pub(crate) endpoint_url: Option<String>,
    /// A PEM file of additional CA certificates.
    pub(crate) ca_bundle: Option<PathBuf>,
    pub(crate) fips: bool,
    pub(crate) dualstack: bool,
    pub(crate) proxies: Proxies,
}

/// The Region: flag, `AWS_REGION`, `AWS_DEFAULT_REGION`, the used profile's `region`. As in botocore, its source profile's
/// is ignored.
///
/// # Errors
/// When it is not a valid Region name: it becomes part of a host name.
pub(super) fn region(
    request: &Request,
    profiles: &ProfileSet,
    vars: &Vars,
    used: Option<Used<'_>>,
) -> Result<Option<Region>, ConfigError> {
    const REGION: &str = "AWS_REGION";
    const DEFAULT_REGION: &str = "AWS_DEFAULT_REGION";
    let of_profile =
        || used.and_then(|used| Some((used.settings.get("region")?, RegionFrom::Profile(used.name.into()))));
    let variable = |name| Some((vars.text(name)?, RegionFrom::Variable(name)));
    let flag = request.region.as_deref().map(|name| (name, RegionFrom::Flag));
    let found = flag.or_else(|| variable(REGION)).or_else(|| variable(DEFAULT_REGION)).or_else(of_profile);
    let Some((name, from)) = found else { return Ok(None) };
    let invalid = match region_name(name) {
        Ok(name) => return Ok(Some(Region { name, from })),
        Err(invalid) => invalid,
    };
    Err(match from {
        RegionFrom::Flag => ConfigError::Variable { name: "--region", value: name.to_owned(), invalid: invalid.into() },
        RegionFrom::Variable(variable) => {
            ConfigError::Variable { name: variable, value: name.to_owned(), invalid: invalid.into() }
        }
        RegionFrom::Profile(profile) => ConfigError::Value {
            file: profiles.path_of(&profile, "region").to_owned(),
            profile,
            key: "region",
            value: name.to_owned(),
            invalid: invalid.into(),
        },
    })
}

/// Endpoint, certificates, endpoint variants and proxies. A variable takes precedence over the profile.
///
/// # Errors
/// When the `services` section of the profile does not exist.
pub(super) fn network(
    profiles: &ProfileSet,
    vars: &Vars,
    used: Option<Used<'_>>,
    notes: &mut Vec<Ignored>,
) -> Result<Network, ConfigError> {
    let of_profile = |key: &str| used.and_then(|used| used.settings.get(key));
    let legacy = vars.text("AWS_STS_REGIONAL_ENDPOINTS").or_else(|| of_profile("sts_regional_endpoints"));
    if legacy.is_some_and(|value| value.eq_ignore_ascii_case("legacy")) {
        notes.push(Ignored::new("sts_regional_endpoints = legacy", "the regional endpoint is used"));
    }
    let mut is_true = |variable: &str, key: &str| match vars.text(variable).or_else(|| of_profile(key)) {
        Some(value) => {
            let name = if vars.text(variable).is_some() { variable } else { key };
            if !["true", "false"].iter().any(|known| value.eq_ignore_ascii_case(known)) {
                let setting = format_args!("{name} = {}", shortened(value));
                notes.push(Ignored::new(setting, "only true enables it"));
            }
            value.eq_ignore_ascii_case("true")
        }
        None => false,
    };
    let ca_bundle = vars.get("AWS_CA_BUNDLE").filter(|path| !path.is_empty());
    let endpoint_url = if is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls") {
        None
    } else {
        endpoint_url(profiles, vars, used)?
    };
    Ok(Network {
        endpoint_url,
        ca_bundle: ca_bundle.or_else(|| of_profile("ca_bundle").map(OsStr::new)).map(PathBuf::from),
        fips: is_true("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
        dualstack: is_true("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"),
        proxies: Proxies::of(vars),
    })
}

/// botocore's order (`ConfiguredEndpointProvider`): the service's variable, the general one, the service's setting, the
/// general one.
fn endpoint_url(profiles: &ProfileSet, vars: &Vars, used: Option<Used<'_>>) -> Result<Option<String>, ConfigError> {
    for name in ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"] {
        if let Some(url) = vars.text(name) {
            let invalid = |invalid: Invalid| ConfigError::Variable { name, value: url.into(), invalid: invalid.into() };
            return endpoint(url).map(Some).map_err(invalid);
        }
    }
    let Some(used) = used else { return Ok(None) };
    let url = match service_url(profiles, used)? {
        Some(url) => url,
        None => match used.settings.get("endpoint_url") {
            Some(url) => url,
            None => return Ok(None),
        },
    };
    endpoint(url).map(Some).map_err(|invalid| ConfigError::Value {
        profile: used.name.to_owned(),
        file: profiles.path_of(used.name, "endpoint_url").to_owned(),
        key: "endpoint_url",
        value: url.to_owned(),
        invalid: invalid.into(),
    })
}

/// The URL for STS in the profile's `services` section.
fn service_url<'a>(profiles: &'a ProfileSet, used: Used<'a>) -> Result<Option<&'a str>, ConfigError> {
    let Some(name) = used.settings.get("services") else { return Ok(None) };
    let Some(services) = profiles.services(name) else {
        return Err(ConfigError::UnknownServices { profile: used.name.to_owned(), name: name.to_owned() });
    };
    let url = services.nested("sts").iter().rfind(|(key, value)| key == "endpoint_url" && !value.is_empty());
    Ok(url.map(|(_, url)| url.as_str()))
}

/// Checks an endpoint's URL and converts its scheme to lower case.
///
/// # Errors
/// When the scheme is not http or https, or the host is missing.
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
