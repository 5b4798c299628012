//! Tests of where the role comes from, and of how profiles form chains.

use super::{BASE, DEPLOY, TOKEN, check, planned, refuse};

#[test]
fn the_role_comes_from_the_first_place_that_sets_one() {
    let default_role = "[default]\nrole_arn = @X\nsource_profile = base\n[profile base]\n+AKB";
    check(&[
        // 1. --role-arn, once or repeated.
        (DEPLOY, "", "-r A", "default:AKD > A"),
        (DEPLOY, "", "-r A -r B -r A", "default:AKD > A > B > A"),
        (DEPLOY, "AWS_ROLE_ARN=@Z", "-r A", "default:AKD > A"),
        (DEPLOY, "", "-r A -p base", "base:AKB > A"),
        // If the profile has a role, its chain comes before the explicit role. The same role twice is one hop.
        (DEPLOY, "", "-r A -p deploy", "base:AKB > D > A"),
        (DEPLOY, "AWS_PROFILE=deploy", "-r A", "base:AKB > D > A"),
        (DEPLOY, "", "-r D -r A -p deploy", "base:AKB > D > A"),
        (default_role, "", "-r A", "base:AKB > X > A"),
        // 2. --profile with a role.
        (DEPLOY, "AWS_ROLE_ARN=@Z AWS_PROFILE=base", "-p deploy -R V", "base:AKB > D"),
        // 3. XASSUME_ROLE_ARN.
        (DEPLOY, "AWS_ROLE_ARN=@Z", "-R V -R W", "default:AKD > V > W"),
        (DEPLOY, "", "-R V -p base", "base:AKB > V"),
        (DEPLOY, "AWS_PROFILE=deploy", "-R V", "base:AKB > D > V"),
        // 4. AWS_PROFILE, or the default profile; XASSUME_PROFILE has the same precedence.
        (DEPLOY, "AWS_ROLE_ARN=@Z AWS_PROFILE=deploy", "", "base:AKB > D"),
        (DEPLOY, "AWS_DEFAULT_PROFILE=deploy", "", "base:AKB > D"),
        (DEPLOY, "AWS_DEFAULT_PROFILE=base AWS_PROFILE=deploy", "", "base:AKB > D"),
        (DEPLOY, "AWS_PROFILE=base", "-P deploy", "base:AKB > D"),
        (DEPLOY, "", "-P deploy -R V", "base:AKB > D > V"),
        (default_role, "AWS_ROLE_ARN=@Z", "", "base:AKB > X"),
        // 5. AWS_ROLE_ARN, with or without web identity.
        (DEPLOY, "AWS_ROLE_ARN=@Z", "", "default:AKD > Z"),
        (DEPLOY, "AWS_ROLE_ARN=@Z AWS_PROFILE=base", "", "base:AKB > Z"),
        (DEPLOY, "AWS_ROLE_ARN=@Z KEYS", "", "AKENV > Z"),
        (DEPLOY, "AWS_ROLE_ARN=@Z AWS_WEB_IDENTITY_TOKEN_FILE=/t", "", "env:token /t > Z"),
    ]);
    refuse(&[
        ("", "", "", "no role specified", "--role-arn ARN"),
        ("", "KEYS", "", "no role specified", "AWS_ROLE_ARN"),
        ("", TOKEN, "--token /x", "no role specified", "AWS_ROLE_ARN"),
        (DEPLOY, "", "", "profile 'default' has no role_arn", "--role-arn"),
        (
            "",
            "AWS_ROLE_ARN=nonsense KEYS",
            "",
            "invalid value 'nonsense' for 'AWS_ROLE_ARN': not a role ARN",
            "put the account ID",
        ),
    ]);
}

#[test]
fn only_the_role_of_aws_role_arn_is_inherited() {
    for (variables, flags, expected) in [
        ("AWS_ROLE_ARN=@Z", "", true),
        ("AWS_ROLE_ARN=@Z AWS_WEB_IDENTITY_TOKEN_FILE=/t", "-r A", true),
        ("AWS_ROLE_ARN=@Z", "-r A", false),
        ("", "-p deploy", false),
        ("", "-p deploy -r A", false),
        ("", "-p base", false),
    ] {
        assert_eq!(planned(DEPLOY, variables, flags).expect(flags).inherits_role, expected, "{variables} / {flags}");
    }
}

#[test]
fn a_chain_of_profiles_has_at_most_ten_roles() {
    let chain = |roles: usize| {
        let profile = |at| format!("[profile p{at}]\nrole_arn = @R{at}\nsource_profile = p{}\n", at + 1);
        (1..=roles).map(profile).collect::<String>() + &format!("[profile p{}]\n+AKP", roles + 1)
    };
    assert_eq!(planned(&chain(10), "", "-p p1").expect("ten roles").hops.len(), 10);
    refuse(&[(&chain(11), "", "-p p1", "more than 10 roles", "closer")]);
}

