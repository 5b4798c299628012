//! `--check` of a profile without a role.

use super::{ACCOUNT, HOUR, PROCESS, answer_of, keys_of, logged_in, profile};
use crate::support::{FakeSso, FakeSts, Identity, Login, RefusedPort, Xassume, write_login};
use std::fs;

fn page(xassume: &Xassume, status: i32) -> String {
    let finished = xassume.clone().arg("--check").run().exited(status);
    assert_eq!(finished.stderr, "", "the check reports on standard output only");
    finished.stdout_text()
}

#[test]
fn iam_identity_center_is_reported_step_by_step() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = logged_in(&sts, &sso).args(["--expect-account", ACCOUNT]);
    let shown = page(&xassume, 0);
    let lines: Vec<_> = shown.lines().collect();
    let identity = Identity::sso();
    let source = format!("SSO of profile dev (Developer in account {ACCOUNT}): {}, temporary", identity.access_key_id);
    assert_eq!(lines[2], format!("ok           source         {source}"));
    assert_eq!(lines[5], format!("ok           identity       {}", identity.arn));
    assert_eq!(lines[6], "ok           session        no role: the credentials of the source, account 222222222222");
    assert_eq!(lines[7].trim_start(), "account 222222222222 (--expect-account)");
    assert!(
        lines[9].starts_with("ok           expiry         the session is not refreshed and expires at "),
        "{shown}"
    );
    let refreshed = page(&xassume.clone().args(["--via", "endpoint"]), 0);
    let lines: Vec<_> = refreshed.lines().collect();
    assert!(
        lines[3].starts_with("warning      refresh        refreshes work without user input until 2"),
        "{refreshed}"
    );
    assert!(lines[3].ends_with("Z, when the login expires"), "{refreshed}");
    assert_eq!(
        lines[4].trim_start(),
        "hint: log in again before then; only the login of an [sso-session] section is refreshed"
    );
    assert_eq!(lines.last(), Some(&"check passed, 1 warning"));
    // The next launch uses the credentials that the check has cached.
    super::ran(&xassume);
    assert_eq!(sso.requests().len(), 2);
    let document = xassume.clone().args(["--check", "--log-format", "json"]).run().exited(0).stdout_json();
    let steps = document["steps"].as_array().expect("steps");
    let session = steps.iter().find(|step| step["step"] == "session").expect("the step");
    assert_eq!((session.get("arn"), &session["account"]), (None, &ACCOUNT.into()));
    assert!(!steps.iter().any(|step| step["step"] == "role"), "{document}");
    let refresh = steps.iter().find(|step| step["step"] == "unattended").expect("the step");
    assert!(refresh["until"].as_str().is_some_and(|end| lines_of_login(&xassume).contains(end)), "{document}");
}

/// The document about a login that cannot be refreshed.
pub(crate) fn document_of_login() -> serde_json::Value {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    logged_in(&sts, &sso).args(["--check", "--log-format", "json"]).run().exited(0).stdout_json()
}

/// The text of the file of the login.
fn lines_of_login(xassume: &Xassume) -> String {
    let directory = xassume.home().join(".aws/sso/cache");
    let mut files = fs::read_dir(directory).expect("the cache").map(|entry| entry.expect("a file").path());
    let login = files.find(|path| path.extension().is_some_and(|extension| extension == "json"));
    fs::read_to_string(login.expect("a login")).expect("text")
}

#[test]
fn a_login_that_can_be_refreshed() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = logged_in(&sts, &sso).env("AWS_ENDPOINT_URL_SSO_OIDC", sso.url());
    write_login(&xassume.home(), "corp", Login::Refreshable);
    let shown = page(&xassume.args(["--via", "endpoint"]), 0);
    let line = "\nok           refresh        refreshes work without user input while the login lasts\n";
    assert!(shown.contains(line), "{shown}");
}

#[test]
fn keys_without_an_expiry() {
    let sts = FakeSts::start();
    let keys = profile(&sts, &keys_of(&Identity::user()));
    let shown = page(&keys, 0);
    assert!(![" refresh ", " expiry "].iter().any(|step| shown.contains(step)), "{shown}");
    assert!(
        shown.contains("\nok           session        no role: the credentials of the source, account 2222"),
        "{shown}"
    );
    let shown = page(&keys.clone().args(["--on-expiry", "restart"]), 125);
    assert!(shown.contains("--on-expiry restart cannot be used with keys of profile dev"), "{shown}");
    let shown = page(&keys.args(["--expect-account", "111111111111"]), 125);
    assert!(
        shown.contains("wrong account: expected 111111111111, but the session is in account 222222222222"),
        "{shown}"
    );
    let process = profile(&sts, PROCESS).file("answer", answer_of(&Identity::user(), None));
    let shown = page(&process.args(["--via", "endpoint"]), 125);
    assert!(shown.contains("\nfailed       expiry         "), "{shown}");
    assert!(shown.contains("--via endpoint cannot be used with credential_process of profile dev"), "{shown}");
}

/// A launch does not need STS, so the check does not fail.
#[test]
fn sts_cannot_be_reached() {
    let sts = FakeSts::start();
    let port = RefusedPort::reserve();
    let process = profile(&sts, PROCESS).file("answer", answer_of(&Identity::task(), Some(HOUR)));
    let process = process.env("AWS_ENDPOINT_URL_STS", port.url());
    let shown = page(&process, 0);
    assert!(shown.contains("\nwarning      identity       GetCallerIdentity failed: "), "{shown}");
    page(&process.args(["--expect-account", ACCOUNT]), 125);
}

#[test]
fn keys_that_sts_does_not_know() {
    let sts = FakeSts::start();
    let unknown = Identity::long_term("AKIAUNKNOWN000000001", "secret", "user/bob");
    let shown = page(&profile(&sts, &keys_of(&unknown)), 125);
    assert!(shown.contains("\nfailed       identity       GetCallerIdentity failed: InvalidClientTokenId"), "{shown}");
    assert!(shown.contains("this access key does not exist in the partition of us-east-1"), "{shown}");
}

#[test]
fn a_device_and_its_cached_session() {
    let sts = FakeSts::builder().mfa_codes(&["314159"]).start();
    let config = keys_of(&Identity::user()) + "mfa_serial = GAHT12345678\n";
    let xassume = profile(&sts, &config);
    let shown = page(&xassume.clone().args(["--mfa-token", "314159"]), 0);
    let (mfa, cached) =
        ("\nok           mfa            GAHT12345678: ", "MFA session obtained (code from --mfa-token) and cached");
    assert!(shown.contains(&format!("{mfa}{cached}\n")), "{shown}");
    let shown = page(&xassume, 0);
    assert!(shown.contains(&format!("{mfa}using cached MFA session\n")), "{shown}");
    super::ran(&xassume);
    let actions: Vec<_> = sts.requests().into_iter().map(|request| request.action).collect();
    assert_eq!(actions, ["GetCallerIdentity", "GetSessionToken", "GetCallerIdentity"]);
}

#[test]
fn a_profile_without_credentials() {
    let sts = FakeSts::start();
    let shown = page(&profile(&sts, "[profile dev]\nregion = us-east-1\n"), 125);
    assert!(
        shown.contains("\nfailed       source         profile 'dev' has neither role_arn nor credentials"),
        "{shown}"
    );
    assert!(
        shown.contains("hint: add role_arn = ARN, or credentials with: aws configure sso --profile dev"),
        "{shown}"
    );
}
