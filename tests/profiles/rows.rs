//! The rows: at least one for each key of a profile and for each variable.

/// How a row proves that its names have an effect.
#[derive(Debug, Clone, Copy)]
pub(super) enum Proof {
    /// STS gets these requests. For each: the signer, the role, and the other parameters.
    Asks(&'static str),
    /// The command runs, and `-v` logs this.
    Says(&'static str),
    /// The command does not run, and the error contains this.
    Fails(&'static str),
}
use Proof::{Asks, Fails, Says};

/// Names of keys and variables, profile `p` of a config file, variables, further arguments, and the proof.
///
/// `@NAME` is a role's ARN, `+file` are the keys of a user, `{sts}` and the like are the addresses of the fakes.
pub(super) type Row =
    (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static [&'static str], Proof);

/// A profile with a role, selected on the command line.
const PROFILE: &[&str] = &["-p", "p"];
/// A role on the command line. Its source credentials are from the profile, or from elsewhere.
const BESIDE: &[&str] = &["-p", "p", "-r", "@R"];
pub(super) const ROLE: &[&str] = &["-r", "@R"];

const KEYS: &[(&str, &str)] = &[("AWS_ACCESS_KEY_ID", "{user}"), ("AWS_SECRET_ACCESS_KEY", "{user.secret}")];
const CHAIN: &str = "role_arn = @T\nsource_profile = s\n[profile s]\n+file";

#[rustfmt::skip]
pub(super) const ROLES: &[Row] = &[
    ("role_arn source_profile", CHAIN, &[], PROFILE, Asks("file T")),
    ("role_arn source_profile",
        "role_arn = @T\nsource_profile = q\n[profile q]\nrole_arn = @Q\nsource_profile = s\n[profile s]\n+file",
        &[], PROFILE, Asks("file Q; #1 T")),
    ("role_arn source_profile", "role_arn = @T\nsource_profile = q\n[profile q]\nrole_arn = @Q\nsource_profile = p",
        &[], PROFILE, Fails("p → q → p")),
    ("credential_source", "role_arn = @T\ncredential_source = Environment", KEYS, PROFILE, Asks("user T")),
    ("credential_source", "role_arn = @T\ncredential_source = EcsContainer",
        &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "{container}"), ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "{token}")],
        PROFILE, Asks("task T")),
    ("credential_source", "role_arn = @T\ncredential_source = Ec2InstanceMetadata",
        &[("AWS_EC2_METADATA_DISABLED", ""), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "{imds}")],
        PROFILE, Asks("instance T")),
    ("external_id", "external_id = a:b/c\nrole_arn = @T\nsource_profile = p\n+file", &[], PROFILE,
        Asks("file T ExternalId=a:b/c")),
    ("role_session_name", "role_session_name = me\nrole_arn = @T\nsource_profile = p\n+file", &[], PROFILE,
        Asks("file T RoleSessionName=me")),
    ("duration_seconds", "duration_seconds = 7200\nrole_arn = @T\nsource_profile = p\n+file", &[], PROFILE,
        Asks("file T DurationSeconds=7200")),
    ("duration_seconds", "duration_seconds = 2h\nrole_arn = @T\nsource_profile = p\n+file", &[], PROFILE,
        Asks("file T")),
    ("duration_seconds", "duration_seconds = 2h\nrole_arn = @T\nsource_profile = p\n+file", &[], PROFILE,
        Says("ignoring duration_seconds of profile p (not a whole number of seconds)")),
    ("role_arn source_profile", "role_arn = @T\nsource_profile = my prof\n[profile my\\ prof] of the team [2]\n+file", &[],
        PROFILE, Asks("file T")),
    ("mfa_serial", "mfa_serial = GAHT12345678\nrole_arn = @T\nsource_profile = p\n+file", &[],
        &["-p", "p", "--mfa-token", "123456"],
        Asks("file GetSessionToken DurationSeconds=43200 SerialNumber=GAHT12345678 TokenCode=123456; #1 T")),
    ("session_tags transitive_session_tags",
        "session_tags = team=pay, env = a=b\ntransitive_session_tags = team,\nrole_arn = @T\nsource_profile = p\n+file",
        &[], PROFILE,
        Asks("file T Tags.member.1.Key=team Tags.member.1.Value=pay Tags.member.2.Key=env Tags.member.2.Value=a=b \
              TransitiveTagKeys.member.1=team")),
    ("session_tags transitive_session_tags",
        "session_tags = a=1\ntransitive_session_tags = a\nrole_arn = @T\nsource_profile = p\n+file",
        &[], &["-p", "p", "--tag", "b=2"], Asks("file T Tags.member.1.Key=b Tags.member.1.Value=2")),
    ("session_tags", "session_tags = a=1\nrole_arn = @T\nsource_profile = p\n+file", &[], BESIDE,
        Asks("file T Tags.member.1.Key=a Tags.member.1.Value=1; #1 R")),
    ("transitive_session_tags", "session_tags = a=1\ntransitive_session_tags = b\nrole_arn = @T\nsource_profile = p\n+file",
        &[], PROFILE, Fails("invalid value 'b' for transitive_session_tags of profile 'p'")),
    ("source_identity", "source_identity = alice\nrole_arn = @T\nsource_profile = p\n+file", &[], PROFILE,
        Asks("file T SourceIdentity=alice")),
    ("source_identity", "source_identity = alice\nrole_arn = @T\nsource_profile = p\n+file", &[],
        &["-p", "p", "--source-identity", "bob"], Asks("file T SourceIdentity=bob")),
    ("source_identity session_tags web_identity_token_file",
        "source_identity = alice\nsession_tags = a=1\nmfa_process = c\nrole_arn = @T\nweb_identity_token_file = {home}/token",
        &[], PROFILE, Says("ignoring mfa_process, session_tags, source_identity for arn:aws:iam::111111111111:role/T (")),
    ("mfa_process", "mfa_serial = GAHT12345678\nmfa_process = echo 123456\nrole_arn = @T\nsource_profile = p\n+file", &[],
        PROFILE, Asks("file GetSessionToken DurationSeconds=43200 SerialNumber=GAHT12345678 TokenCode=123456; #1 T")),
    ("mfa_process", "mfa_serial = GAHT12345678\nmfa_process = exit 3\nrole_arn = @T\nsource_profile = p\n+file", &[],
        &["-p", "p", "--mfa-command", "echo 123456"],
        Asks("file GetSessionToken DurationSeconds=43200 SerialNumber=GAHT12345678 TokenCode=123456; #1 T")),
    ("mfa_process", "mfa_serial = GAHT12345678\nmfa_process = echo 123456\n+file", &[], PROFILE,
        Asks("file GetSessionToken DurationSeconds=43200 SerialNumber=GAHT12345678 TokenCode=123456")),
    ("mfa_process", "mfa_process = exit 3\nrole_arn = @T\nsource_profile = p\n+file", &[], PROFILE,
        Says("ignoring mfa_process for arn:aws:iam::111111111111:role/T (no MFA code is needed for this role)")),
    ("include_profile",
        "include_profile = q\nrole_arn = @T\nexternal_id = own\n[profile q]\nexternal_id = theirs\ninclude_profile = r\n\
         [profile r]\nsource_profile = s\nregion = eu-west-1\n[profile s]\n+file",
        &[("AWS_REGION", "")], PROFILE, Asks("file@eu-west-1 T ExternalId=own")),
    ("include_profile", "include_profile = p\nrole_arn = @T\n+file", &[], PROFILE, Fails("circular include_profile: p → p")),
    ("AWS_ROLE_ARN", "+file", &[("AWS_ROLE_ARN", "@E")], PROFILE, Asks("file E")),
    ("AWS_ROLE_SESSION_NAME", CHAIN, &[("AWS_ROLE_SESSION_NAME", "env-name")], PROFILE,
        Asks("file T RoleSessionName=env-name")),
];

#[rustfmt::skip]
pub(super) const CREDENTIALS: &[Row] = &[
    ("aws_access_key_id aws_secret_access_key", "+file", &[], BESIDE, Asks("file R")),
    ("aws_session_token", "+task", &[], BESIDE, Asks("task R")),
    ("AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY", "", KEYS, ROLE, Asks("user R")),
    ("AWS_SESSION_TOKEN", "", &[("AWS_ACCESS_KEY_ID", "{task}"), ("AWS_SECRET_ACCESS_KEY", "{task.secret}"),
        ("AWS_SESSION_TOKEN", "{task.token}")], ROLE, Asks("task R")),
    ("AWS_SECURITY_TOKEN", "", &[("AWS_ACCESS_KEY_ID", "{task}"), ("AWS_SECRET_ACCESS_KEY", "{task.secret}"),
        ("AWS_SECURITY_TOKEN", "{task.token}")], ROLE, Asks("task R")),
    ("AWS_SECURITY_TOKEN", "", &[("AWS_ACCESS_KEY_ID", "{task}"), ("AWS_SECRET_ACCESS_KEY", "{task.secret}"),
        ("AWS_SESSION_TOKEN", "{task.token}"), ("AWS_SECURITY_TOKEN", "x")], ROLE,
        Says("ignoring AWS_SECURITY_TOKEN (AWS_SESSION_TOKEN is set)")),
    ("web_identity_token_file", "role_arn = @T\nweb_identity_token_file = {home}/token", &[], PROFILE,
        Asks("- T WebIdentityToken=token.of.pod")),
    ("web_identity_token_process", "role_arn = @T\nweb_identity_token_process = cat {home}/token", &[], PROFILE,
        Asks("- T WebIdentityToken=token.of.pod")),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "", &[("AWS_WEB_IDENTITY_TOKEN_FILE", "{home}/token"), ("AWS_ROLE_ARN", "@E")], &[],
        Asks("- E WebIdentityToken=token.of.pod")),
    ("credential_process",
        "credential_process = echo '{\"Version\":1,\"AccessKeyId\":\"{user}\",\"SecretAccessKey\":\"x\"}'", &[],
        BESIDE, Asks("user R")),
    ("credential_process",
        "credential_process = /bin/sh -c\n  # it gives a user's keys\n\
         \n  'printf \"%s%s\" \"$0\" \"$1\"'\n  '{\"Version\":1,\"AccessKeyId\":\"{user}\",'\n  '\"SecretAccessKey\":\"x\"}'", &[],
        BESIDE, Asks("user R")),
    ("credential_process",
        "credential_process = /bin/echo '{\"Version\":1, \"AccessKeyId\":\"{user}\", \"SecretAccessKey\":\"x\", \"Note\":\"a # b\"}' # c",
        &[], BESIDE, Asks("user R")),
    // `tests/sign_in` shows the effect of the scopes.
    ("sso_session sso_account_id sso_role_name sso_start_url sso_region sso_registration_scopes AWS_ENDPOINT_URL_SSO",
        "sso_session = corp\nsso_account_id = 222222222222\nsso_role_name = Developer\n\
         [sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.example/start\n\
         sso_registration_scopes = sso:account:access",
        &[("AWS_ENDPOINT_URL_SSO", "{sso}")], BESIDE, Asks("sso R")),
    ("login_session", "login_session = arn:aws:iam::222222222222:user/alice", &[], BESIDE, Asks("login R")),
    ("AWS_ENDPOINT_URL_SIGNIN", "login_session = arn:aws:iam::222222222222:user/late",
        &[("AWS_ENDPOINT_URL_SIGNIN", "http://127.0.0.1:1")], BESIDE, Fails("Connection refused")),
    ("AWS_ENDPOINT_URL_SSO_OIDC",
        "sso_session = old\nsso_account_id = 222222222222\nsso_role_name = Developer\n\
         [sso-session old]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.example/start",
        &[("AWS_ENDPOINT_URL_SSO_OIDC", "http://127.0.0.1:1")], BESIDE, Fails("Connection refused")),
    ("AWS_LOGIN_CACHE_DIRECTORY", "login_session = arn:aws:iam::222222222222:user/alice",
        &[("AWS_LOGIN_CACHE_DIRECTORY", "{home}/none")], BESIDE, Fails("hint: log in with: aws login --profile p")),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_AUTHORIZATION_TOKEN", "",
        &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "{container}"), ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "{token}")],
        ROLE, Asks("task R")),
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "", &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "{container}"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "{token.file}"), ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "wrong")],
        ROLE, Asks("task R")),
    // It takes precedence over the full URI. Nothing listens at this address.
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "", &[("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "{container}"), ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "{token}")],
        ROLE, Fails("container credentials endpoint: ")),
    ("AWS_EC2_METADATA_DISABLED", "", &[("AWS_EC2_METADATA_DISABLED", "True"), ("AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "{imds}")],
        ROLE, Fails("instance metadata (disabled by AWS_EC2_METADATA_DISABLED)")),
];

const IPV6: &str = "cannot reach http://[fd00:ec2::254]: ";

#[rustfmt::skip]
pub(super) const METADATA: &[Row] = &[
    ("AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "", &[("AWS_EC2_METADATA_DISABLED", "false"), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "{imds}")], ROLE,
        Asks("instance R")),
    ("ec2_metadata_service_endpoint", "ec2_metadata_service_endpoint = {imds}", &[("AWS_EC2_METADATA_DISABLED", "")],
        BESIDE, Asks("instance R")),
    ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "",
        &[("AWS_EC2_METADATA_DISABLED", ""), ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv6")], ROLE, Fails(IPV6)),
    ("ec2_metadata_service_endpoint_mode", "ec2_metadata_service_endpoint_mode = IPv6",
        &[("AWS_EC2_METADATA_DISABLED", "")], BESIDE, Fails(IPV6)),
    ("AWS_IMDS_USE_IPV6", "", &[("AWS_EC2_METADATA_DISABLED", ""), ("AWS_IMDS_USE_IPV6", "true")], ROLE, Fails(IPV6)),
    ("imds_use_ipv6", "imds_use_ipv6 = true", &[("AWS_EC2_METADATA_DISABLED", "")], BESIDE, Fails(IPV6)),
    ("AWS_METADATA_SERVICE_TIMEOUT", "",
        &[("AWS_EC2_METADATA_DISABLED", ""), ("AWS_METADATA_SERVICE_TIMEOUT", "x")], ROLE,
        Fails("invalid value 'x' for 'AWS_METADATA_SERVICE_TIMEOUT'")),
    ("metadata_service_timeout", "metadata_service_timeout = x", &[("AWS_EC2_METADATA_DISABLED", "")], BESIDE,
        Fails("invalid value 'x' for metadata_service_timeout")),
    ("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "",
        &[("AWS_EC2_METADATA_DISABLED", ""), ("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "x")], ROLE,
        Fails("invalid value 'x' for 'AWS_METADATA_SERVICE_NUM_ATTEMPTS'")),
    ("metadata_service_num_attempts", "metadata_service_num_attempts = x", &[("AWS_EC2_METADATA_DISABLED", "")], BESIDE,
        Fails("invalid value 'x' for metadata_service_num_attempts")),
    // `tests/sources/instance/` tests more of these settings.
    ("AWS_EC2_METADATA_V1_DISABLED", "", &[("AWS_EC2_METADATA_DISABLED", ""), ("AWS_EC2_METADATA_V1_DISABLED", "true"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "{container}")], ROLE, Fails("404, and IMDSv1 is disabled")),
    ("ec2_metadata_v1_disabled", "ec2_metadata_v1_disabled = true\nec2_metadata_service_endpoint = {container}",
        &[("AWS_EC2_METADATA_DISABLED", "")], BESIDE, Fails("404, and IMDSv1 is disabled")),
];

#[rustfmt::skip]
pub(super) const PLACES: &[Row] = &[
    ("AWS_PROFILE", CHAIN, &[("AWS_PROFILE", "p"), ("AWS_DEFAULT_PROFILE", "s")], &[], Asks("file T")),
    ("AWS_DEFAULT_PROFILE", CHAIN, &[("AWS_DEFAULT_PROFILE", "p")], &[], Asks("file T")),
    ("AWS_CONFIG_FILE", "", &[("AWS_CONFIG_FILE", "{home}/other")], &["-p", "other", "-r", "@R"], Asks("file R")),
    ("AWS_SHARED_CREDENTIALS_FILE", "", &[("AWS_SHARED_CREDENTIALS_FILE", "{home}/credentials")],
        &["-p", "other", "-r", "@R"], Asks("file R")),
    ("region", "region = eu-west-1\n+file", &[("AWS_REGION", "")], BESIDE, Asks("file@eu-west-1 R")),
    ("AWS_REGION AWS_DEFAULT_REGION", "region = x\n+file", &[("AWS_REGION", "eu-west-2"), ("AWS_DEFAULT_REGION", "y")],
        BESIDE, Asks("file@eu-west-2 R")),
    ("AWS_DEFAULT_REGION", "region = x\n+file", &[("AWS_REGION", ""), ("AWS_DEFAULT_REGION", "eu-west-3")],
        BESIDE, Asks("file@eu-west-3 R")),
];

const NO_STS: &str = "http://127.0.0.1:1";

#[rustfmt::skip]
pub(super) const NETWORK: &[Row] = &[
    ("endpoint_url", "endpoint_url = {sts}\n+file", &[("AWS_ENDPOINT_URL_STS", "")], BESIDE, Asks("file R")),
    ("services", "services = local\n+file\n[services local]\nsts =\n  endpoint_url = {sts}",
        &[("AWS_ENDPOINT_URL_STS", "")],
        BESIDE, Asks("file R")),
    ("AWS_ENDPOINT_URL", "+file", &[("AWS_ENDPOINT_URL_STS", ""), ("AWS_ENDPOINT_URL", "{sts}")], BESIDE,
        Asks("file R")),
    ("AWS_ENDPOINT_URL_STS", "+file", &[("AWS_ENDPOINT_URL_STS", "{sts}"), ("AWS_ENDPOINT_URL", NO_STS)],
        BESIDE, Asks("file R")),
    ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS ignore_configured_endpoint_urls",
        "ignore_configured_endpoint_urls = false\n+file",
        &[("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"), ("AWS_ENDPOINT_URL_STS", "https://sts.invalid"),
        ("HTTPS_PROXY", "http://127.0.0.1:1")], &["-p", "p", "-r", "@R", "--sts-endpoint", "{sts}"], Asks("file R")),
    // As in the CLI: a custom endpoint has no variants, so the error shows that the setting is read.
    ("use_fips_endpoint", "use_fips_endpoint = true\n+file", &[], BESIDE, Fails("FIPS cannot be used with a custom endpoint")),
    ("AWS_USE_FIPS_ENDPOINT", "+file", &[("AWS_USE_FIPS_ENDPOINT", "true")], BESIDE,
        Fails("FIPS cannot be used with a custom endpoint")),
    ("use_dualstack_endpoint", "use_dualstack_endpoint = true\n+file", &[], BESIDE,
        Fails("Dualstack cannot be used with a custom endpoint")),
    ("AWS_USE_DUALSTACK_ENDPOINT", "+file", &[("AWS_USE_DUALSTACK_ENDPOINT", "true")], BESIDE,
        Fails("Dualstack cannot be used with a custom endpoint")),
    ("ca_bundle", "ca_bundle = /no/such.pem\n+file", &[], BESIDE, Fails("/no/such.pem")),
    ("AWS_CA_BUNDLE", "ca_bundle = x\n+file", &[("AWS_CA_BUNDLE", "/no/such.pem")], BESIDE, Fails("/no/such.pem")),
    ("HTTP_PROXY", "+file", &[("AWS_ENDPOINT_URL_STS", "http://sts.invalid"), ("HTTP_PROXY", "{proxy}")], BESIDE,
        Asks("file R")),
    ("ALL_PROXY", "+file", &[("AWS_ENDPOINT_URL_STS", "http://sts.invalid"), ("ALL_PROXY", "{proxy}")], BESIDE,
        Asks("file R")),
    ("HTTPS_PROXY", "+file", &[("AWS_ENDPOINT_URL_STS", "https://sts.invalid"), ("HTTPS_PROXY", "{proxy}")],
        BESIDE, Fails("it refused to connect to https://sts.invalid")),
    ("NO_PROXY", "+file", &[("HTTP_PROXY", "http://127.0.0.1:1"), ("NO_PROXY", "127.0.0.1")], BESIDE,
        Asks("file R")),
    ("NO_PROXY", "+file", &[("HTTP_PROXY", "http://127.0.0.1:1"), ("NO_PROXY", "*")], BESIDE, Asks("file R")),
    ("NO_PROXY", "+file", &[("HTTP_PROXY", "http://127.0.0.1:1"), ("NO_PROXY", "127.0.0.1:1")], BESIDE,
        Fails("the proxy http://127.0.0.1:1 failed")),
    ("NO_PROXY AWS_ENDPOINT_URL_STS", "+file",
        &[("AWS_ENDPOINT_URL_STS", "http://sts.invalid"), ("HTTP_PROXY", "{proxy}"), ("NO_PROXY", "*.valid")], BESIDE,
        Asks("file R")),
    ("HTTP_PROXY AWS_ENDPOINT_URL_STS", "+file",
        &[("AWS_ENDPOINT_URL_STS", "HTTP://sts.invalid"), ("HTTP_PROXY", "{PROXY}")], BESIDE, Asks("file R")),
    ("endpoint_url", "endpoint_url = HTTP://sts.invalid\n+file",
        &[("AWS_ENDPOINT_URL", ""), ("AWS_ENDPOINT_URL_STS", ""), ("HTTP_PROXY", "{PROXY}")], BESIDE, Asks("file R")),
];

#[rustfmt::skip]
pub(super) const PASSED_OVER: &[Row] = &[
    ("granted_sso_start_url granted_sso_region granted_sso_account_id granted_sso_role_name granted_sso_registration_scopes",
        "granted_sso_start_url = u\ngranted_sso_region = r\ngranted_sso_account_id = 1\ngranted_sso_role_name = R\n\
         granted_sso_registration_scopes = s\n+file",
        &[], BESIDE, Says("ignoring granted_sso_role_name of profile p (a setting of granted; use sso_session, ")),
    ("autoawsume awsumepy_command source_expiration",
        "role_arn = @T\nsource_profile = q\n[profile q]\nautoawsume = true\nawsumepy_command = me -a\nsource_expiration = x\n+file",
        &[], PROFILE, Says("ignoring autoawsume of profile q (a setting of awsume; xassume renews sessions with --via ")),
    ("principal_arn", "principal_arn = arn:aws:iam::1:saml-provider/x\nrole_arn = @T\nsource_profile = p\n+file", &[],
        PROFILE, Says("ignoring principal_arn of profile p (a setting of awsume for SAML; use credential_process ")),
    ("x_principal_arn x_security_token_expires", "x_principal_arn = a\nx_security_token_expires = x\n+file", &[], BESIDE,
        Says("ignoring x_principal_arn of profile p (a setting of saml2aws; use credential_process = saml2aws login ")),
    ("tags", "tags =\n  a = b\nrole_arn = @T\nsource_profile = p\n+file", &[], PROFILE,
        Says("ignoring tags of profile p (")),
    ("transitive_tag_keys", "transitive_tag_keys = a\nrole_arn = @T\nsource_profile = p\n+file", &[], PROFILE,
        Says("ignoring transitive_tag_keys of profile p (")),
    ("policy", "policy = {}\nrole_arn = @T\nsource_profile = p\n+file", &[], PROFILE,
        Says("ignoring policy of profile p (")),
    ("policy_arns", "policy_arns = a\nrole_arn = @T\nsource_profile = p\n+file", &[], PROFILE,
        Says("ignoring policy_arns of profile p (")),
    ("sts_regional_endpoints", "sts_regional_endpoints = legacy\n+file", &[], BESIDE,
        Says("ignoring sts_regional_endpoints = legacy")),
    ("AWS_STS_REGIONAL_ENDPOINTS", "+file", &[("AWS_STS_REGIONAL_ENDPOINTS", "legacy")], BESIDE,
        Says("ignoring sts_regional_endpoints = legacy")),
    ("retry_mode max_attempts", "retry_mode = legacy\nmax_attempts = 0\n+file", &[], BESIDE,
        Says("ignoring max_attempts of profile p (passed to the command")),
    ("AWS_RETRY_MODE AWS_MAX_ATTEMPTS", "+file", &[("AWS_RETRY_MODE", "legacy"), ("AWS_MAX_ATTEMPTS", "0")], BESIDE,
        Says("ignoring AWS_RETRY_MODE (passed to the command")),
    ("sdk_ua_app_id", "sdk_ua_app_id = x\n+file", &[], BESIDE, Says("ignoring sdk_ua_app_id of profile p (")),
    ("AWS_SDK_UA_APP_ID", "+file", &[("AWS_SDK_UA_APP_ID", "x")], BESIDE, Says("ignoring AWS_SDK_UA_APP_ID (")),
    ("aws_account_id", "aws_account_id = 1\n+file", &[], BESIDE, Says("ignoring aws_account_id of profile p (")),
    ("AWS_ACCOUNT_ID AWS_CREDENTIAL_SCOPE", "+file", &[("AWS_ACCOUNT_ID", "1"), ("AWS_CREDENTIAL_SCOPE", "us-east-1")],
        BESIDE, Says("ignoring AWS_CREDENTIAL_SCOPE (the role determines the account)")),
    ("AWS_ACCESS_KEY AWS_SECRET_KEY SECRET_ACCESS_KEY", "+file",
        &[("AWS_ACCESS_KEY", "x"), ("AWS_SECRET_KEY", "x"), ("SECRET_ACCESS_KEY", "x")], BESIDE,
        Says("ignoring AWS_SECRET_KEY (use AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)")),
    ("AWS_CREDENTIAL_EXPIRATION AWS_SESSION_EXPIRATION", "",
        &[KEYS[0], KEYS[1], ("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z"), ("AWS_SESSION_EXPIRATION", "x")],
        ROLE,
        Says("ignoring AWS_CREDENTIAL_EXPIRATION (STS reports the expiry)")),
    ("AWS_CREDENTIAL_FILE BOTO_CONFIG", "+file", &[("AWS_CREDENTIAL_FILE", "/x"), ("BOTO_CONFIG", "/x")], BESIDE,
        Says("ignoring BOTO_CONFIG (legacy boto")),
    ("AWS_CREDENTIAL_PROFILES_FILE", "+file", &[("AWS_CREDENTIAL_PROFILES_FILE", "/x")], BESIDE,
        Says("ignoring AWS_CREDENTIAL_PROFILES_FILE (used by the SDK for Java 1")),
    ("AWS_SECRET_KEY_ID", "+file", &[("AWS_SECRET_KEY_ID", "x")], BESIDE,
        Says("ignoring AWS_SECRET_KEY_ID (use AWS_ACCESS_KEY_ID")),
    ("AMAZON_ACCESS_KEY_ID AMAZON_SECRET_ACCESS_KEY AMAZON_SESSION_TOKEN AWS_TOKEN", "+file",
        &[("AMAZON_ACCESS_KEY_ID", "x"), ("AMAZON_SECRET_ACCESS_KEY", "x"), ("AMAZON_SESSION_TOKEN", "x"), ("AWS_TOKEN", "x")],
        BESIDE, Says("ignoring AMAZON_ACCESS_KEY_ID (use AWS_ACCESS_KEY_ID")),
];

pub(super) const TABLES: [&[Row]; 6] = [ROLES, CREDENTIALS, METADATA, PLACES, NETWORK, PASSED_OVER];
