//! The settings for requests to instance metadata, from the variables and the profile keys of the AWS CLI.

use super::network::endpoint;
use super::setting::Lookup;
use crate::error::{ConfigError, TriedSources};
use crate::role::Invalid;
use std::time::Duration;

/// The addresses of the instance metadata service.
const IPV4: &str = "http://169.254.169.254";
const IPV6: &str = "http://[fd00:ec2::254]";

/// The settings for requests to instance metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Metadata {
    /// The URL, without a trailing slash.
    pub(crate) endpoint: String,
    /// The time limit of each attempt.
    pub(crate) timeout: Duration,
    /// The number of attempts for each request.
    pub(crate) attempts: u32,
    /// Whether requests are sent without a token (`IMDSv1`) if the service issues no token.
    pub(crate) v1: bool,
    /// The sources that were tried before instance metadata. `None` if instance metadata was selected explicitly.
    pub(crate) last_resort: Option<Box<TriedSources>>,
}

impl Default for Metadata {
    /// The time limit of one second for each attempt is the default of the AWS CLI. There are two attempts, because the
    /// packets of one attempt can be lost.
    fn default() -> Self {
        Self { endpoint: IPV4.into(), timeout: Duration::from_secs(1), attempts: 2, v1: true, last_resort: None }
    }
}

/// Reads the settings for instance metadata.
///
/// # Errors
/// Fails if a value is invalid. The AWS CLI also rejects such a value.
pub(super) fn metadata(settings: &Lookup<'_>) -> Result<Metadata, ConfigError> {
    let timeout = settings.parsed("AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout", |text| {
        number(text, 3600, "1 second for each attempt")
    })?;
    let attempts = settings.parsed("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts", |text| {
        number(text, 100, "2 attempts")
    })?;
    let mode = settings.parsed("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode", mode)?;
    let usual = if settings.is_true("AWS_IMDS_USE_IPV6", "imds_use_ipv6") { IPV6 } else { IPV4 };
    let chosen = settings.parsed("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint", |text| {
        endpoint(text).map_err(|invalid| invalid.hint(format!("for example {IPV4}")))
    })?;
    let default = Metadata::default();
    Ok(Metadata {
        endpoint: chosen.as_deref().unwrap_or(mode.unwrap_or(usual)).trim_end_matches('/').to_owned(),
        timeout: timeout.map_or(default.timeout, |seconds| Duration::from_secs(seconds.into())),
        attempts: attempts.unwrap_or(default.attempts),
        v1: !settings.is_true("AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled"),
        last_resort: None,
    })
}

fn number(text: &str, most: u32, default: &str) -> Result<u32, Invalid> {
    let number = text.trim().parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| {
        Invalid::new(format!("must be a whole number from 1 to {most}")).hint(format!("the default is {default}"))
    })
}

fn mode(text: &str) -> Result<&'static str, Invalid> {
    match text.to_ascii_lowercase().as_str() {
        "ipv4" => Ok(IPV4),
        "ipv6" => Ok(IPV6),
        _ => Err(Invalid::not_one_of(["IPv4", "IPv6"])
            .hint("leave the mode out for IPv4, or set the address with AWS_EC2_METADATA_SERVICE_ENDPOINT")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::ProfileSet;
    use std::path::Path;

    fn of(config: &str, vars: &[(&str, &str)]) -> Result<Metadata, String> {
        let set = ProfileSet::parse((Path::new("c"), config.as_bytes()), (Path::new("d"), b"")).expect("parses");
        let vars = vars.iter().copied().collect();
        metadata(&Lookup { profiles: &set, vars: &vars, used: "p" }).map_err(|error| error.to_string())
    }

    #[test]
    fn a_variable_takes_precedence_over_the_profile_and_that_over_the_defaults() {
        assert_eq!(of("", &[]), Ok(Metadata::default()));
        let profile = "[profile p]\nmetadata_service_timeout = 3\nmetadata_service_num_attempts = 1\n\
                       ec2_metadata_service_endpoint_mode = IPv6\nec2_metadata_v1_disabled = true\n";
        let expected = Metadata {
            endpoint: IPV6.into(),
            timeout: Duration::from_secs(3),
            attempts: 1,
            v1: false,
            last_resort: None,
        };
        assert_eq!(of(profile, &[]), Ok(expected));
        let vars = [
            ("AWS_METADATA_SERVICE_TIMEOUT", "5"),
            ("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "4"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv4"),
            ("AWS_EC2_METADATA_V1_DISABLED", "false"),
        ];
        let (timeout, attempts) = (Duration::from_secs(5), 4);
        assert_eq!(of(profile, &vars), Ok(Metadata { timeout, attempts, ..Metadata::default() }));
    }

    #[test]
    fn an_endpoint_takes_precedence_over_the_mode() {
        let endpoint = |vars: &[(&str, &str)]| of("", vars).expect("settings").endpoint;
        assert_eq!(endpoint(&[("AWS_IMDS_USE_IPV6", "TRUE")]), IPV6);
        assert_eq!(
            endpoint(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv4"), ("AWS_IMDS_USE_IPV6", "true")]),
            IPV4
        );
        let vars = [
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://here:1/"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv6"),
        ];
        assert_eq!(endpoint(&vars), "http://here:1");
    }

    #[test]
    fn an_invalid_value_is_an_error_with_its_name() {
        for (vars, message) in [
            (
                ("AWS_METADATA_SERVICE_TIMEOUT", "1.5"),
                "invalid value '1.5' for 'AWS_METADATA_SERVICE_TIMEOUT': must be a whole number from 1 to 3600",
            ),
            (
                ("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "0"),
                "invalid value '0' for 'AWS_METADATA_SERVICE_NUM_ATTEMPTS': must be a whole number from 1 to 100",
            ),
            (
                ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "v6"),
                "invalid value 'v6' for 'AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE' [possible values: IPv4, IPv6]",
            ),
            (
                ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "169.254.169.254"),
                "invalid value '169.254.169.254' for 'AWS_EC2_METADATA_SERVICE_ENDPOINT': must be an http or https URL",
            ),
        ] {
            assert_eq!(of("", &[vars]), Err(message.into()));
        }
        let error = of("[profile p]\nmetadata_service_timeout = soon\n", &[]).expect_err("no number");
        let place = "metadata_service_timeout of profile 'p' in c";
        assert_eq!(error, format!("invalid value 'soon' for {place}: must be a whole number from 1 to 3600"));
    }
}
