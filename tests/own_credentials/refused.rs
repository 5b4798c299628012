//! What is an error: nothing to launch, options of roles, and flags for credentials that expire.

use super::{PROCESS, answer_of, failed, keys_of, logged_in, profile};
use crate::support::{FakeImds, FakeSso, FakeSts, Identity, Xassume, binary};

#[test]
fn only_a_named_profile_is_launched() {
    let (sts, imds, user) = (FakeSts::start(), FakeImds::start(), Identity::user());
    let config = keys_of(&user).replace("profile dev", "default");
    let at_imds = |xassume: Xassume| xassume.with_metadata_at(&imds.url());
    for xassume in [
        Xassume::new(&sts).without_keys().file(".aws/config", &config),
        Xassume::new(&sts).file(".aws/config", &config),
        Xassume::new(&sts),
        at_imds(Xassume::new(&sts).without_keys()),
    ] {
        let error = failed(&xassume);
        assert!(error.starts_with("xassume: error: no role specified"), "{error}");
    }
    assert_eq!((sts.requests().len(), imds.requests().len()), (0, 0));
}

#[test]
fn a_profile_without_credentials_does_not_fall_through() {
    let (sts, imds) = (FakeSts::start(), FakeImds::start());
    for config in
        ["[profile dev]\nregion = us-east-1\n", "[profile dev]\nsource_profile = b\n[profile b]\nregion = x\n"]
    {
        let xassume = profile(&sts, config).with_keys_of(&Identity::user()).with_metadata_at(&imds.url());
        let error = failed(&xassume);
        let line = "xassume: error: profile 'dev' has neither role_arn nor credentials\n";
        assert!(error.starts_with(line), "{error}");
    }
    assert_eq!((sts.requests().len(), imds.requests().len()), (0, 0));
}

#[test]
fn nothing_that_never_expires_is_refreshed() {
    let sts = FakeSts::start();
    let keys = profile(&sts, &keys_of(&Identity::user()));
    for (args, shown) in [
        (&["--on-expiry", "restart"][..], "--on-expiry restart"),
        (&["--on-expiry", "signal"], "--on-expiry signal"),
        (&["--via", "endpoint"], "--via endpoint"),
        (&["--via", "file", "--refresh-margin", "5m"], "--refresh-margin"),
        (&["--via", "process", "--on-refresh-failure", "stop"], "--on-refresh-failure"),
        (&["--duration", "1h"], "--duration"),
    ] {
        let error = failed(&keys.clone().args(args));
        let line = format!(
            "xassume: error: {shown} cannot be used with keys of profile dev (AKIAUSERDEFAULT00001): long-term keys do not expire\n"
        );
        assert!(error.starts_with(&line), "{error}");
    }
    let error = failed(&keys.env("XASSUME_ON_EXPIRY", "restart"));
    assert!(error.starts_with("xassume: error: XASSUME_ON_EXPIRY=restart cannot be used with keys of "), "{error}");
    assert!(error.contains("\nhint: unset XASSUME_ON_EXPIRY"), "{error}");
}

/// Only the output of the program shows whether it expires.
#[test]
fn a_credential_process_without_an_expiry_is_not_refreshed() {
    let sts = FakeSts::start();
    for (identity, reason) in [
        (Identity::user(), "long-term keys do not expire\n"),
        (Identity::task(), "the source does not say when its credentials expire\n"),
    ] {
        let xassume = profile(&sts, PROCESS).file("answer", answer_of(&identity, None));
        for args in [["--on-expiry", "restart"], ["--via", "endpoint"]] {
            let error = failed(&xassume.clone().args(args));
            let line = format!("xassume: error: {} {} cannot be used with credential_process of ", args[0], args[1]);
            assert!(error.starts_with(&line) && error.contains(reason), "{error}");
        }
    }
}

#[test]
fn expired_credentials_are_not_passed_on() {
    let (sts, imds) = (FakeSts::start(), FakeImds::start());
    imds.set_end("2020-01-01T00:00:00Z");
    let config = "[profile dev]\ncredential_source = Ec2InstanceMetadata\n";
    let error = failed(&profile(&sts, config).with_metadata_at(&imds.url()));
    assert!(error.contains("the credentials of the instance's role (EC2 metadata) expired at 2020-01-01T00:00:00Z"));
}

