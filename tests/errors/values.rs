//! Invalid values of flags and variables.

use super::page::{Page, ROLE, Scene, lines, page, user_without_sts};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

const RESTART: [&str; 4] = ["-r", ROLE, "--on-expiry", "restart"];

/// As if from an unset shell variable.
const EMPTY: &[(&str, &[&str])] = &[
    ("value-empty-profile", &["-r", ROLE, "--profile", ""]),
    ("value-empty-credentials-file", &["-r", ROLE, "--via", "file", "--credentials-file", ""]),
    ("value-empty-ca-bundle", &["-r", ROLE, "--ca-bundle", ""]),
    ("value-empty-cache-dir", &["-r", ROLE, "--cache-dir", ""]),
    ("value-empty-mfa-token", &["-r", ROLE, "--mfa-serial", "GAHT12345678", "--mfa-token", ""]),
];

pub(super) fn pages() -> Vec<Page> {
    let mut pages = lines(&[
        ("value-role-of-a-session", &["-r", "arn:aws:sts::521111111144:assumed-role/Admin/me"]),
        ("value-role-of-a-user", &["-r", "arn:aws:iam::521111111144:user/alice"]),
        ("value-role-of-a-group", &["-r", "arn:aws:iam::521111111144:group/admins"]),
        ("value-role-of-an-instance-profile", &["-r", "arn:aws:iam::521111111144:instance-profile/Web"]),
        ("value-role-of-the-root", &["-r", "arn:aws:iam::521111111144:root"]),
        ("value-role-of-identity-center", &["-r", "arn:aws:sts::521111111144:assumed-role/AWSReservedSSO_A_0123/me"]),
        ("value-role-with-resource-type", &["-r", "521111111144:role/DeployMaster"]),
        ("value-role-with-slash", &["-r", "521111111144/team/DeployMaster"]),
        ("value-role-chain", &["-r", "111111111111:Hub,222222222222:Target"]),
        ("value-role-account-alone", &["-r", "521111111144"]),
        ("value-role-name-alone", &["-r", "DeployMaster"]),
        ("value-role-with-short-account", &["-r", "arn:aws:iam::5211:role/DeployMaster"]),
        ("value-role-without-name", &["-r", "arn:aws:iam::521111111144:role/"]),
        ("value-role-of-unknown-partition", &["-r", "arn:AWS:iam::521111111144:role/DeployMaster"]),
        ("value-role-of-another-service", &["-r", "arn:aws:s3:::bucket"]),
        ("value-role-with-invalid-character", &["-r", "521111111144:Deploy Master"]),
        ("value-role-with-invalid-path", &["-r", "arn:aws:iam::521111111144:role/a b/DeployMaster"]),
        ("value-session-name-short", &["-r", ROLE, "--role-session-name", "a"]),
        ("value-session-name-invalid", &["-r", ROLE, "--role-session-name", "alice smith"]),
        ("value-external-id", &["-r", ROLE, "--external-id", "a"]),
        ("value-duration-nonsense", &["-r", ROLE, "--duration", "soon"]),
        ("value-duration-short", &["-r", ROLE, "--duration", "1m"]),
        ("value-duration-long", &["-r", ROLE, "--duration", "24h"]),
        ("value-duration-fraction", &["-r", ROLE, "--duration", "15m 1ms"]),
        ("value-policy-no-json", &["-r", ROLE, "--policy", "{\"Version\": "]),
        ("value-policy-arn", &["-r", ROLE, "--policy-arn", "ReadOnlyAccess"]),
        ("value-policy-file-missing", &["-r", ROLE, "--policy", "file://read-only.json"]),
        ("value-tag", &["-r", ROLE, "--tag", "team"]),
        ("value-tag-reserved", &["-r", ROLE, "--tag", "aws:team=payments"]),
        ("value-tag-without-key", &["-r", ROLE, "--tag", "=payments"]),
        ("value-tag-twice", &["-r", ROLE, "--tag", "team=a", "--tag", "Team=b"]),
        ("value-transitive-tag-without-tag", &["-r", ROLE, "--transitive-tag", "team"]),
        (
            "value-transitive-tag-twice",
            &["-r", ROLE, "--tag", "team=a", "--transitive-tag", "team", "--transitive-tag", "team"],
        ),
        ("value-source-identity-reserved", &["-r", ROLE, "--source-identity", "aws:alice"]),
        ("value-expect-account", &["-r", ROLE, "--expect-account", "production"]),
        ("value-expect-account-of-no-profile", &["-r", ROLE, "--expect-account", "prod=123456789012"]),
        ("value-also-without-name", &["-r", ROLE, "--also", "123456789012:ReadOnly"]),
        ("value-also-name", &["-r", ROLE, "--also", "prod eu=123456789012:ReadOnly"]),
        ("value-also-default", &["-r", ROLE, "--also", "default=123456789012:ReadOnly"]),
        ("value-also-role", &["-r", ROLE, "--also", "prod=ReadOnly"]),
        ("value-also-twice", &["-r", ROLE, "--also", "a", "--also", "a=123456789012:ReadOnly"]),
        ("value-mfa-serial", &["-r", ROLE, "--mfa-serial", "short"]),
        ("value-mfa-token", &["-r", ROLE, "--mfa-serial", "GAHT12345678", "--mfa-token", "31415"]),
        ("value-mfa-session-duration", &["-r", ROLE, "--mfa-session-duration", "37h"]),
        ("value-mfa-session-duration-fraction", &["-r", ROLE, "--mfa-session-duration", "1h 1ms"]),
        ("value-region", &["-r", ROLE, "--region", "Frankfurt"]),
        ("value-region-without-hyphen", &["-r", ROLE, "--region", "eu-west1"]),
        ("value-region-zone", &["-r", ROLE, "--region", "us-east-1a"]),
        ("value-endpoint", &["-r", ROLE, "--sts-endpoint", "sts.eu-central-1.amazonaws.com"]),
        ("value-sts-timeout", &["-r", ROLE, "--sts-timeout", "2h"]),
        ("value-ca-bundle-missing", &["-r", ROLE, "--ca-bundle", "/no/such.pem"]),
        ("value-log-format", &["-r", ROLE, "--log-format", "xml"]),
        ("value-min-ttl", &["-r", ROLE, "--min-ttl", "1h"]),
        ("value-on-expiry", &["-r", ROLE, "--on-expiry", "reload"]),
        ("value-via", &["-r", ROLE, "--via", "pipe"]),
        ("value-signal", &["-r", ROLE, "--on-expiry", "signal", "--signal", "RELOAD"]),
        ("value-file-mode", &["-r", ROLE, "--via", "file", "--file-mode", "0666"]),
        ("value-keep-env", &["-r", ROLE, "--keep-env", "AWS_ACCESS_KEY_ID"]),
    ]);
    pages.extend(lines(EMPTY));
    for (name, flag, value) in [
        ("value-on-refresh-failure", "--on-refresh-failure", "panic"),
        ("value-process-group", "--process-group", "old"),
        ("value-stop-timeout", "--stop-timeout", "2h"),
        ("value-stop-signal", "--stop-signal", "SIGSTOPP"),
        ("value-refresh-margin", "--refresh-margin", "0s"),
    ] {
        pages.push(page(name, move || Scene::new(user_without_sts().args(RESTART).args([flag, value, "--", "true"]))));
    }
    pages.extend(variables());
    for (name, flag, value) in [
        ("value-role-name-long", "-r", format!("521111111144:{}", "x".repeat(65))),
        ("value-role-long", "-r", format!("arn:aws:iam::521111111144:role/{}", "x".repeat(2048))),
        ("value-policy-long", "--policy", format!("{{\"Version\":\"{}\"}}", "x".repeat(2048))),
        ("value-policy-letter", "--policy", "{\"Version\":\"Ω\"}".to_owned()),
        ("value-tag-key-long", "--tag", format!("{}=x", "k".repeat(129))),
    ] {
        pages.push(page(name, move || {
            let role = if flag == "-r" { &[][..] } else { &["-r", ROLE] };
            Scene::new(user_without_sts().args(role).args([flag, &value, "--", "true"]))
        }));
    }
    pages.push(page("value-tags-too-many", || {
        let tags = (0..51).flat_map(|number| ["--tag".to_owned(), format!("k{number}=v")]);
        Scene::new(user_without_sts().args(["-r", ROLE]).args(tags).args(["--", "true"]))
    }));
    pages.push(page("value-policy-arns-too-many", || {
        let arns = (0..11).flat_map(|number| ["--policy-arn".to_owned(), format!("arn:aws:iam::aws:policy/P{number}")]);
        Scene::new(user_without_sts().args(["-r", ROLE]).args(arns).args(["--", "true"]))
    }));
    pages.push(page("value-not-utf-8", || {
        let value = OsStr::from_bytes(b"al\xff ice");
        Scene::new(user_without_sts().args(["-r", ROLE, "--source-identity"]).arg(value).args(["--", "true"]))
    }));
    pages
}

