//! The options of a role as STS receives them, and the limits that are checked before STS is called.

use crate::support::{FakeSts, Finished, RoleRules, Xassume, probe};
use std::time::Duration;
use xassume::cli::{Flag, all_flags};

const ROLE: &str = "arn:aws:iam::111111111111:role/R";
const FIRST: &str = "arn:aws:iam::111111111111:role/First";

fn run(sts: &FakeSts, args: &[&str]) -> Finished {
    Xassume::new(sts).args(["-r", ROLE]).args(args).arg("--").args(probe()).args(["exit", "0"]).run()
}

#[test]
fn only_requested_parameters_are_sent() {
    let sts = FakeSts::start();
    run(&sts, &[]).exited(0);
    let request = &sts.requests()[0];
    let names: Vec<&str> = request.params.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Action", "Version", "RoleArn", "RoleSessionName"]);
    assert!(request.user_agent.as_deref().unwrap_or_default().contains("xassume"));
}

#[test]
fn every_option_reaches_the_request() {
    let sts = FakeSts::start();
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    #[rustfmt::skip]
    run(&sts, &[
        "--role-session-name", "build-7", "--external-id", "a:b/c", "--duration", "30m", "--policy", policy,
        "--policy-arn", "arn:aws:iam::aws:policy/ReadOnlyAccess", "--policy-arn", "arn:aws:iam::aws:policy/Second",
        "--tag", "team=a=b", "--tag", "Größe=", "--transitive-tag", "team", "--source-identity", "alice",
    ])
    .exited(0);
    let request = &sts.requests()[0];
    for (name, value) in [
        ("RoleSessionName", "build-7"),
        ("ExternalId", "a:b/c"),
        ("DurationSeconds", "1800"),
        ("Policy", policy),
        ("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
        ("PolicyArns.member.2.arn", "arn:aws:iam::aws:policy/Second"),
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "a=b"),
        ("Tags.member.2.Key", "Größe"),
        ("Tags.member.2.Value", ""),
        ("TransitiveTagKeys.member.1", "team"),
        ("SourceIdentity", "alice"),
    ] {
        assert_eq!(request.param(name), Some(value), "{name}");
    }
}

#[test]
fn variables_replace_flags_and_flags_take_precedence() {
    let sts = FakeSts::start();
    Xassume::new(&sts)
        .env("XASSUME_ROLE_ARN", ROLE)
        .env("XASSUME_EXTERNAL_ID", "from-variable")
        .env("XASSUME_DURATION", "20m")
        .env("XASSUME_TAG", "a=1\nb=2\n")
        .args(["--duration", "40m", "--"])
        .args(probe())
        .args(["exit", "0"])
        .run()
        .exited(0);
    let request = &sts.requests()[0];
    assert_eq!(request.param("ExternalId"), Some("from-variable"));
    assert_eq!(request.param("DurationSeconds"), Some("2400"));
    assert_eq!(request.param("Tags.member.2.Key"), Some("b"));
}

#[test]
fn a_variable_that_a_flag_overrides_is_logged() {
    let sts = FakeSts::start();
    let run = |args: &[&str]| {
        let xassume = Xassume::new(&sts).env("XASSUME_DURATION", "20m").env("XASSUME_ROLE_ARN", "222222222222:Other");
        xassume.args(args).args(["-r", ROLE, "--duration", "40m", "--", "true"]).run().exited(0).stderr
    };
    let stderr = run(&["-v"]);
    assert!(stderr.contains("xassume: ignoring XASSUME_DURATION (overridden by --duration)\n"), "{stderr}");
    assert!(stderr.contains("xassume: ignoring XASSUME_ROLE_ARN (overridden by --role-arn)\n"), "{stderr}");
    assert_eq!(run(&[]), "");
}

#[test]
fn a_policy_may_be_a_file() {
    let sts = FakeSts::start();
    let xassume = Xassume::new(&sts).file("policy.json", "\n {\"Statement\":[]}\n");
    let path = format!("file://{}", xassume.home().join("policy.json").display());
    xassume.args(["-r", ROLE, "--policy", &path, "--"]).args(probe()).args(["exit", "0"]).run().exited(0);
    assert_eq!(sts.requests()[0].param("Policy"), Some("{\"Statement\":[]}"));
}

