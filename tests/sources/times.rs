//! Each format of a time that the AWS CLI accepts, in each source that has an expiration.

use super::credential_process::with_credential_process;
use super::logins::{logged_in, signed_in};
use super::{failed, ran};
use crate::support::{
    FakeContainer, FakeImds, FakeSignIn, FakeSso, FakeSts, Identity, LOGIN_SESSION, Login, Xassume, write_end,
    write_login, write_sign_in,
};
use std::time::Duration;

/// The same time in the formats of AWS's services and tools.
const FORMS: [&str; 8] = [
    "2099-12-31T22:59:59Z",
    "2099-12-31T22:59:59UTC",
    "2099-12-31T22:59:59+00:00",
    "2099-12-31T23:59:59+0100",
    "2099-12-31T22:59:59.123456Z",
    "2099-12-31T22:59:59.5+0000",
    "2099-12-31 22:59:59 GMT",
    "20991231T225959Z",
];

fn with_keys_that_end(sts: &FakeSts, end: &str) -> Xassume {
    let Identity { access_key_id, secret_access_key, .. } = Identity::user();
    let keys = format!(r#""AccessKeyId":"{access_key_id}","SecretAccessKey":"{secret_access_key}""#);
    with_credential_process(sts, &format!(r#"echo '{{"Version":1,{keys},"Expiration":"{end}"}}'"#))
}

#[test]
fn keys_of_a_credential_process() {
    let sts = FakeSts::start();
    for end in FORMS {
        ran(with_keys_that_end(&sts, end).arg("--no-cache"));
    }
    let past = failed(with_keys_that_end(&sts, "2020-06-17T10:02:08UTC"));
    assert!(past.contains("printed credentials that expired at 2020-06-17T10:02:08Z"), "{past}");
    for end in ["soon", "2099-12-31T22:59:59", "2099-13-31T22:59:59Z"] {
        let error = failed(with_keys_that_end(&sts, end));
        assert!(error.contains("printed an invalid response: Expiration is not a valid RFC 3339 time\n"), "{error}");
    }
}

#[test]
fn credentials_of_a_container_and_of_an_instance() {
    let (sts, container, imds) = (FakeSts::start(), FakeContainer::start(), FakeImds::start());
    let none = || Xassume::new(&sts).without_keys().arg("--no-cache");
    let worlds = [
        none()
            .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.full_uri())
            .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", container.token()),
        none().with_metadata_at(&imds.url()),
    ];
    for end in FORMS {
        container.set_end(end);
        imds.set_end(end);
        for world in &worlds {
            ran(world.clone());
        }
    }
    container.set_end("soon");
    imds.set_end("soon");
    for world in worlds {
        let error = failed(world).replace("\n  ", " ");
        assert!(error.contains("invalid response: Expiration is not a valid RFC 3339 time"), "{error}");
    }
}

#[test]
fn logins() {
    let (sts, sso, sign_in) = (FakeSts::start(), FakeSso::start(), FakeSignIn::start());
    let corp = logged_in(&sts, &sso).arg("--no-cache");
    let console = signed_in(&sts, &sign_in, Duration::from_mins(10)).arg("--no-cache");
    let corps = write_login(&corp.home(), "corp", Login::Valid);
    let consoles = write_sign_in(&console.home(), LOGIN_SESSION, Duration::from_mins(10));
    for end in FORMS {
        write_end(&corps, &["expiresAt"], end);
        write_end(&consoles, &["accessToken", "expiresAt"], end);
        ran(corp.clone());
        ran(console.clone());
    }
    assert_eq!(sign_in.requests().len(), 0, "none is to be refreshed");
    write_end(&corps, &["expiresAt"], "2020-06-17T10:02:08UTC");
    let error = failed(corp);
    assert!(error.contains("has expired or was never started"), "{error}");
    write_end(&consoles, &["accessToken", "expiresAt"], "soon");
    let error = failed(console).replace("\n  ", " ");
    assert!(error.contains("(from profile 'dev'): accessToken.expiresAt is not a valid RFC 3339 time\n"), "{error}");
}
