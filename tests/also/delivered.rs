//! What the command gets.

use super::*;
use crate::support::{FakeImds, Identity, Tokens};

#[test]
fn each_role_is_a_profile_beside_the_default_session() {
    for via in [&[][..], &["--via", "process"], &["--via", "file"]] {
        let sts = FakeSts::start();
        let running = showing_files(three(&sts).args(["--region", "eu-west-1"]).args(via)).spawn();
        let sandbox = running.shared_sandbox();
        let files = Files::of(&running);
        for (profile, role) in [("default", ROLE), ("prod", PROD), ("audit", AUDIT)] {
            assert_eq!(files.key(profile), newest(&sts, role), "{via:?}");
        }
        for profile in ["prod", "audit"] {
            let region = [("region".to_owned(), "eu-west-1".to_owned())];
            assert_eq!(section(Path::new(&files.config), &format!("[profile {profile}]")), region);
        }
        running.signal(libc::SIGTERM);
        running.wait().exited(0).left_no_process();
        assert!(sandbox.run_directories().is_empty());
        // All roles are assumed with the same credentials, one after the other, and with the same session name.
        let requests = sts.requests();
        let roles: Vec<_> = requests.iter().filter_map(|request| request.param("RoleArn")).collect();
        assert_eq!(roles, [ROLE, PROD, AUDIT]);
        assert!(requests.iter().all(|request| request.access_key_id == requests[0].access_key_id));
        assert!(
            requests.iter().all(|request| request.param("RoleSessionName") == requests[0].param("RoleSessionName"))
        );
    }
}

#[test]
fn options_of_the_first_role_are_not_those_of_another_except_the_duration() {
    let sts = FakeSts::start();
    let options = ["--external-id", "id", "--tag", "a=b", "--source-identity", "me", "--duration", "2h"];
    let options = options.iter().chain(&["--role-session-name", "build-7", "--policy-arn"]);
    let xassume = three(&sts).args(options).arg("arn:aws:iam::aws:policy/ReadOnlyAccess");
    xassume.args(["--", "true"]).run().exited(0);
    let requests = sts.requests();
    assert_eq!(requests.len(), 3);
    for (at, request) in requests.iter().enumerate() {
        let names = ["ExternalId", "SourceIdentity", "Tags.member.1.Key", "PolicyArns.member.1.arn"];
        assert!(names.iter().all(|name| request.param(name).is_some() == (at == 0)), "{request:?}");
        assert_eq!(
            [request.param("DurationSeconds"), request.param("RoleSessionName")],
            [Some("7200"), Some("build-7")]
        );
    }
}

/// A chain of two roles, and a profile with options of its own.
const CONFIG: &str = "\
[profile hub]
role_arn = arn:aws:iam::111111111111:role/Hub
credential_source = Environment
[profile main]
role_arn = arn:aws:iam::111111111111:role/R
source_profile = hub
region = eu-west-1
[profile prod]
role_arn = arn:aws:iam::222222222222:role/P
source_profile = hub
external_id = of-prod
role_session_name = me-in-prod
region = us-east-1
include_profile = base
[profile base]
output = text
s3 =
  max_queue_size = 7
";

#[test]
fn a_profile_brings_its_own_source_options_and_region() {
    let sts = FakeSts::start();
    let xassume = Xassume::new(&sts).file(".aws/config", CONFIG);
    let xassume =
        xassume.args(["-p", "main", "--also", "prod", "--also", &format!("audit={AUDIT}"), "--external-id", "of-main"]);
    let xassume = xassume.env_remove("AWS_REGION");
    let shown = ["env", "AWS_REGION", "AWS_DEFAULT_REGION", "then"];
    let verbs = ["env", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "then", "print-signals"];
    let running = xassume.arg("--").args(probe()).args(shown).args(verbs).spawn();
    running.line("AWS_REGION is unset");
    running.line("AWS_DEFAULT_REGION is unset");
    let files = Files::of(&running);
    let requests = sts.requests();
    let facts = |request: &crate::support::StsRequest| {
        let param = |name: &str| request.param(name).unwrap_or("-").rsplit('/').next().unwrap_or_default().to_owned();
        [param("RoleArn"), param("ExternalId"), request.region.clone().unwrap_or_default()].join(" ")
    };
    let calls: Vec<_> = requests.iter().map(facts).collect();
    // The hub is in the cache when the second chain needs it only if its session is stored, which it is not.
    assert_eq!(
        calls,
        ["Hub - eu-west-1", "R of-main eu-west-1", "Hub - us-east-1", "P of-prod us-east-1", "A - eu-west-1"]
    );
    assert_eq!(requests[3].param("RoleSessionName"), Some("me-in-prod"));
    // The first role's source, not its hub, assumes a role that has no profile.
    assert_eq!(requests[4].access_key_id, requests[0].access_key_id);
    let config = Path::new(&files.config);
    let setting = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(section(config, "[default]"), [setting("region", "eu-west-1")]);
    let prod = section(config, "[profile prod]");
    assert_eq!(prod[..2], [setting("region", "us-east-1"), setting("output", "text")], "{prod:?}");
    assert!(prod.iter().any(|(key, value)| key.trim() == "max_queue_size" && value == "7"), "{prod:?}");
    assert_eq!(section(config, "[profile audit]"), [setting("region", "eu-west-1")]);
    running.signal(libc::SIGTERM);
    running.wait().exited(0);
}

