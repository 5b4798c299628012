//! Finds keys and variables that have no effect on xassume. `-v` logs each of them with the reason, because a user who
//! sets one expects an effect.

use super::set::ProfileSet;
use crate::event::Ignored;
use crate::vars::Vars;
use std::collections::BTreeSet;

/// Keys that users write in a profile with a role, because they look like settings of AWS, although they are not.
const OF_ROLES: &[(&str, &str)] = &[
    ("policy", "not a standard setting; use --policy"),
    ("policy_arns", "not a standard setting; use --policy-arn"),
    ("tags", "not a standard setting; use session_tags or --tag"),
    ("transitive_tag_keys", "not a standard setting; use transitive_session_tags or --transitive-tag"),
];

const RETRIES: &str = "passed to the command; see --sts-timeout for xassume";
const AGENT: &str = "passed to the command; calls of xassume identify as xassume";
const ACCOUNT: &str = "the role determines the account";

/// Keys that have no effect on xassume. They are reported only if they are in the profile whose settings apply.
const OF_THE_USED: &[(&str, &str)] =
    &[("aws_account_id", ACCOUNT), ("max_attempts", RETRIES), ("retry_mode", RETRIES), ("sdk_ua_app_id", AGENT)];

const GRANTED: &str = "a setting of granted; use sso_session, sso_account_id and sso_role_name";
const AWSUME: &str = "a setting of awsume; xassume renews sessions with --via endpoint or --via file";
const SAML: &str = "a setting of awsume for SAML; use credential_process with a program that supports SAML";
const SAML2AWS: &str = "a setting of saml2aws; use credential_process = saml2aws login --credential-process --role ARN";

/// Keys with which other tools extend the shared files. The keys of granted are those that its command
/// `assume` reads. awsume and saml2aws write their keys beside the access keys that they store.
const OF_OTHER_TOOLS: &[(&str, &str)] = &[
    ("granted_sso_start_url", GRANTED),
    ("granted_sso_region", GRANTED),
    ("granted_sso_account_id", GRANTED),
    ("granted_sso_role_name", GRANTED),
    ("granted_sso_registration_scopes", GRANTED),
    ("autoawsume", AWSUME),
    ("awsumepy_command", AWSUME),
    ("source_expiration", AWSUME),
    ("principal_arn", SAML),
    ("x_principal_arn", SAML2AWS),
    ("x_security_token_expires", SAML2AWS),
];

const KEYS: &str = "use AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
const EXPIRY: &str = "STS reports the expiry";
const BOTO_2: &str = "legacy boto configuration";

const JAVA_1: &str = "used by the SDK for Java 1 only; use AWS_SHARED_CREDENTIALS_FILE";

const VARIABLES: &[(&str, &str)] = &[
    ("AWS_ACCESS_KEY", KEYS),
    ("AWS_SECRET_KEY", KEYS),
    ("SECRET_ACCESS_KEY", KEYS),
    ("AWS_SECRET_KEY_ID", KEYS),
    ("AMAZON_ACCESS_KEY_ID", KEYS),
    ("AMAZON_SECRET_ACCESS_KEY", KEYS),
    ("AMAZON_SESSION_TOKEN", KEYS),
    ("AWS_TOKEN", KEYS),
    ("AWS_CREDENTIAL_EXPIRATION", EXPIRY),
    ("AWS_SESSION_EXPIRATION", EXPIRY),
    ("AWS_CREDENTIAL_FILE", BOTO_2),
    ("BOTO_CONFIG", BOTO_2),
    ("AWS_CREDENTIAL_PROFILES_FILE", JAVA_1),
    ("AWS_ACCOUNT_ID", ACCOUNT),
    ("AWS_CREDENTIAL_SCOPE", ACCOUNT),
    ("AWS_MAX_ATTEMPTS", RETRIES),
    ("AWS_RETRY_MODE", RETRIES),
    ("AWS_SDK_UA_APP_ID", AGENT),
];

/// Returns a note for each setting that has no effect. `with_roles` are the profiles whose roles are assumed,
/// `of_source` is the profile with the source credentials, and `used` is the profile whose settings apply.
pub(super) fn notes<'a>(
    profiles: &ProfileSet,
    with_roles: impl Iterator<Item = &'a str>,
    of_source: Option<&'a str>,
    used: &'a str,
    vars: &Vars,
) -> Vec<Ignored> {
    let mut notes = Vec::new();
    let mut keys = |profile: &str, table: &[(&str, &str)]| {
        let Some(settings) = profiles.profile(profile) else { return };
        for (key, reason) in table {
            if settings.get(key).is_some() || !settings.nested(key).is_empty() {
                notes.push(Ignored::new(format_args!("{key} of profile {profile}"), *reason));
            }
        }
    };
    let mut of_plan: BTreeSet<&str> = of_source.into_iter().chain([used]).collect();
    for profile in with_roles {
        keys(profile, OF_ROLES);
        of_plan.insert(profile);
    }
    keys(used, OF_THE_USED);
    for profile in of_plan {
        keys(profile, OF_OTHER_TOOLS);
    }
    for (name, reason) in VARIABLES {
        if vars.text(name).is_some() {
            notes.push(Ignored::new(name, *reason));
        }
    }
    if vars.text("AWS_SESSION_TOKEN").is_some() && vars.text("AWS_SECURITY_TOKEN").is_some() {
        notes.push(Ignored::new("AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN is set"));
    }
    notes
}