#[test]
fn in_a_chain_each_option_applies_to_its_role() {
    let sts = FakeSts::start();
    Xassume::new(&sts)
        .args(["-r", FIRST, "-r", ROLE, "--role-session-name", "both", "--external-id", "last"])
        .args(["--source-identity", "alice", "--tag", "k=v", "--duration", "15m", "--"])
        .args(probe())
        .args(["exit", "0"])
        .run()
        .exited(0);
    let requests = sts.requests();
    let seen = |name| [requests[0].param(name), requests[1].param(name)];
    assert_eq!(seen("RoleSessionName"), [Some("both"), Some("both")]);
    assert_eq!(seen("SourceIdentity"), [Some("alice"), None]);
    assert_eq!(seen("ExternalId"), [None, Some("last")]);
    assert_eq!(seen("DurationSeconds"), [None, Some("900")]);
    assert_eq!(seen("Tags.member.1.Key"), [None, Some("k")]);
}

#[test]
fn the_default_session_name_contains_user_and_host() {
    let sts = FakeSts::start();
    let named = |vars: &[(&str, &str)]| {
        let mut xassume = Xassume::new(&sts).args(["-r", ROLE, "--"]).args(probe()).args(["exit", "0"]);
        for (name, value) in vars {
            xassume = xassume.env(name, value);
        }
        xassume.run().exited(0);
        sts.requests().last().and_then(|request| request.param("RoleSessionName").map(str::to_owned)).expect("a name")
    };
    assert!(named(&[("USER", "alice")]).starts_with("xassume-alice@"));
    assert_eq!(named(&[("USER", "alice")]), named(&[("USER", "alice")]), "the same from run to run");
    assert_eq!(named(&[("JOB_NAME", "team/deploy"), ("BUILD_NUMBER", "12")]), "team-deploy-12");
    let run = [("GITHUB_ACTIONS", "true"), ("GITHUB_RUN_ID", "16712348901"), ("GITHUB_RUN_ATTEMPT", "2")];
    assert_eq!(named(&run), "github-16712348901-2");
    assert_eq!(named(&[("AWS_ROLE_SESSION_NAME", "from-aws"), ("JOB_NAME", "x"), ("BUILD_NUMBER", "1")]), "from-aws");
}

#[test]
fn max_requests_shorter_durations_until_sts_accepts() {
    let rules = RoleRules { max_session: Duration::from_hours(4), ..RoleRules::default() };
    let sts = FakeSts::builder().role(ROLE, rules).start();
    run(&sts, &["--duration", "max"]).exited(0);
    let asked: Vec<_> = sts.requests().iter().map(|r| r.param("DurationSeconds").map(str::to_owned)).collect();
    assert_eq!(asked.iter().flatten().collect::<Vec<_>>(), ["43200", "28800", "14400"]);
}

#[test]
fn max_requests_an_hour_after_the_role_chaining_error() {
    let sts = FakeSts::start();
    let task = crate::support::Identity::task();
    let xassume = Xassume::new(&sts).with_keys_of(&task).args(["-r", ROLE, "--duration", "max", "--"]);
    xassume.args(probe()).args(["exit", "0"]).run().exited(0);
    let asked: Vec<_> = sts.requests().iter().map(|r| r.param("DurationSeconds").map(str::to_owned)).collect();
    assert_eq!(asked.iter().flatten().collect::<Vec<_>>(), ["43200", "3600"]);
}

#[test]
fn max_requests_an_hour_in_a_chain() {
    let sts = FakeSts::start();
    let xassume = Xassume::new(&sts).args(["-r", FIRST, "-r", ROLE, "--duration", "max", "--"]);
    xassume.args(probe()).args(["exit", "0"]).run().exited(0);
    assert_eq!(sts.requests().len(), 2);
    assert_eq!(sts.requests()[1].param("DurationSeconds"), Some("3600"));
}

