//! Tests of the notes about ignored settings.

use super::{DEPLOY, planned};

#[test]
fn notes_list_what_is_ignored() {
    for (text, variables, flags, expected) in [
        (DEPLOY, "", "-r A", ""),
        (DEPLOY, "", "-p deploy -R V", "ignoring XASSUME_ROLE_ARN (conflicts with the role of --profile)"),
        (
            DEPLOY,
            "AWS_PROFILE=deploy AWS_DEFAULT_PROFILE=base",
            "",
            "ignoring AWS_DEFAULT_PROFILE=base (conflicts with AWS_PROFILE=deploy)",
        ),
        (DEPLOY, "AWS_PROFILE=base", "-P deploy", "ignoring AWS_PROFILE=base (conflicts with XASSUME_PROFILE=deploy)"),
        (DEPLOY, "KEYS AWS_PROFILE=deploy", "-r A", "ignoring profile deploy as source (AWS_ACCESS_KEY_ID is set)"),
        (DEPLOY, "KEYS AWS_PROFILE=deploy", "", "ignoring the source of profile deploy (AWS_ACCESS_KEY_ID is set)"),
        (DEPLOY, "AWS_PROFILE=base AWS_WEB_IDENTITY_TOKEN_FILE=/t", "-r A", "ignoring profile base as source (AWS_WEB"),
        (
            DEPLOY,
            "AWS_PROFILE=base",
            "-r A --token /f",
            "ignoring profile base as source (--web-identity-token-file is set)",
        ),
        ("", "KEYS AWS_ROLE_ARN=@Z AWS_WEB_IDENTITY_TOKEN_FILE=/t", "", "ignoring AWS_ACCESS_KEY_ID (AWS_ROLE_ARN and"),
        (
            "",
            "AWS_ROLE_ARN=@Z AWS_WEB_IDENTITY_TOKEN_FILE=/t",
            "-r A --token /f",
            "ignoring AWS_ROLE_ARN (it is set for another web identity token)",
        ),
        (
            "[profile b]\nrole_arn = @B\nmfa_serial = serial-bb\ncredential_source = Environment\n\
             [profile a]\nrole_arn = @A\nmfa_serial = serial-aa\nsource_profile = b",
            "KEYS",
            "-p a",
            "ignoring mfa_serial for arn:aws:iam::123456789012:role/A (an earlier role uses the MFA code)",
        ),
        (
            "[default]\nuse_fips_endpoint = yes",
            "KEYS",
            "-r A",
            "ignoring use_fips_endpoint = yes (only true enables it)",
        ),
        ("", "KEYS AWS_USE_FIPS_ENDPOINT=1", "-r A", "ignoring AWS_USE_FIPS_ENDPOINT = 1 (only true"),
        (
            "[default]\nretry_mode = legacy",
            "KEYS",
            "-r A",
            "ignoring retry_mode of profile default (passed to the command",
        ),
        ("", "KEYS AWS_ACCESS_KEY=a", "-r A", "ignoring AWS_ACCESS_KEY (use AWS_ACCESS_KEY_ID"),
        ("[default]\nsts_regional_endpoints = legacy", "KEYS", "-r A", "ignoring sts_regional_endpoints = legacy"),
        ("", "KEYS AWS_STS_REGIONAL_ENDPOINTS=legacy", "-r A", "ignoring sts_regional_endpoints = legacy"),
        ("[profile default]\n[default]", "KEYS", "-r A", "ignoring [default] (conflicts with [profile default])"),
        // The search for a source without the token of the variable leaves no trace.
        (
            "[profile default]\n[default]",
            "AWS_EC2_METADATA_DISABLED=true",
            "-r A $--token /t",
            "ignoring [default] (conflicts with [profile default])",
        ),
        (
            "[profile a]\ncredential_source = Environment",
            "KEYS AWS_WEB_IDENTITY_TOKEN_FILE=/t",
            "-p a",
            "ignoring AWS_WEB_IDENTITY_TOKEN_FILE (the credentials of profile a are used)",
        ),
        (
            "[profile a]\nrole_arn = @A\nsource_profile = b\n[profile b]\n+AKB\nautoawsume = true",
            "",
            "-p a",
            "ignoring autoawsume of profile b (a setting of awsume",
        ),
        ("", "KEYS AWS_SECURITY_TOKEN=t", "-r A", ""),
        (
            "",
            "KEYS AWS_SESSION_TOKEN=t AWS_SECURITY_TOKEN=t",
            "-r A",
            "ignoring AWS_SECURITY_TOKEN (AWS_SESSION_TOKEN is set)",
        ),
        (
            "[profile w]\nrole_arn = @W\nweb_identity_token_file = /w\nexternal_id = ext",
            "",
            "-p w",
            "ignoring external_id for arn:aws:iam::123456789012:role/W",
        ),
    ] {
        let notes = planned(text, variables, flags).expect(text).notes;
        let notes = notes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ");
        assert!(notes.starts_with(expected) && !notes.contains(" | "), "{notes} / {expected}");
        assert_eq!(notes.is_empty(), expected.is_empty(), "{notes}");
    }
}
