//! Config files and variables that do not result in a role and its source.

use super::page::{Page, ROLE, Scene, page, user_without_sts};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;

/// A token that was passed in place of something else. No message may contain it.
const TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJodHRwczovL2NpLmV4YW1wbGUifQ.c2VjcmV0";

/// A name, the config file, and the arguments before `-- true`.
const FILES: &[(&str, &str, &[&str])] = &[
    ("config-syntax-section", "[default]\nregion = eu-west-1\n[profile broken\n", &["-r", ROLE]),
    ("config-syntax-setting", "[default]\nregion\n", &["-r", ROLE]),
    ("config-profile-unknown", "[profile produktion]\nregion = eu-west-1\n", &["-p", "production"]),
    ("config-profile-unknown-and-no-other", "", &["-p", "production"]),
    ("config-profile-misplaced", "[production]\nregion = eu-west-1\n", &["-p", "production"]),
    (
        "config-source-profile-misplaced",
        "[profile deploy]\nrole_arn = arn:aws:iam::521111111144:role/DeployMaster\nsource_profile = base\n\
         [base]\nregion = eu-west-1\n",
        &["-p", "deploy"],
    ),
    (
        "config-source-profile-unknown",
        "[profile deploy]\nrole_arn = arn:aws:iam::521111111144:role/DeployMaster\nsource_profile = bse\n[profile base]\n",
        &["-p", "deploy"],
    ),
    (
        "config-loop",
        "[profile a]\nrole_arn = arn:aws:iam::521111111144:role/A\nsource_profile = b\n\
         [profile b]\nrole_arn = arn:aws:iam::521111111144:role/B\nsource_profile = a\n",
        &["-p", "a"],
    ),
    ("config-include-loop", "[profile a]\ninclude_profile = b\n[profile b]\ninclude_profile = a\n", &["-p", "a"]),
    (
        "config-include-unknown",
        "[profile deploy]\nrole_arn = arn:aws:iam::521111111144:role/DeployMaster\ninclude_profile = bse\n[profile base]\n",
        &["-p", "deploy"],
    ),
    (
        "config-include-too-many",
        "[profile p]\ninclude_profile = a\n[profile a]\ninclude_profile = b\n[profile b]\ninclude_profile = c\n\
         [profile c]\ninclude_profile = d\n[profile d]\ninclude_profile = e\n[profile e]\ninclude_profile = f\n\
         [profile f]\ninclude_profile = g\n[profile g]\ninclude_profile = h\n[profile h]\ninclude_profile = i\n\
         [profile i]\ninclude_profile = j\n[profile j]\ninclude_profile = k\n[profile k]\nregion = eu-west-1\n",
        &["-p", "p"],
    ),
    (
        "config-value-session-tags",
        "[profile p]\nrole_arn = arn:aws:iam::521111111144:role/DeployMaster\nsource_profile = p\nsession_tags = team\n",
        &["-p", "p"],
    ),
    (
        "config-value-transitive-session-tags",
        "[profile p]\nrole_arn = arn:aws:iam::521111111144:role/DeployMaster\nsource_profile = p\nsession_tags = team=a\n\
         transitive_session_tags = stage\n",
        &["-p", "p"],
    ),
    (
        "config-two-sources",
        "[profile deploy]\nrole_arn = arn:aws:iam::521111111144:role/DeployMaster\nsource_profile = base\n\
         credential_source = Environment\n[profile base]\naws_access_key_id = AKIA\naws_secret_access_key = s\n",
        &["-p", "deploy"],
    ),
    (
        "config-two-web-identity-tokens",
        "[profile web]\nrole_arn = arn:aws:iam::521111111144:role/DeployMaster\nweb_identity_token_file = /t\n\
         web_identity_token_process = print-token\n",
        &["-p", "web"],
    ),
    (
        "config-role-without-source",
        "[profile deploy]\nrole_arn = arn:aws:iam::521111111144:role/DeployMaster\n",
        &["-p", "deploy"],
    ),
    (
        "config-credential-source-unknown",
        "[profile deploy]\nrole_arn = arn:aws:iam::521111111144:role/DeployMaster\ncredential_source = Ec2\n",
        &["-p", "deploy"],
    ),
    (
        "config-source-profile-without-credentials",
        "[profile deploy]\nrole_arn = arn:aws:iam::521111111144:role/DeployMaster\nsource_profile = base\n\
         [profile base]\nregion = eu-west-1\n",
        &["-p", "deploy"],
    ),
    (
        "config-source-profile-with-token-and-no-role",
        "[profile deploy]\nrole_arn = arn:aws:iam::521111111144:role/DeployMaster\nsource_profile = base\n\
         [profile base]\nweb_identity_token_file = /token\n",
        &["-p", "deploy"],
    ),
    ("config-key-missing", "[profile base]\naws_access_key_id = AKIA\n", &["-p", "base", "-r", ROLE]),
    (
        "config-key-with-a-line-break",
        "[profile base]\naws_access_key_id = AKIA\naws_secret_access_key = one\n  two\n",
        &["-p", "base", "-r", ROLE],
    ),
    (
        "config-sso-incomplete",
        "[profile dev]\nsso_account_id = 222222222222\nsso_start_url = https://example.awsapps.com/start\n",
        &["-p", "dev", "-r", ROLE],
    ),
    (
        "config-sso-session-incomplete",
        "[profile dev]\nsso_session = corp\nsso_account_id = 222222222222\nsso_role_name = Developer\n\
         [sso-session corp]\nsso_region = eu-west-1\n",
        &["-p", "dev", "-r", ROLE],
    ),
    (
        "config-sso-mismatch",
        "[profile dev]\nsso_session = corp\nsso_account_id = 222222222222\nsso_role_name = Developer\nsso_region = eu-west-1\n\
         [sso-session corp]\nsso_region = eu-central-1\nsso_start_url = https://example.awsapps.com/start\n",
        &["-p", "dev", "-r", ROLE],
    ),
    (
        "config-sso-session-unknown",
        "[profile dev]\nsso_session = crop\nsso_account_id = 222222222222\nsso_role_name = Developer\n[sso-session corp]\n",
        &["-p", "dev", "-r", ROLE],
    ),
    (
        "config-sso-session-unknown-and-no-other",
        "[profile dev]\nsso_session = corp\nsso_account_id = 222222222222\nsso_role_name = Developer\n",
        &["-p", "dev", "-r", ROLE],
    ),
    ("config-services-unknown", "[default]\nservices = local\n", &["-r", ROLE]),
    ("config-value-region", "[default]\nregion = eu west 1\n", &["-r", ROLE]),
    ("config-value-endpoint", "[default]\nendpoint_url = sts.example\n", &["-r", ROLE]),
    (
        "config-value-duration",
        "[profile deploy]\nrole_arn = arn:aws:iam::521111111144:role/DeployMaster\ncredential_source = Environment\n\
         duration_seconds = 60\n",
        &["-p", "deploy"],
    ),
    (
        "config-value-role",
        "[profile deploy]\nrole_arn = DeployMaster\ncredential_source = Environment\n",
        &["-p", "deploy"],
    ),
    (
        "config-value-external-id",
        "[profile deploy]\nrole_arn = arn:aws:iam::521111111144:role/DeployMaster\ncredential_source = Environment\n\
         external_id = a\n",
        &["-p", "deploy"],
    ),
    (
        "config-chained-duration",
        "[profile hub]\nrole_arn = arn:aws:iam::222222222222:role/Hub\ncredential_source = Environment\n\
         [profile deploy]\nrole_arn = arn:aws:iam::521111111144:role/DeployMaster\nsource_profile = hub\n\
         duration_seconds = 7200\n",
        &["-p", "deploy"],
    ),
    ("config-no-role-in-profile", "[profile dev]\nregion = eu-west-1\n", &["-p", "dev"]),
    ("config-no-role-in-profile-with-source", "[profile dev]\nsource_profile = me\n[profile me]\n", &["-p", "dev"]),
    ("config-no-role-in-profile-with-sso", "[profile dev]\nsso_session = corp\n", &["-p", "dev"]),
    ("config-no-role-in-profile-misspelled", "[profile dev]\nrole_am = 521111111144:DeployMaster\n", &["-p", "dev"]),
    (
        "config-no-role-in-profile-that-includes-keys",
        "[profile dev]\ninclude_profile = me\n[profile me]\naws_access_key_id = AKIAME\naws_secret_access_key = s\n",
        &["-p", "dev"],
    ),
    ("config-profile-misspelled", "[profile production]\n[profile staging]\n[profile dev]\n", &["-p", "prodution"]),
    ("config-profile-in-other-case", "[profile dev]\n[profile test]\n", &["-p", "Dev"]),
    (
        "config-duration-without-role",
        "[profile me]\naws_access_key_id = AKIAME\naws_secret_access_key = s\nmfa_serial = GAHT12345678\n",
        &["-p", "me", "--duration", "8h"],
    ),
    (
        "mfa-refresh-unattended-without-role",
        "[profile me]\naws_access_key_id = AKIAME\naws_secret_access_key = s\nmfa_serial = GAHT12345678\n",
        &["-p", "me", "--via", "endpoint"],
    ),
    ("config-value-duration-without-unit", "", &["-r", ROLE, "--duration", "8"]),
    (
        "config-role-option-without-role",
        "[profile dev]\ncredential_process = vault\n",
        &["-p", "dev", "--external-id", "word"],
    ),
    ("config-also-without-role", "[profile prod]\nregion = eu-west-1\n", &["-r", ROLE, "--also", "prod"]),
    ("config-also-without-a-default", "[profile prod]\nrole_arn = 222222222222:P\n", &["--also", "prod"]),
    ("config-also-unknown", "[profile prod]\nregion = eu-west-1\n", &["-r", ROLE, "--also", "prd"]),
    (
        "mfa-second-code-without-terminal",
        "[profile audit]\nrole_arn = 222222222222:ReadOnly\ncredential_source = Environment\nmfa_serial = GAHT12345678\n",
        &["-r", ROLE, "--also", "audit"],
    ),
    (
        "config-nothing-expires",
        "[profile me]\naws_access_key_id = AKIAME\naws_secret_access_key = s\n",
        &["-p", "me", "--on-expiry", "restart"],
    ),
];

