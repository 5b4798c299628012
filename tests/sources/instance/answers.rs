//! Instance metadata in practice: unusual lists, slow answers, statuses, and the settings of the AWS CLI.

use crate::sources::{failed, ran, signer};
use crate::support::{FakeImds, FakeSts, Identity, Xassume};
use std::time::Duration;

const NONE: &str = "xassume: error: no AWS credentials found; tried: AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE, profile \
                    'default' (not found), container variables and EC2 instance metadata";

fn with_instance(sts: &FakeSts, imds: &FakeImds) -> Xassume {
    Xassume::new(sts).without_keys().with_metadata_at(&imds.url())
}

/// The message and the hint of an error, each on one line.
fn message_and_hint(xassume: Xassume) -> (String, String) {
    let error = failed(xassume);
    let (message, hint) = error.split_once("\nhint: ").expect("a hint");
    (message.to_owned(), hint.trim_end().to_owned())
}

fn paths(imds: &FakeImds) -> Vec<String> {
    imds.requests().iter().map(|request| format!("{} {}", request.method, request.path())).collect()
}

#[test]
fn the_first_line_of_the_list_of_roles_is_the_role() {
    for list in ["AssumeRoleInA\n", " AssumeRoleInA \r\n", "\nAssumeRoleInA\nAnother\n"] {
        let (sts, imds) = (FakeSts::start(), FakeImds::start());
        imds.set_roles(list);
        ran(with_instance(&sts, &imds));
        assert_eq!(signer(&sts), Identity::instance().access_key_id, "{list:?}");
    }
}

#[test]
fn a_list_that_does_not_begin_with_a_role_is_one_clear_line() {
    let none = "the list of roles does not start with a role name";
    for (list, reason) in [
        ("", "the list of roles is empty"),
        (" \n\n", "the list of roles is empty"),
        ("<!DOCTYPE html>\n<title>Log in</title>\n", none),
        ("two words\n", none),
        ("../../user-data", none),
    ] {
        let (sts, imds) = (FakeSts::start(), FakeImds::start());
        imds.set_roles(list);
        let (message, _) = message_and_hint(with_instance(&sts, &imds));
        assert_eq!(message, format!("{NONE} ({reason})"), "{list:?}");
        let roles = "GET /latest/meta-data/iam/security-credentials/";
        assert_eq!(paths(&imds), ["PUT /latest/api/token", roles], "{list:?}");
    }
}

#[test]
fn each_request_has_a_second_and_two_attempts() {
    let (sts, imds) = (FakeSts::start(), FakeImds::start());
    imds.delay(Duration::from_millis(600));
    ran(with_instance(&sts, &imds));
    assert_eq!(signer(&sts), Identity::instance().access_key_id);

    let hanging = FakeImds::start();
    hanging.hang();
    let v2 = |xassume: Xassume| xassume.env("AWS_EC2_METADATA_V1_DISABLED", "true");
    let (message, _) = message_and_hint(v2(with_instance(&sts, &hanging)));
    assert!(message.ends_with(": the request for a token timed out)"), "{message}");
    assert_eq!(paths(&hanging), ["PUT /latest/api/token"; 2]);
}

