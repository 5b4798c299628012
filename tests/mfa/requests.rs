//! The request that a code is sent with, and how often a code is used.

use super::{CODE, DEVICE, ROLE, failed, notation_of_requests, ran, sts_with_mfa, with_device};
use crate::support::{Identity, Xassume};

#[test]
fn with_long_term_keys_the_code_starts_an_mfa_session() {
    let sts = sts_with_mfa(&[CODE]);
    ran(with_device(&sts).args(["--mfa-token", CODE]));
    let bought = &sts.issued()[0].access_key_id;
    assert_eq!(
        notation_of_requests(&sts),
        [format!("GetSessionToken by user {DEVICE} {CODE}"), format!("AssumeRole by {bought} - -")]
    );
    assert_eq!(sts.requests()[0].param("DurationSeconds"), Some("43200"));
    assert_eq!(sts.issued()[1].role_arn, ROLE);
}

#[test]
fn the_mfa_session_has_the_requested_duration() {
    let sts = sts_with_mfa(&[CODE]);
    ran(with_device(&sts).args(["--mfa-token", CODE, "--mfa-session-duration", "36h"]));
    assert_eq!(sts.requests()[0].param("DurationSeconds"), Some("129600"));
    for bad in ["14m", "37h", "1ms", "long"] {
        let error = failed(with_device(&sts).args(["--mfa-token", CODE, "--mfa-session-duration", bad]));
        assert!(error.contains(&format!("invalid value '{bad}' for '--mfa-session-duration': ")), "{error}");
    }
    assert_eq!(sts.requests().len(), 2);
}

#[test]
fn the_flag_overrides_the_device_of_the_profile() {
    let config = format!("[default]\nrole_arn = {ROLE}\ncredential_source = Environment\nmfa_serial = {DEVICE}\n");
    for (args, device) in [(&[][..], DEVICE), (&["--mfa-serial", "GAHT12345678"], "GAHT12345678")] {
        let sts = sts_with_mfa(&[CODE]);
        ran(Xassume::new(&sts).file(".aws/config", &config).args(["--mfa-token", CODE]).args(args));
        assert_eq!(notation_of_requests(&sts)[0], format!("GetSessionToken by user {device} {CODE}"));
    }
}

#[test]
fn with_temporary_keys_the_code_is_sent_with_the_role() {
    let (sts, task) = (sts_with_mfa(&[CODE]), Identity::task());
    ran(with_device(&sts).with_keys_of(&task).args(["--mfa-token", CODE]));
    assert_eq!(notation_of_requests(&sts), [format!("AssumeRole by {} {DEVICE} {CODE}", task.access_key_id)]);
}

#[test]
fn for_more_than_an_hour_the_code_is_sent_with_the_role() {
    let sts = sts_with_mfa(&[CODE]);
    ran(with_device(&sts).args(["--mfa-token", CODE, "--duration", "2h"]));
    assert_eq!(notation_of_requests(&sts), [format!("AssumeRole by user {DEVICE} {CODE}")]);
    assert_eq!(sts.requests()[0].param("DurationSeconds"), Some("7200"));
}

#[test]
fn duration_max_conflicts_with_a_code() {
    let sts = sts_with_mfa(&[CODE]);
    let error = failed(with_device(&sts).args(["--mfa-token", CODE, "--duration", "max"]));
    assert!(error.contains("each try would need a new code"), "{error}");
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn one_code_is_enough_for_a_chain() {
    let config = format!(
        "[default]\nrole_arn = arn:aws:iam::333333333333:role/Last\nsource_profile = hub\nmfa_serial = GAHT12345678\n\
         [profile hub]\nrole_arn = {ROLE}\ncredential_source = Environment\nmfa_serial = {DEVICE}\n"
    );
    let sts = sts_with_mfa(&[CODE]);
    let finished = ran(Xassume::new(&sts).file(".aws/config", config).args(["-v", "--mfa-token", CODE]));
    let issued = sts.issued();
    assert_eq!(
        notation_of_requests(&sts),
        [
            format!("GetSessionToken by user {DEVICE} {CODE}"),
            format!("AssumeRole by {} - -", issued[0].access_key_id),
            format!("AssumeRole by {} - -", issued[1].access_key_id),
        ]
    );
    assert!(finished.stderr.contains("ignoring mfa_serial for arn:aws:iam::333333333333:role/Last"));
}

#[test]
fn after_a_web_identity_the_code_is_sent_with_the_second_role() {
    let sts = sts_with_mfa(&[CODE]);
    let xassume = Xassume::new(&sts).without_keys().file("token", "token.of.pod");
    let token = xassume.home().join("token");
    let xassume = xassume.env("AWS_WEB_IDENTITY_TOKEN_FILE", token);
    let xassume = xassume.env("AWS_ROLE_ARN", "arn:aws:iam::222222222222:role/Pod");
    ran(xassume.args(["-r", ROLE, "--mfa-serial", DEVICE, "--mfa-token", CODE]));
    let pod = &sts.issued()[0].access_key_id;
    assert_eq!(
        notation_of_requests(&sts),
        ["AssumeRoleWithWebIdentity by  - -".to_owned(), format!("AssumeRole by {pod} {DEVICE} {CODE}")]
    );
}

#[test]
fn a_wrong_code_is_sent_once_and_never_shown() {
    for args in [&[][..], &["--duration", "2h"]] {
        let sts = sts_with_mfa(&[]);
        let error = failed(with_device(&sts).args(["-vv", "--mfa-token", CODE]).args(args));
        assert!(error.contains("AccessDenied: MultiFactorAuthentication failed"), "{error}");
        assert!(
            error.contains(&format!("hint: enter a new code (each code works once) and check that {DEVICE}")),
            "{error}"
        );
        assert!(!error.contains(CODE), "{error}");
        assert_eq!(sts.requests().len(), 1);
    }
}

#[test]
fn each_launch_needs_its_own_code() {
    let sts = sts_with_mfa(&[CODE, "271828"]);
    ran(with_device(&sts).args(["--mfa-token", CODE]));
    let error = failed(with_device(&sts).args(["--mfa-token", CODE]));
    assert!(error.contains("each code works once"), "{error}");
    ran(with_device(&sts).args(["--mfa-token", "271828"]));
}

#[test]
fn a_role_that_requires_a_code_hints_at_mfa_serial() {
    let sts = sts_with_mfa(&[CODE]);
    let error = failed(Xassume::new(&sts).args(["-r", ROLE]));
    assert!(error.contains("AccessDenied") && error.contains("--mfa-serial"), "{error}");
}

#[test]
fn the_use_of_the_code_is_logged() {
    let sts = sts_with_mfa(&[CODE]);
    let finished = ran(with_device(&sts).args(["-v", "--mfa-token", CODE]));
    let issued = sts.issued();
    for line in [
        format!("\n  MFA: device {DEVICE}, code from --mfa-token\n"),
        format!("\nxassume: MFA session: {}, expires at ", issued[0].access_key_id),
    ] {
        assert!(finished.stderr.contains(&line), "{line}: {}", finished.stderr);
    }
}