/// Profile `a`, whose source is profile `b` with these lines.
fn with(source: &str) -> String {
    format!("[profile a]\nrole_arn = @A\nsource_profile = b\n[profile b]\n{source}")
}

#[test]
fn profile_chains_of_any_depth_and_their_bases() {
    let deep = "[profile a]\nrole_arn = @A\nsource_profile = b\n[profile b]\nrole_arn = @B\nsource_profile = c\n\
                [profile c]\nrole_arn = @C\nsource_profile = d\n---\n[d]\n+AKD";
    let named = |source: &str| format!("[profile a]\nrole_arn = @A\ncredential_source = {source}");
    check(&[
        (deep, "", "-p a", "d:AKD > C > B > A"),
        (deep, "", "-p a -r Z", "d:AKD > C > B > A > Z"),
        (&with("credential_process = /x"), "", "-p a", "b:process /x > A"),
        (&with("login_session = arn:l"), "", "-p a", "b:login arn:l > A"),
        (&with("role_arn = @B\nweb_identity_token_file = /w"), "", "-p a", "b:token /w > B > A"),
        (&with("role_arn = @B\nweb_identity_token_file = /w\n+AKB"), "", "-p a", "b:token /w > B > A"),
        // Static keys of a source profile take precedence over its role, even if that role has a source.
        (&with("role_arn = @B\nsource_profile = nowhere\n+AKB"), "", "-p a", "b:AKB > A"),
        // In the first profile, the role takes precedence over the keys.
        ("[profile a]\nrole_arn = @A\nsource_profile = b\n+AKA\n[profile b]\n+AKB", "", "-p a", "b:AKB > A"),
        // A profile can be its own source.
        ("[profile a]\nrole_arn = @A\nsource_profile = a\n+AKA", "", "-p a", "a:AKA > A"),
        ("[profile a]\nrole_arn = @A\nsource_profile = a\ncredential_process = /x", "", "-p a", "a:process /x > A"),
        ("[default]\nrole_arn = @A\nsource_profile = default\n---\n[default]\n+AKD", "", "", "default:AKD > A"),
        (&named("Environment"), "KEYS", "-p a", "AKENV > A"),
        (&named("ec2instancemetadata"), "KEYS", "-p a", "instance > A"),
        (&named("ECSCONTAINER"), "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://x", "-p a", "container > A"),
        ("[profile a]\nrole_arn = @A\nweb_identity_token_file = /w", "", "-p a", "a:token /w > A"),
        ("[profile a]\nrole_arn = @A\nweb_identity_token_file = /w\nsource_profile = x", "", "-p a", "a:token /w > A"),
        ("[profile a]\nweb_identity_token_file = /w", "", "-p a -r Z", "a:token /w > Z"),
        ("[profile a]\nrole_arn = @A\nsource_profile = b c\n[profile \"b c\"]\n+AKB", "", "-p a", "b c:AKB > A"),
    ]);
    refuse(&[
        (&with("role_arn = @B\nsource_profile = a"), "", "-p a", "source_profile: a → b → a", "profile 'b'"),
        (
            "[profile x]\nrole_arn=@X\nsource_profile=a\n[profile a]\nrole_arn=@A\nsource_profile=b\n[profile b]\nrole_arn=@B\nsource_profile=a",
            "",
            "-p x",
            ": a → b → a",
            "profile 'b'",
        ),
        (&with("region = e"), "", "-p a", "profile 'b' (source_profile of 'a') has no credentials", "--profile b"),
        (
            &with("web_identity_token_file = /w"),
            "",
            "-p a",
            "profile 'b' has web_identity_token_file, but no role_arn",
            "role_arn",
        ),
        (
            &with("aws_access_key_id = x"),
            "",
            "-p a",
            "has aws_access_key_id, but no aws_secret_access_key",
            "add aws_secret_access_key",
        ),
        (&with("role_arn = @B"), "", "-p a", "profile 'b' in config has role_arn, but no source", "credential_source"),
        (
            "[profile a]\nrole_arn = @A\nsource_profile = a",
            "",
            "-p a",
            "profile 'a' (source_profile of 'a') has no",
            "a",
        ),
        (
            "[profile a]\nrole_arn = @A",
            "KEYS",
            "-p a",
            "profile 'a' in config has role_arn, but no source",
            "source_profile",
        ),
        ("---\n[a]\nrole_arn = @A", "", "-p a", "profile 'a' in credentials has role_arn", "source_profile"),
        (
            "[profile a]\nrole_arn = @A\nsource_profile = b\ncredential_source = Environment",
            "KEYS",
            "-p a",
            "has both source_profile and credential_source",
            "remove one of them",
        ),
        (
            "[profile a]\nrole_arn = @A\nsource_profile = bass\n[profile base]",
            "",
            "-p a",
            "profile 'bass' not found (source_profile of 'a' in config)",
            "did you mean 'base'?",
        ),
        (&named("Moon"), "", "-p a", "unknown credential_source 'Moon'", "Environment, Ec2InstanceMetadata"),
        (
            &named("environment"),
            "",
            "-p a",
            "credential_source = Environment, but AWS_ACCESS_KEY_ID is not set",
            "set AWS_ACCESS_KEY_ID",
        ),
        (&named("EcsContainer"), "", "-p a", "no AWS_CONTAINER_CREDENTIALS", "another credential_source"),
        (
            &named("Ec2InstanceMetadata"),
            "AWS_EC2_METADATA_DISABLED=true",
            "-p a",
            "AWS_EC2_METADATA_DISABLED is",
            "another",
        ),
    ]);
}

