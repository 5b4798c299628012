//! The environment of the command, as the command sees it.

use crate::support::{FakeSts, Finished, Xassume, probe};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

const ROLE: &str = "arn:aws:iam::111111111111:role/R";

fn show(xassume: Xassume) -> Finished {
    xassume.args(["-r", ROLE, "--"]).args(probe()).arg("environ").run().exited(0)
}

#[test]
fn other_credentials_do_not_reach_the_command() {
    let sts = FakeSts::start();
    let stale = [
        "AWS_ACCESS_KEY",
        "AWS_SECRET_KEY",
        "SECRET_ACCESS_KEY",
        "AWS_SECURITY_TOKEN",
        "AWS_DELEGATION_TOKEN",
        "AWS_SESSION_EXPIRATION",
        "AWS_CREDENTIAL_SCOPE",
        "AWS_ROLE_SESSION_NAME",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_CREDENTIAL_FILE",
        "AWS_CREDENTIAL_PROFILES_FILE",
        "AMAZON_ACCESS_KEY_ID",
        "AMAZON_SECRET_ACCESS_KEY",
        "AMAZON_SESSION_TOKEN",
        "AWS_TOKEN",
        "AWS_SECRET_KEY_ID",
    ];
    let mut xassume = Xassume::new(&sts).file(".aws/config", "[profile stale]\n").env("AWS_PROFILE", "stale");
    for name in stale {
        xassume = xassume.env(name, "stale-value");
    }
    let shown = show(xassume.env("AWS_CREDENTIAL_EXPIRATION", "2001-01-01T00:00:00Z"));
    for name in stale.iter().chain(&["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ROLE_ARN", "XASSUME_ROLE_ARN"]) {
        assert_eq!(shown.variable(name), None, "{name}");
    }
    let expiration = shown.variable("AWS_CREDENTIAL_EXPIRATION").expect("an expiry");
    assert!(expiration.ends_with('Z') && expiration.as_str() > "2026", "{expiration}");
}

#[test]
fn variables_of_minio_stay_only_beside_aws_variables_or_if_they_are_kept() {
    let sts = FakeSts::start();
    let names = ["MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD", "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"];
    let world = names.iter().fold(Xassume::new(&sts), |world, name| world.env(name, "mine"));
    let kept = world.clone().args(["--via", "process", "--keep-env", names[0]]);
    for (world, stays) in [(world.clone(), 4), (world.clone().arg("--isolate"), 4), (kept, 1)] {
        let shown = show(world);
        let left = names.iter().filter(|name| shown.variable(name).as_deref() == Some("mine"));
        assert_eq!(left.count(), stays);
    }
    for via in ["file", "endpoint", "process"] {
        let shown = show(world.clone().args(["--via", via]));
        assert!(names.iter().all(|name| shown.variable(name).is_none()), "{via}");
        let checked = world.clone().args(["--via", via, "--check", "-r", ROLE]).run().exited(0).stdout_text();
        let removed = checked.lines().find(|line| line.contains("removed conflicting variables: "));
        assert!(removed.is_some_and(|line| line.ends_with(&names.join(", "))), "{checked}");
    }
    let checked = world.args(["--check", "-r", ROLE]).run().exited(0).stdout_text();
    assert!(!checked.contains("MINIO"), "{checked}");
}

#[test]
fn the_account_is_that_of_the_session() {
    let sts = FakeSts::start();
    let world = Xassume::new(&sts).env("AWS_ACCOUNT_ID", "222222222222");
    // The second run uses the cache.
    for _ in 0..2 {
        assert_eq!(show(world.clone()).variable("AWS_ACCOUNT_ID").as_deref(), Some("111111111111"));
    }
    assert_eq!(sts.requests().len(), 1);
    let isolated = show(world.clone().arg("--isolate"));
    assert_eq!(isolated.variable("AWS_ACCOUNT_ID").as_deref(), Some("111111111111"));
    let restarted = show(world.clone().args(["--on-expiry", "restart"]));
    assert_eq!(restarted.variable("AWS_ACCOUNT_ID").as_deref(), Some("111111111111"));
    for via in ["file", "endpoint", "process"] {
        assert_eq!(show(world.clone().args(["--via", via])).variable("AWS_ACCOUNT_ID"), None, "{via}");
    }
    let finished = world.args(["--keep-env", "AWS_ACCOUNT_ID", "-r", ROLE, "--", "true"]).run().exited(125);
    assert!(finished.stderr.contains("'AWS_ACCOUNT_ID' for '--keep-env'"), "{}", finished.stderr);
}

