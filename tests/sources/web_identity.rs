//! Web identity tokens.

use super::{ROLE, failed, ran};
use crate::support::{FakeSts, Xassume, probe};

#[test]
fn a_web_identity_token_assumes_the_role_unsigned() {
    let sts = FakeSts::builder().web_identity_tokens(&["token.of.pod"]).start();
    let xassume = Xassume::new(&sts).without_keys().file("token", "token.of.pod\n");
    let token = xassume.home().join("token");
    let shown = xassume
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", &token)
        .env("AWS_ROLE_ARN", ROLE)
        .arg("--")
        .args(probe())
        .arg("environ")
        .run()
        .exited(0);
    let request = &sts.requests()[0];
    assert_eq!((request.action.as_str(), request.access_key_id.as_deref()), ("AssumeRoleWithWebIdentity", None));
    assert_eq!(request.param("RoleArn"), Some(ROLE));
    for name in ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"] {
        assert_eq!(shown.variable(name), None, "{name} must not reach the command");
    }
}

#[test]
fn a_pods_role_is_the_first_of_a_chain() {
    let sts = FakeSts::builder().web_identity_tokens(&["token.of.pod"]).start();
    let xassume = Xassume::new(&sts).without_keys().file("token", "token.of.pod");
    let token = xassume.home().join("token");
    ran(xassume.env("AWS_WEB_IDENTITY_TOKEN_FILE", &token).env("AWS_ROLE_ARN", "arn:aws:iam::222222222222:role/Pod"));
    let requests = sts.requests();
    assert_eq!(requests[0].param("RoleArn"), Some("arn:aws:iam::222222222222:role/Pod"));
    assert_eq!((requests[1].action.as_str(), requests[1].param("RoleArn")), ("AssumeRole", Some(ROLE)));
    assert_eq!(requests[1].access_key_id, Some(sts.issued()[0].access_key_id.clone()));
}

#[test]
fn an_invalid_token_is_reported() {
    let sts = FakeSts::builder().web_identity_tokens(&["good"]).start();
    let world = |contents: &str| {
        let xassume = Xassume::new(&sts).without_keys().file("token", contents);
        let token = xassume.home().join("token");
        xassume.arg("--web-identity-token-file").arg(token)
    };
    assert!(failed(world("")).contains("the file is empty"));
    assert!(failed(world("two words")).contains("the file contains 2 words instead of one token"));
    let rejected = failed(world("stranger"));
    assert!(rejected.contains("InvalidIdentityToken"), "{rejected}");
    let missing = failed(Xassume::new(&sts).without_keys().args(["--web-identity-token-file", "/no/such/token"]));
    assert!(missing.contains("web identity token file /no/such/token"), "{missing}");
}

#[test]
fn the_first_role_is_marked_if_a_variable_names_it() {
    let sts = FakeSts::start();
    let other = "arn:aws:iam::111111111111:role/Left";
    let shown = |xassume: Xassume| {
        let args = ["--web-identity-token-command", "printf a.b.c", "-r", ROLE, "-v"];
        xassume.without_keys().args(args).args(["--", "true"]).run().exited(0).stderr
    };
    let inherited = shown(Xassume::new(&sts).env("AWS_ROLE_ARN", other));
    assert!(inherited.contains(&format!("role 1 of 2: {other}, ")), "{inherited}");
    let lines = inherited.lines().filter(|line| line.ends_with(" (AWS_ROLE_ARN)")).count();
    assert_eq!(lines, 1, "{inherited}");
    let own = shown(Xassume::new(&sts).env("AWS_ROLE_ARN", ROLE));
    assert!(own.contains("role 1 of 1: ") && !own.contains("(AWS_ROLE_ARN)"), "{own}");
}