#[test]
fn unknown_profiles_are_errors() {
    refuse(&[
        (BASE, "", "-p bass", "profile 'bass' not found (from --profile)", "did you mean 'base'?"),
        (BASE, "", "-P x", "profile 'x' not found (from XASSUME_PROFILE)", "base"),
        (BASE, "KEYS AWS_PROFILE=x", "-r A", "profile 'x' not found (from AWS_PROFILE)", "base"),
        (BASE, "AWS_DEFAULT_PROFILE=x", "-r A", "(from AWS_DEFAULT_PROFILE)", "base"),
        (BASE, "AWS_PROFILE=default", "-r A", "profile 'default' not found", "base"),
        ("", "AWS_PROFILE=x", "-r A", "profile 'x' not found", "AWS_CONFIG_FILE"),
        ("[x]\n", "AWS_PROFILE=x", "-r A", "profile 'x' not found", "rename the section [x] to [profile x] in"),
        ("---\n[profile x]", "", "-p x", "profile 'x' not found", "rename the section [profile x] to [x] in"),
        // The hint to rename a section also appears for a source profile, and if another section of that profile is
        // read.
        (
            "[profile a]\nrole_arn = @A\nsource_profile = x\n---\n[profile x]\n+AKX",
            "",
            "-p a",
            "profile 'x' not found (source_profile of 'a'",
            "rename the section [profile x] to [x] in the credentials file",
        ),
        (
            "[profile a]\nrole_arn = @A\nsource_profile = x\n[profile x]\nregion = e\n---\n[profile x]\n+AKX",
            "",
            "-p a",
            "profile 'x' (source_profile of 'a') has no credentials",
            "rename the section [profile x] to [x] in the credentials file",
        ),
        (
            "[profile x]\nregion = e\n---\n[profile x]\nrole_arn = @A",
            "",
            "-p x",
            "profile 'x' has neither role_arn nor credentials",
            "rename the section [profile x] to [x] in the credentials file",
        ),
        (
            "---\n[profile default]\nrole_arn = @A",
            "",
            "",
            "no role specified",
            "rename the section [profile default] to [default]",
        ),
        (
            "[default]\nregion = e\n---\n[profile default]\n+AKX",
            "AWS_EC2_METADATA_DISABLED=true",
            "-r A -p default",
            "profile 'default' (written [profile default], not [default])",
            "AWS_ACCESS_KEY_ID",
        ),
    ]);
    // The hint to rename a section does not appear for a profile that is not used.
    check(&[(BASE, "AWS_PROFILE=x", "-r A -p base", "base:AKB > A")]);
}

#[test]
fn a_command_that_prints_a_token_is_a_base_as_a_token_file_is() {
    check(&[
        ("[profile a]\nrole_arn = @A\nweb_identity_token_process = c d", "", "-p a", "a:token by c d > A"),
        ("[profile a]\nweb_identity_token_process = c d", "", "-p a -r Z", "a:token by c d > Z"),
        (&with("role_arn = @B\nweb_identity_token_process = c\n+AKB"), "KEYS", "-p a", "b:token by c > B > A"),
    ]);
    refuse(&[
        (
            &with("web_identity_token_process = c"),
            "",
            "-p a",
            "profile 'b' has web_identity_token_process, but no role_arn",
            "role_arn",
        ),
        (
            &with("role_arn = @B\nweb_identity_token_process = c\nweb_identity_token_file = /w"),
            "",
            "-p a",
            "has both web_identity_token_file and web_identity_token_process",
            "remove one",
        ),
    ]);
}
