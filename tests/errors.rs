//! What STS refuses, and what xassume makes of it: one line, a hint, 125, and no command.

use crate::support::{Answer, FakeSts, Identity, RoleRules, Xassume, probe};
use std::time::Duration;

const ROLE: &str = "arn:aws:iam::521111111144:role/DeployMaster";

fn failed(sts: &FakeSts, args: &[&str]) -> String {
    let finished = Xassume::new(sts).args(args).arg("--").args(probe()).args(["say", "ran"]).run().exited(125);
    assert_eq!(finished.stdout_text(), "", "the command must not start");
    assert!(finished.stderr.starts_with("xassume: ") && finished.stderr.contains("\nhint: "), "{}", finished.stderr);
    finished.stderr
}

#[test]
fn a_denial_prints_both_policy_statements_with_the_real_arns() {
    let rules = RoleRules { allowed: false, ..RoleRules::default() };
    let sts = FakeSts::builder().role(ROLE, rules).start();
    let error = failed(&sts, &["-r", ROLE]);
    let user = Identity::user().arn;
    assert!(error.contains(&format!("cannot assume {ROLE}: AccessDenied: User: {user} is not authorized")), "{error}");
    assert!(
        error.contains(&format!(r#"{{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"{ROLE}"}}"#)),
        "{error}"
    );
    assert!(
        error.contains(&format!(r#"{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{{"AWS":"{user}"}}}}"#)),
        "{error}"
    );
}

#[test]
fn a_denial_in_a_chain_names_the_hop_and_the_session_before() {
    let rules = RoleRules { allowed: false, ..RoleRules::default() };
    let sts = FakeSts::builder().role(ROLE, rules).start();
    let error = failed(&sts, &["-r", "222222222222:Hub", "-r", ROLE]);
    assert!(error.contains("(role 2 of 2)"), "{error}");
    assert!(error.contains(r#""Principal":{"AWS":"arn:aws:iam::222222222222:role/Hub"}"#), "{error}");
}

#[test]
fn each_refusal_says_what_to_do() {
    for (status, code, message, hint) in [
        (403, "ExpiredToken", "The security token included in the request is expired", "log in again"),
        (
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
            "access key is unknown",
        ),
        (
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match",
            "secret access key does not belong",
        ),
        (
            403,
            "RegionDisabledException",
            "STS is not activated in this region for account:1",
            "activate STS in us-east-1",
        ),
        (400, "MalformedPolicyDocument", "Syntax errors in policy.", "check --policy"),
        (400, "PackedPolicyTooLarge", "Packed policy consumes 157% of allotted space", "smaller --policy"),
        (403, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code.", "current code"),
    ] {
        let sts = FakeSts::start();
        sts.script([Answer::error(status, code, message)]);
        let error = failed(&sts, &["-r", ROLE]);
        assert!(error.contains(&format!("cannot assume {ROLE}: {code}: {message}")), "{error}");
        assert!(error.contains(hint), "{code}: {error}");
    }
}

#[test]
fn a_clock_that_sts_refuses_is_told_with_its_error() {
    let sts = FakeSts::start();
    let message =
        "Signature expired: 20160609T184512Z is now earlier than 20160610T013008Z (20160610T014508Z - 15 min.)";
    sts.script_forever([Answer::error(403, "SignatureDoesNotMatch", message)]);
    let error = failed(&sts, &["-r", ROLE]);
    assert!(error.contains("clock is 6h 59m 56s behind"), "{error}");
}

#[test]
fn durations_above_the_limits_are_told_apart() {
    let rules = RoleRules { max_session: Duration::from_hours(1), ..RoleRules::default() };
    let sts = FakeSts::builder().role(ROLE, rules).start();
    let error = failed(&sts, &["-r", ROLE, "--duration", "2h"]);
    assert!(error.contains("MaxSessionDuration") && error.contains("less than 2h"), "{error}");

    let sts = FakeSts::start();
    let task = Identity::task();
    let xassume = Xassume::new(&sts).with_keys_of(&task).args(["-r", ROLE, "--duration", "2h", "--", "true"]);
    let error = xassume.run().exited(125).stderr;
    assert!(error.contains("role chaining") && error.contains("gets one hour"), "{error}");
}

#[test]
fn what_is_no_role_is_told_before_sts_is_asked() {
    let sts = FakeSts::start();
    for (arn, complaint, hint) in [
        ("arn:aws:sts::1:assumed-role/Admin/me", "is a session's ARN", "role/Admin"),
        ("arn:aws:iam::123456789012:user/alice", "is a user's ARN", "name the role"),
        ("arn:aws:iam::123456789012:instance-profile/Web", "is an instance profile's ARN", "role/Web"),
        ("DeployMaster", "is not a role ARN", "123456789012:NAME"),
        ("arn:aws:iam::12:role/x", "12 digits", "a role ARN looks like"),
    ] {
        let error = failed(&sts, &["-r", arn]);
        assert!(error.contains(&format!("--role-arn `{arn}` ")) && error.contains(complaint), "{error}");
        assert!(error.contains(hint), "{error}");
    }
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn without_a_role_the_ways_to_name_one_are_told() {
    let sts = FakeSts::start();
    let error = failed(&sts, &[]);
    for way in ["--role-arn", "XASSUME_ROLE_ARN", "role_arn"] {
        assert!(error.contains(way), "{error}");
    }
}

#[test]
fn config_files_that_cannot_be_read_are_told_with_file_and_line() {
    let sts = FakeSts::start();
    let xassume = Xassume::new(&sts).file(".aws/config", "[default]\nregion = x\n[profile broken\n");
    let error = xassume.args(["-r", ROLE, "--", "true"]).run().exited(125).stderr;
    assert!(error.contains(".aws/config") && error.contains('3'), "{error}");

    let xassume = Xassume::new(&sts).file(".aws/config", "[profile produktion]\nregion = eu-west-1\n");
    let error = xassume.args(["-p", "production", "-r", ROLE, "--", "true"]).run().exited(125).stderr;
    assert!(error.contains("production") && error.contains("produktion"), "{error}");
}

#[test]
fn a_broken_stderr_is_no_reason_to_fail() {
    let sts = FakeSts::start();
    let script = format!("exec 2>&-; {} -v -r {ROLE} -- sh -c 'exit 7'; exit $?", crate::support::binary().display());
    Xassume::new(&sts).program("/bin/sh").args(["-c", &script]).run().exited(7);
}
