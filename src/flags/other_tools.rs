//! Flags of other tools that users try: those of aws-vault, granted, aws-runas, saml2aws, awsume and the AWS CLI.

use super::{
    CHECK, CLEAR_CACHE, DURATION, FORCE_REFRESH, Flag, MFA_COMMAND, MFA_SERIAL, MFA_TOKEN, ON_EXPIRY, POLICY_ARN,
    PRINT, PROFILE, ROLE_ARN, ROLE_SESSION_NAME, STS_ENDPOINT, TAG, TRANSITIVE_TAG, VIA,
};

/// The flags of other tools, without their dashes. Each row has the flag of xassume with the same effect, and
/// its value.
const EQUIVALENTS: &[(&[&str], &Flag, &str)] = &[
    (&["arn", "assume-role", "chain", "iam-role", "role", "role-name"], &ROLE_ARN, "ARN"),
    (&["a", "aws-profile", "exec-profile", "idp-account", "source-profile"], &PROFILE, "NAME"),
    (&["session-name", "rolesessionname"], &ROLE_SESSION_NAME, "NAME"),
    (
        &["d", "assume-role-ttl", "duration-seconds", "role-duration", "session-duration", "session-ttl", "ttl"],
        &DURATION,
        "TIME",
    ),
    (&["mfa-arn", "mfa-device", "serial", "serial-number"], &MFA_SERIAL, "SERIAL"),
    (&["t", "m", "mfa", "mfa-code", "otp", "token", "token-code"], &MFA_TOKEN, "CODE"),
    (&["mfa-process", "prompt"], &MFA_COMMAND, "COMMAND"),
    (&["tags", "session-tags"], &TAG, "KEY=VALUE"),
    (&["transitive-tag-keys", "transitive-session-tags"], &TRANSITIVE_TAG, "KEY"),
    (&["policy-arns"], &POLICY_ARN, "ARN"),
    (&["endpoint-url"], &STS_ENDPOINT, "URL"),
    (&["s", "ec2", "ec2-server", "ecs", "ecs-server", "lazy", "server"], &VIA, "endpoint"),
    (&["json"], &PRINT, "json"),
    (&["env", "export", "format"], &PRINT, "export"),
    (&["refresh", "force"], &FORCE_REFRESH, ""),
    (&["clear", "flush", "forget"], &CLEAR_CACHE, ""),
    (&["whoami", "diagnose"], &CHECK, ""),
    (&["restart"], &ON_EXPIRY, "restart"),
];

/// The flags of other tools for which xassume has no such flag, without their dashes. Each row has the hint about them.
const WITHOUT_EQUIVALENT: &[(&[&str], &str)] = &[
    (&["debug"], "did you mean -vv? flags of the command go after --"),
    (&["e", "exec", "command"], "did you mean -- COMMAND? flags of the command go after --"),
    (&["n", "no-session"], "remove the flag: xassume calls GetSessionToken only for MFA"),
    (&["list", "profiles"], "for cached sessions: xassume --list-sessions; for profiles: aws configure list-profiles"),
    (&["login", "sso", "sso-login"], "xassume -p NAME -- COMMAND asks to sign in if needed; or run: aws sso login"),
    (&["logout", "sso-logout"], "run: aws sso logout"),
    (&["console", "stdout"], "xassume does not log in to the console; aws-vault login does"),
];

/// Returns the hint about a flag of another tool for which xassume has no flag. The name has no dashes.
pub(crate) fn without_equivalent(name: &str) -> Option<&'static str> {
    WITHOUT_EQUIVALENT.iter().find(|(names, _)| names.contains(&name)).map(|(_, hint)| *hint)
}

/// Returns the flag of xassume with the same effect as a flag of another tool, and its value. Returns `None` if there is no
/// such flag. The name has no dashes.
pub(crate) fn equivalent(name: &str) -> Option<(&'static Flag, &'static str)> {
    EQUIVALENTS.iter().find(|(names, ..)| names.contains(&name)).map(|(_, flag, value)| (*flag, *value))
}

#[cfg(test)]
mod tests {
    use super::super::all_flags;
    use super::*;

    #[test]
    fn a_flag_that_has_an_equivalent_is_not_xassumes_own() {
        for name in EQUIVALENTS.iter().flat_map(|(names, ..)| *names) {
            let is_own = |flag: &Flag| flag.long == *name || flag.short.is_some_and(|short| *name == short.to_string());
            assert!(!all_flags().any(is_own), "{name}");
        }
        assert_eq!((equivalent("role"), equivalent("no-such-flag")), (Some((&ROLE_ARN, "ARN")), None));
    }

    #[test]
    fn only_a_flag_with_a_value_gets_one() {
        for (_, flag, value) in EQUIVALENTS {
            assert_eq!(flag.value.is_empty(), value.is_empty(), "--{} {value}", flag.long);
            let is_known = flag.values.is_empty() || flag.values.iter().any(|(word, _)| word == value);
            assert!(is_known, "--{} {value}", flag.long);
        }
    }
}