#[test]
fn a_stale_account_is_removed_if_the_account_is_not_known() {
    let sts = FakeSts::start();
    let config = "[profile keys]\naws_access_key_id = AKIAPROFILE000000001\naws_secret_access_key = s\n";
    let world = Xassume::new(&sts).without_keys().file(".aws/config", config).env("AWS_ACCOUNT_ID", "222222222222");
    let world = world.args(["-p", "keys"]);
    let shown = world.clone().arg("--").args(probe()).arg("environ").run().exited(0);
    assert_eq!(shown.variable("AWS_ACCESS_KEY_ID").as_deref(), Some("AKIAPROFILE000000001"));
    assert_eq!(shown.variable("AWS_ACCOUNT_ID"), None);
    for (format, unset) in
        [("export", " AWS_ACCOUNT_ID "), ("fish", " AWS_ACCOUNT_ID "), ("powershell", " Env:AWS_ACCOUNT_ID,")]
    {
        let text = world.clone().args(["--print", format]).run().exited(0).stdout_text();
        let removed = text.lines().next().unwrap_or_default();
        assert!(removed.contains(unset), "{format}: {removed}");
        assert_eq!(text.matches("AWS_ACCOUNT_ID").count(), 1, "{text}");
    }
}

#[test]
fn unrelated_variables_are_unchanged() {
    let sts = FakeSts::start();
    let odd = OsStr::from_bytes(b"\xff=\xfe\n");
    let shown = show(
        Xassume::new(&sts)
            .env("ODD", odd)
            .env(OsStr::from_bytes(b"NAME\xff"), "x")
            .env("EMPTY", "")
            .env("AWS_CONFIG_FILE", "/no/such/config")
            .env("AWS_CA_BUNDLE_NOT", "kept")
            .env("BUILD_ID", "7"),
    );
    let fields = shown.stdout_fields();
    for expected in
        [&b"ODD=\xff=\xfe\n"[..], b"NAME\xff=x", b"EMPTY=", b"AWS_CONFIG_FILE=/no/such/config", b"BUILD_ID=7"]
    {
        assert!(fields.iter().any(|field| field == expected), "{}", String::from_utf8_lossy(expected));
    }
    let mut names: Vec<_> =
        fields.iter().map(|field| field.split(|b| *b == b'=').next().expect("a name").to_vec()).collect();
    names.sort();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "no name is repeated");
}

#[test]
fn both_region_variables_are_set() {
    let sts = FakeSts::start();
    let shown = show(Xassume::new(&sts).env_remove("AWS_REGION").args(["--region", "eu-central-1"]));
    assert_eq!(shown.variable("AWS_REGION").as_deref(), Some("eu-central-1"));
    assert_eq!(shown.variable("AWS_DEFAULT_REGION").as_deref(), Some("eu-central-1"));
    let shown = show(Xassume::new(&sts).env_remove("AWS_REGION"));
    assert_eq!((shown.variable("AWS_REGION"), shown.variable("AWS_DEFAULT_REGION")), (None, None));
}

#[test]
fn settings_of_the_used_profile_are_exported() {
    let sts = FakeSts::start();
    let config = format!(
        "[profile work]\nrole_arn = {ROLE}\ncredential_source = Environment\nregion = eu-north-1\noutput = yaml\n\
         retry_mode = adaptive\nmax_attempts = 7\n"
    );
    let shown = Xassume::new(&sts)
        .env_remove("AWS_REGION")
        .env("AWS_MAX_ATTEMPTS", "2")
        .file(".aws/config", config)
        .args(["-p", "work", "--"])
        .args(probe())
        .arg("environ")
        .run()
        .exited(0);
    assert_eq!(shown.variable("AWS_REGION").as_deref(), Some("eu-north-1"));
    assert_eq!(shown.variable("AWS_DEFAULT_OUTPUT").as_deref(), Some("yaml"));
    assert_eq!(shown.variable("AWS_RETRY_MODE").as_deref(), Some("adaptive"));
    assert_eq!(shown.variable("AWS_MAX_ATTEMPTS").as_deref(), Some("2"), "the user's own variable stays");
}

