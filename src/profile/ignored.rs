//! Keys and variables without effect, each with the reason. `-v` logs them, since a user who set one expects an effect.

use super::network::Used;
use super::set::ProfileSet;
use crate::vars::Vars;

/// Keys of a profile with a role that look like AWS's, but are not.
const OF_ROLES: &[(&str, &str)] = &[
    ("policy", "no AWS tool reads it (use --policy)"),
    ("policy_arns", "no AWS tool reads it (use --policy-arn)"),
    ("source_identity", "no AWS tool reads it (use --source-identity)"),
    ("tags", "no AWS tool reads it (use --tag)"),
    ("transitive_tag_keys", "no AWS tool reads it (use --transitive-tag)"),
];

const RETRIES: &str = "it is the command's, and xassume's own limit is --sts-timeout";
const AGENT: &str = "it is the command's, and xassume's own calls name xassume";
const ACCOUNT: &str = "the account is that of the role";

/// Keys of the profile whose settings apply.
const OF_THE_USED: &[(&str, &str)] =
    &[("aws_account_id", ACCOUNT), ("max_attempts", RETRIES), ("retry_mode", RETRIES), ("sdk_ua_app_id", AGENT)];

const KEYS: &str = "keys are read from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
const EXPIRY: &str = "STS itself says when keys have expired";
const BOTO_2: &str = "it is boto 2's, and keys are read from the shared config files";

const JAVA_1: &str = "it is Java 1's, and AWS_SHARED_CREDENTIALS_FILE names the credentials file";

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

/// One sentence for each setting without effect.
pub(super) fn notes<'a>(
    profiles: &ProfileSet,
    with_roles: impl Iterator<Item = &'a str>,
    used: Option<Used<'_>>,
    vars: &Vars,
) -> Vec<String> {
    let mut notes = Vec::new();
    let mut keys = |profile: &str, table: &[(&str, &str)]| {
        let Some(settings) = profiles.profile(profile) else { return };
        for (key, reason) in table {
            if settings.get(key).is_some() || !settings.nested(key).is_empty() {
                notes.push(format!("{key} of profile {profile} is not used: {reason}"));
            }
        }
    };
    with_roles.for_each(|profile| keys(profile, OF_ROLES));
    if let Some(used) = used {
        keys(used.name, OF_THE_USED);
    }
    for (name, reason) in VARIABLES {
        if vars.text(name).is_some() {
            notes.push(format!("{name} is not used: {reason}"));
        }
    }
    if vars.text("AWS_SESSION_TOKEN").is_some() && vars.text("AWS_SECURITY_TOKEN").is_some() {
        notes.push("AWS_SECURITY_TOKEN is not used: AWS_SESSION_TOKEN comes first".into());
    }
    notes
}
