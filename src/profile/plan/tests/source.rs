//! Tests of where the source credentials come from.

use super::{BASE, DEPLOY, TOKEN, check, planned, refuse};
use crate::profile::Source;

#[test]
fn keys_in_the_environment_are_the_source_without_the_profile_flag() {
    let web = "[profile w]\nrole_arn = @W\nweb_identity_token_file = /w";
    check(&[
        (DEPLOY, "KEYS", "-r A", "AKENV > A"),
        (DEPLOY, "KEYS AWS_PROFILE=deploy", "-r A", "AKENV > A"),
        (DEPLOY, "KEYS AWS_WEB_IDENTITY_TOKEN_FILE=/t AWS_ROLE_ARN=@Z", "-r A", "AKENV > A"),
        (DEPLOY, "KEYS", "-r A -P base", "AKENV > A"),
        (DEPLOY, "KEYS", "-r A -p base", "base:AKB > A"),
        (DEPLOY, "KEYS", "-p deploy", "base:AKB > D"),
        (DEPLOY, "AWS_ACCESS_KEY_ID=half", "-p deploy", "base:AKB > D"),
        // The role of a profile applies, but its source, if there is one, is replaced.
        (DEPLOY, "KEYS AWS_PROFILE=deploy", "", "AKENV > D"),
        ("[default]\nrole_arn = @X", "KEYS", "", "AKENV > X"),
        ("[default]\nrole_arn = @X\nsource_profile=b\n[profile b]\nrole_arn = @Y", "KEYS", "", "AKENV > Y > X"),
        // A web identity role can be assumed with the token only, not with keys.
        (web, "KEYS AWS_PROFILE=w", "", "w:token /w > W"),
        (web, "KEYS AWS_PROFILE=w", "-r A", "AKENV > A"),
        ("", "KEYS AWS_ROLE_ARN=@Z AWS_WEB_IDENTITY_TOKEN_FILE=/t", "", "env:token /t > Z"),
        // An empty variable counts as unset.
        (DEPLOY, "AWS_ACCESS_KEY_ID= AWS_SECRET_ACCESS_KEY= AWS_PROFILE= AWS_ROLE_ARN=", "-r A", "default:AKD > A"),
    ]);
    refuse(&[
        ("", "AWS_ACCESS_KEY_ID=a", "-r A", "AWS_SECRET_ACCESS_KEY is not", "set AWS_SECRET_ACCESS_KEY"),
        ("", "AWS_SECRET_ACCESS_KEY=a", "-r A", "AWS_ACCESS_KEY_ID is not", "set AWS_ACCESS_KEY_ID"),
    ]);
    let token = |variables| match planned("", &format!("KEYS {variables}"), "-r A").expect("plan").source {
        Source::EnvironmentKeys(keys) => keys.session_token.map(|token| token.reveal().to_owned()),
        other => panic!("{other}"),
    };
    assert_eq!(token("AWS_SECURITY_TOKEN=old AWS_SESSION_TOKEN=new").as_deref(), Some("new"));
    assert_eq!(token("AWS_SECURITY_TOKEN=old AWS_SESSION_TOKEN=").as_deref(), Some("old"));
    assert_eq!(token(""), None);
}

