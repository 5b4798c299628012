//! The settings of a profile, except the credentials, as environment variables.
//!
//! The command does not read the profile, so xassume sets the variables that AWS defines for these settings. The tables
//! below follow the settings reference in the AWS SDKs and Tools Reference Guide, and botocore's `configprovider`.
//! Credentials and the Region are not included, because xassume sets their variables in any case.

use super::set::{ProfileSet, Settings};

/// The keys of a profile, each with its variable.
const VARIABLES: &[(&str, &str)] = &[
    ("account_id_endpoint_mode", "AWS_ACCOUNT_ID_ENDPOINT_MODE"),
    ("auth_scheme_preference", "AWS_AUTH_SCHEME_PREFERENCE"),
    ("ca_bundle", "AWS_CA_BUNDLE"),
    ("cli_auto_prompt", "AWS_CLI_AUTO_PROMPT"),
    ("cli_pager", "AWS_PAGER"),
    ("csm_client_id", "AWS_CSM_CLIENT_ID"),
    ("csm_enabled", "AWS_CSM_ENABLED"),
    ("csm_host", "AWS_CSM_HOST"),
    ("csm_port", "AWS_CSM_PORT"),
    ("data_path", "AWS_DATA_PATH"),
    ("defaults_mode", "AWS_DEFAULTS_MODE"),
    ("disable_clock_skew_correction", "AWS_DISABLE_CLOCK_SKEW_CORRECTION"),
    ("disable_host_prefix_injection", "AWS_DISABLE_HOST_PREFIX_INJECTION"),
    ("disable_request_compression", "AWS_DISABLE_REQUEST_COMPRESSION"),
    ("ec2_metadata_service_endpoint", "AWS_EC2_METADATA_SERVICE_ENDPOINT"),
    ("ec2_metadata_service_endpoint_mode", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"),
    ("ec2_metadata_v1_disabled", "AWS_EC2_METADATA_V1_DISABLED"),
    // The guide and botocore name different variables for this key, so both are set.
    ("endpoint_discovery_enabled", "AWS_ENABLE_ENDPOINT_DISCOVERY"),
    ("endpoint_discovery_enabled", "AWS_ENDPOINT_DISCOVERY_ENABLED"),
    ("endpoint_url", "AWS_ENDPOINT_URL"),
    ("ignore_configured_endpoint_urls", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
    ("imds_use_ipv6", "AWS_IMDS_USE_IPV6"),
    ("max_attempts", "AWS_MAX_ATTEMPTS"),
    ("metadata_service_num_attempts", "AWS_METADATA_SERVICE_NUM_ATTEMPTS"),
    ("metadata_service_timeout", "AWS_METADATA_SERVICE_TIMEOUT"),
    ("output", "AWS_DEFAULT_OUTPUT"),
    ("request_checksum_calculation", "AWS_REQUEST_CHECKSUM_CALCULATION"),
    ("request_min_compression_size_bytes", "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES"),
    ("response_checksum_validation", "AWS_RESPONSE_CHECKSUM_VALIDATION"),
    ("retry_mode", "AWS_RETRY_MODE"),
    ("s3_disable_express_session_auth", "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH"),
    ("s3_disable_multiregion_access_points", "AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS"),
    ("s3_us_east_1_regional_endpoint", "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT"),
    ("s3_use_arn_region", "AWS_S3_USE_ARN_REGION"),
    ("sdk_ua_app_id", "AWS_SDK_UA_APP_ID"),
    ("sigv4a_signing_region_set", "AWS_SIGV4A_SIGNING_REGION_SET"),
    ("sts_regional_endpoints", "AWS_STS_REGIONAL_ENDPOINTS"),
    ("tcp_keepalive", "BOTOCORE_TCP_KEEPALIVE"),
    ("use_dualstack_endpoint", "AWS_USE_DUALSTACK_ENDPOINT"),
    ("use_fips_endpoint", "AWS_USE_FIPS_ENDPOINT"),
];

/// The keys nested below `s3`, each with its variable. In botocore, the same key outside `s3` takes precedence.
const S3_VARIABLES: &[(&str, &str)] = &[
    ("s3_disable_multiregion_access_points", "AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS"),
    ("us_east_1_regional_endpoint", "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT"),
    ("use_arn_region", "AWS_S3_USE_ARN_REGION"),
];

/// Returns the profile's settings as names and values of variables. No name occurs twice. `deliver::environment` skips
/// the variables that are already set.
pub(crate) fn exported_settings(profiles: &ProfileSet, profile: &str) -> Vec<(String, String)> {
    let Some(settings) = profiles.profile(profile) else { return Vec::new() };
    let mut variables: Vec<(String, String)> = VARIABLES
        .iter()
        .filter_map(|(key, variable)| Some(((*variable).to_owned(), value(settings, key)?.to_owned())))
        .collect();
    for (key, value) in settings.nested("s3") {
        if let Some((_, variable)) = S3_VARIABLES.iter().find(|(known, _)| known == key) {
            add(&mut variables, (*variable).to_owned(), value);
        }
    }
    let services = settings.get("services").and_then(|name| profiles.services.get(name));
    for (service, nested) in services.into_iter().flat_map(Settings::all_nested) {
        let url = nested.iter().rfind(|(key, value)| key == "endpoint_url" && !value.is_empty());
        // A name becomes a part of the name of a variable. The SDKs know only service names that consist of letters,
        // digits and separators, so all others are skipped.
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_');
        if let Some((_, url)) = url.filter(|_| service.chars().all(known)) {
            let service = service.to_ascii_uppercase().replace([' ', '-'], "_");
            add(&mut variables, format!("AWS_ENDPOINT_URL_{service}"), url);
        }
    }
    // A variable cannot contain a NUL byte.
    variables.retain(|(_, value)| !value.contains('\0'));
    variables
}

/// Returns the value of a key, or `None` if it is unset or empty. Only `cli_pager` is returned even if it is empty,
/// because an empty value disables the pager.
fn value<'a>(settings: &'a Settings, key: &str) -> Option<&'a str> {
    let empty = (key == "cli_pager" && settings.file(key).is_some()).then_some("");
    settings.get(key).or(empty)
}

