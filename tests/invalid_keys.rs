//! Access keys that are not valid, and variables that are not UTF-8: an error at once, without a network call.

use crate::support::{FakeContainer, FakeSts, Identity, Xassume, on_one_line, probe};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

const ROLE: &str = "arn:aws:iam::111111111111:role/R";
const HIDDEN: &str = "HIDDENVALUE";

/// Asserts that a launch, a supervised run and a check fail with the same error. Returns it on one line.
#[track_caller]
fn rejected(sts: &FakeSts, xassume: &Xassume) -> String {
    let xassume = xassume.clone().args(["-r", ROLE]);
    let run = |args: &[&str]| {
        let finished = xassume.clone().args(args).args(["--"]).args(probe()).args(["say", "ran"]).run().exited(125);
        assert_eq!(finished.stdout_text(), "", "the command must not start");
        finished.stderr
    };
    let (launched, supervised) = (run(&["--no-cache"]), run(&["--on-expiry", "restart", "--no-cache"]));
    assert_eq!(launched, supervised);
    let said = on_one_line(&launched);
    let (reason, hint) = said.split_once(" hint: ").expect("a reason and a hint");
    assert!(!hint.contains("hint: ") && launched.contains("\nhint: "), "{launched}");
    assert_eq!(launched.lines().count(), 2, "{launched}");
    let checked = xassume.clone().arg("--check").run().exited(125).stdout_text();
    let reason = reason.trim_start_matches("xassume: error: ");
    assert!(on_one_line(&checked).contains(reason), "{reason}: {checked}");
    assert!(!launched.contains(HIDDEN) && !checked.contains(HIDDEN), "{launched}{checked}");
    assert_eq!(sts.requests().len(), 0, "STS is not asked with them");
    said
}

#[test]
fn invalid_keys_in_the_environment() {
    let sts = FakeSts::start();
    for variable in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        for (value, flaw) in [
            (format!("{HIDDEN}\n"), "contains a line break"),
            (format!("{HIDDEN}\r"), "contains a line break"),
            (format!(" {HIDDEN} "), "contains a space"),
            (format!("{HIDDEN}\u{1}"), "contains a control character"),
            (format!("{HIDDEN}\u{e9}"), "contains a character that is not ASCII"),
        ] {
            let said = rejected(&sts, &Xassume::new(&sts).env(variable, value));
            assert!(said.starts_with(&format!("xassume: error: {variable} {flaw} hint: ")), "{said}");
        }
    }
    let old_name = Xassume::new(&sts).env("AWS_ACCESS_KEY_ID", "ASIA1").env("AWS_SECURITY_TOKEN", "t\n");
    assert!(rejected(&sts, &old_name).starts_with("xassume: error: AWS_SECURITY_TOKEN contains a line break"));
}

#[test]
fn invalid_keys_of_a_profile() {
    let sts = FakeSts::start();
    for (file, section, keys, key, flaw) in [
        (".aws/credentials", "dev", ["AK\u{1}", HIDDEN, "t"], "aws_access_key_id", "contains a control character"),
        (
            ".aws/credentials",
            "dev",
            ["AKIA", "HIDDENVALUE\n more", "t"],
            "aws_secret_access_key",
            "contains a line break",
        ),
        (".aws/config", "profile dev", ["AKIA", HIDDEN, "HIDDENVALUE x"], "aws_session_token", "contains a space"),
    ] {
        let [id, secret, token] = keys;
        let text = format!(
            "[{section}]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\naws_session_token = {token}\n"
        );
        let xassume = Xassume::new(&sts).without_keys().file(file, text).args(["-p", "dev"]);
        let path = xassume.home().join(file);
        let said = rejected(&sts, &xassume);
        let line = format!("xassume: error: {key} of profile 'dev' in {} {flaw} hint: ", path.display());
        assert!(said.starts_with(&line), "{said}");
    }
}

