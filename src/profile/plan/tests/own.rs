//! Tests of profiles without a role, whose own credentials the command gets.

use super::{TOKEN, check, planned, refuse};

const SSO: &str = "[profile s]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Dev\n\
                   [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://x\n[default]\n+AKD";
const KEYS: &str = "[profile k]\n+AKK\nmfa_serial = serial-kk\n[profile l]\n+AKL\n[profile r]\nrole_arn = @R\nsource_profile = l\n\
                    [profile t]\n+AKT\naws_session_token = x\nmfa_serial = serial-tt\n[default]\n+AKD";

#[test]
fn a_named_profile_is_launched_if_nothing_names_a_role() {
    let sso = "s:sso corp https://x eu-west-1 123456789012 Dev";
    check(&[
        (SSO, "", "-p s", sso),
        (SSO, "", "-P s", sso),
        (SSO, "AWS_PROFILE=s", "", sso),
        (SSO, "AWS_DEFAULT_PROFILE=s", "", sso),
        (SSO, "", "-p default", "default:AKD"),
        // The profile is named, so its own credentials are used.
        (SSO, "AWS_PROFILE=s KEYS", "", sso),
        (SSO, "AWS_WEB_IDENTITY_TOKEN_FILE=/t AWS_PROFILE=s", "", sso),
        // Each way to a role takes precedence.
        (SSO, "", "-p s -r A", &format!("{sso} > A")),
        (SSO, "", "-p s -R A", &format!("{sso} > A")),
        (SSO, "AWS_ROLE_ARN=@Z", "-p s", &format!("{sso} > Z")),
        (KEYS, "AWS_PROFILE=r", "", "l:AKL > R"),
        (KEYS, "", "-p l", "l:AKL"),
        (KEYS, "AWS_PROFILE=r", "-p l", "l:AKL"),
        ("[profile a]\ncredential_process = c\nregion = e", "", "-p a", "a:process c"),
        ("[profile a]\nlogin_session = arn", "", "-p a", "a:login arn"),
        ("[profile a]\ncredential_source = Environment", "KEYS", "-p a", "AKENV"),
        ("[profile a]\ncredential_source = Ec2InstanceMetadata", "", "-p a", "instance"),
        (
            "[profile a]\ncredential_source = EcsContainer",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1/",
            "-p a",
            "container",
        ),
    ]);
    let notes = planned(SSO, "AWS_PROFILE=s KEYS", "").expect("a plan").notes;
    assert_eq!(
        notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["ignoring AWS_ACCESS_KEY_ID (the credentials of profile s are used)"]
    );
}

#[test]
fn without_a_named_profile_or_credentials_nothing_is_launched() {
    let container = "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1/";
    let nothing = "profile 'a' has neither role_arn nor credentials";
    refuse(&[
        (SSO, "", "", "no role specified, and profile 'default' has no role_arn", "--profile NAME"),
        (SSO, "KEYS", "", "no role specified", "--profile NAME"),
        ("", container, "", "no role specified", "--profile NAME"),
        (
            "",
            "XASSUME_LABEL=prod",
            "",
            "no role specified",
            "this environment has the session of prod: run the command",
        ),
        ("[profile a]\nregion = e", container, "-p a", nothing, "aws configure sso --profile a"),
        ("[profile a]\nregion = e", "KEYS", "-p a", nothing, "add role_arn = ARN"),
        ("[profile a]\nsource_profile = b\n[profile b]\n+AKB", "", "-p a", nothing, "add role_arn = ARN"),
        ("[profile a]\nsource_profile = b\n[profile b]\n+AKB", "", "-p a", nothing, "source_profile has no effect"),
        (
            "[profile a]\nrole-arn = @R\nsource_profile = b\n[profile b]\n+AKB",
            "",
            "-p a",
            nothing,
            "role_arn instead of role-arn?",
        ),
        ("[profile a]\nrole_arn =\nregion = e", "", "-p a", nothing, "add role_arn = ARN"),
        ("[profile a]\nsso_session = s", "", "-p a", nothing, "add sso_account_id and sso_role_name to profile 'a'"),
        ("[profile a]\nsso_start_url = u", "", "-p a", nothing, "add sso_account_id and sso_role_name to profile 'a'"),
        ("[profile a]\ninclude_profile = b\n[profile b]\n+AKB", "", "-p a", nothing, "with: --profile b"),
        ("[profile a]\ninclude_profile = b\n[profile b]\noutput = x", "", "-p a", nothing, "add role_arn = ARN"),
        (
            "[profile a]\nweb_identity_token_file = /t",
            "",
            "-p a",
            "profile 'a' has web_identity_token_file, but no role_arn",
            "add role_arn = ARN to profile 'a'",
        ),
        (
            "[profile a]\ncredential_source = Ec2InstanceMetadata",
            "AWS_EC2_METADATA_DISABLED=true",
            "-p a",
            "AWS_EC2_METADATA_DISABLED is true",
            "another credential_source",
        ),
        ("[profile a]\ncredential_source = x", "", "-p a", "unknown credential_source 'x'", "valid values"),
        ("[profile a]\naws_access_key_id = AK", "", "-p a", "no aws_secret_access_key", "add aws_secret_access_key"),
    ]);
}

