//! The credentials endpoint of a container.

use super::{failed, ran, signer};
use crate::support::{FakeContainer, FakeProxy, FakeSts, Identity, Xassume};

#[test]
fn a_container_returns_credentials_through_its_uri() {
    let (sts, container) = (FakeSts::start(), FakeContainer::start());
    let shown = ran(Xassume::new(&sts)
        .without_keys()
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.full_uri())
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", container.token_file()));
    assert_eq!(signer(&sts), Identity::task().access_key_id);
    for name in ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] {
        assert_eq!(shown.variable(name), None, "{name} must not reach the command");
    }
}

#[test]
fn requests_to_the_container_endpoint_use_no_proxy() {
    let (sts, container, proxy) = (FakeSts::start(), FakeContainer::start(), FakeProxy::start());
    proxy.map("sts.invalid:80", sts.port());
    ran(Xassume::at("http://sts.invalid")
        .without_keys()
        .env("HTTP_PROXY", proxy.url())
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.full_uri())
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", container.token()));
    assert_eq!(signer(&sts), Identity::task().access_key_id);
    assert!(proxy.targets().iter().all(|target| target.contains("sts.invalid")), "{:?}", proxy.targets());
}

#[test]
fn a_denial_of_the_container_endpoint_is_reported() {
    let (sts, container) = (FakeSts::start(), FakeContainer::start());
    let error = failed(
        Xassume::new(&sts)
            .without_keys()
            .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.full_uri())
            .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "wrong"),
    );
    assert!(error.contains("container credentials endpoint: "), "{error}");
}

#[test]
fn a_failing_container_endpoint_hints_to_try_again() {
    for status in [429, 503] {
        let (sts, container) = (FakeSts::start(), FakeContainer::start());
        container.fail(status);
        let uri = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.full_uri());
        let error = failed(Xassume::new(&sts).without_keys().env(uri.0, uri.1));
        let line = "xassume: error: container credentials endpoint: HTTP";
        assert_eq!(error, format!("{line} {status}\nhint: try again later\n"));
    }
}
