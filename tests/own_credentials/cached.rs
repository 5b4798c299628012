//! The cache keeps what the source does not keep itself, and `--expect-account` asks only where the account is unknown.

use super::{ACCOUNT, HOUR, PROCESS, answer_of, failed, has, keys_of, logged_in, profile, ran};
use crate::support::{FakeSso, FakeSts, Identity, LOGIN_SESSION, Login, Xassume, write_login, write_sign_in};
use std::fs;
use std::time::Duration;

/// The number of files in the default directory of the cache.
fn cached(xassume: &Xassume) -> usize {
    fs::read_dir(xassume.sandbox().runtime().join("xassume")).map_or(0, Iterator::count)
}

#[test]
fn credentials_of_iam_identity_center_are_cached() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = logged_in(&sts, &sso);
    for _ in 0..2 {
        has(&ran(&xassume), &Identity::sso(), Some(8 * HOUR));
    }
    // The account of the profile stays known.
    let json = xassume.clone().args(["--print", "json"]).run().exited(0).stdout_json();
    assert_eq!((sso.requests().len(), &json["AccountId"]), (1, &ACCOUNT.into()));
    ran(&xassume.clone().arg("--force-refresh"));
    ran(&xassume.clone().arg("--no-cache"));
    assert_eq!(sso.requests().len(), 3);
    // Another role is another session.
    let other = super::SSO.replace("Developer", "Admin");
    ran(&xassume.clone().file(".aws/config", other));
    assert_eq!(sso.requests().len(), 4);
}

#[test]
fn after_a_logout_the_cached_credentials_are_not_used() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = logged_in(&sts, &sso);
    ran(&xassume);
    fs::remove_dir_all(xassume.home().join(".aws/sso")).expect("the login is there");
    let error = failed(&xassume);
    assert!(error.contains("aws sso login --sso-session corp"), "{error}");
    assert_eq!(sso.requests().len(), 1);
}

#[test]
fn after_another_login_the_cached_credentials_are_not_used() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = logged_in(&sts, &sso);
    ran(&xassume);
    let path = write_login(&xassume.home(), "corp", Login::Valid);
    let mut login: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("a login")).expect("JSON");
    login["accessToken"] = "of-another-user".into();
    fs::write(&path, login.to_string()).expect("the login is ours");
    // The portal knows only the first token.
    failed(&xassume);
    assert_eq!(sso.requests().len(), 2);
}

#[test]
fn runs_at_once_share_one_request_to_the_portal() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    sso.delay(Duration::from_millis(300));
    let xassume = logged_in(&sts, &sso).args(["--", "true"]);
    let runs: Vec<_> = (0..5).map(|_| xassume.spawn()).collect();
    for run in runs {
        run.wait().exited(0);
    }
    assert_eq!(sso.requests().len(), 1);
}

#[test]
fn a_portal_that_fails_is_bridged_by_the_cache() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = logged_in(&sts, &sso);
    ran(&xassume);
    sso.die();
    let finished = ran(&xassume.args(["--min-ttl", "9h"]));
    has(&finished, &Identity::sso(), Some(8 * HOUR));
    assert!(finished.stderr.contains("; using the cached session ("), "{}", finished.stderr);
}

#[test]
fn other_sources_keep_their_credentials_themselves() {
    let sts = FakeSts::start();
    let process = profile(&sts, PROCESS).file("answer", answer_of(&Identity::task(), Some(HOUR)));
    let login = profile(&sts, &format!("[profile dev]\nlogin_session = {LOGIN_SESSION}\n"));
    write_sign_in(&login.home(), LOGIN_SESSION, HOUR);
    let keys = profile(&sts, &keys_of(&Identity::user()));
    for xassume in [&process, &login, &keys] {
        for _ in 0..2 {
            ran(xassume);
        }
        assert_eq!(cached(xassume), 0);
    }
    assert_eq!(fs::read_to_string(process.home().join("runs")).expect("it ran"), "ran\nran\n");
}

