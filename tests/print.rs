//! `--print`: the complete output of each format, and conflicting flags.

mod output;
mod process;
mod shells;

use crate::support::{Answer, FakeSts, Finished, Issued, Terminal, Xassume, binary, probe};
use nix::fcntl::OFlag;
use std::fs::File;
use std::io::Read as _;
use std::process::{Output, Stdio};

const ROLE: &str = "arn:aws:iam::111111111111:role/R";
const ME: &str = "arn:aws:sts::111111111111:assumed-role/R/me";

/// Variables that select other credentials, in addition to those that are set.
const REMOVED: &str = "AWS_ACCESS_KEY AWS_SECRET_KEY SECRET_ACCESS_KEY AWS_SECRET_KEY_ID AMAZON_ACCESS_KEY_ID \
    AMAZON_SECRET_ACCESS_KEY AMAZON_SESSION_TOKEN AWS_TOKEN AWS_SECURITY_TOKEN AWS_DELEGATION_TOKEN \
    AWS_SESSION_EXPIRATION AWS_CREDENTIAL_SCOPE AWS_PROFILE AWS_DEFAULT_PROFILE AWS_ROLE_ARN \
    AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_SESSION_NAME AWS_CONTAINER_CREDENTIALS_RELATIVE_URI \
    AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE \
    AWS_CREDENTIAL_FILE AWS_CREDENTIAL_PROFILES_FILE XASSUME_ROLE_ARN XASSUME_PROFILE XASSUME_ROLE_SESSION_NAME XASSUME_EXTERNAL_ID \
    XASSUME_DURATION XASSUME_POLICY XASSUME_POLICY_ARN XASSUME_TAG XASSUME_TRANSITIVE_TAG XASSUME_SOURCE_IDENTITY \
    XASSUME_WEB_IDENTITY_TOKEN_FILE XASSUME_WEB_IDENTITY_TOKEN_COMMAND XASSUME_WEB_IDENTITY_PROVIDER \
    XASSUME_WEB_IDENTITY_AUDIENCE XASSUME_ALSO XASSUME_EXPECT_ACCOUNT XASSUME_MFA_SERIAL XASSUME_MFA_TOKEN XASSUME_MFA_COMMAND \
    XASSUME_MFA_SESSION_DURATION XASSUME_SIGNAL_PID_FILE XASSUME_LISTEN XASSUME_RESTART_ORDER XASSUME_READY \
    XASSUME_READY_TIMEOUT XASSUME_REFRESH_HOOK XASSUME_REFRESH_HOOK_TIMEOUT XASSUME_CREDENTIALS_FILE \
    XASSUME_ENDPOINT_ADDRESS XASSUME_ENDPOINT_TOKEN_FILE XASSUME_ENV_FILE XASSUME_REFRESH XASSUME_REFRESH_NAME";

fn world(sts: &FakeSts) -> Xassume {
    Xassume::new(sts).args(["-r", ROLE, "--role-session-name", "me"])
}

fn printed(xassume: Xassume, format: &str) -> Finished {
    xassume.args(["--print", format]).run().exited(0)
}

fn failed(xassume: &Xassume) -> String {
    let finished = xassume.run().exited(125);
    assert_eq!(finished.stdout_text(), "", "nothing is printed");
    finished.stderr
}

/// The last session that STS issued, and its expiry as text.
fn last(sts: &FakeSts) -> (Issued, String) {
    let issued = sts.issued().pop().expect("a session");
    let expiration = humantime::format_rfc3339_seconds(issued.expiration).to_string();
    (issued, expiration)
}

#[test]
fn each_format_prints_the_whole_session_and_nothing_else() {
    for (format, before, set, after) in [
        ("env", String::new(), ["", "=", ""], ""),
        ("dotenv", String::new(), ["", "='", "'"], ""),
        ("export", format!("unset {REMOVED}\n"), ["export ", "='", "'"], ""),
        (
            "fish",
            format!(
                "begin; set -l name; for name in {REMOVED}; set -eg $name; set -qUx $name; and echo \"xassume: warning: $name is \
                 still set: it is a universal variable, which `set -eU $name` erases\" >&2; end; true; end\n"
            ),
            ["set -gx ", " '", "'"],
            "",
        ),
        (
            "powershell",
            format!("Remove-Item -ErrorAction Ignore -Path Env:{}\n", REMOVED.replace(' ', ", Env:")),
            ["$Env:", " = '", "'"],
            "",
        ),
    ] {
        let sts = FakeSts::start();
        let finished = printed(world(&sts), format);
        let (session, expiration) = last(&sts);
        let line = |name: &str, value: &str| format!("{}{name}{}{value}{}\n", set[0], set[1], set[2]);
        let expected = [
            before,
            line("AWS_ACCESS_KEY_ID", &session.access_key_id),
            line("AWS_SECRET_ACCESS_KEY", &session.secret_access_key),
            line("AWS_SESSION_TOKEN", &session.session_token),
            line("AWS_CREDENTIAL_EXPIRATION", &expiration),
            line("AWS_ACCOUNT_ID", "111111111111"),
            line("AWS_REGION", "us-east-1"),
            line("AWS_DEFAULT_REGION", "us-east-1"),
            line("XASSUME_SESSION", ME),
            line("XASSUME_LABEL", "111111111111:R"),
            after.to_owned(),
        ];
        assert_eq!(finished.stdout_text(), expected.concat(), "{format}");
        assert_eq!(finished.stderr, "");
    }
}