#[test]
fn the_region_is_a_variable_if_all_profiles_have_the_same() {
    let sts = FakeSts::start();
    for (region, config) in [("eu-west-1", CONFIG.replace("us-east-1", "eu-west-1")), ("eu-north-1", CONFIG.to_owned())]
    {
        let xassume = Xassume::new(&sts).file(".aws/config", config).args(["-p", "main", "--also", "prod"]);
        let is_variable = region == "eu-north-1";
        let xassume = if is_variable { xassume.env("AWS_REGION", region) } else { xassume.env_remove("AWS_REGION") };
        let finished = xassume.arg("--").args(probe()).args(["env", "AWS_REGION"]).run().exited(0);
        assert_eq!(finished.stdout_text(), format!("AWS_REGION={region}\n"));
    }
}

#[test]
fn a_web_identity_token_is_read_again_for_each_role() {
    let tokens = Tokens::new();
    let sts = FakeSts::builder().oidc_provider(&tokens, &["sts.amazonaws.com"]).start();
    let xassume = Xassume::new(&sts).without_keys();
    let token = xassume.sandbox().work().join("token");
    let command = tokens.command(&token);
    let xassume =
        xassume.args(["-r", ROLE, "--also", &format!("prod={PROD}"), "--web-identity-token-command", &command]);
    xassume.args(["--", "true"]).run().exited(0);
    let requests = sts.requests();
    assert!(requests.iter().all(|request| request.action == "AssumeRoleWithWebIdentity"), "{requests:?}");
    let sent: Vec<_> = requests.iter().filter_map(|request| request.param("WebIdentityToken")).collect();
    assert!(sent.len() == 2 && sent[0] != sent[1], "each call has a new token");
}

#[test]
fn the_region_of_an_instance_is_that_of_the_profiles_that_have_none() {
    let (sts, imds) = (FakeSts::start(), FakeImds::start());
    imds.set_region(Some("ap-south-1"));
    let profile = |name: &str, region: &str| {
        let role = if name == "a" { PROD } else { AUDIT };
        format!("[profile {name}]\nrole_arn = {role}\ncredential_source = Ec2InstanceMetadata\n{region}\n")
    };
    for (regions, variable, expected) in [
        (["", ""], "AWS_REGION=ap-south-1", ["ap-south-1", "ap-south-1"]),
        (["", "region = us-west-2"], "AWS_REGION is unset", ["ap-south-1", "us-west-2"]),
        (["region = us-west-2", ""], "AWS_REGION is unset", ["us-west-2", "ap-south-1"]),
    ] {
        let config = profile("a", regions[0]) + &profile("b", regions[1]);
        let xassume = Xassume::new(&sts).without_keys().with_metadata_at(&imds.url()).env_remove("AWS_REGION");
        let xassume = xassume.file(".aws/config", config).args(["--no-cache", "-p", "a", "--also", "b"]);
        let verbs = ["env", "AWS_REGION", "AWS_CONFIG_FILE", "then", "print-signals"];
        let running = xassume.arg("--").args(probe()).args(verbs).spawn();
        running.line(variable);
        let config = running.line("AWS_CONFIG_FILE=")["AWS_CONFIG_FILE=".len()..].to_owned();
        running.line("ready");
        let found = ["[default]", "[profile b]"].map(|header| section(Path::new(&config), header));
        let found = found.map(|settings| settings.into_iter().find(|(key, _)| key == "region").map(|(_, value)| value));
        assert_eq!(found, expected.map(|region| Some(region.to_owned())), "{regions:?}");
        running.signal(libc::SIGTERM);
        running.wait().exited(0);
    }
}

#[test]
fn the_sessions_are_cached_and_shared() {
    let sts = FakeSts::start();
    let xassume = three(&sts).args(["--also", &format!("again={PROD}"), "--", "true"]);
    xassume.run().exited(0);
    assert_eq!(sts.requests().len(), 3, "the same role twice is one call");
    xassume.run().exited(0);
    assert_eq!(sts.requests().len(), 3, "a later run uses the cache");
}