#[test]
fn the_settings_of_the_aws_cli_apply() {
    let sts = FakeSts::start();
    let slow = FakeImds::start();
    slow.delay(Duration::from_millis(1500));
    failed(with_instance(&sts, &slow).env("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "1"));
    ran(with_instance(&sts, &slow).env("AWS_METADATA_SERVICE_TIMEOUT", "20"));
    ran(with_instance(&sts, &slow).file(".aws/config", "[default]\nmetadata_service_timeout = 20\n"));

    let set = |xassume: Xassume| xassume.env("AWS_EC2_METADATA_V1_DISABLED", "true");
    let of_profile = "[default]\nmetadata_service_num_attempts = 3\nec2_metadata_v1_disabled = true\n";
    for (configure, tries) in [
        ((&|xassume: Xassume| set(xassume).env("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "1")) as &dyn Fn(Xassume) -> _, 1),
        (&|xassume: Xassume| xassume.file(".aws/config", of_profile), 3),
    ] {
        let hanging = FakeImds::start();
        hanging.hang();
        failed(configure(with_instance(&sts, &hanging)));
        assert_eq!(paths(&hanging).len(), tries);
    }
}

#[test]
fn an_invalid_setting_is_reported() {
    let (sts, imds) = (FakeSts::start(), FakeImds::start());
    let ipv4 = "leave the mode out for IPv4, or set the address with AWS_EC2_METADATA_SERVICE_ENDPOINT";
    let second = "the default is 1 second for each attempt";
    for (variable, value, complaint, advice) in [
        ("AWS_METADATA_SERVICE_TIMEOUT", "soon", ": must be a whole number from 1 to 3600", second),
        (
            "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
            "0",
            ": must be a whole number from 1 to 100",
            "the default is 2 attempts",
        ),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "v6", " [possible values: IPv4, IPv6]", ipv4),
    ] {
        let xassume = with_instance(&sts, &imds).env(variable, value).args(["-r", crate::sources::ROLE, "--", "true"]);
        let page = format!("xassume: error: invalid value '{value}' for '{variable}'{complaint}\nhint: {advice}\n");
        assert_eq!(xassume.run().exited(125).stderr, page);
    }
    assert_eq!(imds.requests().len(), 0);
}

#[test]
fn each_status_has_its_own_message() {
    let ill = "enable instance metadata, and check that this user or container may access it";
    for (status, meaning, advice) in [
        (403, "access is forbidden", ill),
        (405, "the method is not allowed", ill),
        (418, "the request was rejected", ill),
        (429, "too many requests", "try again later"),
        (500, "the service failed", "try again later"),
        (503, "the service failed", "try again later"),
    ] {
        let (sts, imds) = (FakeSts::start(), FakeImds::start());
        imds.fail(status);
        let (message, hint) = message_and_hint(with_instance(&sts, &imds));
        let line = format!("{NONE} (the request for the role failed with HTTP {status}: {meaning})");
        assert_eq!((message, hint.as_str()), (line, advice));
    }
    let (sts, imds) = (FakeSts::start(), FakeImds::start());
    imds.fail(404);
    let (message, hint) = message_and_hint(with_instance(&sts, &imds));
    assert_eq!(message, format!("{NONE} (the EC2 instance has no IAM role)"));
    assert_eq!(hint, "attach an instance profile with a role to the instance");
}

#[test]
fn without_token_support_requests_have_no_token_as_with_the_aws_cli() {
    for status in [403, 404, 405] {
        let (sts, imds) = (FakeSts::start(), FakeImds::start());
        imds.refuse_tokens(status);
        imds.allow_v1();
        ran(with_instance(&sts, &imds).arg("--no-cache"));
        assert_eq!(signer(&sts), Identity::instance().access_key_id, "{status}");

        let disabled = [
            with_instance(&sts, &imds).env("AWS_EC2_METADATA_V1_DISABLED", "true"),
            with_instance(&sts, &imds)
                .file(".aws/config", "[profile p]\nec2_metadata_v1_disabled = true\n")
                .args(["-p", "p"]),
        ];
        for xassume in disabled {
            let asked = imds.requests().len();
            let (message, _) = message_and_hint(xassume.arg("--no-cache"));
            let end = format!("the request for a token failed with HTTP {status}, and IMDSv1 is disabled");
            assert!(message.trim_end_matches(')').ends_with(&end), "{message}");
            assert_eq!(imds.requests().len(), asked + 1);
        }
    }
}

#[test]
fn a_service_without_token_support_may_return_any_status_or_close() {
    let without_tokens: [&dyn Fn(&FakeImds); 5] = [
        &|imds| imds.refuse_tokens(401),
        &|imds| imds.refuse_tokens(418),
        &|imds| imds.refuse_tokens(500),
        // The answer of Python's http.server.
        &|imds| imds.refuse_tokens(501),
        &FakeImds::close_at_tokens,
    ];
    for refuse in without_tokens {
        let (sts, imds) = (FakeSts::start(), FakeImds::start());
        refuse(&imds);
        imds.allow_v1();
        ran(with_instance(&sts, &imds));
        assert_eq!(signer(&sts), Identity::instance().access_key_id);
    }
}

#[test]
fn where_a_token_is_required_the_error_says_why_it_is_missing() {
    for (status, meaning) in [(403, "access is forbidden"), (500, "the service failed")] {
        let (sts, imds) = (FakeSts::start(), FakeImds::start());
        imds.refuse_tokens(status);
        let (message, _) = message_and_hint(with_instance(&sts, &imds));
        assert_eq!(message, format!("{NONE} (the request for a token failed with HTTP {status}: {meaning})"));
    }
    // After status 400 the request is not sent in another form.
    let (sts, imds) = (FakeSts::start(), FakeImds::start());
    imds.refuse_tokens(400);
    imds.allow_v1();
    let (message, _) = message_and_hint(with_instance(&sts, &imds));
    assert_eq!(message, format!("{NONE} (the request for a token failed with HTTP 400: the request was rejected)"));
    assert_eq!(paths(&imds), ["PUT /latest/api/token"]);
}

#[test]
fn a_lost_token_is_not_an_error_where_none_is_required() {
    let (sts, imds) = (FakeSts::start(), FakeImds::start());
    imds.lose_tokens();
    imds.allow_v1();
    ran(with_instance(&sts, &imds));
    assert_eq!(signer(&sts), Identity::instance().access_key_id);
}

#[test]
fn disabled_metadata_is_not_called() {
    let (sts, imds) = (FakeSts::start(), FakeImds::start());
    let error = failed(with_instance(&sts, &imds).env("AWS_EC2_METADATA_DISABLED", "true"));
    assert!(error.contains("tried: AWS_ACCESS_KEY_ID, "), "{error}");
    assert!(error.contains("instance metadata (disabled by AWS_EC2_METADATA_DISABLED)"), "{error}");
    assert_eq!(imds.requests().len(), 0);
}

#[test]
fn missing_credentials_are_not_reported_as_a_metadata_error() {
    let (sts, imds) = (FakeSts::start(), FakeImds::start());
    imds.fail(403);
    let keys = "aws_access_key_id = AKIA\naws_secret_access_key = s\n";
    let config =
        "[profile login]\nlogin_session = arn:aws:iam::222222222222:user/alice\n[profile plain]\nregion = eu-west-1\n";
    let world =
        with_instance(&sts, &imds).file(".aws/credentials", format!("[work]\n{keys}")).file(".aws/config", config);
    let (message, hint) = message_and_hint(world.clone());
    assert_eq!(message, format!("{NONE} (the request for the role failed with HTTP 403: access is forbidden)"));
    assert_eq!(hint, "use --profile NAME; profiles with credentials: login, work");
    // The named profile has no credentials, and the environment was not searched.
    let (message, _) = message_and_hint(world.args(["-p", "plain"]));
    let line = "xassume: error: no AWS credentials found; tried: profile 'plain', container variables and EC2 instance metadata \
                (the request for the role failed with HTTP 403: access is forbidden)";
    assert_eq!(message, line);
}

#[test]
fn where_a_profile_names_the_instance_the_error_is_about_the_instance_alone() {
    let (sts, imds) = (FakeSts::start(), FakeImds::start());
    imds.fail(403);
    let config = format!("[profile p]\nrole_arn = {}\ncredential_source = Ec2InstanceMetadata\n", crate::sources::ROLE);
    let xassume =
        with_instance(&sts, &imds).file(".aws/config", config).args(["-p", "p", "--", "true"]).run().exited(125);
    let line =
        "xassume: error: EC2 instance metadata: the request for the role failed with HTTP 403: access is forbidden\n";
    assert!(xassume.stderr.starts_with(line), "{}", xassume.stderr);
}