#[test]
fn options_of_roles_require_a_role() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = logged_in(&sts, &sso);
    for args in [
        &["--external-id", "word"][..],
        &["--duration", "1h"],
        &["--policy", "{}"],
        &["--policy-arn", "arn:aws:iam::aws:policy/ReadOnlyAccess"],
        &["--tag", "a=b"],
        &["--tag", "a=b", "--transitive-tag", "a"],
        &["--source-identity", "me"],
        &["--role-session-name", "me"],
        &["--mfa-serial", "GAHT12345678"],
        &["--web-identity-token-file", "/token"],
    ] {
        let error = failed(&xassume.clone().args(args));
        let line = format!("xassume: error: {} requires a role, and profile 'dev' has no role_arn\n", args[0]);
        assert!(error.starts_with(&line), "{error}");
        assert!(error.contains(&format!("hint: remove {}, or add --role-arn ARN", args[0])), "{error}");
    }
    // A variable is a default for other runs, unless the session would have more permissions without it.
    let variables = xassume.clone().env("XASSUME_DURATION", "2h").env("XASSUME_TAG", "a=b").arg("-v");
    let stderr = super::ran(&variables).stderr;
    for name in ["XASSUME_DURATION", "XASSUME_TAG"] {
        assert!(stderr.contains(&format!("ignoring {name} (profile dev has no role)\n")), "{stderr}");
    }
    let error = failed(&xassume.env("XASSUME_POLICY", "{}"));
    assert!(error.starts_with("xassume: error: XASSUME_POLICY requires a role"), "{error}");
}

#[test]
fn an_account_of_iam_identity_center_must_be_valid() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let config = super::SSO.replace("222222222222", "0222");
    let error = failed(&logged_in(&sts, &sso).file(".aws/config", config));
    let line = "xassume: error: invalid value '0222' for sso_account_id of profile 'dev' in ";
    assert!(error.starts_with(line) && error.contains("hint: an account ID has 12 digits"), "{error}");
    assert_eq!(sso.requests().len(), 0);
}

#[test]
fn a_profile_that_runs_xassume_with_itself_ends() {
    let sts = FakeSts::start();
    let config =
        format!("[profile dev]\ncredential_process = {} -p dev --print credential-process\n", binary().display());
    let error = failed(&profile(&sts, &config));
    let lines: Vec<_> = error.lines().collect();
    assert!(lines[0].contains("recursive credential_process: xassume was started"), "{error}");
    assert_eq!(lines[2], "xassume: error: credential_process of profile 'dev' exited with status 125");
    assert_eq!(lines.len(), 4, "{error}");
    let check = profile(&sts, &config).arg("--check").run().exited(125);
    assert!(!check.stdout_text().contains("nested too deeply"), "{}", check.stdout_text());
}

/// Only the source must not be the program itself.
#[test]
fn a_program_may_run_xassume_for_another_program() {
    let sts = FakeSts::start();
    let inner = format!("{} -p inner --print credential-process", binary().display());
    let config =
        format!("[profile dev]\ncredential_process = {inner}\n{}", PROCESS.replace("profile dev", "profile inner"));
    let xassume = profile(&sts, &config).file("answer", answer_of(&Identity::user(), None));
    super::has(&super::ran(&xassume), &Identity::user(), None);
}

#[test]
fn an_mfa_session_is_refreshed_only_with_a_command() {
    let sts = FakeSts::builder().mfa_codes(&["314159"]).start();
    let config = keys_of(&Identity::user()) + "mfa_serial = GAHT12345678\n";
    let error = failed(&profile(&sts, &config).args(["--on-expiry", "restart", "--mfa-token", "314159"]));
    assert!(error.contains("no MFA code for GAHT12345678: each refresh needs a new code"), "{error}");
    assert!(error.contains("hint: use --mfa-command"), "{error}");
    assert_eq!(sts.requests().len(), 0);
}