#[test]
fn web_identity_from_the_environment_and_from_the_flag() {
    check(&[
        ("", TOKEN, "-r A", "env:token /t > A"),
        ("", TOKEN, "-r A -r B", "env:token /t > A > B"),
        ("", "AWS_WEB_IDENTITY_TOKEN_FILE=/t AWS_ROLE_ARN=@Z", "-r A -r B", "env:token /t > Z > A > B"),
        ("", "AWS_WEB_IDENTITY_TOKEN_FILE=/t AWS_ROLE_ARN=@A", "-r A -r B", "env:token /t > A > B"),
        ("", "AWS_WEB_IDENTITY_TOKEN_FILE=/t AWS_ROLE_ARN=@A", "-R A", "env:token /t > A"),
        // A profile's role precedes the token, and the token precedes the profile's credentials. --profile hides the
        // token.
        (DEPLOY, "AWS_WEB_IDENTITY_TOKEN_FILE=/t AWS_PROFILE=deploy", "", "base:AKB > D"),
        (DEPLOY, TOKEN, "-r A", "env:token /t > A"),
        (DEPLOY, TOKEN, "-r A -p base", "base:AKB > A"),
        (DEPLOY, "AWS_WEB_IDENTITY_TOKEN_FILE=/t AWS_ROLE_ARN=@Z", "-p base", "base:AKB > Z"),
        // --web-identity-token-file takes precedence over all other sources.
        (DEPLOY, "KEYS", "-r A --token /f", "token /f > A"),
        (DEPLOY, "KEYS", "-r A -p base --token /f", "token /f > A"),
        (DEPLOY, "AWS_ROLE_ARN=@Z", "-r A --token /f", "token /f > Z > A"),
        (DEPLOY, "AWS_ROLE_ARN=@A", "-r A --token /f", "token /f > A"),
        (DEPLOY, "AWS_ROLE_ARN=@Z AWS_WEB_IDENTITY_TOKEN_FILE=/f", "-r A --token /f", "token /f > Z > A"),
        (DEPLOY, "AWS_ROLE_ARN=@Z AWS_WEB_IDENTITY_TOKEN_FILE=/t", "-r A --token /f", "token /f > A"),
        (DEPLOY, "AWS_ROLE_ARN=@Z", "--token /f", "token /f > Z"),
        (DEPLOY, "AWS_ROLE_ARN=@Z AWS_WEB_IDENTITY_TOKEN_FILE=/t", "--token /f", "token /f > Z"),
        // --web-identity-token-file replaces the source of a profile. With --role-arn, the role of AWS_PROFILE is not
        // assumed.
        (DEPLOY, "", "-p deploy --token /f", "token /f > D"),
        (DEPLOY, "", "-p deploy -r A --token /f", "token /f > D > A"),
        (DEPLOY, "AWS_PROFILE=deploy", "-r A --token /f", "token /f > A"),
        ("[default]\nrole_arn = @X", "", "--token /f", "token /f > X"),
    ]);
    // A command and a provider rank as --web-identity-token-file does. In a pod, AWS_ROLE_ARN belongs to
    // AWS_WEB_IDENTITY_TOKEN_FILE, so it is ignored.
    let pod = "KEYS AWS_ROLE_ARN=@Z AWS_WEB_IDENTITY_TOKEN_FILE=/t";
    for (flag, source) in [("--token-command c", "token by c"), ("--provider github", "token for sts.amazonaws.com")] {
        check(&[
            (DEPLOY, "KEYS", &format!("-r A {flag}"), &format!("{source} > A")),
            (DEPLOY, "KEYS", &format!("-r A ${flag}"), &format!("{source} > A")),
            (DEPLOY, "", &format!("-p deploy {flag}"), &format!("{source} > D")),
            (DEPLOY, "AWS_ROLE_ARN=@Z", &format!("-r A {flag}"), &format!("{source} > Z > A")),
            (DEPLOY, pod, &format!("-r A {flag}"), &format!("{source} > A")),
        ]);
    }
}

