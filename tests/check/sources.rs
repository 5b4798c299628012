//! Faults before the first role: files, source credentials, the route to STS, the clock.

use super::{ROLE, check, failed_at, fails, role};
use crate::support::{Answer, FakeImds, FakeProxy, FakeSts, Identity, RefusedPort, Xassume};
use serde_json::{Value, json};

#[test]
fn without_source_credentials_the_searched_places_are_listed() {
    let sts = FakeSts::start();
    let page = fails(&role(&sts).without_keys());
    failed_at(&page, "source");
    assert!(page.contains("no AWS credentials found; tried: AWS_ACCESS_KEY_ID, "), "{page}");
    assert!(page.contains("    hint: use a profile with credentials"), "{page}");
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn an_expired_source_is_reported_before_the_role() {
    let sts = FakeSts::start();
    let task = Identity::task();
    sts.expire(&task.access_key_id);
    let page = fails(&role(&sts).with_keys_of(&task));
    failed_at(&page, "identity");
    assert!(page.contains("ExpiredToken") && page.contains("log in again, or get new ones"), "{page}");
    assert!(page.contains("keys in the environment (ASIACONTAINER0000001), temporary"), "{page}");
}

#[test]
fn a_wrong_clock_is_a_warning_while_sts_tolerates_it_and_then_a_failure() {
    let sts = FakeSts::builder().clock_offset(3600).check_signature_time().start();
    let page = role(&sts).run().exited(0).stdout_text();
    let (_, line) = page.split_once("warning      clock          system clock is ").expect(&page);
    assert!(line.starts_with("59m 5") || line.starts_with("1h "), "{page}");
    assert!(line.contains(" behind STS\n    hint: set the clock (timedatectl, chrony)"), "{page}");

    let sts = FakeSts::start();
    let message =
        "Signature expired: 20160609T184512Z is now earlier than 20160610T013008Z (20160610T014508Z - 15 min.)";
    sts.script_forever([Answer::error(403, "SignatureDoesNotMatch", message)]);
    let page = fails(&role(&sts));
    failed_at(&page, "clock");
    assert!(!page.contains("agrees"), "{page}");
    assert!(page.contains("hint: the system clock is 6h 59m 56s behind; synchronize it"), "{page}");
}

#[test]
fn an_instance_without_a_role_is_reported() {
    let (sts, imds) = (FakeSts::start(), FakeImds::start());
    let instance = |sts| role(sts).without_keys().env_remove("AWS_REGION").with_metadata_at(&imds.url());
    let page = instance(&sts).run().exited(0).stdout_text();
    assert!(page.contains("the instance's role (EC2 metadata): ASIAINSTANCE00000001, temporary\n"), "{page}");
    assert!(page.contains(&format!("ok           identity       {}\n", Identity::instance().arn)), "{page}");
    assert!(page.contains(", region eu-west-1 (from the instance)\n"), "{page}");
    imds.set_identity(None);
    let page = fails(&instance(&sts));
    failed_at(&page, "source");
    assert!(page.contains("the EC2 instance has no IAM role") && page.contains("attach an instance profile"), "{page}");
    // No source has set the Region yet.
    let page = instance(&sts).env_remove("AWS_ENDPOINT_URL_STS").args(["--log-format", "json"]).run().exited(125);
    let document = page.stdout_json();
    let steps = document["steps"].as_array().expect("steps");
    let step = steps.iter().find(|step| step["step"] == "sts").expect("a step for STS");
    assert_eq!(step["message"], "the endpoint in the region of the instance");
}

/// The output of the step that calls STS, when a proxy blocks STS.
fn behind_a_proxy(xassume: Xassume) -> (String, Value, FakeProxy) {
    let proxy = FakeProxy::start();
    let xassume = xassume.env_remove("AWS_ENDPOINT_URL_STS").env("HTTPS_PROXY", proxy.url()).args(["--check", "-r"]);
    let page = fails(&xassume.clone().arg(ROLE));
    let document = xassume.args([ROLE, "--log-format", "json"]).run().exited(125).stdout_json();
    let steps = document["steps"].as_array().expect("steps");
    let step = steps.iter().find(|step| step["step"] == "sts").expect("a step for STS");
    (page, step.clone(), proxy)
}

#[test]
fn the_regional_endpoint_and_the_proxy_are_named() {
    let (page, step, proxy) =
        behind_a_proxy(Xassume::at("").env("AWS_REGION", "eu-central-1").env("AWS_USE_FIPS_ENDPOINT", "true"));
    failed_at(&page, "sts");
    let url = "https://sts-fips.eu-central-1.amazonaws.com";
    let lines = format!(
        "sts            {url}, region eu-central-1 (AWS_REGION), FIPS\n{:28}proxy {} (HTTPS_PROXY)\n",
        "",
        proxy.url()
    );
    assert!(page.contains(&lines), "{page}");
    assert_eq!((&step["endpoint"], &step["proxy"]), (&json!(url), &json!(proxy.url())));
    let target = format!("CONNECT {}:443", &url["https://".len()..]);
    assert!(proxy.targets().iter().all(|asked| *asked == target), "{:?}", proxy.targets());
}

#[test]
fn the_endpoint_is_that_of_the_instances_region() {
    let imds = FakeImds::start();
    let instance = Xassume::at("").without_keys().env_remove("AWS_REGION").with_metadata_at(&imds.url());
    let (page, step, _) = behind_a_proxy(instance);
    assert!(page.contains("https://sts.eu-west-1.amazonaws.com, region eu-west-1 (from the instance)\n"), "{page}");
    assert_eq!(step["endpoint"], json!("https://sts.eu-west-1.amazonaws.com"));
}

#[test]
fn an_invalid_proxy_fails_before_the_source_is_called() {
    let sts = FakeSts::start();
    let page = fails(&role(&sts).env("HTTP_PROXY", "garbage::"));
    failed_at(&page, "config");
    assert!(
        page.contains("invalid value 'garbage:…' for 'HTTP_PROXY': must be the http or https URL of a proxy\n"),
        "{page}"
    );
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn a_region_that_only_the_command_sees_is_reported() {
    let sts = FakeSts::start();
    let config = "[default]\nregion = eu-west-1\n[profile dev]\noutput = json\n";
    let world = role(&sts).env_remove("AWS_REGION").file(".aws/config", config);
    let dev = world.clone().env("AWS_PROFILE", "dev");
    let sees = "region us-east-1 (region not set; the command uses eu-west-1, from [default])\n";
    let none = "region us-east-1 (region not set)\n";
    for (xassume, expected) in [
        (world, "region eu-west-1 (profile default)\n"),
        (dev.clone(), sees),
        (dev.clone().arg("--isolate"), none),
        (dev.clone().args(["--via", "file"]), none),
        (dev.clone().args(["--keep-env", "AWS_PROFILE"]), none),
    ] {
        let page = xassume.run().exited(0).stdout_text();
        assert!(page.contains(expected), "{page}");
    }
    let page = dev.file(".aws/config", "[profile dev]\noutput = json\n").run().exited(0).stdout_text();
    assert!(page.contains(none), "{page}");
}

#[test]
fn an_unreachable_endpoint_fails_the_endpoint_step() {
    let port = RefusedPort::reserve();
    let page = fails(&Xassume::at(&port.url()).args(["--check", "-r", ROLE]));
    failed_at(&page, "sts");
    assert!(page.contains("cannot be reached: Connection refused"), "{page}");
}

#[test]
fn config_files_without_a_valid_role_fail_first() {
    let sts = FakeSts::start();
    let page = fails(&check(&sts).file(".aws/config", "[profile broken\n"));
    failed_at(&page, "config");
    assert!(page.contains("syntax error in "), "{page}");
    let page = fails(&check(&sts));
    failed_at(&page, "config");
    assert!(page.contains("\nfailed       config         no role specified\n"), "{page}");
    assert!(page.contains(" (not found)\n") && page.ends_with("\ncheck failed: config: no role specified\n"), "{page}");
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn a_web_identity_has_no_aws_identity_before_its_first_role() {
    let sts = FakeSts::builder().web_identity_tokens(&["eyJ.good"]).start();
    let with = |token: &str| {
        let xassume = role(&sts).without_keys().file("token", token);
        let path = xassume.home().join("token");
        xassume.arg("--web-identity-token-file").arg(path)
    };
    let page = with("eyJ.good").run().exited(0).stdout_text();
    assert!(!page.contains(" identity    "), "{page}");
    assert!(page.contains("ok           clock          system clock agrees with STS\n"), "{page}");
    assert_eq!(sts.requests().len(), 1);
    let page = fails(&with("eyJ.bad"));
    failed_at(&page, "role");
    assert!(page.contains("InvalidIdentityToken"), "{page}");
}

#[test]
fn unreadable_certificates_fail_before_any_call() {
    let sts = FakeSts::start();
    let page = fails(&role(&sts).args(["--ca-bundle", "/no/such/file"]));
    failed_at(&page, "source");
    assert!(page.contains("cannot read the CA certificates in /no/such/file"), "{page}");
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn a_denied_get_caller_identity_does_not_end_the_check() {
    let sts = FakeSts::start();
    sts.script([Answer::error(
        403,
        "AccessDenied",
        "User: x is not authorized with an explicit deny in a VPC endpoint policy",
    )]);
    let page = role(&sts).run().exited(0).stdout_text();
    assert!(page.contains("\nwarning      identity       GetCallerIdentity failed: AccessDenied"), "{page}");
    assert!(page.contains("\nok           session "), "{page}");
}