#[test]
fn both_documents_are_one_line_of_json() {
    let sts = FakeSts::start();
    let json = printed(world(&sts), "json").stdout_text();
    let process = printed(world(&sts), "credential-process").stdout_text();
    let sessions: Vec<_> = sts.issued();
    let expiration = |issued: &Issued| humantime::format_rfc3339_seconds(issued.expiration).to_string();
    let keys = |issued: &Issued| {
        format!(
            r#""AccessKeyId":"{}","SecretAccessKey":"{}","SessionToken":"{}","Expiration":"{}""#,
            issued.access_key_id,
            issued.secret_access_key,
            issued.session_token,
            expiration(issued)
        )
    };
    let whose = r#""AccountId":"111111111111""#;
    let expected = format!("{{{},\"AssumedRoleArn\":\"{ME}\",{whose},\"Region\":\"us-east-1\"}}\n", keys(&sessions[0]));
    assert_eq!(json, expected);
    assert_eq!(process, format!("{{\"Version\":1,{},{whose}}}\n", keys(&sessions[1])));
    let nowhere = printed(world(&sts).env_remove("AWS_REGION"), "json");
    assert!(nowhere.stdout_json().get("Region").is_none(), "a Region that was only used to reach STS is not printed");
}

#[test]
fn every_format_prints_the_same_session_from_the_cache() {
    let sts = FakeSts::start();
    let world = world(&sts);
    let first = printed(world.clone(), "env").stdout_text();
    sts.stop();
    let id = first.lines().next().expect("a line").trim_start_matches("AWS_ACCESS_KEY_ID=").to_owned();
    for format in ["export", "fish", "powershell", "dotenv", "json", "credential-process"] {
        assert!(printed(world.clone(), format).stdout_text().contains(&id), "{format}");
    }
    assert_eq!(sts.requests().len(), 1);
}

/// Requires three quarters of the lifetime: a printed session is not refreshed.
#[test]
fn an_old_session_is_not_printed() {
    let sts = FakeSts::start();
    let world = world(&sts);
    let key = |args: &[&str]| printed(world.clone().args(args), "json").stdout_json()["AccessKeyId"].clone();
    let first = key(&[]);
    assert_eq!(key(&["--min-ttl", "59m"]), first);
    assert_ne!(key(&["--force-refresh"]), first);
    assert_eq!(sts.requests().len(), 2);
}

#[test]
fn a_kept_variable_is_not_unset() {
    let sts = FakeSts::start();
    let kept = ["--keep-env", "AWS_PROFILE", "--keep-env", "AWS_ROLE_ARN"];
    let text = printed(world(&sts).args(kept), "export").stdout_text();
    let expected = REMOVED.replace("AWS_PROFILE ", "").replace("AWS_ROLE_ARN ", "");
    assert_eq!(text.lines().next(), Some(format!("unset {expected}").as_str()));
    let stderr = failed(&world(&sts).args(["--keep-env", "AWS_REGION", "--print", "export"]));
    assert!(
        stderr.starts_with(
            "xassume: error: invalid value 'AWS_REGION' for '--keep-env': xassume sets this variable\nhint: "
        ),
        "{stderr}"
    );
}

#[test]
fn a_value_that_a_format_cannot_represent_is_an_error() {
    let sts = FakeSts::start();
    for format in ["env", "dotenv"] {
        let stderr = failed(&shells::other_credentials(&sts).args(["--print", format]));
        assert!(
            stderr
                .starts_with(&format!("xassume: error: cannot print AWS_DATA_PATH in the {format} format: its value ")),
            "{stderr}"
        );
        assert!(stderr.ends_with("\nhint: use --print export, fish or powershell\n"), "{stderr}");
    }
}