#[test]
fn the_credentials_of_a_profile_are_in_botocores_order() {
    let sso = "sso_start_url = u\nsso_region = e\nsso_account_id = 111122223333\nsso_role_name = R\n";
    let rest = "login_session = arn:l\ncredential_process = /p x\n";
    let text = |parts: &[&str]| format!("[default]\n{}", parts.concat());
    let web = "web_identity_token_file = /w\n";
    check(&[
        (&text(&[rest, "+AKC\n", sso, web, "---\n[default]\n+AKS"]), "", "-r A", "default:token /w > A"),
        (&text(&[rest, "+AKC\n", sso, "---\n[default]\n+AKS"]), "", "-r A", "default:sso - u e 111122223333 R > A"),
        (&text(&[rest, "+AKC\n---\n[default]\n+AKS"]), "", "-r A", "default:AKS > A"),
        (&text(&[rest, "+AKC\n"]), "", "-r A", "default:login arn:l > A"),
        (&text(&["credential_process = /p x\n+AKC"]), "", "-r A", "default:process /p x > A"),
        (&text(&["+AKC"]), "", "-r A", "default:AKC > A"),
        ("---\n[only]\n+AKO", "", "-r A -p only", "only:AKO > A"),
        // The access key ID and the secret access key may be in different files.
        (
            "[default]\naws_secret_access_key = s\n---\n[default]\naws_access_key_id = AKX",
            "",
            "-r A",
            "default:AKX > A",
        ),
        // The container and the instance come last, even with --profile.
        ("[default]", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x", "-r A", "container > A"),
        ("", "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://x", "-r A", "container > A"),
        ("[profile p]\nregion = e", "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://x KEYS", "-r A -p p", "container > A"),
        ("", "", "-r A", "instance > A"),
        ("", "AWS_EC2_METADATA_DISABLED=false", "-r A", "instance > A"),
    ]);
    let off = "AWS_EC2_METADATA_DISABLED=TRUE";
    refuse(&[
        (
            "",
            off,
            "-r A",
            "tried: AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE, profile 'default' (not found)",
            "AWS_ACCESS_KEY_ID",
        ),
        (
            "[profile p]",
            off,
            "-r A -p p",
            "tried: profile 'p', container variables, instance metadata",
            "--profile NAME",
        ),
        (
            "[default]\naws_access_key_id = a",
            "",
            "-r A",
            "config has aws_access_key_id, but no aws_secret_access_key",
            "add",
        ),
        (
            "---\n[p]\naws_secret_access_key = a",
            "",
            "-r A -p p",
            "credentials has aws_secret_access_key, but no aws_access_key_id",
            "add",
        ),
    ]);
}

#[test]
fn a_token_in_the_place_of_a_path_or_a_command_is_an_error() {
    let process = "[profile w]\nrole_arn = @W\nweb_identity_token_process = echo eyJh.eyJi";
    refuse(&[
        ("", "", "-r A --token eyJh.eyJi", "--web-identity-token-file contains a token, not a path", "'printenv NAME'"),
        (process, "", "-p w", "of profile 'w' contains a token, not a command that prints one", "'printenv NAME'"),
    ]);
}

#[test]
fn a_token_counts_only_in_the_file_of_the_key_id() {
    let token = |text: &str| match planned(text, "", "-r A").expect("plan").source {
        Source::ProfileKeys { keys, .. } => keys.session_token.map(|token| token.reveal().to_owned()),
        other => panic!("{other}"),
    };
    assert_eq!(token("[default]\n+AK\naws_session_token = t").as_deref(), Some("t"));
    assert_eq!(token("[default]\n+AK\naws_security_token = t").as_deref(), Some("t"));
    assert_eq!(token("[default]\n+AK\naws_session_token = t\naws_security_token = u").as_deref(), Some("t"));
    assert_eq!(token("[default]\n+OLD\naws_session_token = t\n---\n[default]\n+AK"), None);
}

#[test]
fn sso_in_both_forms() {
    let session = "[sso-session corp]\nsso_region = e\nsso_start_url = u\n";
    let profile = "[profile p]\nsso_account_id = 111122223333\nsso_role_name = R\n";
    let sso = |more: &str| format!("{session}{profile}{more}");
    check(&[
        (&sso("sso_session = corp"), "", "-r A -p p", "p:sso corp u e 111122223333 R > A"),
        (&sso("sso_session = corp\nsso_region = e"), "", "-r A -p p", "p:sso corp u e 111122223333 R > A"),
        (&sso("sso_region = x\nsso_start_url = y"), "", "-r A -p p", "p:sso - y x 111122223333 R > A"),
        (
            "[sso-session s]\nsso_region = e\nsso_start_url = u\nsso_registration_scopes = a:b, ,c\n\
             [profile p]\nsso_account_id = 111122223333\nsso_role_name = R\nsso_session = s",
            "",
            "-r A -p p",
            "p:sso s u e 111122223333 R a:b+c > A",
        ),
        (&sso("sso_region = EU-West-1\nsso_start_url = y"), "", "-r A -p p", "p:sso - y eu-west-1 111122223333 R > A"),
        // Without an account and a role, an SSO session is used only for bearer tokens, so it is not a source of
        // credentials.
        ("[profile p]\nsso_session = corp\n+AKP", "", "-r A -p p", "p:AKP > A"),
        (
            &sso("sso_session = corp\n[profile a]\nrole_arn = @A\nsource_profile = p"),
            "",
            "-p a",
            "p:sso corp u e 111122223333 R > A",
        ),
    ]);
    refuse(&[
        (profile, "", "-r A -p p", "missing sso_start_url, sso_region", "aws configure sso --profile p"),
        (
            "[profile p]\nsso_role_name = R\nsso_region = e\nsso_start_url = u",
            "",
            "-r A -p p",
            "missing sso_account_id",
            "p",
        ),
        (
            "[profile p]\nsso_account_id = R\nsso_region = e\nsso_start_url = u",
            "",
            "-r A -p p",
            "missing sso_role_name",
            "p",
        ),
        (
            &format!("[sso-session corp]\nsso_region = e\n{profile}sso_session = corp"),
            "",
            "-r A -p p",
            "missing sso_start_url",
            "add sso_start_url to [sso-session corp]",
        ),
        (
            &sso("sso_session = corp\nsso_region = z"),
            "",
            "-r A -p p",
            "[sso-session corp] have different values for sso_region",
            "remove",
        ),
        (
            &format!("[sso-session corp]\nsso_region = evil.example/\nsso_start_url = u\n{profile}sso_session = corp"),
            "",
            "-r A -p p",
            "invalid value 'evil.example/' for sso_region",
            "eu-west-1",
        ),
        (&sso("sso_session = crop"), "", "-r A -p p", "[sso-session crop] not found (from profile 'p')", "corp"),
        (&format!("{profile}sso_session = x"), "", "-r A -p p", "[sso-session x] not found", "add a section"),
    ]);
}

#[test]
fn the_plan_has_the_used_profile_and_sources_are_shown_without_secrets() {
    let used = |variables, flags| planned(DEPLOY, variables, flags).expect("plan").profile;
    assert_eq!(used("", "-p deploy").as_deref(), Some("deploy"));
    assert_eq!(used("KEYS AWS_PROFILE=base", "-r A").as_deref(), Some("base"));
    assert_eq!(used("", "-r A").as_deref(), Some("default"));
    assert_eq!(planned("", "KEYS", "-r A").expect("plan").profile, None);
    for (text, variables, flags, expected) in [
        ("", "KEYS", "-r A", "keys in the environment (AKENV)"),
        (BASE, "", "-r A -p base", "keys of profile base (AKB)"),
        (
            "[default]\ncredential_process = /bin/x --password hidden",
            "",
            "-r A",
            "credential_process of profile default (/bin/x)",
        ),
        ("[default]\nlogin_session = arn:l", "", "-r A", "`aws login` of profile default (arn:l)"),
        (
            "[default]\nsso_start_url=u\nsso_region=e\nsso_account_id=111122223333\nsso_role_name=R",
            "",
            "-r A",
            "SSO of profile default (R in account 111122223333)",
        ),
        ("", TOKEN, "-r A", "web identity token /t (AWS_WEB_IDENTITY_TOKEN_FILE)"),
        ("", "", "-r A --token /f", "web identity token /f"),
        ("[default]\nweb_identity_token_file = /w", "", "-r A", "web identity token /w of profile default"),
        (
            "[default]\nweb_identity_token_process = /bin/x --password hidden",
            "",
            "-r A",
            "web identity token from the command /bin/x of profile default",
        ),
        ("", "", "-r A --token-command x", "web identity token from the command x"),
        (
            "",
            "",
            "-r A $--provider github",
            "web identity token from GitHub Actions (audience sts.amazonaws.com) (XASSUME_WEB_IDENTITY_PROVIDER)",
        ),
        ("", "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://x", "-r A", "the container's credentials endpoint"),
        ("", "", "-r A", "the instance's role (EC2 metadata)"),
    ] {
        let plan = planned(text, variables, flags).expect(text);
        assert_eq!(plan.source.to_string(), expected);
        assert_eq!(plan.source.is_web_identity(), expected.starts_with("web"));
    }
}
