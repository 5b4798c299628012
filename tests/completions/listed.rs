//! `--list`, which the generated scripts call: it prints no errors and makes no network call.

use crate::support::{Answer, FakeSts, Xassume};
use std::fs;

const CONFIG: &str = "[default]\nregion = eu-west-1\n\
    [profile deploy]\nrole_arn = arn:aws:iam::521111111144:role/DeployMaster\nsource_profile = default\n\
    [profile \"two words\"]\nrole_arn = arn:aws:iam::222222222222:role/team/Reader\n\
    credential_process = sh -c 'echo run > was-run'\n";
const CREDENTIALS: &str = "[keys]\naws_access_key_id = A\naws_secret_access_key = S\n";

pub(super) fn user() -> Xassume {
    Xassume::without_sts().file(".aws/config", CONFIG).file(".aws/credentials", CREDENTIALS)
}

#[track_caller]
fn listed(xassume: &Xassume, kind: &str) -> String {
    let finished = xassume.clone().args(["--list", kind]).run().exited(0);
    assert_eq!(finished.stderr, "");
    finished.stdout_text()
}

#[test]
fn profiles_and_roles_of_both_files_are_listed_one_per_line() {
    let user = user();
    assert_eq!(listed(&user, "profiles"), "default\ndeploy\nkeys\ntwo words\n");
    assert_eq!(
        listed(&user, "roles"),
        "arn:aws:iam::222222222222:role/team/Reader\narn:aws:iam::521111111144:role/DeployMaster\n\
         521111111144:DeployMaster\n"
    );
    let signals = listed(&user, "signals");
    assert!(signals.starts_with("HUP\nINT\nQUIT\n") && signals.contains("\nRTMIN+1\n"), "{signals}");
    assert!(!user.sandbox().work().join("was-run").exists(), "a credential_process was run");
}

#[test]
fn the_variables_select_the_files() {
    let user = user().file("c", "[profile there]\n").file("s", "[too]\n");
    let (config, credentials) = (user.home().join("c"), user.home().join("s"));
    let elsewhere = user.clone().env("AWS_CONFIG_FILE", config).env("AWS_SHARED_CREDENTIALS_FILE", credentials);
    assert_eq!(listed(&elsewhere, "profiles"), "there\ntoo\n");
}

#[test]
fn missing_or_broken_files_list_nothing_without_an_error() {
    let bare = Xassume::without_sts();
    let broken = user().file(".aws/config", "[profile x\n");
    let directory = bare.clone().env("AWS_CONFIG_FILE", bare.home());
    for user in [bare, broken, directory, user().env_remove("HOME")] {
        for kind in ["profiles", "roles"] {
            assert_eq!(listed(&user, kind), "", "{kind}");
        }
    }
}

#[test]
fn xassumes_variables_and_sts_have_no_effect() {
    let sts = FakeSts::start();
    sts.script_forever([Answer::error(500, "InternalFailure", "not to be asked")]);
    let user = Xassume::new(&sts).file(".aws/config", CONFIG);
    let user = user.env("XASSUME_LOG_FORMAT", "nonsense").env("XASSUME_VERBOSE", "2").env("XASSUME_PROFILE", "none");
    assert_eq!(listed(&user, "profiles"), "default\ndeploy\ntwo words\n");
    assert_eq!(sts.requests().len(), 0);
    assert_eq!(fs::read_dir(user.sandbox().runtime()).expect("the sandbox").count(), 0, "nothing is cached");
}

#[test]
fn names_with_control_characters_never_reach_the_terminal() {
    let user =
        user().file(".aws/credentials", "[plain]\n[-x]\n[--help]\n[\x1b]0;title\x07]\n[]\n").file(".aws/config", "");
    assert_eq!(listed(&user, "profiles"), "plain\n");
}

#[test]
fn an_unknown_list_is_rejected() {
    let refused = user().args(["--list", "nonsense"]).run().exited(125);
    assert_eq!(
        (refused.stdout_text().as_str(), refused.stderr.as_str()),
        (
            "",
            "xassume: error: invalid value 'nonsense' for '--list' [possible values: profiles, described-profiles, roles, signals]\nhint: see xassume --help\n"
        )
    );
}

#[test]
fn it_is_not_in_the_help() {
    for form in [&["--list"][..], &["--list", "profiles", "true"], &["-v", "--list", "profiles"], &["--list=profiles"]]
    {
        let refused = user().args(form).run().exited(125);
        assert!(refused.stderr.starts_with("xassume: error: unexpected argument '--list"), "{}", refused.stderr);
    }
    let echoed = user().args(["-r", "1", "--", "echo", "--list", "profiles"]).run().exited(125);
    assert!(
        echoed.stderr.contains("invalid value '1' for '--role-arn'"),
        "the command's own words stay its own: {}",
        echoed.stderr
    );
    assert!(!user().arg("--help").run().exited(0).stdout_text().contains("--list "));
}