#[test]
fn conflicts_with_print_are_rejected_before_any_call() {
    const LEAVE: &str = "remove one of them";
    let sts = FakeSts::start();
    let mut rows: Vec<(Vec<&str>, String, &str)> = vec![
        (vec!["env", "--", "true"], "--print does not run a command".into(), "remove the command, or remove --print"),
        (vec!["env", "aws"], "--print does not run a command".into(), "remove the command, or remove --print"),
        (vec!["env", "--clear-cache"], "--clear-cache cannot be used with --print".into(), LEAVE),
    ];
    for words in [
        &["--on-expiry", "restart"][..],
        &["--on-expiry", "signal"],
        &["--signal", "HUP"],
        &["--signal-pid-file", "/x"],
        &["--refresh-margin", "5m"],
        &["--stop-signal", "TERM"],
        &["--stop-timeout", "1s"],
        &["--on-refresh-failure", "keep"],
        &["--process-group", "same"],
        &["--via", "file"],
        &["--via", "endpoint"],
        &["--via", "process"],
        &["--credentials-file", "/x"],
        &["--file-mode", "0600"],
        &["--endpoint-token-file", "/x"],
        &["--isolate"],
    ] {
        let shows = ["--on-expiry", "--via"].contains(&words[0]);
        let flag = if shows { words.join(" ") } else { words[0].to_owned() };
        let expected = format!("{flag} cannot be used with --print, which runs no command");
        rows.push(([&["export"], words].concat(), expected, LEAVE));
    }
    for format in ["env", "dotenv", "json", "credential-process"] {
        let why = "which removes no variable (export, fish and powershell do)";
        rows.push((
            vec![format, "--keep-env", "A"],
            format!("--keep-env cannot be used with --print {format}, {why}"),
            LEAVE,
        ));
    }
    for (args, complaint, hint) in rows {
        let stderr = failed(&world(&sts).arg("--print").args(&args));
        assert_eq!(stderr, format!("xassume: error: {complaint}\nhint: {hint}\n"), "{args:?}");
    }
    let formats = "env, export, fish, powershell, dotenv, json, credential-process";
    for value in ["bash", "ENV"] {
        let stderr = failed(&world(&sts).args(["--print", value]));
        let error = format!("xassume: error: invalid value '{value}' for '--print' [possible values: {formats}]");
        assert_eq!(stderr, error + "\nhint: export is for sh, bash and zsh\n");
    }
    assert!(
        failed(&world(&sts).arg("--print")).contains(
            "a value is required for '--print <FORMAT>' but none was supplied [possible values: env, export,"
        )
    );
    assert!(failed(&world(&sts).args(["--print", "env", "--print", "json"])).contains("cannot be used multiple times"));
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn variables_about_a_command_are_dropped_and_logged() {
    let sts = FakeSts::start();
    let set = [
        ("XASSUME_ON_EXPIRY", "restart"),
        ("XASSUME_SIGNAL", "HUP"),
        ("XASSUME_VIA", "endpoint"),
        ("XASSUME_ISOLATE", "true"),
        ("XASSUME_STOP_TIMEOUT", "not looked at"),
    ];
    let world = set.iter().fold(world(&sts), |world, (name, value)| world.env(name, value));
    let idle = world.clone().env("XASSUME_VIA", "env").env("XASSUME_ON_EXPIRY", "none").env("XASSUME_ISOLATE", "0");
    assert_eq!(printed(world.clone(), "env").stderr, "");
    let stderr = printed(world.clone().arg("-v"), "env").stderr;
    for (name, _) in set {
        assert!(stderr.contains(&format!("xassume: ignoring {name} (conflicts with --print)\n")), "{name}: {stderr}");
    }
    let stderr = printed(idle.arg("-v"), "env").stderr;
    for name in ["XASSUME_VIA", "XASSUME_ON_EXPIRY", "XASSUME_ISOLATE"] {
        assert!(!stderr.contains(name), "{stderr}");
    }
    let kept = world.env("XASSUME_KEEP_ENV", "AWS_PROFILE");
    let stderr = printed(kept.clone().arg("-v"), "env").stderr;
    assert!(stderr.contains("xassume: ignoring XASSUME_KEEP_ENV (conflicts with --print env)\n"), "{stderr}");
    assert!(!printed(kept, "export").stdout_text().contains("AWS_PROFILE"));
    // The default values may be typed.
    printed(self::world(&sts).args(["--via", "env", "--on-expiry", "none"]), "env");
}

#[test]
fn print_has_no_variable() {
    let sts = FakeSts::start();
    let world = world(&sts).env("XASSUME_PRINT", "json");
    let said = world.clone().arg("--").args(probe()).args(["say", "ran"]).run().exited(0);
    assert_eq!(said.stdout_text(), "ran\n");
    let warning = "xassume: warning: ignoring XASSUME_PRINT (--print has no variable)\n";
    assert!(failed(&world).starts_with(&format!("{warning}xassume: error: no command given\n")));
}

#[test]
fn a_failure_prints_nothing() {
    let sts = FakeSts::start();
    let stderr = failed(&world(&sts).args(["--expect-account", "222222222222", "--print", "export"]));
    assert!(stderr.contains("wrong account: expected 222222222222"), "{stderr}");
    sts.script([Answer::error(403, "AccessDenied", "no")]);
    let stderr = failed(&world(&sts).args(["--print", "json", "--no-cache"]));
    assert!(stderr.contains("cannot assume") && stderr.contains("AccessDenied"), "{stderr}");
}
