//! The environment step: variables that the command gets, keeps and loses.

use super::{ROLE, naming_the_policy, role};
use crate::support::{FakeImds, FakeManager, FakeSts, RoleRules, Xassume};
use serde_json::json;

#[test]
fn the_environment_step_follows_the_flags() {
    let sts = FakeSts::start();
    for (flags, delivery, expiry) in [
        (
            &["--on-expiry", "restart"][..],
            "credentials in environment variables, new at each restart (--via env)",
            "the command is restarted (SIGTERM, then SIGKILL after 10s)",
        ),
        (
            &["--on-expiry", "signal", "--signal", "USR1"],
            "private credentials file (--via file)",
            "the credentials file is replaced, then SIGUSR1 is sent",
        ),
        (
            &["--via", "file", "--credentials-file", "y"],
            "credentials file y, mode 0600 (--via file)",
            "the session is refreshed while the command runs",
        ),
        (&["--via", "endpoint"], "local credentials endpoint (--via endpoint)", "first refresh after 20m to 40m"),
        (
            &["--via", "process", "--refresh-margin", "5m"],
            "credential_process in a private credentials file",
            "first refresh after 55m",
        ),
        (
            &["--via", "env", "--on-expiry", "signal"],
            "credentials in environment variables, new at each restart",
            "SIGHUP is sent before the session expires; the command's environment variables cannot be updated",
        ),
    ] {
        let page = role(&sts).args(flags).run().exited(0).stdout_text();
        assert!(page.contains(delivery) && page.contains(expiry), "{flags:?}: {page}");
    }
}

#[test]
fn a_relay_for_notifications_is_shown_and_not_opened() {
    let (sts, manager) = (FakeSts::start(), FakeManager::at_path());
    let relayed = "the command's notifications are relayed to NOTIFY_SOCKET";
    let restarting = role(&sts).args(["--on-expiry", "restart"]);
    let shown = |xassume: Xassume| xassume.run().exited(0).stdout_text().contains(relayed);
    assert!(shown(restarting.clone().env("NOTIFY_SOCKET", manager.address())));
    assert!(!shown(restarting.env("NOTIFY_SOCKET", "vsock:2:1234")));
    assert!(!shown(role(&sts).env("NOTIFY_SOCKET", manager.address())));
    assert!(manager.waiting().is_none());
}

#[test]
fn variables_that_could_replace_the_session_are_reported() {
    let sts = FakeSts::start();
    let credentials = "[default]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = s\n";
    let xassume = role(&sts)
        .file(".aws/credentials", credentials)
        .env("AWS_PROFILE", "default")
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/x")
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", "/no/token");
    let page = xassume.run().exited(0).stdout_text();
    for removed in ["AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"] {
        let (_, list) = page.split_once("removed conflicting variables: ").expect(&page);
        assert!(list.contains(removed), "{page}");
    }
    assert!(page.contains("note         environment "), "{page}");
    assert!(page.contains("its default profile has credentials"), "{page}");
    assert!(page.contains("ignoring profile default as source (AWS_ACCESS_KEY_ID is set)"), "{page}");
    let isolated = xassume.clone().arg("--isolate").run().exited(0).stdout_text();
    assert!(isolated.contains("ok           environment "), "{isolated}");
    let kept = xassume.args(["--keep-env", "AWS_PROFILE"]).run().exited(0).stdout_text();
    assert!(kept.contains("warning      environment "), "{kept}");
    assert!(kept.contains("variables kept by --keep-env may override the session: AWS_PROFILE\n"), "{kept}");
}

#[test]
fn a_kept_variable_is_not_reported_as_removed() {
    let imds = FakeImds::start();
    let sts = FakeSts::start();
    let xassume = role(&sts).without_keys().with_metadata_at(&imds.url());
    let page = xassume.run().exited(0).stdout_text();
    assert!(page.contains("environment    no conflicting variables\n"), "{page}");
    let xassume = xassume.env("AWS_CREDENTIAL_SCOPE", "us-east-1");
    let page = xassume.args(["--keep-env", "AWS_CREDENTIAL_SCOPE"]).run().exited(0).stdout_text();
    assert!(page.contains("warning      environment    no variables removed\n"), "{page}");
    assert!(page.contains("variables kept by --keep-env may override the session: AWS_CREDENTIAL_SCOPE\n"), "{page}");
    assert!(!page.contains("no conflicting"), "{page}");
}

#[test]
fn variables_that_select_other_credentials_are_reported_even_after_a_failure() {
    let sts = naming_the_policy(RoleRules { allowed: false, ..RoleRules::default() });
    let xassume = role(&sts).env("AWS_PROFILE", "gone").args(["--log-format", "json"]);
    let document = xassume.run().exited(125).stdout_json();
    let step = document["steps"].as_array().and_then(|steps| steps.last()).expect("steps");
    assert_eq!((&step["step"], &step["state"]), (&json!("environment"), &json!("not_reached")));
    assert_eq!(step["removed"], json!(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"]));
}

#[test]
fn a_variable_to_keep_that_is_not_set_is_noted() {
    let sts = FakeSts::start();
    let names = ["--keep-env", "AWS_PROFIEL", "--keep-env", "AWS_DEFAULT_PROFILE", "--keep-env", "HOME"];
    let note = "ignoring --keep-env AWS_PROFIEL (not set)\n";
    let page = role(&sts).args(names).run().exited(0).stdout_text();
    assert!(page.contains(note) && page.matches("AWS_PROFIEL").count() == 1, "{page}");
    let launch = |flag: &str| {
        let launch = Xassume::new(&sts).args(["-r", ROLE, flag]).args(names).args(["--", "true"]);
        launch.run().exited(0).stderr
    };
    let stderr = launch("-v");
    assert!(stderr.contains(&format!("xassume: {note}")) && stderr.matches("AWS_PROFIEL").count() == 1, "{stderr}");
    assert_eq!(launch("--isolate"), "");
}
