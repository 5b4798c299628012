//! Tests of the hint for each policy that STS can name.

use super::super::{AssumeError, Cause, Refusal, StsCall};
use super::*;
use crate::role::{ExternalId, Hop, MfaSerial, RoleArn, RoleSessionName, SourceIdentity, Tag};

const USER: &str = "arn:aws:iam::222222222222:user/alice";
const ROLE: &str = "arn:aws:iam::521111111144:role/DeployMaster";

fn denied(options: HopOptions, caller: Option<&str>, action: Option<&str>, denial: Option<PolicyDenial>) -> String {
    let hop = Hop {
        role: RoleArn::parse(ROLE).expect("role"),
        session_name: RoleSessionName::parse("name").expect("name"),
        options,
    };
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let refusal = Refusal::AccessDenied { caller: owned(caller), action: owned(action), denial };
    let cause = Cause::Refused { code: "AccessDenied".into(), message: "no".into(), refusal };
    AssumeError::new(Some(&hop), (1, 1), StsCall::AssumeRole, "us-east-1", cause).hint()
}

fn blamed(policy: PolicyKind, effect: PolicyEffect) -> String {
    denied(HopOptions::default(), Some(USER), None, Some(PolicyDenial { policy, effect }))
}

#[test]
fn a_denial_names_both_statements_with_the_real_arns() {
    let session = "arn:aws:sts::222222222222:assumed-role/AssumeRoleInA/i-0123";
    assert_eq!(
        denied(HopOptions::default(), Some(session), None, None),
        format!(
            "the caller's policy and the role's trust policy must both allow the call:\
             \n  policy attached to arn:aws:iam::222222222222:role/AssumeRoleInA:\
             \n    {{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\",\"Resource\":\"{ROLE}\"}}\
             \n  trust policy of {ROLE}:\
             \n    {{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\",\
             \"Principal\":{{\"AWS\":\"arn:aws:iam::222222222222:role/AssumeRoleInA\"}}}}\
             \n    if the role AssumeRoleInA has a path, add it to this ARN \
             (aws iam get-role --role-name AssumeRoleInA)\
             \n  if the trust policy has a condition on sts:ExternalId, use --external-id\
             \n  if the trust policy has a condition on aws:MultiFactorAuthPresent, use --mfa-serial\
             \n  AWS gives the same error if the role does not exist or its path is missing from the ARN"
        )
    );
    assert!(denied(HopOptions::default(), None, None, None).contains("THE-CALLER'S-ARN"));
}

#[test]
fn the_statements_contain_the_options() {
    let options = HopOptions {
        external_id: ExternalId::parse("word").ok(),
        tags: vec![Tag::parse("a=b").expect("tag")],
        source_identity: SourceIdentity::parse("alice").ok(),
        mfa_serial: MfaSerial::parse("device-01").ok(),
        ..HopOptions::default()
    };
    let hint = denied(options, Some(USER), None, None);
    assert!(hint.contains(r#"["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]"#), "{hint}");
    let condition = r#"{"StringEquals":{"sts:ExternalId":"word"},"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#;
    assert!(hint.contains(&format!("{{\"AWS\":\"{USER}\"}},\"Condition\":{condition}")), "{hint}");
    assert!(
        hint.contains(
            "\n  if the trust policy has a condition on sts:ExternalId, the condition must require exactly 'word'\n"
        ),
        "{hint}"
    );
}

#[test]
fn the_missing_statement_is_marked() {
    let identity = blamed(PolicyKind::Identity, PolicyEffect::NoAllow);
    assert!(identity.contains(&format!("policy attached to {USER} (the missing statement):\n")), "{identity}");
    assert!(identity.contains(&format!("trust policy of {ROLE} (must have this statement too):\n")), "{identity}");
    let trust = blamed(PolicyKind::Trust, PolicyEffect::NoAllow);
    assert!(trust.contains(&format!("policy attached to {USER} (must have this statement too):\n")), "{trust}");
    assert!(trust.contains(&format!("trust policy of {ROLE} (missing or condition not met):\n")), "{trust}");
    assert!(trust.contains("--external-id") && trust.contains("--mfa-serial"), "{trust}");
}

#[test]
fn an_action_that_an_earlier_role_made_necessary_is_named() {
    for (action, about) in [("sts:TagSession", "session tags"), ("sts:SetSourceIdentity", "the source identity")] {
        let hint = denied(HopOptions::default(), Some(USER), Some(action), None);
        assert!(hint.starts_with(&format!("{about} require")), "{hint}");
        assert_eq!(hint.matches(&format!(r#"["sts:AssumeRole","{action}"]"#)).count(), 2, "{hint}");
        assert!(!hint.contains("condition") && !hint.contains("does not exist"), "{hint}");
    }
}

#[test]
fn a_deny_is_not_answered_with_an_allow() {
    for policy in [PolicyKind::ServiceControl, PolicyKind::ResourceControl, PolicyKind::Trust, PolicyKind::Boundary] {
        let hint = blamed(policy, PolicyEffect::Deny);
        assert!(hint.contains(policy.names().1) && !hint.contains("Effect"), "{hint}");
    }
    for (policy, caller, role) in [
        (PolicyKind::Identity, false, true),
        (PolicyKind::Boundary, false, true),
        (PolicyKind::Session, false, true),
        (PolicyKind::Trust, true, false),
        (PolicyKind::ServiceControl, true, true),
        (PolicyKind::ResourceControl, true, true),
        (PolicyKind::VpcEndpoint, true, true),
    ] {
        let hint = blamed(policy, PolicyEffect::Deny);
        assert_eq!((hint.contains(USER), hint.contains(ROLE)), (caller, role), "who is exempted: {hint}");
    }
    assert!(
        blamed(PolicyKind::Identity, PolicyEffect::Deny)
            .ends_with("if the Deny statement requires MFA, use --mfa-serial")
    );
    assert!(blamed(PolicyKind::ServiceControl, PolicyEffect::NoAllow).contains("must allow \"sts:AssumeRole\""));
    for policy in [PolicyKind::Boundary, PolicyKind::Session] {
        assert!(blamed(policy, PolicyEffect::NoAllow).contains(&format!("\"Resource\":\"{ROLE}\"")));
    }
}

#[test]
fn a_permission_set_is_trusted_by_a_condition_since_its_role_has_a_path() {
    let session = "arn:aws:sts::222222222222:assumed-role/AWSReservedSSO_Power_User_0123456789abcdef/alice";
    let hint = denied(HopOptions::default(), Some(session), None, None);
    assert!(hint.contains("policy attached to the permission set Power_User:"), "{hint}");
    let role =
        "arn:aws:iam::222222222222:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_Power_User_0123456789abcdef";
    let condition = format!("\"Condition\":{{\"ArnLike\":{{\"aws:PrincipalArn\":\"{role}\"}}}}");
    assert!(hint.contains(&format!("{{\"AWS\":\"arn:aws:iam::222222222222:root\"}},{condition}")), "{hint}");
}