#[test]
fn an_mfa_session_needs_one_code() {
    let sts = FakeSts::builder().mfa_codes(&["314159"]).start();
    let config = keys_of(&Identity::user())
        + "mfa_serial = GAHT12345678\n[profile role]\nrole_arn = arn:aws:iam::111111111111:role/R\n\
           source_profile = dev\nmfa_serial = GAHT12345678\n";
    let xassume = profile(&sts, &config);
    let first = ran(&xassume.clone().args(["--mfa-token", "314159"]));
    let second = ran(&xassume);
    let key = first.variable("AWS_ACCESS_KEY_ID");
    assert_eq!((sts.requests().len(), second.variable("AWS_ACCESS_KEY_ID")), (1, key.clone()));
    // A role that needs the same MFA session uses it, too.
    ran(&xassume.without_args().args(["-p", "role"]));
    assert_eq!(sts.requests()[1].access_key_id, key);
}

#[test]
fn the_account_of_iam_identity_center_is_known() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = logged_in(&sts, &sso);
    for _ in 0..2 {
        ran(&xassume.clone().args(["--expect-account", ACCOUNT]));
    }
    let error = failed(&xassume.args(["--expect-account", "111111111111"]));
    let line = "xassume: error: wrong account: expected 111111111111, but the session is in account 222222222222\n";
    assert!(error.starts_with(line), "{error}");
    assert_eq!((sso.requests().len(), sts.requests().len()), (1, 0));
}

#[test]
fn the_account_of_a_credential_process_is_passed_on_but_not_trusted() {
    let sts = FakeSts::start();
    let with = |account: &str| {
        let answer = answer_of(&Identity::user(), None).replacen('{', &format!("{{\"AccountId\":\"{account}\","), 1);
        profile(&sts, PROCESS).file("answer", answer)
    };
    for (account, passed_on) in [(ACCOUNT, Some(ACCOUNT)), ("0222", None), ("", None)] {
        assert_eq!(ran(&with(account)).variable("AWS_ACCOUNT_ID").as_deref(), passed_on, "{account}");
    }
    assert_eq!(sts.requests().len(), 0);
    ran(&with(ACCOUNT).args(["--expect-account", ACCOUNT]));
    let error = failed(&with("111111111111").args(["--expect-account", "111111111111"]));
    assert!(
        error.contains("wrong account: expected 111111111111, but the session is in account 222222222222"),
        "{error}"
    );
    assert_eq!(sts.requests().len(), 2);
    with(ACCOUNT).args(["--check", "--expect-account", ACCOUNT]).run().exited(0);
    assert_eq!(sts.requests().len(), 3);
}

#[test]
fn an_unknown_account_is_asked_for() {
    let sts = FakeSts::builder().mfa_codes(&["314159"]).start();
    let keys = profile(&sts, &keys_of(&Identity::user()));
    let device = keys.clone().args(["--mfa-serial", "GAHT12345678"]);
    ran(&keys.clone().args(["--expect-account", ACCOUNT]));
    let error = failed(&keys.args(["--expect-account", "111111111111"]));
    assert!(
        error.contains("wrong account: expected 111111111111, but the session is in account 222222222222"),
        "{error}"
    );
    ran(&device.clone().args(["--mfa-token", "314159", "--expect-account", ACCOUNT]));
    // The MFA session is cached, but its account is not.
    ran(&device.args(["--expect-account", ACCOUNT]));
    let actions: Vec<_> = sts.requests().into_iter().map(|request| request.action).collect();
    let ask = "GetCallerIdentity";
    assert_eq!(actions, [ask, ask, "GetSessionToken", ask, ask]);
    sts.stop();
    let error = failed(&profile(&sts, &keys_of(&Identity::user())).args(["--expect-account", ACCOUNT]));
    assert!(error.starts_with("xassume: error: GetCallerIdentity failed: "), "{error}");
}