pub(super) fn pages() -> Vec<Page> {
    let mut pages: Vec<Page> = of_files();
    pages.extend([
        page("config-profile-of-a-variable-unknown", || {
            Scene::new(user_without_sts().env("AWS_PROFILE", "production").args(["-r", ROLE, "--", "true"]))
        }),
        page("config-profile-and-file-unknown", || {
            let xassume = user_without_sts().env("AWS_CONFIG_FILE", "/etc/aws/config-of-none");
            Scene::new(xassume.args(["-p", "dev", "--", "true"]))
        }),
        page("config-no-expiry-is-known", || {
            let config = "[profile me]\ncredential_process = vault\n";
            let answer = r#"echo '{"Version":1,"AccessKeyId":"ASIAME","SecretAccessKey":"s","SessionToken":"t"}'"#;
            let xassume = user_without_sts().file(".aws/config", config.replace("vault", answer));
            Scene::new(xassume.args(["-p", "me", "--via", "endpoint", "--", "true"]))
        }),
        page("config-no-role", || Scene::new(user_without_sts().args(["--", "true"]))),
        page("config-no-role-in-a-session", || {
            Scene::new(user_without_sts().env("XASSUME_LABEL", "production").args(["--", "true"]))
        }),
        page("config-no-role-with-a-misspelled-variable", || {
            Scene::new(user_without_sts().env("XASSUME_ROLE", "521111111144:DeployMaster").args(["--", "true"]))
        }),
        page("config-no-file", || Scene::new(user_without_sts().args(["-p", "production", "--", "true"]))),
        page("config-no-file-but-credentials", || {
            let xassume = user_without_sts().file(".aws/credentials", "[me]\naws_access_key_id = AKIAME\n");
            Scene::new(xassume.args(["-p", "production", "--", "true"]))
        }),
        page("config-profile-is-a-role", || {
            Scene::new(user_without_sts().args(["-p", "521111111144:DeployMaster", "--", "true"]))
        }),
        page("config-profile-of-a-variable-is-a-role", || {
            Scene::new(user_without_sts().env("AWS_PROFILE", ROLE).args(["--", "true"]))
        }),
        page("config-no-source", || Scene::new(user_without_sts().without_keys().args(["-r", ROLE, "--", "true"]))),
        page("config-credential-source-empty", || {
            let config = format!("[profile deploy]\nrole_arn = {ROLE}\ncredential_source = Environment\n");
            Scene::new(
                user_without_sts().without_keys().file(".aws/config", config).args(["-p", "deploy", "--", "true"]),
            )
        }),
        page("config-credential-source-instance-disabled", || {
            let config = format!("[profile deploy]\nrole_arn = {ROLE}\ncredential_source = Ec2InstanceMetadata\n");
            Scene::new(user_without_sts().file(".aws/config", config).args(["-p", "deploy", "--", "true"]))
        }),
        page("config-credential-source-container-empty", || {
            let config = format!("[profile deploy]\nrole_arn = {ROLE}\ncredential_source = EcsContainer\n");
            Scene::new(user_without_sts().file(".aws/config", config).args(["-p", "deploy", "--", "true"]))
        }),
        page("config-key-missing-in-the-environment", || {
            Scene::new(user_without_sts().env_remove("AWS_SECRET_ACCESS_KEY").args(["-r", ROLE, "--", "true"]))
        }),
        page("config-key-with-a-line-break-in-the-environment", || {
            Scene::new(user_without_sts().env("AWS_ACCESS_KEY_ID", "AKIA\n").args(["-r", ROLE, "--", "true"]))
        }),
        page("config-key-with-a-space-in-the-environment", || {
            Scene::new(user_without_sts().env("AWS_SECRET_ACCESS_KEY", "hidden ").args(["-r", ROLE, "--", "true"]))
        }),
        page("config-variable-not-utf-8", || {
            let value = OsStr::from_bytes(b"produ\xffktion");
            Scene::new(user_without_sts().env("AWS_PROFILE", value).args(["-r", ROLE, "--", "true"]))
        }),
        page("config-chained-duration-of-the-flag", || {
            let roles = ["-r", "222222222222:Hub", "-r", ROLE];
            Scene::new(user_without_sts().args(roles).args(["--duration", "2h", "--", "true"]))
        }),
        page("config-chained-duration-of-the-variable", || {
            let roles = format!("222222222222:Hub,{ROLE}");
            let xassume = user_without_sts().env("XASSUME_ROLE_ARN", roles).env("XASSUME_DURATION", "2h");
            Scene::new(xassume.args(["--", "true"]))
        }),
        page("config-max-with-mfa-of-variables", || {
            let xassume = user_without_sts().env("XASSUME_ROLE_ARN", ROLE).env("XASSUME_DURATION", "max");
            Scene::new(xassume.env("XASSUME_MFA_SERIAL", "GAHT12345678").args(["--", "true"]))
        }),
        page("config-variable-not-for-web-identity", || {
            let token = user_without_sts().env("AWS_WEB_IDENTITY_TOKEN_FILE", "/token").env("AWS_ROLE_ARN", ROLE);
            Scene::new(token.without_keys().env("XASSUME_EXTERNAL_ID", "word").args(["--", "true"]))
        }),
        page("config-too-many-roles", || {
            let mut config = String::new();
            for number in 0..10 {
                let _ = write!(config, "[profile p{number}]\nrole_arn = arn:aws:iam::521111111144:role/R{number}\n");
                let _ = writeln!(config, "source_profile = p{}", number + 1);
            }
            config += "[profile p10]\nrole_arn = arn:aws:iam::521111111144:role/R10\ncredential_source = Environment\n";
            Scene::new(user_without_sts().file(".aws/config", config).args(["-p", "p0", "--", "true"]))
        }),
        page("config-max-with-mfa", || {
            let args = ["-r", ROLE, "--mfa-serial", "GAHT12345678", "--duration", "max", "--", "true"];
            Scene::new(user_without_sts().args(args))
        }),
        page("config-flag-not-for-web-identity", || {
            let args = ["--web-identity-token-file", "/token", "-r", ROLE, "--external-id", "word", "--", "true"];
            Scene::new(user_without_sts().without_keys().args(args))
        }),
    ]);
    pages.extend(of_web_identity());
    pages
}