fn add(variables: &mut Vec<(String, String)>, variable: String, value: &str) {
    if !value.is_empty() && !variables.iter().any(|(known, _)| *known == variable) {
        variables.push((variable, value.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn exported(config: &str) -> Vec<(String, String)> {
        let set = ProfileSet::parse((Path::new("c"), config.as_bytes()), (Path::new("d"), b"")).expect("parses");
        exported_settings(&set, "p")
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn settings_with_a_variable_are_exported_and_credentials_are_not() {
        let config = "[profile p]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = p\nregion = eu-west-1\n\
                      aws_access_key_id = a\nsso_region = us-east-1\nunknown = 1\nca_bundle = /ca.pem\noutput = json\n\
                      Max_Attempts = 5\nuse_fips_endpoint =\ncli_pager =\n[default]\nretry_mode = adaptive";
        let expected = [
            ("AWS_CA_BUNDLE", "/ca.pem"),
            ("AWS_PAGER", ""),
            ("AWS_MAX_ATTEMPTS", "5"),
            ("AWS_DEFAULT_OUTPUT", "json"),
        ];
        assert_eq!(exported(config), pairs(&expected));
        assert_eq!(exported("[default]\noutput = json"), []);
    }

    #[test]
    fn values_that_no_variable_can_have_are_left_out() {
        let config = "[profile p]\noutput = a\0b\nca_bundle = c\ns3 =\n  use_arn_region = tr\0ue";
        assert_eq!(exported(config), pairs(&[("AWS_CA_BUNDLE", "c")]));
    }

    #[test]
    fn every_key_of_the_table_reaches_its_variable() {
        for (key, variable) in VARIABLES {
            assert!(exported(&format!("[profile p]\n{key} = x")).contains(&((*variable).into(), "x".into())), "{key}");
        }
    }

    #[test]
    fn nested_settings_and_service_endpoints() {
        let config = "[profile p]\nservices = local\nendpoint_url = http://all\ns3_use_arn_region = true\ns3 =\n\
                      \x20 use_arn_region = false\n  us_east_1_regional_endpoint = regional\n  addressing_style = path\n\
                      [services local]\nelastic_beanstalk =\n  endpoint_url = http://eb\nsts =\n  endpoint_url =\n\
                      s3 =\n  other = 1\n  endpoint_url = http://one\n  endpoint_url = http://two\n  last = 2\n\
                      x;$(id) =\n  endpoint_url = http://hostile";
        assert_eq!(
            exported(config),
            pairs(&[
                ("AWS_ENDPOINT_URL", "http://all"),
                ("AWS_S3_USE_ARN_REGION", "true"),
                ("AWS_S3_US_EAST_1_REGIONAL_ENDPOINT", "regional"),
                ("AWS_ENDPOINT_URL_ELASTIC_BEANSTALK", "http://eb"),
                ("AWS_ENDPOINT_URL_S3", "http://two"),
            ])
        );
        assert_eq!(exported("[profile p]\nservices = nowhere"), []);
    }
}
