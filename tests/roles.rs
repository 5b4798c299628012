//! The origin of the role, and the requests of a role chain.

use crate::support::{FakeSts, Finished, Identity, Xassume, probe};

const A: &str = "arn:aws:iam::111111111111:role/A";
const B: &str = "arn:aws:iam::222222222222:role/team/B";
const C: &str = "arn:aws:iam::333333333333:role/C";

const CONFIG: &str = "\
[profile plain]
region = eu-west-1
[profile roled]
role_arn = arn:aws:iam::333333333333:role/C
source_profile = base
external_id = from-profile
[profile base]
aws_access_key_id = AKIAUSERDEFAULT00001
aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYUSERSECRET
";

fn show(xassume: Xassume) -> Finished {
    xassume.arg("--").args(probe()).arg("environ").run().exited(0)
}

/// The roles that were assumed, in order.
fn assumed(sts: &FakeSts) -> Vec<String> {
    sts.requests().iter().filter_map(|request| request.param("RoleArn").map(str::to_owned)).collect()
}

#[test]
fn a_role_from_the_command_line_is_assumed_and_its_session_exported() {
    let sts = FakeSts::start();
    let shown = show(Xassume::new(&sts).args(["--role-arn", B, "--role-session-name", "deploy"]));
    let issued = &sts.issued()[0];
    assert_eq!(shown.variable("AWS_ACCESS_KEY_ID"), Some(issued.access_key_id.clone()));
    assert_eq!(shown.variable("AWS_SECRET_ACCESS_KEY"), Some(issued.secret_access_key.clone()));
    assert_eq!(shown.variable("AWS_SESSION_TOKEN"), Some(issued.session_token.clone()));
    assert_eq!(shown.variable("XASSUME_SESSION").as_deref(), Some("arn:aws:sts::222222222222:assumed-role/B/deploy"));
    assert_eq!(shown.stderr, "", "silent unless something is wrong");
}

#[test]
fn the_short_form_names_account_and_role() {
    let sts = FakeSts::start();
    show(Xassume::new(&sts).args(["-r", "521111111144:DeployMaster"]));
    assert_eq!(assumed(&sts), ["arn:aws:iam::521111111144:role/DeployMaster"]);
}

#[test]
fn no_flag_is_needed_when_a_variable_names_the_role() {
    for (name, value) in [("XASSUME_ROLE_ARN", A), ("XASSUME_ROLE_ARN", "111111111111:A"), ("AWS_ROLE_ARN", A)] {
        let sts = FakeSts::start();
        show(Xassume::new(&sts).env(name, value));
        assert_eq!(assumed(&sts), [A], "{name}={value}");
    }
}

#[test]
fn a_chain_assumes_each_role_with_the_previous_session() {
    let sts = FakeSts::start();
    let shown = show(Xassume::new(&sts).args(["-r", A, "-r", B, "-r", C]));
    assert_eq!(assumed(&sts), [A, B, C]);
    let (requests, issued) = (sts.requests(), sts.issued());
    assert_eq!(requests[0].access_key_id, Some(Identity::user().access_key_id));
    assert_eq!(requests[1].access_key_id, Some(issued[0].access_key_id.clone()));
    assert_eq!(requests[2].access_key_id, Some(issued[1].access_key_id.clone()));
    assert_eq!(requests[2].session_token, Some(issued[1].session_token.clone()));
    assert_eq!(shown.variable("AWS_ACCESS_KEY_ID"), Some(issued[2].access_key_id.clone()));
}

#[test]
fn a_variable_can_contain_a_chain_with_newlines_or_commas() {
    let odd = "arn:aws:iam::444444444444:role/with,comma";
    for value in [format!("{A}\n{odd}"), format!("{A},{odd}"), format!("{A}, {odd}\n")] {
        let sts = FakeSts::start();
        show(Xassume::new(&sts).env("XASSUME_ROLE_ARN", &value));
        assert_eq!(assumed(&sts), [A, odd], "{value:?}");
    }
}

#[test]
fn the_first_source_of_a_role_wins() {
    let with_all = |sts: &FakeSts| {
        Xassume::new(sts)
            .file(".aws/config", CONFIG)
            .env("XASSUME_ROLE_ARN", A)
            .env("AWS_PROFILE", "roled")
            .env("AWS_ROLE_ARN", "arn:aws:iam::999999999999:role/Last")
    };
    let sts = FakeSts::start();
    show(with_all(&sts).args(["-r", B]));
    assert_eq!(assumed(&sts).last().map(String::as_str), Some(B), "1: the flag");

    let sts = FakeSts::start();
    show(with_all(&sts).args(["--profile", "roled"]));
    assert_eq!(assumed(&sts), [C], "2: --profile with a role");

    let sts = FakeSts::start();
    show(with_all(&sts));
    assert_eq!(assumed(&sts).last().map(String::as_str), Some(A), "3: XASSUME_ROLE_ARN");

    let sts = FakeSts::start();
    show(with_all(&sts).env_remove("XASSUME_ROLE_ARN").without_keys());
    assert_eq!(assumed(&sts), [C], "4: AWS_PROFILE");

    let sts = FakeSts::start();
    show(with_all(&sts).env_remove("XASSUME_ROLE_ARN").env("AWS_PROFILE", "plain"));
    assert_eq!(assumed(&sts), ["arn:aws:iam::999999999999:role/Last"], "5: AWS_ROLE_ARN");
}

#[test]
fn a_profile_with_a_role_and_an_explicit_role_are_a_chain() {
    let sts = FakeSts::start();
    show(Xassume::new(&sts).file(".aws/config", CONFIG).without_keys().args(["-p", "roled", "-r", A]));
    assert_eq!(assumed(&sts), [C, A]);
    let requests = sts.requests();
    assert_eq!(requests[0].param("ExternalId"), Some("from-profile"));
    assert_eq!(requests[1].param("ExternalId"), None);
}

#[test]
fn only_a_typed_profile_takes_precedence_over_keys_in_the_environment() {
    let other = Identity::long_term("AKIAOTHER00000000001", "othersecret", "user/other");
    let world = |sts: &FakeSts| {
        sts.add_identity(other.clone());
        Xassume::new(sts).file(".aws/config", CONFIG).with_keys_of(&other).args(["-r", A])
    };
    let sts = FakeSts::start();
    show(world(&sts).env("AWS_PROFILE", "base"));
    assert_eq!(sts.requests()[0].access_key_id, Some(other.access_key_id.clone()));

    let sts = FakeSts::start();
    show(world(&sts).args(["-p", "base"]));
    assert_eq!(sts.requests()[0].access_key_id, Some(Identity::user().access_key_id));
}

#[test]
fn roles_of_every_partition_are_requested_unchanged() {
    for role in ["arn:aws-cn:iam::111111111111:role/x", "arn:aws-us-gov:iam::111111111111:role/p/q/x"] {
        let sts = FakeSts::start();
        let shown = show(Xassume::new(&sts).env_remove("AWS_REGION").args(["-r", role]));
        assert_eq!(assumed(&sts), [role]);
        let region = if role.contains("aws-cn") { "cn-north-1" } else { "us-gov-west-1" };
        assert_eq!(sts.requests()[0].region.as_deref(), Some(region), "the signature has the partition's Region");
        assert_eq!(shown.variable("AWS_REGION"), None, "a fallback is not given to the command");
    }
}
