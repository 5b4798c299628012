//! Flags of other tools that users try: those of aws-vault, granted, aws-runas, saml2aws, awsume and the AWS CLI.

/// The flags of other tools, without their dashes. Each row has the flag of xassume with the same effect.
const EQUIVALENTS: &[(&[&str], &str)] = &[
    (&["role", "role-name", "chain", "iam-role"], "--role-arn ARN"),
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
    (&["e", "exec", "command"], "-- COMMAND"),
];

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
            let is_short = |flag: &crate::flags::Flag| flag.short.is_some_and(|short| name.contains(short));
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