#[test]
fn a_session_in_an_unexpected_account_is_an_error_before_the_command_starts() {
    let sts = FakeSts::start();
    let run = |accounts: [&str; 2]| {
        let accounts = accounts.iter().flat_map(|account| ["--expect-account", account]);
        three(&sts).args(accounts).args(["--", "echo", "started"]).run()
    };
    run(["111111111111", "prod=222222222222"]).exited(0);
    let finished = run(["111111111111", "prod=333333333333"]).exited(125);
    assert!(
        finished.stderr.contains("wrong account: expected 333333333333") && finished.stdout.is_empty(),
        "{finished:?}"
    );
}

#[test]
fn one_mfa_code_is_enough_for_sessions_of_one_user_and_not_for_others() {
    let sts = FakeSts::builder().mfa_codes(&["314159", "271828"]).start();
    let profile = |name: &str, device: &str| {
        format!(
            "[profile {name}]\nrole_arn = arn:aws:iam::111111111111:role/{name}\nsource_profile = me\nmfa_serial = {device}\n"
        )
    };
    let user = Identity::user();
    let (id, secret) = (&user.access_key_id, &user.secret_access_key);
    let me = format!("[profile me]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    let device = "arn:aws:iam::111111111111:mfa/me";
    let config = [profile("a", device), profile("b", device), profile("c", "GAHT12345678"), me].concat();
    let xassume = Xassume::new(&sts).without_keys().file(".aws/config", config);
    let with = |other: &str, code: &str| {
        let xassume = xassume.clone().args(["--no-cache", "-p", "a", "--also", other, "--mfa-token", code]);
        xassume.args(["--", "true"]).run()
    };
    with("b", "314159").exited(0);
    assert_eq!(sts.requests().iter().filter(|request| request.action == "GetSessionToken").count(), 1);
    let calls = sts.requests().len();
    let finished = with("c", "271828").exited(125);
    let message = "error: c: no MFA code for GAHT12345678: cannot prompt for a code (--mfa-token has only one code";
    assert!(finished.stderr.contains(message), "{}", finished.stderr);
    assert_eq!(sts.requests().len(), calls, "the error comes before STS is called");
}

#[test]
fn json_has_all_sessions_and_other_formats_are_refused() {
    let sts = FakeSts::start();
    let printed = three(&sts).args(["--print", "json"]).run().exited(0).stdout_json();
    assert_eq!(printed["AccessKeyId"], newest(&sts, ROLE));
    let profiles = printed["profiles"].as_object().expect("an object");
    assert_eq!(profiles.keys().collect::<Vec<_>>(), ["audit", "prod"]);
    for (profile, role, account) in [("prod", PROD, "222222222222"), ("audit", AUDIT, "333333333333")] {
        let session = &profiles[profile];
        assert_eq!(
            (session["AccessKeyId"].as_str(), session["AccountId"].as_str()),
            (Some(&*newest(&sts, role)), Some(account))
        );
        for member in ["SecretAccessKey", "SessionToken", "Expiration", "AssumedRoleArn"] {
            assert!(session[member].is_string(), "{member}");
        }
    }
    let one = Xassume::new(&sts).args(["-r", ROLE, "--print", "json"]).run().exited(0).stdout_json();
    assert!(one.get("profiles").is_none());
    let refused = three(&sts).args(["--print", "env"]).run().exited(125);
    assert!(
        refused
            .stderr
            .contains("--also cannot be used with --print env, because only --print json can print several sessions"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_check_has_a_step_for_each_role() {
    let sts = FakeSts::start();
    let account = |prod: &str| format!("prod={prod}");
    let page =
        three(&sts).args(["--check", "--expect-account", &account("222222222222")]).run().exited(0).stdout_text();
    let also: Vec<_> = page.lines().filter(|line| line.starts_with("ok") && line.contains("also")).collect();
    assert!(also.len() == 2 && also[0].contains("prod: arn:aws:sts::222222222222:assumed-role/P/"), "{page}");
    assert!(also[1].contains("audit: arn:aws:sts::333333333333:assumed-role/A/"), "{page}");
    for shown in ["account 222222222222 (--expect-account)", "profiles of the command: default, prod, audit"] {
        assert!(page.contains(shown), "{page}");
    }

    let failed = three(&sts).args(["--check", "--log-format", "json", "--expect-account", &account("444444444444")]);
    let document = failed.run().exited(125).stdout_json();
    assert_eq!(document["verdict"], "check failed: also prod (wrong-account)");
    let steps = document["steps"].as_array().expect("a list").iter().filter(|step| step["step"] == "also");
    let facts: Vec<_> = steps.map(|step| (step["profile"].as_str(), step["state"].as_str())).collect();
    assert_eq!(facts, [(Some("prod"), Some("failed")), (Some("audit"), Some("not_reached"))]);
}