/// The pages of [`FILES`].
fn of_files() -> Vec<Page> {
    FILES
        .iter()
        .map(|(name, config, args)| {
            page(name, move || {
                let xassume = user_without_sts().args(*args).args(["--", "true"]);
                let by_region = *name == "config-value-region" || *name == "config-value-endpoint";
                let xassume = if by_region { xassume.env_remove("AWS_REGION") } else { xassume };
                let by_endpoint =
                    matches!(*name, "config-value-endpoint" | "config-value-region" | "config-services-unknown");
                let xassume = if by_endpoint { xassume.env_remove("AWS_ENDPOINT_URL_STS") } else { xassume };
                Scene::new(xassume.file(".aws/config", config))
            })
        })
        .collect()
}

/// Flags and variables that should select a web identity token.
fn of_web_identity() -> Vec<Page> {
    vec![
        page("config-token-instead-of-a-path", || {
            let args = ["--web-identity-token-file", TOKEN, "-r", ROLE, "--", "true"];
            Scene::new(user_without_sts().without_keys().args(args))
        }),
        page("config-token-instead-of-a-path-in-a-variable", || {
            let token = user_without_sts().env("AWS_WEB_IDENTITY_TOKEN_FILE", TOKEN).env("AWS_ROLE_ARN", ROLE);
            Scene::new(token.without_keys().args(["-v", "--", "true"]))
        }),
        page("config-token-instead-of-a-command", || {
            let args = ["--web-identity-token-command", TOKEN, "-v", "-r", ROLE, "--", "true"];
            Scene::new(user_without_sts().without_keys().args(args))
        }),
        page("config-token-provider-of-gitlab", || {
            let args = ["--web-identity-provider", "gitlab", "-r", ROLE, "--", "true"];
            Scene::new(user_without_sts().without_keys().args(args))
        }),
        page("config-token-provider-in-uppercase", || {
            let args = ["--web-identity-provider", "GitHub", "-r", ROLE, "--", "true"];
            Scene::new(user_without_sts().without_keys().args(args))
        }),
        page("config-token-instead-of-a-provider", || {
            let args = ["--web-identity-provider", TOKEN, "-v", "-r", ROLE, "--", "true"];
            Scene::new(user_without_sts().without_keys().args(args))
        }),
    ]
}