#[test]
fn limits_are_checked_before_any_call() {
    let sts = FakeSts::start();
    let long = |n| "x".repeat(n);
    let many_tags: Vec<String> = (0..51).flat_map(|n| ["--tag".to_owned(), format!("k{n}=v")]).collect();
    let many_arns: Vec<String> =
        (0..11).flat_map(|n| ["--policy-arn".to_owned(), format!("arn:aws:iam::aws:policy/Policy{n}")]).collect();
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    for (args, complaint) in [
        (
            words(&["--role-session-name", "a b"]),
            "invalid value 'a b' for '--role-session-name': contains an invalid character: ' '",
        ),
        (words(&["--role-session-name", &long(65)]), "must have 2 to 64 characters, not 65"),
        (
            words(&["--external-id", "x"]),
            "invalid value 'x' for '--external-id': must have 2 to 1224 characters, not 1",
        ),
        (words(&["--duration", "5m"]), "invalid value '5m' for '--duration': must be between 15m and 12h"),
        (words(&["--duration", "13h"]), "must be between 15m and 12h"),
        (words(&["--duration", "soon"]), "not a duration"),
        (words(&["--policy", "nonsense"]), "not a JSON policy document"),
        (words(&["--policy", "file:///no/such/file"]), "cannot read the file of --policy /no/such/file"),
        (words(&["--policy", &format!("{{\"a\":\"{}\"}}", long(2048))]), "must have at most 2048 characters"),
        (words(&["--policy-arn", "short"]), "must have 20 to 2048 characters, not 5"),
        (words(&["--tag", "novalue"]), "expected KEY=VALUE"),
        (words(&["--tag", "a=1", "--tag", "A=2"]), "duplicate tag key 'A'"),
        (words(&["--transitive-tag", "a"]), "no --tag with the key 'a'"),
        (words(&["--source-identity", "aws:me"]), "must not start with 'aws:'"),
        (words(&["--expect-account", "12"]), "not an account ID"),
        (words(&["--region", "Not A Region"]), "not a region name"),
        (words(&["--sts-endpoint", "ftp://x"]), "must be an http or https URL"),
        (words(&["--sts-timeout", "0"]), "must be between 100ms and 1h"),
        (words(&["-r", FIRST, "--duration", "2h"]), "AWS limits role chaining to 1h"),
        (many_tags, "too many tags: 51"),
        (many_arns, "too many policy ARNs: 11"),
    ] {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let finished = run(&sts, &args).exited(125);
        assert!(finished.stderr.contains(complaint), "{args:?}: {}", finished.stderr);
        assert_eq!(finished.stdout_text(), "");
    }
    let eleven: Vec<&str> = ["-r", ROLE].repeat(10);
    run(&sts, &eleven).exited(125);
    assert_eq!(sts.requests().len(), 0);
}

/// The flags that take a value.
fn with_value() -> impl Iterator<Item = &'static Flag> {
    all_flags().filter(|flag| !flag.value.is_empty())
}

#[test]
fn an_empty_value_is_rejected_with_the_name_of_its_flag() {
    let sts = FakeSts::start();
    let mut count = 0;
    for flag in with_value() {
        let long = flag.long;
        for typed in [vec![format!("--{long}"), String::new()], vec![format!("--{long}=")]] {
            let finished = Xassume::new(&sts).args(typed).args(["--", "true"]).run().exited(125);
            assert_eq!(
                finished.stderr,
                format!(
                    "xassume: error: invalid value '' for '--{long}': must not be empty\n\
                     hint: if you passed a shell variable, check that it is set; or omit --{long}\n"
                )
            );
            assert_eq!(finished.stdout_text(), "");
            count += 1;
        }
    }
    assert!(count > 60, "{count}");
    let json = run(&sts, &["--log-format", "json", "--profile", ""]).exited(125);
    assert!(
        json.stderr.contains(r#""message":"invalid value '' for '--profile': must not be empty""#),
        "{}",
        json.stderr
    );
    let second = run(&sts, &["--tag", "a=b", "--tag", ""]).exited(125);
    assert!(
        second.stderr.starts_with("xassume: error: invalid value '' for '--tag': must not be empty\n"),
        "{}",
        second.stderr
    );
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn an_empty_variable_is_the_same_as_unset() {
    let sts = FakeSts::start();
    let variables = all_flags().filter_map(Flag::variable);
    let mut xassume = variables.fold(Xassume::new(&sts), |xassume, name| xassume.env(name, ""));
    for name in ["AWS_PROFILE", "AWS_ROLE_ARN", "AWS_CA_BUNDLE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_SESSION_NAME"]
    {
        xassume = xassume.env(name, "");
    }
    let finished = xassume.args(["-r", ROLE, "-v", "--"]).args(probe()).args(["exit", "0"]).run().exited(0);
    assert!(!finished.stderr.contains("ignoring"), "{}", finished.stderr);
    let names: Vec<String> = sts.requests().remove(0).params.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["Action", "Version", "RoleArn", "RoleSessionName"]);
}

#[test]
fn the_expected_account_is_checked_before_the_command() {
    let sts = FakeSts::start();
    run(&sts, &["--expect-account", "111111111111"]).exited(0);
    let refused = run(&sts, &["--expect-account", "222222222222"]).exited(125);
    assert!(refused.stderr.contains("wrong account: expected 222222222222"), "{}", refused.stderr);
}
