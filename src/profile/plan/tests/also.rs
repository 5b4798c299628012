//! Tests of the plans for the sessions of `--also`.

use super::{DEPLOY, check, planned, refuse};

#[test]
fn a_profile_of_also_must_have_a_role() {
    check(&[(DEPLOY, "AWS_ROLE_ARN=@Z", "--also deploy", "base:AKB > D")]);
    refuse(&[
        (
            DEPLOY,
            "AWS_ROLE_ARN=@Z",
            "--also base",
            "profile 'base' (from --also) has no role_arn",
            "use a profile with",
        ),
        (DEPLOY, "", "--also deplo", "profile 'deplo' not found (from --also)", "did you mean 'deploy'?"),
    ]);
}

#[test]
fn a_given_role_has_only_the_source_the_duration_and_the_session_name_of_the_default_session() {
    let all = "-r A --external-id ee --duration 15m --mfa serial-ff --source-identity me --tag a=b --policy {}";
    let named = "[profile p]\nrole_arn = @P\ncredential_source = Environment\nrole_session_name = np\nexternal_id = ep";
    let own = "[profile k]\n+AKK\nmfa_serial = serial-kk\nmfa_process = c";
    check(&[
        ("", "KEYS", &format!("{all} --also-role B"), "AKENV > B,for=900"),
        (named, "KEYS", "-p p --also-role B", "AKENV > B,name=np"),
        (own, "", "-p k --also-role B", "k:AKK > B"),
    ]);
    let facts = |text: &str, variables: &str, flags: &str| {
        let plan = planned(text, variables, flags).expect(flags);
        (plan.label, plan.mfa_process, plan.inherits_role, plan.notes.len())
    };
    assert_eq!(facts(own, "KEYS", "-p k"), ("k".into(), Some("c".into()), false, 1));
    assert_eq!(facts(own, "KEYS", "-p k --also-role B"), ("123456789012:B".into(), None, false, 0));
    assert_eq!(facts("", "KEYS AWS_ROLE_ARN=@Z", ""), ("123456789012:Z".into(), None, true, 0));
    assert_eq!(facts("", "KEYS AWS_ROLE_ARN=@Z", "--also-role B"), ("123456789012:B".into(), None, false, 0));
}