#[test]
fn keep_env_keeps_a_removed_variable() {
    let sts = FakeSts::start();
    let world = Xassume::new(&sts).env("AWS_CREDENTIAL_SCOPE", "scope").env("AWS_ROLE_SESSION_NAME", "kept");
    let shown = show(world.clone().args(["--keep-env", "AWS_CREDENTIAL_SCOPE", "--keep-env", "AWS_ROLE_SESSION_NAME"]));
    assert_eq!(shown.variable("AWS_CREDENTIAL_SCOPE").as_deref(), Some("scope"));
    assert_eq!(shown.variable("AWS_ROLE_SESSION_NAME").as_deref(), Some("kept"));
    let finished = world.args(["--keep-env", "AWS_SESSION_TOKEN", "-r", ROLE, "--", "true"]).run().exited(125);
    assert!(finished.stderr.contains("AWS_SESSION_TOKEN"), "{}", finished.stderr);
}

#[test]
fn an_isolated_command_gets_a_config_without_credentials() {
    let sts = FakeSts::start();
    let config = "[default]\nrole_arn = arn:aws:iam::999999999999:role/Hijack\nsource_profile = default\n\
                  aws_access_key_id = AKIAHIJACK\naws_secret_access_key = HIJACKSECRET\ncli_pager =\nregion = eu-west-3\n\
                  [sso-session corp]\nsso_region = us-east-1\n[profile other]\noutput = text\n";
    let xassume = Xassume::new(&sts).file(".aws/config", config).args(["--isolate", "-r", ROLE, "--", "sh", "-c"]);
    let finished =
        xassume.arg("cat \"$AWS_CONFIG_FILE\"; echo ---; cat \"$AWS_SHARED_CREDENTIALS_FILE\"").run().exited(0);
    let (copy, credentials) =
        finished.stdout_text().split_once("---\n").map(|(a, b)| (a.to_owned(), b.to_owned())).expect("both");
    assert_eq!(credentials, "");
    for gone in ["Hijack", "AKIAHIJACK", "HIJACKSECRET", "sso-session"] {
        assert!(!copy.contains(gone), "{copy}");
    }
    for kept in ["cli_pager", "region = eu-west-3", "output = text"] {
        assert!(copy.contains(kept), "{copy}");
    }
}

#[test]
fn xassume_inside_xassume_is_a_plain_chain() {
    let sts = FakeSts::start();
    let inner = crate::support::binary();
    let shown = Xassume::new(&sts)
        .env("XASSUME_EXTERNAL_ID", "outer-only")
        .args(["-r", "arn:aws:iam::222222222222:role/Outer", "--"])
        .arg(inner)
        .args(["-r", ROLE, "--"])
        .args(probe())
        .arg("environ")
        .run()
        .exited(0);
    let requests = sts.requests();
    assert_eq!(requests[1].access_key_id, Some(sts.issued()[0].access_key_id.clone()));
    assert_eq!(requests[1].param("ExternalId"), None, "the outer role's options are not inherited");
    assert_eq!(shown.variable("XASSUME_DEPTH").as_deref(), Some("2"));
}

#[test]
fn a_loop_of_xassumes_is_stopped() {
    let sts = FakeSts::start();
    let world = Xassume::new(&sts);
    let script = world.home().join("loop");
    let again = format!("exec {} -r {ROLE} -- sh {}\n", crate::support::binary().display(), script.display());
    let finished = world.file("loop", again).args(["-r", ROLE, "--", "sh"]).arg(script).run().exited(125);
    assert!(finished.stderr.contains("8 levels, XASSUME_DEPTH"), "{}", finished.stderr);
    assert_eq!(sts.requests().len(), 8);
}
