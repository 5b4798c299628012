//! Values that are not valid, and flags that exclude `--also`.

use super::*;
use crate::support::RoleRules;

#[track_caller]
fn refused(xassume: &Xassume, message: &str) {
    let finished = xassume.clone().args(["--", "echo", "started"]).run().exited(125);
    assert!(finished.stdout.is_empty(), "the command is not started");
    let errors: Vec<_> = finished.stderr.lines().filter(|line| line.starts_with("xassume: error: ")).collect();
    assert!(errors.len() == 1 && errors[0].contains(message), "{message}: {}", finished.stderr);
    assert!(finished.stderr.contains("hint: "), "{}", finished.stderr);
}

#[test]
fn a_value_that_is_not_valid_is_one_error_with_a_hint() {
    let sts = FakeSts::start();
    for (value, message) in [
        ("prod=", "invalid value 'prod=' for '--also': the role is missing"),
        ("prod=X", "invalid value 'prod=X' for '--also'"),
        ("=222222222222:P", "a name has 1 to 64 letters"),
        ("a b=222222222222:P", "a name has 1 to 64 letters"),
        ("222222222222:P", "the name of a profile must come before the role"),
        ("default=222222222222:P", "the default profile has the session of the first role"),
        ("missing", "profile 'missing' not found (from --also)"),
    ] {
        refused(&Xassume::new(&sts).args(["-r", ROLE, "--also", value]), message);
    }
    let twice = Xassume::new(&sts).args(["-r", ROLE, "--also", "a=222222222222:P", "--also", "a=222222222222:Q"]);
    refused(&twice, "the name is repeated");
    let keys = "[profile keys]\naws_access_key_id = AKIAX\naws_secret_access_key = s\n";
    let keys = Xassume::new(&sts).file(".aws/config", keys).args(["-r", ROLE, "--also", "keys"]);
    refused(&keys, "profile 'keys' (from --also) has no role_arn");
    refused(&keys.env("AWS_ROLE_ARN", PROD), "profile 'keys' (from --also) has no role_arn");
    assert!(sts.requests().is_empty(), "all errors come before STS is called");
}

#[test]
fn flags_that_exclude_several_roles_are_errors() {
    let sts = FakeSts::start();
    for (flags, message) in [
        (
            &["--via", "env"][..],
            "--also cannot be used with --via env, because only files can contain several profiles",
        ),
        (&["--via", "endpoint"], "--also cannot be used with --via endpoint"),
        (&["--on-expiry", "restart"], "--on-expiry restart cannot be used with --also"),
        (&["--endpoint-address", "127.0.0.1:1"], "--endpoint-address requires --via endpoint"),
        (&["--restart-order", "start-first"], "--restart-order requires --on-expiry restart"),
        (&["--expect-account", "x=111111111111"], "--also does not name a profile 'x'"),
    ] {
        refused(&three(&sts).args(flags), message);
    }
    assert!(sts.requests().is_empty());
}

#[test]
fn variables_of_other_runs_give_way_to_the_flag() {
    let sts = FakeSts::start();
    let xassume = three(&sts).env("XASSUME_VIA", "endpoint").env("XASSUME_ON_EXPIRY", "restart");
    let xassume = xassume.env("XASSUME_EXPECT_ACCOUNT", "111111111111\nother=444444444444");
    let running = showing_files(xassume).spawn();
    Files::of(&running);
    running.error_line(
        "warning: XASSUME_EXPECT_ACCOUNT=other=444444444444 is not checked: --also does not name a profile 'other'",
    );
    running.signal(libc::SIGTERM);
    running.wait().exited(0);
}

#[test]
fn the_variable_sets_the_flag_and_does_not_reach_the_command() {
    let sts = FakeSts::start();
    let value = format!("prod={PROD}\naudit={AUDIT}");
    let xassume = Xassume::new(&sts).env("XASSUME_ALSO", value).args(["-r", ROLE]);
    let verbs = ["env", "XASSUME_ALSO", "XASSUME_REFRESH_NAME", "then", "exit", "0"];
    let finished = xassume.arg("--").args(probe()).args(verbs).run().exited(0);
    assert_eq!(finished.stdout_text(), "XASSUME_ALSO is unset\nXASSUME_REFRESH_NAME is unset\n");
    assert_eq!(sts.requests().len(), 3);
}

#[test]
fn a_role_that_sts_refuses_ends_the_launch() {
    let sts =
        FakeSts::builder().role(ROLE, RoleRules::default()).role(PROD, RoleRules::default()).only_known_roles().start();
    let xassume = three(&sts);
    let finished = xassume.clone().args(["--", "echo", "started"]).run().exited(125);
    assert!(finished.stdout.is_empty() && finished.stderr.contains(AUDIT), "{}", finished.stderr);
    assert!(xassume.sandbox().run_directories().is_empty());
}

#[test]
fn a_profile_that_loses_its_role_fails_at_the_refresh_only() {
    let sts = FakeSts::builder().lifetime(std::time::Duration::from_secs(4)).start();
    let config = format!("[profile prod]\nrole_arn = {PROD}\ncredential_source = Environment\n");
    let xassume = Xassume::new(&sts).file(".aws/config", &config).args(["-v", "-r", ROLE, "--also", "prod"]);
    let file = xassume.home().join(".aws/config");
    let running = showing_files(xassume).spawn();
    Files::of(&running);
    fs::write(&file, "[profile prod]\n").expect("written");
    let line = running.error_line("prod: refresh failed (session expires in ");
    assert!(line.contains("profile 'prod' (from --also) has no role_arn"), "{line}");
    fs::write(&file, config).expect("written");
    running.error_line("prod: session refreshed after ");
    running.signal(libc::SIGTERM);
    running.wait().exited(0);
}
