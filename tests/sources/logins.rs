//! Logins: IAM Identity Center, and the console (`aws login`).

use super::{failed, ran, signer};
use crate::support::{
    FakeSignIn, FakeSso, FakeSts, Identity, LOGIN_SESSION, Login, Xassume, write_login, write_sign_in,
};
use std::time::Duration;

#[test]
fn a_login_of_iam_identity_center() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let world = || Xassume::new(&sts).without_keys().env("AWS_ENDPOINT_URL_SSO", sso.url()).file(".aws/config", SSO);
    ran(logged_in(&sts, &sso));
    assert_eq!(signer(&sts), Identity::sso().access_key_id);

    for login in [Some(Login::Expired), Some(Login::Revoked), None] {
        let xassume = world();
        if let Some(login) = login {
            write_login(&xassume.home(), "corp", login);
        }
        let error = failed(xassume.args(["-p", "dev"]));
        assert!(error.contains("hint: log in with: aws sso login --sso-session corp"), "{error}");
    }
}

pub(super) const SSO: &str = "[profile dev]\nsso_session = corp\nsso_account_id = 222222222222\nsso_role_name = Developer\n\
    [sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.example/start\n";

/// With a valid login.
pub(super) fn logged_in(sts: &FakeSts, sso: &FakeSso) -> Xassume {
    let xassume = Xassume::new(sts).without_keys().env("AWS_ENDPOINT_URL_SSO", sso.url()).file(".aws/config", SSO);
    write_login(&xassume.home(), "corp", Login::Valid);
    xassume.args(["-p", "dev"])
}

#[test]
fn a_login_of_iam_identity_center_is_refreshed_and_stored() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = logged_in(&sts, &sso).env("AWS_ENDPOINT_URL_SSO_OIDC", sso.url()).arg("--no-cache");
    write_login(&xassume.home(), "corp", Login::Refreshable);
    for _ in 0..2 {
        ran(xassume.clone());
    }
    assert_eq!(signer(&sts), Identity::sso().access_key_id);
    let asked: Vec<_> = sso.requests().iter().map(|request| request.path().to_owned()).collect();
    assert_eq!(asked, ["/token", "/federation/credentials", "/federation/credentials"]);
}

/// A profile with a console login whose keys last this long.
pub(super) fn signed_in(sts: &FakeSts, sign_in: &FakeSignIn, lasts: Duration) -> Xassume {
    let config = format!("[profile dev]\nlogin_session = {LOGIN_SESSION}\nregion = us-east-1\n");
    let xassume =
        Xassume::new(sts).without_keys().file(".aws/config", config).env("AWS_ENDPOINT_URL_SIGNIN", sign_in.url());
    write_sign_in(&xassume.home(), LOGIN_SESSION, lasts);
    xassume.args(["-p", "dev"])
}

#[test]
fn a_login_to_the_console() {
    let (sts, sign_in) = (FakeSts::start(), FakeSignIn::start());
    ran(signed_in(&sts, &sign_in, Duration::from_mins(10)));
    assert_eq!((signer(&sts), sign_in.requests().len()), (Identity::login().access_key_id, 0), "it is still valid");
}

#[test]
fn a_login_to_the_console_that_expires_soon_is_refreshed_and_stored() {
    let (sts, sign_in) = (FakeSts::start(), FakeSignIn::start());
    let xassume = signed_in(&sts, &sign_in, Duration::from_mins(4));
    for _ in 0..2 {
        ran(xassume.clone().arg("--no-cache"));
    }
    let signers: Vec<_> = sts.requests().into_iter().filter_map(|request| request.access_key_id).collect();
    assert_eq!(signers, [Identity::login_refreshed().access_key_id, Identity::login_refreshed().access_key_id]);
    assert_eq!(sign_in.requests().len(), 1, "its refresh token can be used once");
}

#[test]
fn an_expired_login_to_the_console_names_the_command() {
    let (sts, sign_in) = (FakeSts::start(), FakeSignIn::start());
    let xassume = signed_in(&sts, &sign_in, Duration::ZERO);
    for (code, reason) in
        [("TOKEN_EXPIRED", "has expired"), ("USER_CREDENTIALS_CHANGED", "is no longer valid: the password was changed")]
    {
        sign_in.refuse(code);
        let error = failed(xassume.clone());
        let line = format!("xassume: error: the `aws login` session of profile 'dev' {reason}\n");
        assert_eq!(error, line + "hint: log in with: aws login --profile dev\n");
    }
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn an_error_of_sign_in_does_not_hint_to_log_in_again() {
    let (sts, sign_in) = (FakeSts::start(), FakeSignIn::start());
    let xassume = signed_in(&sts, &sign_in, Duration::ZERO);
    sign_in.refuse("INSUFFICIENT_PERMISSIONS");
    let denied = failed(xassume.clone());
    assert!(denied.contains("from AWS Sign-In: ") && denied.contains("signin:CreateOAuth2Token"), "{denied}");
    sign_in.fail(500);
    let broken = failed(xassume.clone());
    sign_in.die();
    let gone = failed(xassume);
    for error in [&denied, &broken, &gone] {
        assert!(
            error.starts_with("xassume: error: cannot get credentials for profile 'dev' from AWS Sign-In: "),
            "{error}"
        );
        assert!(!error.contains("log in"), "{error}");
    }
    assert!(gone.contains("Connection refused"), "{gone}");
    assert_eq!(sts.requests().len(), 0);
}
