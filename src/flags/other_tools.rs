//! Flags of other tools that users try: those of aws-vault, granted, aws-runas, saml2aws, awsume and the AWS CLI.

/// The flags of other tools, without their dashes. Each row has the flag of xassume with the same effect.
const EQUIVALENTS: &[(&[&str], &str)] = &[
    (&["arn", "assume-role", "chain", "iam-role", "role", "role-name"], "--role-arn ARN"),
    (&["a", "aws-profile", "exec-profile", "idp-account", "source-profile"], "--profile NAME"),
    (&["session-name", "rolesessionname"], "--role-session-name NAME"),
    (
        &["d", "assume-role-ttl", "duration-seconds", "role-duration", "session-duration", "session-ttl", "ttl"],
        "--duration TIME",
    ),
    (&["mfa-arn", "mfa-device", "serial", "serial-number"], "--mfa-serial SERIAL"),
    (&["t", "m", "mfa", "mfa-code", "otp", "token", "token-code"], "--mfa-token CODE"),
    (&["mfa-process", "prompt"], "--mfa-command COMMAND"),
    (&["tags", "session-tags"], "--tag KEY=VALUE"),
    (&["transitive-tag-keys", "transitive-session-tags"], "--transitive-tag KEY"),
    (&["policy-arns"], "--policy-arn ARN"),
    (&["endpoint-url"], "--sts-endpoint URL"),
    (&["s", "ec2", "ec2-server", "ecs", "ecs-server", "lazy", "server"], "--via endpoint"),
    (&["json"], "--print json"),
    (&["env", "export", "format"], "--print export"),
    (&["refresh", "force"], "--force-refresh"),
    (&["clear", "flush", "forget"], "--clear-cache"),
    (&["whoami", "diagnose"], "--check"),
    (&["debug"], "-vv"),
    (&["restart"], "--on-expiry restart"),
    (&["e", "exec", "command"], "-- COMMAND"),
];

/// The flags of other tools for which xassume has no flag, without their dashes. Each row has the hint about them.
const WITHOUT_EQUIVALENT: &[(&[&str], &str)] = &[
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

/// Returns the flag of xassume with the same effect as a flag of another tool, or `None` if there is none. The name has no
/// dashes.
pub(crate) fn equivalent(name: &str) -> Option<&'static str> {
    EQUIVALENTS.iter().find(|(names, _)| names.contains(&name)).map(|(_, flag)| *flag)
}

#[cfg(test)]
mod tests {
    use super::super::all_flags;
    use super::*;

    #[test]
    fn each_row_leads_from_a_flag_that_xassume_lacks_to_one_that_it_has() {
        for (names, flag) in EQUIVALENTS {
            let name = flag.split(' ').next().unwrap_or_default().trim_start_matches('-');
            let is_short = |flag: &crate::flags::Flag| name.chars().all(|letter| flag.short == Some(letter));
            let exists = name.is_empty() || all_flags().any(|flag| flag.long == name || is_short(flag));
            assert!(exists, "{flag}");
            for name in *names {
                let is_own = all_flags()
                    .any(|flag| flag.long == *name || flag.short.is_some_and(|short| *name == short.to_string()));
                assert!(!is_own, "{name}");
            }
        }
        assert_eq!((equivalent("role"), equivalent("no-such-flag")), (Some("--role-arn ARN"), None));
    }
}
