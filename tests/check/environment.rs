//! The environment step: variables that the command gets, keeps and loses.

use super::{ROLE, fails, naming_the_policy, role};
use crate::support::{FakeImds, FakeSts, RoleRules, Xassume};

#[test]
fn the_environment_step_follows_the_flags() {
    let sts = FakeSts::start();
    for (flags, delivery, expiry) in [
        (
            &["--on-expiry", "restart"][..],
            "--via env: the session is in the environment of each start",
            "--on-expiry restart: the command gets SIGTERM, after 10s SIGKILL, and is started again",
        ),
        (
            &["--on-expiry", "signal", "--signal", "USR1"],
            "--via file: the session is in a private credentials file",
            "--on-expiry signal: the file is replaced, then the command gets SIGUSR1",
        ),
        (
            &["--via", "file", "--credentials-file", "y"],
            "--via file: the session is in the credentials file y, mode 0600",
            "--on-expiry none: the session is replaced while the command runs",
        ),
        (&["--via", "endpoint"], "at an address on the loopback interface", "first refresh 30m to 40m after the start"),
        (
            &["--via", "process", "--refresh-margin", "5m"],
            "by a credential_process",
            "first refresh 55m after the start",
        ),
        (
            &["--via", "env", "--on-expiry", "signal"],
            "in the environment of each start",
            "SIGHUP announces the expiry: an environment cannot be changed from outside",
        ),
    ] {
        let page = role(&sts).args(flags).run().exited(0).stdout_text();
        assert!(page.contains(delivery) && page.contains(expiry), "{flags:?}: {page}");
    }
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
        let (_, list) = page.split_once("removed, since they lead to other identities: ").expect(&page);
        assert!(list.contains(removed), "{page}");
    }
    assert!(page.contains("note         environment "), "{page}");
    assert!(page.contains("the default profile of the shared files has credentials of its own"), "{page}");
    assert!(page.contains("profile default is not the source: there are keys in the environment"), "{page}");
    let isolated = xassume.clone().arg("--isolate").run().exited(0).stdout_text();
    assert!(isolated.contains("ok           environment "), "{isolated}");
    let kept = xassume.args(["--keep-env", "AWS_PROFILE"]).run().exited(0).stdout_text();
    assert!(kept.contains("warning      environment "), "{kept}");
    assert!(kept.contains("kept by --keep-env, and may win over the session: AWS_PROFILE\n"), "{kept}");
}

#[test]
fn a_kept_variable_is_not_reported_as_removed() {
    let imds = FakeImds::start();
    let sts = FakeSts::start();
    let xassume = role(&sts).without_keys().with_metadata_at(&imds.url());
    let page = xassume.run().exited(0).stdout_text();
    assert!(page.contains("environment    no variable leads the command to another identity\n"), "{page}");
    let xassume = xassume.env("AWS_ACCOUNT_ID", "222222222222");
    let page = xassume.args(["--keep-env", "AWS_ACCOUNT_ID"]).run().exited(0).stdout_text();
    assert!(page.contains("warning      environment    no variable is removed\n"), "{page}");
    assert!(page.contains("kept by --keep-env, and may win over the session: AWS_ACCOUNT_ID\n"), "{page}");
    assert!(!page.contains("another identity"), "{page}");
}

#[test]
fn variables_that_select_other_credentials_are_reported_even_after_a_failure() {
    let sts = naming_the_policy(RoleRules { allowed: false, ..RoleRules::default() });
    let page = fails(&role(&sts).env("AWS_PROFILE", "gone"));
    let removed = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE\n";
    let told = format!("not reached  environment    removed, since they lead to other identities: {removed}");
    assert!(page.ends_with(&told), "{page}");
}

#[test]
fn a_variable_to_keep_that_is_not_set_is_noted() {
    let sts = FakeSts::start();
    let names = ["--keep-env", "AWS_PROFIEL", "--keep-env", "AWS_DEFAULT_PROFILE", "--keep-env", "HOME"];
    let note = "--keep-env AWS_PROFIEL keeps nothing: there is no such variable\n";
    let page = role(&sts).args(names).run().exited(0).stdout_text();
    assert!(page.contains(note) && page.matches("keeps nothing").count() == 1, "{page}");
    let launch = |flag: &str| {
        let launch = Xassume::new(&sts).args(["-r", ROLE, flag]).args(names).args(["--", "true"]);
        launch.run().exited(0).stderr
    };
    let told = launch("-v");
    assert!(told.contains(&format!("xassume: {note}")) && told.matches("keeps nothing").count() == 1, "{told}");
    assert_eq!(launch("--isolate"), "");
}