/// Values of variables.
fn variables() -> Vec<Page> {
    let mut pages = Vec::new();
    for (name, variable, value) in [
        ("value-switch-of-a-variable", "XASSUME_NO_CACHE", "yes"),
        ("value-count-of-a-variable", "XASSUME_VERBOSE", "very"),
        ("value-variable-duration", "XASSUME_DURATION", "10m"),
        ("value-variable-session-name", "AWS_ROLE_SESSION_NAME", "alice smith"),
        ("value-variable-endpoint", "AWS_ENDPOINT_URL_STS", "sts.example"),
        ("value-variable-region", "AWS_REGION", "eu west 1"),
        ("value-variable-region-in-upper-case", "AWS_REGION", "EU-WEST-1"),
        ("value-variable-keep-env", "XASSUME_KEEP_ENV", "AWS_REGION"),
    ] {
        pages.push(page(name, move || {
            let xassume = user_without_sts().env_remove("AWS_ENDPOINT_URL_STS").env(variable, value);
            Scene::new(xassume.args(["-r", ROLE, "--", "true"]))
        }));
    }
    pages.push(page("value-role-is-a-profile", || {
        let xassume = user_without_sts().file(".aws/config", "[profile \"my team\"]\n");
        Scene::new(xassume.args(["-r", "my team", "--", "true"]))
    }));
    pages.push(page("value-variable-role-is-a-profile", || {
        let xassume = user_without_sts().file(".aws/config", "[profile production]\n");
        Scene::new(xassume.env("XASSUME_ROLE_ARN", "production").args(["--", "true"]))
    }));
    pages.push(page("value-variable-role", || {
        Scene::new(user_without_sts().env("AWS_ROLE_ARN", "DeployMaster").args(["--", "true"]))
    }));
    pages
}
