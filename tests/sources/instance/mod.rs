//! Instance metadata: credentials, the Region, and a start without an instance.

mod answers;

use super::{failed, ran, signer};
use crate::support::{FakeImds, FakeSts, Identity, RefusedPort, SilentPort, Xassume};
use std::time::{Duration, Instant};

#[test]
fn instance_metadata_returns_credentials_and_the_region() {
    let (sts, imds) = (FakeSts::start(), FakeImds::start());
    let xassume = Xassume::new(&sts).without_keys().env_remove("AWS_REGION").with_metadata_at(&imds.url());
    let shown = ran(xassume.clone());
    assert_eq!(signer(&sts), Identity::instance().access_key_id);
    assert_eq!(shown.variable("AWS_REGION").as_deref(), Some("eu-west-1"), "the instance's own region");
    assert_eq!(sts.requests()[0].region.as_deref(), Some("eu-west-1"));
    assert!(imds.requests().iter().any(|request| request.method == "PUT"), "IMDSv2: a token first");
    // The session is cached, and with it the region.
    for mode in ["--force-refresh", "--isolate"] {
        let log = ran(xassume.clone().args(["-v", mode])).stderr;
        assert!(log.contains("\n  region: that of the instance\n"), "{log}");
        assert!(log.contains("\nxassume: region of the instance: eu-west-1\n"), "{log}");
    }
}

#[test]
fn a_region_of_the_user_takes_precedence_over_the_instances() {
    let (sts, imds) = (FakeSts::start(), FakeImds::start());
    let shown = ran(Xassume::new(&sts).without_keys().with_metadata_at(&imds.url()));
    assert_eq!(shown.variable("AWS_REGION").as_deref(), Some("us-east-1"));
    assert_eq!(sts.requests()[0].region.as_deref(), Some("us-east-1"));
}

/// How long a start takes that finds no instance. The best of three, because the machine may be busy.
fn time_without_instance(sts: &FakeSts, url: &str) -> Duration {
    let start = |region: Option<&str>| {
        let xassume = Xassume::new(sts).without_keys().env_remove("AWS_REGION").with_metadata_at(url);
        let xassume = region.into_iter().fold(xassume, |xassume, region| xassume.env("AWS_REGION", region));
        let begun = Instant::now();
        let error = failed(xassume);
        assert!(error.contains("cannot reach http://127.0.0.1:"), "{error}");
        begun.elapsed()
    };
    // Without a Region there are two requests with a common time limit.
    [start(None), start(Some("us-east-1")), start(None)].into_iter().min().expect("three")
}

#[test]
fn unavailable_metadata_delays_a_start_only_briefly() {
    let sts = FakeSts::start();
    let hanging = FakeImds::start();
    hanging.hang();
    // A container that is one network hop too far away can connect, but never gets the token.
    let too_far = FakeImds::start();
    too_far.lose_tokens();
    let silent = SilentPort::reserve();
    let refused = RefusedPort::reserve();
    // Two attempts for a token, a second each. If a service accepted the connection, two more follow without a token.
    for (url, most) in [(silent.url(), 4), (refused.url(), 4), (too_far.url(), 5), (hanging.url(), 8)] {
        let time = time_without_instance(&sts, &url);
        assert!(time < Duration::from_secs(most), "{url}: {time:?}");
    }
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn an_instance_gets_one_token_request() {
    let (sts, imds) = (FakeSts::start(), FakeImds::start());
    ran(Xassume::new(&sts).without_keys().env_remove("AWS_REGION").with_metadata_at(&imds.url()));
    assert_eq!(imds.requests().iter().filter(|request| request.method == "PUT").count(), 1);
    assert!(imds.requests().iter().any(|request| request.path() == "/latest/meta-data/placement/region"));
}

#[test]
fn an_instance_without_a_role_is_reported() {
    let (sts, imds) = (FakeSts::start(), FakeImds::start());
    imds.set_identity(None);
    let error = failed(Xassume::new(&sts).without_keys().with_metadata_at(&imds.url()));
    assert!(error.contains("the EC2 instance has no IAM role"), "{error}");
}
