//! Flags that conflict, and unknown arguments.

use super::page::{Page, ROLE, Scene, lines, page, user_without_sts};
use crate::support::binary;

/// Flags that conflict with `--print`, `--check`, `--list-sessions` and `--clear-cache`.
const INSTEAD_OF_A_COMMAND: &[(&str, &[&str])] = &[
    ("usage-check-and-print", &["-r", ROLE, "--check", "--print", "env"]),
    ("usage-check-and-clear-cache", &["-r", ROLE, "--check", "--clear-cache"]),
    ("usage-print-and-clear-cache", &["--print", "env", "--clear-cache"]),
    ("usage-list-sessions-and-clear-cache", &["--list-sessions", "--clear-cache"]),
    ("usage-list-sessions-and-profile", &["--list-sessions", "-p", "production"]),
    ("usage-print-and-also", &["-r", ROLE, "--also", "prod", "--print", "env"]),
    ("usage-print-twice", &["-r", ROLE, "--print", "env", "--print", "json"]),
    ("usage-print-without-format", &["-r", ROLE, "--print"]),
    ("usage-print-and-restart", &["-r", ROLE, "--print", "env", "--on-expiry", "restart"]),
    ("usage-print-and-credentials-file", &["-r", ROLE, "--print", "env", "--credentials-file", "/srv/c"]),
    ("usage-print-and-isolate", &["-r", ROLE, "--print", "export", "--isolate"]),
    ("usage-print-and-keep-env", &["-r", ROLE, "--print", "env", "--keep-env", "AWS_PROFILE"]),
    ("usage-check-with-endpoint-and-restart", &["-r", ROLE, "--check", "--via", "endpoint", "--on-expiry", "restart"]),
    ("value-print-format", &["-r", ROLE, "--print", "bash"]),
    ("value-print-nothing", &["-r", ROLE, "--print", ""]),
    ("value-check-keep-env", &["-r", ROLE, "--check", "--keep-env", "AWS_ACCESS_KEY_ID"]),
];

pub(super) fn pages() -> Vec<Page> {
    let mut pages = lines(&[
        ("usage-flag-unknown", &["--rolearn", ROLE]),
        ("usage-flag-of-the-command", &["-r", ROLE, "--no-such-flag"]),
        ("usage-flag-of-another-tool", &["--duration-seconds=3600", "-r", ROLE]),
        ("usage-flag-without-equivalent", &["--no-session", "-r", ROLE]),
        ("usage-flags-combined", &["-r", ROLE, "-vx"]),
        ("usage-flag-twice", &["-r", ROLE, "--duration", "1h", "--duration", "2h"]),
        ("usage-switch-with-value", &["-r", ROLE, "--quiet=1"]),
        ("usage-clear-cache-and-command", &["--clear-cache"]),
        ("usage-list-sessions-and-command", &["--list-sessions"]),
        ("usage-print-and-command", &["-r", ROLE, "--print", "env"]),
        ("usage-check-and-command", &["-r", ROLE, "--check"]),
        ("usage-verbose-and-quiet", &["-r", ROLE, "-q", "-v"]),
        ("usage-mfa-token-and-command", &["-r", ROLE, "--mfa-token", "314159", "--mfa-command", "cat code"]),
        ("usage-mfa-token-without-device", &["-r", ROLE, "--mfa-token", "314159"]),
        ("usage-endpoint-and-restart", &["-r", ROLE, "--via", "endpoint", "--on-expiry", "restart"]),
        ("usage-also-and-endpoint", &["-r", ROLE, "--also", "prod", "--via", "endpoint"]),
        ("usage-also-and-restart", &["-r", ROLE, "--also", "prod", "--on-expiry", "restart"]),
        ("usage-process-and-signal", &["-r", ROLE, "--via", "process", "--on-expiry", "signal"]),
        ("usage-no-cache-and-force-refresh", &["-r", ROLE, "--no-cache", "--force-refresh"]),
        ("usage-keep-env-and-file", &["-r", ROLE, "--via", "file", "--keep-env", "AWS_CONFIG_FILE"]),
        ("usage-signal-alone", &["-r", ROLE, "--signal", "HUP"]),
        ("usage-credentials-file-without-via-file", &["-r", ROLE, "--credentials-file", "/srv/c", "--via", "env"]),
        ("usage-stop-timeout-without-supervision", &["-r", ROLE, "--stop-timeout", "5s"]),
    ]);
    for (name, args) in INSTEAD_OF_A_COMMAND {
        pages.push(page(name, || Scene::new(user_without_sts().args(*args))));
    }
    pages.extend([
        page("usage-variables-endpoint-and-restart", || {
            let xassume = user_without_sts().env("XASSUME_VIA", "endpoint").env("XASSUME_ON_EXPIRY", "restart");
            Scene::new(xassume.args(["-r", ROLE, "--", "true"]))
        }),
        page("usage-check-and-profile", || Scene::new(user_without_sts().args(["--check", "production"]))),
        page("usage-print-and-role", || Scene::new(user_without_sts().args(["--print", "env", "521111111144:Deploy"]))),
        page("usage-no-command", || Scene::new(user_without_sts().args(["-r", ROLE]))),
        page("usage-flag-without-value", || {
            Scene::new(user_without_sts().args(["--", "true"]).without_args().arg("-r"))
        }),
        page("usage-too-many-roles", || {
            let roles = (0..11).flat_map(|number| ["-r".to_owned(), format!("521111111144:Role{number}")]);
            Scene::new(user_without_sts().args(roles).args(["--", "true"]))
        }),
        page("usage-nested-too-deep", || {
            Scene::new(user_without_sts().env("XASSUME_DEPTH", "8").args(["-r", ROLE, "--", "true"]))
        }),
        page("usage-recursive", || {
            let xassume = user_without_sts().without_keys().args(["-p", "deploy", "--", "true"]);
            let config = format!(
                "[profile deploy]\nrole_arn = {ROLE}\nsource_profile = base\n\
                 [profile base]\ncredential_process = {} -p deploy -- true\n",
                binary().display()
            );
            Scene::new(xassume.file(".aws/config", config))
        }),
        page("usage-region-of-unknown-partition", || {
            let xassume = user_without_sts().env_remove("AWS_REGION");
            Scene::new(xassume.args(["-r", "arn:aws-moon:iam::521111111144:role/DeployMaster", "--", "true"]))
        }),
    ]);
    pages
}