#[test]
fn invalid_keys_of_a_credential_process() {
    let sts = FakeSts::start();
    let by_process = |answer: &str| {
        let config = "[profile dev]\ncredential_process = cat $HOME/answer\n";
        Xassume::new(&sts).without_keys().file(".aws/config", config).file("answer", answer).args(["-p", "dev"])
    };
    for (answer, flaw) in [
        (r#"{"Version":1,"AccessKeyId":"AK\n","SecretAccessKey":"HIDDENVALUE"}"#, "AccessKeyId contains a line break"),
        (r#"{"Version":1,"AccessKeyId":"","SecretAccessKey":""}"#, "AccessKeyId is empty"),
        (r#"{"Version":1,"AccessKeyId":"AK","SecretAccessKey":""}"#, "SecretAccessKey is empty"),
        (
            r#"{"Version":1,"AccessKeyId":"AK","SecretAccessKey":"s","SessionToken":"HIDDENVALUE "}"#,
            "SessionToken contains a space",
        ),
    ] {
        let said = rejected(&sts, &by_process(answer));
        let line = format!("credential_process of profile 'dev' printed an invalid response: {flaw} hint: ");
        assert!(said.starts_with(&format!("xassume: error: {line}")), "{said}");
    }
}

#[test]
fn an_empty_token_of_a_credential_process_is_ignored() {
    let (sts, user) = (FakeSts::start(), Identity::user());
    let (key, secret) = (&user.access_key_id, &user.secret_access_key);
    let answer = format!(r#"{{"Version":1,"AccessKeyId":"{key}","SecretAccessKey":"{secret}","SessionToken":""}}"#);
    let config = "[profile dev]\ncredential_process = cat $HOME/answer\n";
    let xassume = Xassume::new(&sts).without_keys().file(".aws/config", config).file("answer", answer);
    xassume.args(["-p", "dev", "-r", ROLE, "--", "true"]).run().exited(0);
    assert_eq!((sts.requests()[0].access_key_id.as_ref(), &sts.requests()[0].session_token), (Some(key), &None));
}

#[test]
fn invalid_keys_of_a_container() {
    let (sts, container) = (FakeSts::start(), FakeContainer::start());
    let in_container =
        || Xassume::new(&sts).without_keys().env("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.full_uri());
    container.set_identity(Identity { session_token: Some(format!("{HIDDEN}\n")), ..Identity::task() });
    let said = rejected(&sts, &in_container().env("AWS_CONTAINER_AUTHORIZATION_TOKEN", container.token()));
    assert!(said.contains("endpoint: invalid response: the session token contains a line break hint: "), "{said}");

    container.set_identity(Identity::task());
    let file = in_container().file("token", format!("{}\n", container.token()));
    let path = file.home().join("token");
    let by_variable = in_container().env("AWS_CONTAINER_AUTHORIZATION_TOKEN", format!("{HIDDEN}\n"));
    for (xassume, complaint) in [
        (
            file.env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path),
            "the file contains a line break or another character",
        ),
        (
            by_variable,
            "the container authorization token contains a character that is not allowed in an HTTP header hint: ",
        ),
    ] {
        let said = rejected(&sts, &xassume);
        assert!(said.contains(complaint), "{said}");
        assert!(said.contains("without a line break"), "{said}");
    }
}

#[test]
fn variables_that_are_not_utf_8_are_an_error() {
    let sts = FakeSts::start();
    for name in [
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_REGION",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_ENDPOINT_URL_STS",
        "AWS_ENDPOINT_URL_SSO",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_USE_FIPS_ENDPOINT",
    ] {
        let value = OsStr::from_bytes(b"HIDDENVALUE\xff");
        let said = rejected(&sts, &Xassume::new(&sts).env(name, value));
        let line = format!("xassume: error: {name} is not valid UTF-8 hint: use UTF-8, or unset {name}");
        assert_eq!(said, line);
    }
    let others = Xassume::new(&sts).env("AWS_ODD", OsStr::from_bytes(b"\xff"));
    others.args(["-r", ROLE, "--", "true"]).run().exited(0);
}