#[test]
fn options_of_roles_require_a_role() {
    for (flag, name) in [
        ("--external-id ee", "--external-id"),
        ("--tag a=b", "--tag"),
        ("--source-identity me", "--source-identity"),
        ("--name me", "--role-session-name"),
        ("--policy {}", "--policy"),
        ("--policy-arn arn:aws:iam::aws:policy/P", "--policy-arn"),
        ("--duration 1h", "--duration"),
        ("--token /t", "--web-identity-token-file"),
        ("--mfa serial-ff", "--mfa-serial"),
        ("$--policy {}", "XASSUME_POLICY"),
        ("$--policy-arn arn:aws:iam::aws:policy/P", "XASSUME_POLICY_ARN"),
    ] {
        let message = format!("{name} requires a role, and profile 's' has no role_arn");
        refuse(&[(SSO, "", &format!("-p s {flag}"), &message, &format!(" {name}, or add --role-arn ARN"))]);
    }
    let message = "--duration requires a role, and profile 'k' has no role_arn";
    refuse(&[(
        KEYS,
        "",
        "-p k --duration 8h",
        message,
        "for the lifetime of the MFA session, use --mfa-session-duration,",
    )]);
    refuse(&[(KEYS, "", "-p k --tag a=b", "--tag requires a role", "remove --tag, or add --role-arn ARN")]);
    for (flag, name) in [("$--tag a=b", "TAG"), ("$--duration 2h", "DURATION"), ("$--mfa serial-ff", "MFA_SERIAL")] {
        let notes = planned(SSO, TOKEN, &format!("-p s {flag}")).expect(flag).notes;
        let note = format!("ignoring XASSUME_{name} (profile s has no role)");
        assert!(notes.iter().any(|found| found.to_string() == note), "{notes:?}");
    }
}

#[test]
fn a_device_is_used_with_long_term_keys_only() {
    check(&[
        (KEYS, "", "-p k", "k:AKK > mfa=serial-kk"),
        (KEYS, "", "-p k --mfa serial-ff", "k:AKK > mfa=serial-ff"),
        (KEYS, "", "-p l $--mfa serial-ff", "l:AKL > mfa=serial-ff"),
        (KEYS, "", "-p t", "t:AKT"),
    ]);
    let notes = planned(KEYS, "", "-p t").expect("a plan").notes;
    assert!(notes[0].to_string().starts_with("ignoring mfa_serial of profile t (without a role, "), "{notes:?}");
    refuse(&[(KEYS, "", "-p t --mfa serial-ff", "--mfa-serial requires a role", "--role-arn")]);
}

#[test]
fn only_keys_without_a_device_have_no_expiry() {
    for (text, flags, expected) in [
        (KEYS, "-p l", true),
        (KEYS, "-p t", true),
        (KEYS, "-p k", false),
        (KEYS, "-p l -r A", false),
        (SSO, "-p s", false),
    ] {
        assert_eq!(planned(text, "", flags).expect(flags).has_no_expiry(), expected, "{flags}");
    }
}
