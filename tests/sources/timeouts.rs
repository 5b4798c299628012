//! Sources that hang or fail: the timeout, and the use of a cached session.

use super::logins::{logged_in, signed_in};
use super::{failed, ran};
use crate::support::{
    Answer, FakeContainer, FakeImds, FakeSignIn, FakeSso, FakeSts, LOGIN_SESSION, Xassume, write_sign_in,
};
use std::time::{Duration, Instant};

#[test]
fn a_source_without_an_answer_gets_no_longer_than_the_timeout() {
    let (sts, sso, container, imds) = (FakeSts::start(), FakeSso::start(), FakeContainer::start(), FakeImds::start());
    let sign_in = FakeSignIn::start();
    sign_in.hang();
    sso.hang();
    container.hang();
    imds.hang();
    let none = || Xassume::new(&sts).without_keys();
    for (xassume, name) in [
        (logged_in(&sts, &sso), "SSO of profile dev (Developer in account 222222222222)"),
        (
            signed_in(&sts, &sign_in, Duration::ZERO),
            "`aws login` of profile dev (arn:aws:iam::222222222222:user/alice)",
        ),
        (
            none()
                .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.full_uri())
                .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", container.token()),
            "the container's credentials endpoint",
        ),
        (none().with_metadata_at(&imds.url()), "the instance's role (EC2 metadata)"),
    ] {
        let begun = Instant::now();
        let error = failed(xassume.args(["--sts-timeout", "700ms"]));
        assert!(begun.elapsed() < Duration::from_secs(10), "{name}: {:?}", begun.elapsed());
        let line = format!("xassume: error: {name} timed out after 700ms\n");
        assert!(error.starts_with(&line) && error.contains("--sts-timeout"), "{error}");
    }
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn the_source_and_sts_share_the_timeout() {
    let (sts, sso) = (FakeSts::builder().script([Answer::Hang]).start(), FakeSso::start());
    sso.delay(Duration::from_secs(6));
    let begun = Instant::now();
    let error = failed(logged_in(&sts, &sso).args(["--sts-timeout", "8s"]));
    let took = begun.elapsed();
    assert!(error.contains("timed out after ") && error.contains("cannot assume"), "{error}");
    assert!(took >= Duration::from_secs(8) && took < Duration::from_secs(13), "8s for both, not 14s: {took:?}");
}

#[test]
fn a_valid_cached_session_is_used_while_the_source_hangs() {
    let sts = FakeSts::builder().lifetime(Duration::from_mins(30)).start();
    let sso = FakeSso::start();
    let xassume = logged_in(&sts, &sso);
    let first = ran(xassume.clone()).variable("AWS_ACCESS_KEY_ID");
    sso.hang();
    let bridged = ran(xassume.args(["--min-ttl", "40m", "--sts-timeout", "700ms"]));
    assert_eq!(bridged.variable("AWS_ACCESS_KEY_ID"), first);
    assert!(bridged.stderr.contains("timed out after 700ms; using the cached session ("), "{}", bridged.stderr);
}

#[test]
fn a_valid_cached_session_is_used_if_the_source_fails_but_not_if_it_denies() {
    let sts = FakeSts::builder().lifetime(Duration::from_mins(30)).start();
    let (sso, sign_in, container, imds) =
        (FakeSso::start(), FakeSignIn::start(), FakeContainer::start(), FakeImds::start());
    let none = || Xassume::new(&sts).without_keys();
    let worlds = [
        logged_in(&sts, &sso),
        signed_in(&sts, &sign_in, Duration::ZERO),
        none()
            .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.full_uri())
            .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", container.token()),
        none().with_metadata_at(&imds.url()),
    ]
    .map(|world| world.args(["--min-ttl", "40m"]));
    let sessions = worlds.each_ref().map(|world| ran(world.clone()).variable("AWS_ACCESS_KEY_ID"));
    write_sign_in(&worlds[1].home(), LOGIN_SESSION, Duration::ZERO);

    sso.fail(403);
    sign_in.refuse("TOKEN_EXPIRED");
    container.fail(403);
    imds.fail(403);
    for world in &worlds {
        let refused = failed(world.clone());
        assert!(!refused.contains("the cached session"), "{refused}");
    }
    let bridged = || {
        for (world, session) in worlds.iter().zip(&sessions) {
            let bridged = ran(world.clone());
            assert_eq!(bridged.variable("AWS_ACCESS_KEY_ID"), *session);
            assert!(bridged.stderr.contains("; using the cached session ("), "{}", bridged.stderr);
        }
    };
    for status in [429, 500, 503] {
        sso.fail(status);
        sign_in.fail(status);
        container.fail(status);
        imds.fail(status);
        bridged();
    }
    sso.die();
    sign_in.die();
    container.die();
    imds.die();
    bridged();
}
