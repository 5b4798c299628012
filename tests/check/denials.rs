//! Denials of STS, and the policy statement that is missing.

use super::{HUB, ROLE, check, failed_at, fails, identity_statement, naming_the_policy, role, trust_statement};
use crate::support::{Answer, FakeSts, Identity, RoleRules};
use std::time::Duration;

#[test]
fn a_missing_identity_policy_is_distinguished_from_a_missing_trust() {
    let user = Identity::user().arn;
    let statements = [identity_statement(r#""sts:AssumeRole""#), trust_statement(r#""sts:AssumeRole""#, &user)];

    let sts = naming_the_policy(RoleRules { allowed: false, ..RoleRules::default() });
    let page = fails(&role(&sts));
    failed_at(&page, "role");
    assert!(page.contains("hint: add this statement to the caller's policy:"), "{page}");
    assert!(
        page.contains(&format!("policy attached to {user} (the missing statement):\n        {}\n", statements[0])),
        "{page}"
    );
    assert!(
        page.contains(&format!("trust policy of {ROLE} (must have this statement too):\n        {}\n", statements[1])),
        "{page}"
    );

    let trusts = vec!["arn:aws:iam::999999999999:root".to_owned()];
    let sts = naming_the_policy(RoleRules { trusts: trusts.clone(), ..RoleRules::default() });
    let page = fails(&role(&sts));
    failed_at(&page, "role");
    assert!(
        page.contains("hint: add this statement to the role's trust policy, or, if it is there, check its conditions:"),
        "{page}"
    );
    assert!(
        page.contains(&format!("trust policy of {ROLE} (missing or condition not met):\n        {}\n", statements[1])),
        "{page}"
    );
    assert!(
        page.contains(&format!(
            "policy attached to {user} (must have this statement too):\n        {}\n",
            statements[0]
        )),
        "{page}"
    );

    // STS does not always name it.
    let sts = FakeSts::builder().role(ROLE, RoleRules { trusts, ..RoleRules::default() }).start();
    let page = fails(&role(&sts));
    assert!(page.contains("hint: the caller's policy and the role's trust policy must both allow the call:"), "{page}");
    assert!(
        statements.iter().all(|statement| page.contains(statement)) && !page.contains("(the missing statement)"),
        "{page}"
    );
}

#[test]
fn a_denial_without_names_is_completed_with_known_names() {
    let sts = FakeSts::start();
    let anonymous = Answer::error(403, "AccessDenied", "Not authorized to perform sts:AssumeRole");
    sts.script([Answer::Ok, anonymous.clone()]);
    let page = fails(&role(&sts));
    assert!(page.contains(&trust_statement(r#""sts:AssumeRole""#, &Identity::user().arn)), "{page}");
    sts.script([Answer::Ok, Answer::Ok, anonymous]);
    let page = fails(&check(&sts).args(["-r", HUB, "-r", ROLE]));
    failed_at(&page, "role 2 of 2");
    assert!(page.contains(&trust_statement(r#""sts:AssumeRole""#, HUB)), "{page}");
}

#[test]
fn a_missing_or_wrong_external_id_is_reported() {
    let sts = naming_the_policy(RoleRules { external_id: Some("right".into()), ..RoleRules::default() });
    let page = fails(&role(&sts));
    failed_at(&page, "role");
    assert!(page.contains("if the trust policy has a condition on sts:ExternalId, use --external-id"), "{page}");
    let page = fails(&role(&sts).args(["--external-id", "wrong"]));
    assert!(
        page.contains(
            "if the trust policy has a condition on sts:ExternalId, the condition must require exactly 'wrong'"
        ),
        "{page}"
    );
    assert!(page.contains(r#""Condition":{"StringEquals":{"sts:ExternalId":"wrong"}}"#), "{page}");
    role(&sts).args(["--external-id", "right"]).run().exited(0);
}

#[test]
fn a_role_that_requires_mfa_hints_at_the_device() {
    let sts = naming_the_policy(RoleRules { mfa_required: true, ..RoleRules::default() });
    let page = fails(&role(&sts));
    failed_at(&page, "role");
    assert!(
        page.contains("if the trust policy has a condition on aws:MultiFactorAuthPresent, use --mfa-serial"),
        "{page}"
    );
}

#[test]
fn tags_and_source_identities_need_separate_actions() {
    let sts =
        naming_the_policy(RoleRules { without: &["sts:TagSession", "sts:SetSourceIdentity"], ..RoleRules::default() });
    let user = Identity::user().arn;
    for (flags, about, actions) in [
        (["--tag", "team=a"], "session tags require sts:TagSession", r#"["sts:AssumeRole","sts:TagSession"]"#),
        (
            ["--source-identity", "alice"],
            "the source identity requires sts:SetSourceIdentity",
            r#"["sts:AssumeRole","sts:SetSourceIdentity"]"#,
        ),
    ] {
        let page = fails(&role(&sts).args(flags));
        failed_at(&page, "role");
        assert!(page.contains(about), "{page}");
        assert!(page.contains(&identity_statement(actions)), "{page}");
        assert!(page.contains(&trust_statement(actions, &user)), "{page}");
    }
}

#[test]
fn an_untrusted_role_in_a_chain_is_reported_with_the_role_before_it() {
    let sts = naming_the_policy(RoleRules {
        trusts: vec!["arn:aws:iam::222222222222:role/Other".into()],
        ..RoleRules::default()
    });
    let page = fails(&check(&sts).args(["-r", HUB, "-r", ROLE, "-r", "333333333333:Third"]));
    failed_at(&page, "role 2 of 3");
    assert!(page.contains(&trust_statement(r#""sts:AssumeRole""#, HUB)), "{page}");
    assert!(page.contains("\nnot reached: role 3 of 3, session, delivery, expiry, environment\nfailed "), "{page}");
}

#[test]
fn a_duration_above_the_roles_maximum_is_reported() {
    let sts = naming_the_policy(RoleRules { max_session: Duration::from_hours(1), ..RoleRules::default() });
    let page = fails(&role(&sts).args(["--duration", "2h"]));
    failed_at(&page, "role");
    assert!(page.contains("MaxSessionDuration") && page.contains("--duration max"), "{page}");
}

#[test]
fn a_region_without_sts_is_reported() {
    let sts = FakeSts::start();
    sts.script([Answer::Ok, Answer::region_disabled("222222222222")]);
    let page = fails(&role(&sts).args(["--region", "ap-east-1"]));
    failed_at(&page, "role");
    assert!(page.contains("hint: activate STS in ap-east-1 (account settings in the IAM console)"), "{page}");
    assert!(page.contains(", region ap-east-1 (--region)\n"), "{page}");
}

#[test]
fn the_wrong_account_is_reported_after_the_roles() {
    let sts = FakeSts::start();
    let page = fails(&role(&sts).args(["--expect-account", "222222222222"]));
    failed_at(&page, "session");
    assert!(page.contains("wrong account: expected 222222222222"), "{page}");
}

#[test]
fn a_deny_is_reported_with_its_policy() {
    for (policy, expected) in [
        ("a service control policy", "a service control policy of the caller's organization"),
        ("an identity-based policy", "the caller's identity policy"),
        ("the role trust policy", "the role's trust policy"),
    ] {
        let sts = naming_the_policy(RoleRules { denied_in: Some(policy), ..RoleRules::default() });
        let page = fails(&role(&sts));
        failed_at(&page, "role");
        assert!(page.contains(&format!("hint: {expected} explicitly denies the call\n      exempt the ")), "{page}");
        assert!(!page.contains(r#""Effect":"Allow""#), "{page}");
    }
}
