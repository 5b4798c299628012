use super::*;
use crate::profile::AlsoRole;
use crate::role::{
    ExternalId, HopOptions, MfaSerial, PolicyArn, RoleArn, SessionDuration, SessionPolicy, SourceIdentity, Tag, TagKey,
};
use crate::session::{Keys, Secret, Session};
use std::path::Path;
use std::time::Duration;

/// Returns the values of a command line and of variables. In `line`, spaces separate the arguments.
pub(super) fn values(line: &str, vars: &[(&str, &str)]) -> FlagValues {
    let arguments: Vec<OsString> = std::iter::once("xassume").chain(line.split_whitespace()).map(Into::into).collect();
    FlagValues::new(&parse(&arguments).expect(line), &vars.iter().copied().collect())
}

fn found(line: &str, pairs: &[(&str, &str)]) -> Result<Task, Error> {
    let (vars, host) = (pairs.iter().copied().collect(), Host { uid: 1000, host: "h".into() });
    task(values(line, pairs), &vars, &host, &|_| Ok(String::new()))
}

fn settings(line: &str, vars: &[(&str, &str)]) -> Settings {
    match found(line, vars) {
        Ok(Task::Run(settings) | Task::Print(settings, _) | Task::Check(settings)) => *settings,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn the_flags_and_a_ci_job_decide_which_messages_are_shown() {
    let ci = [("CI", "true")];
    for (line, vars, expected) in [
        ("", &[][..], (Level::Notice, false)),
        ("-v", &ci, (Level::Info, true)),
        ("-vv", &ci, (Level::Debug, true)),
        ("-q", &ci, (Level::Error, false)),
        ("--print json", &ci, (Level::Notice, true)),
        ("--print credential-process", &ci, (Level::Notice, false)),
    ] {
        let options = log_options(&mut values(line, vars), &vars.iter().copied().collect()).expect(line);
        assert_eq!((options.verbosity, options.first_session), expected, "{line}");
    }
}

#[test]
fn a_flag_selects_a_task_without_a_command() {
    for (line, expected) in [
        ("-- true", "Run("),
        ("--serve --env-file e", "Run("),
        ("--check", "Check("),
        ("--check --serve --env-file e", "Check("),
        ("--print json", "Print("),
        ("--list-sessions -v --cache-dir d", "ListSessions("),
        ("--clear-cache", "ClearCache("),
        ("--completions bash", "Completions("),
    ] {
        let task = format!("{:?}", found(line, &[]).expect(line));
        assert!(task.starts_with(expected), "{line}: {task}");
    }
}

#[test]
fn a_missing_command_is_an_error_with_an_example_for_the_same_role() {
    for (line, selected) in [
        ("", "-p production"),
        ("-p dev -r 123456789012:A", "-p dev -r 123456789012:A"),
        // Characters that change what a terminal shows, and tokens, are not repeated.
        ("-p dev\u{202e}", "-p production"),
        ("-p eyJ.eyJ", "-p production"),
    ] {
        let error = found(line, &[]).expect_err(line);
        let hint = format!("for example: xassume {selected} -- aws s3 ls; for a shell: xassume {selected} -- $SHELL");
        assert_eq!((error.to_string().as_str(), error.hint()), ("no command given", Some(hint)), "{line}");
    }
}

#[test]
fn a_task_without_a_command_refuses_a_command_another_task_and_flags_without_effect() {
    let remove = "remove the command";
    for (line, message, hint) in [
        (
            "--check -- dev",
            "--check does not run a command",
            "remove the command; if it was meant as a profile, use -p dev",
        ),
        (
            "--print json -- 123456789012:A",
            "--print does not run a command",
            "remove the command, or remove --print; if it was meant as a role, use -r 123456789012:A",
        ),
        ("--check -p prod -- dev", "--check does not run a command", remove),
        ("--check -- A=secret", "--check does not run a command", remove),
        ("--list-sessions -- dev", "--list-sessions does not run a command", remove),
        ("--check --print json", "--check cannot be used with --print", "remove one of them"),
        (
            "--list-sessions -p dev",
            "--profile cannot be used with --list-sessions, which uses no session",
            "remove one of them",
        ),
    ] {
        let error = found(line, &[]).expect_err(line);
        assert_eq!((error.to_string().as_str(), error.hint().as_deref()), (message, Some(hint)), "{line}");
    }
}

#[test]
fn the_flags_about_the_role_make_the_request() {
    let line = "-r 123456789012:A -r 123456789012:B --external-id id --duration 30m --policy {} --policy-arn \
                arn:aws:iam::aws:policy/A --tag a=b --transitive-tag a --source-identity me --mfa-serial 123456789 -- true";
    let request = settings(line, &[]).request;
    let role = |text| RoleArn::parse(text).expect("a role");
    assert_eq!(request.roles, [role("123456789012:A"), role("123456789012:B")]);
    let options = HopOptions {
        external_id: ExternalId::parse("id").ok(),
        duration: SessionDuration::parse("30m").ok(),
        policy: SessionPolicy::parse("{}").ok(),
        policy_arns: vec![PolicyArn::parse("arn:aws:iam::aws:policy/A").expect("an ARN")],
        tags: vec![Tag::parse("a=b").expect("a tag")],
        transitive_tags: vec![TagKey::parse("a").expect("a key")],
        source_identity: SourceIdentity::parse("me").ok(),
        mfa_serial: MfaSerial::parse("123456789").ok(),
        ..HopOptions::default()
    };
    assert_eq!(request.options, options);
    let chain = |length| found(&format!("{} -- true", "-r 123456789012:A ".repeat(length)), &[]);
    assert!(chain(10).is_ok() && chain(11).is_err());
}

#[test]
fn an_effect_on_credentials_that_expire_is_named() {
    for (line, vars, expected) in [
        ("--on-expiry restart", &[][..], Some("--on-expiry restart")),
        ("--via endpoint", &[], Some("--via endpoint")),
        ("--serve --env-file e", &[], Some("--serve")),
        ("--duration 1h", &[], Some("--duration")),
        ("", &[("XASSUME_ON_EXPIRY", "restart")], Some("XASSUME_ON_EXPIRY=restart")),
        ("--on-expiry none", &[], None),
        ("--via file", &[], None),
        ("", &[("XASSUME_DURATION", "1h")], None),
    ] {
        let found = settings(&format!("--check {line}"), vars).request.needs_expiry.map(|(_, shown)| shown);
        assert_eq!(found.as_deref(), expected, "{line}");
    }
}

#[test]
fn the_flags_about_the_command_make_the_settings_of_the_run() {
    let signaled =
        settings("--on-expiry signal --signal-pid-file p --listen 80 --listen unix:/s --sts-timeout 5s -- true", &[]);
    assert_eq!((signaled.signal_pid_file.as_deref(), signaled.restart), (Some(Path::new("p")), None));
    assert_eq!((signaled.listen.len(), signaled.sts.timeout), (2, Duration::from_secs(5)));
    let restarted = settings("--on-expiry restart -- true", &[]);
    assert_eq!(restarted.restart.as_deref(), Some("--on-expiry restart"));
    assert_eq!((restarted.signal_pid_file, restarted.sts.timeout), (None, Duration::from_secs(30)));
}

#[test]
fn only_sockets_for_a_shell_are_worth_a_warning() {
    let warnings = |line: &str, vars: &[(&str, &str)]| settings(line, vars).warnings.len();
    assert_eq!(["-- sh -c a;b", "--listen 80 -- sh -c a;b"].map(|line| warnings(line, &[])), [0, 1]);
    let pid = std::process::id().to_string();
    assert_eq!(warnings("-- sh -c a;b", &[("LISTEN_FDS", "1"), ("LISTEN_PID", &pid)]), 1);
}

#[test]
fn nobody_is_asked_to_sign_in_if_nobody_would_answer() {
    for (line, name, expected) in [
        ("-- true", "", None),
        ("--no-login -- true", "CI", Some("--no-login or XASSUME_NO_LOGIN is set")),
        ("-q -- true", "CI", Some("-q or XASSUME_QUIET is set")),
        ("--print credential-process", "CI", Some("--print credential-process is for programs")),
        ("--print json", "", None),
        ("-- true", "CI", Some("CI is set")),
        ("-- true", "JENKINS_URL", Some("JENKINS_URL is set")),
    ] {
        assert_eq!(settings(line, &[(name, "x")]).no_sign_in, expected, "{line} {name}");
    }
}

#[test]
fn a_session_in_another_account_is_an_error() {
    let keys = Keys {
        access_key_id: "ASIA".into(),
        secret_access_key: Secret::new("s"),
        session_token: Some(Secret::new("t")),
    };
    let account_id = Some("111111111111".to_owned());
    let session = Session { keys, validity: None, assumed_role_arn: None, account_id, instance_region: None };
    let check = |line| settings(line, &[]).check_account(&session).map_err(|error| error.to_string());
    assert_eq!(["-- true", "--expect-account 111111111111 -- true"].map(check), [Ok(()), Ok(())]);
    let error = "wrong account: expected 222222222222, but the session is in account 111111111111";
    assert_eq!(check("--expect-account 222222222222 -- true"), Err(error.to_owned()));
}

#[test]
fn a_session_of_also_has_only_the_settings_that_are_not_for_the_default_session() {
    let line = "-r 123456789012:A -p dev --role-session-name me --duration 30m --web-identity-token-file f --expect-account \
                111111111111 --expect-account own=222222222222 --also given=123456789012:B --also own -- bash";
    let default = settings(line, &[]);
    let [given, own] = default.also.as_slice() else { panic!("{:?}", default.also) };
    assert_eq!((given.profile, own.profile), ("given", "own"));
    let accounts = [&default, &given.settings, &own.settings].map(|settings| settings.expect_account.as_deref());
    assert_eq!(accounts, [Some("111111111111"), None, Some("222222222222")]);
    assert!(default.is_shell && !given.settings.is_shell && !own.settings.is_shell);
    // A given role is assumed like the default one.
    let (given, usual) = (&given.settings.request, &default.request);
    assert_eq!(given.also, Some(AlsoRole::Given(RoleArn::parse("123456789012:B").expect("a role"))));
    assert_eq!((&given.roles, &given.options, &given.origins), (&usual.roles, &usual.options, &usual.origins));
    assert!(usual.needs_expiry.is_some() && given.needs_expiry.is_none());
    // The options of a profile's role are in the profile.
    let request = &own.settings.request;
    assert_eq!((request.profile.as_deref(), &request.also), (Some("own"), &Some(AlsoRole::OfProfile)));
    assert!(request.roles.is_empty() && request.origins.is_empty() && request.options == HopOptions::default());
    assert!(request.session_name.is_none() && request.web_identity.is_none() && request.needs_expiry.is_none());
    assert!(default.of_also(("x".into(), AlsoRole::OfProfile), None).settings.also.is_empty());
}
