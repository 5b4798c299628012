//! Source credentials, each from a fake of the service that provides them.

mod files;
mod instance;
mod programs;
mod times;

use crate::support::{
    Answer, FakeContainer, FakeImds, FakeProxy, FakeSignIn, FakeSso, FakeSts, Finished, Identity, LOGIN_SESSION, Login,
    RefusedPort, SilentPort, Xassume, probe, write_login, write_sign_in,
};
use std::time::{Duration, Instant};

const ROLE: &str = "arn:aws:iam::111111111111:role/R";

/// Runs a command in the given environment, and asserts that it ran.
fn ran(xassume: Xassume) -> Finished {
    xassume.args(["-r", ROLE, "--"]).args(probe()).arg("environ").run().exited(0)
}

fn failed(xassume: Xassume) -> String {
    let finished = xassume.args(["-r", ROLE, "--"]).args(probe()).args(["say", "ran"]).run().exited(125);
    assert_eq!(finished.stdout_text(), "", "the command must not start");
    assert!(finished.stderr.contains("\nhint: "), "{}", finished.stderr);
    finished.stderr
}

fn signer(sts: &FakeSts) -> String {
    sts.requests()[0].access_key_id.clone().expect("a signed request")
}

#[test]
fn temporary_keys_in_the_environment() {
    let (sts, task) = (FakeSts::start(), Identity::task());
    ran(Xassume::new(&sts).with_keys_of(&task));
    assert_eq!(signer(&sts), task.access_key_id);
    assert_eq!(sts.requests()[0].session_token, task.session_token);
}

#[test]
fn the_credentials_file_and_the_config_file() {
    let user = Identity::user();
    let keys =
        format!("aws_access_key_id = {}\naws_secret_access_key = {}\n", user.access_key_id, user.secret_access_key);
    for (file, section, args) in [
        (".aws/credentials", "default", &[][..]),
        (".aws/credentials", "work", &["-p", "work"][..]),
        (".aws/config", "profile work", &["-p", "work"][..]),
    ] {
        let sts = FakeSts::start();
        ran(Xassume::new(&sts).without_keys().file(file, format!("[{section}]\n{keys}")).args(args));
        assert_eq!(signer(&sts), user.access_key_id, "{file} [{section}]");
    }
}

#[test]
fn instance_metadata_returns_credentials_and_the_region() {
    let (sts, imds) = (FakeSts::start(), FakeImds::start());
    let shown = ran(Xassume::new(&sts).without_keys().env_remove("AWS_REGION").with_metadata_at(&imds.url()));
    assert_eq!(signer(&sts), Identity::instance().access_key_id);
    assert_eq!(shown.variable("AWS_REGION").as_deref(), Some("eu-west-1"), "the instance's own region");
    assert_eq!(sts.requests()[0].region.as_deref(), Some("eu-west-1"));
    assert!(imds.requests().iter().any(|request| request.method == "PUT"), "IMDSv2: a token first");
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
        assert!(error.contains("nothing answers at http://127.0.0.1:"), "{error}");
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
    // Two attempts for a token, a second each. If a service accepted the connection, there are two more without a token.
    for (url, most) in [(silent.url(), 4), (refused.url(), 4), (too_far.url(), 5), (hanging.url(), 8)] {
        let time_without_instance = time_without_instance(&sts, &url);
        assert!(time_without_instance < Duration::from_secs(most), "{url}: {time_without_instance:?}");
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
    assert!(error.contains("the instance has no role"), "{error}");
}

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
    assert!(error.contains("no source credentials: the container's credentials endpoint"), "{error}");
}

#[test]
fn a_failing_container_endpoint_hints_to_try_again() {
    for status in [429, 503] {
        let (sts, container) = (FakeSts::start(), FakeContainer::start());
        container.fail(status);
        let uri = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.full_uri());
        let error = failed(Xassume::new(&sts).without_keys().env(uri.0, uri.1));
        let line = "xassume: no source credentials: the container's credentials endpoint: it answers with HTTP status";
        assert_eq!(error, format!("{line} {status}\nhint: try again later\n"));
    }
}

#[test]
fn a_web_identity_token_assumes_the_role_unsigned() {
    let sts = FakeSts::builder().web_identity_tokens(&["token.of.pod"]).start();
    let xassume = Xassume::new(&sts).without_keys().file("token", "token.of.pod\n");
    let token = xassume.home().join("token");
    let shown = xassume
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", &token)
        .env("AWS_ROLE_ARN", ROLE)
        .arg("--")
        .args(probe())
        .arg("environ")
        .run()
        .exited(0);
    let request = &sts.requests()[0];
    assert_eq!((request.action.as_str(), request.access_key_id.as_deref()), ("AssumeRoleWithWebIdentity", None));
    assert_eq!(request.param("RoleArn"), Some(ROLE));
    for name in ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"] {
        assert_eq!(shown.variable(name), None, "{name} must not reach the command");
    }
}

#[test]
fn a_pods_role_is_the_first_of_a_chain() {
    let sts = FakeSts::builder().web_identity_tokens(&["token.of.pod"]).start();
    let xassume = Xassume::new(&sts).without_keys().file("token", "token.of.pod");
    let token = xassume.home().join("token");
    ran(xassume.env("AWS_WEB_IDENTITY_TOKEN_FILE", &token).env("AWS_ROLE_ARN", "arn:aws:iam::222222222222:role/Pod"));
    let requests = sts.requests();
    assert_eq!(requests[0].param("RoleArn"), Some("arn:aws:iam::222222222222:role/Pod"));
    assert_eq!((requests[1].action.as_str(), requests[1].param("RoleArn")), ("AssumeRole", Some(ROLE)));
    assert_eq!(requests[1].access_key_id, Some(sts.issued()[0].access_key_id.clone()));
}

#[test]
fn an_invalid_token_is_reported() {
    let sts = FakeSts::builder().web_identity_tokens(&["good"]).start();
    let world = |contents: &str| {
        let xassume = Xassume::new(&sts).without_keys().file("token", contents);
        let token = xassume.home().join("token");
        xassume.arg("--web-identity-token-file").arg(token)
    };
    assert!(failed(world("")).contains("it is empty"));
    assert!(failed(world("two words")).contains("it does not hold one token"));
    let rejected = failed(world("stranger"));
    assert!(rejected.contains("InvalidIdentityToken"), "{rejected}");
    let missing = failed(Xassume::new(&sts).without_keys().args(["--web-identity-token-file", "/no/such/token"]));
    assert!(missing.contains("web identity token file /no/such/token"), "{missing}");
}

#[test]
fn a_login_of_iam_identity_center() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let world = || Xassume::new(&sts).without_keys().env("AWS_ENDPOINT_URL_SSO", sso.url()).file(".aws/config", SSO);
    ran(logged_in(&sts, &sso));
    assert_eq!(signer(&sts), Identity::sso().access_key_id);

    for login in [Some(Login::Expired), Some(Login::Revoked), None] {
        let xassume = world();
        if let Some(login) = login {
            write_login(&xassume.home(), "corp", login);
        }
        let error = failed(xassume.args(["-p", "dev"]));
        assert!(error.contains("hint: log in again: aws sso login --sso-session corp"), "{error}");
    }
}

const SSO: &str = "[profile dev]\nsso_session = corp\nsso_account_id = 222222222222\nsso_role_name = Developer\n\
    [sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.example/start\n";

/// With a valid login.
fn logged_in(sts: &FakeSts, sso: &FakeSso) -> Xassume {
    let xassume = Xassume::new(sts).without_keys().env("AWS_ENDPOINT_URL_SSO", sso.url()).file(".aws/config", SSO);
    write_login(&xassume.home(), "corp", Login::Valid);
    xassume.args(["-p", "dev"])
}

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
        let line = format!("xassume: no source credentials: {name} gave no answer within 700ms\n");
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
    assert!(error.contains("gave no answer within ") && error.contains("cannot assume"), "{error}");
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
    assert!(bridged.stderr.contains("gave no answer within 700ms; the cached session is used"), "{}", bridged.stderr);
}

#[test]
fn a_login_of_iam_identity_center_is_refreshed_and_stored() {
    let (sts, sso) = (FakeSts::start(), FakeSso::start());
    let xassume = logged_in(&sts, &sso).env("AWS_ENDPOINT_URL_SSO_OIDC", sso.url()).arg("--no-cache");
    write_login(&xassume.home(), "corp", Login::Refreshable);
    for _ in 0..2 {
        ran(xassume.clone());
    }
    assert_eq!(signer(&sts), Identity::sso().access_key_id);
    let asked: Vec<_> = sso.requests().iter().map(|request| request.path().to_owned()).collect();
    assert_eq!(asked, ["/token", "/federation/credentials", "/federation/credentials"]);
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
            assert!(bridged.stderr.contains("; the cached session is used, with "), "{}", bridged.stderr);
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

/// A profile with a console login whose keys last this long.
fn signed_in(sts: &FakeSts, sign_in: &FakeSignIn, lasts: Duration) -> Xassume {
    let config = format!("[profile dev]\nlogin_session = {LOGIN_SESSION}\nregion = us-east-1\n");
    let xassume =
        Xassume::new(sts).without_keys().file(".aws/config", config).env("AWS_ENDPOINT_URL_SIGNIN", sign_in.url());
    write_sign_in(&xassume.home(), LOGIN_SESSION, lasts);
    xassume.args(["-p", "dev"])
}

#[test]
fn a_login_to_the_console() {
    let (sts, sign_in) = (FakeSts::start(), FakeSignIn::start());
    ran(signed_in(&sts, &sign_in, Duration::from_mins(10)));
    assert_eq!((signer(&sts), sign_in.requests().len()), (Identity::login().access_key_id, 0), "it lasts a while");
}

#[test]
fn a_login_to_the_console_that_expires_soon_is_refreshed_and_stored() {
    let (sts, sign_in) = (FakeSts::start(), FakeSignIn::start());
    let xassume = signed_in(&sts, &sign_in, Duration::from_mins(4));
    for _ in 0..2 {
        ran(xassume.clone().arg("--no-cache"));
    }
    let signers: Vec<_> = sts.requests().into_iter().filter_map(|request| request.access_key_id).collect();
    assert_eq!(signers, [Identity::login_refreshed().access_key_id, Identity::login_refreshed().access_key_id]);
    assert_eq!(sign_in.requests().len(), 1, "its refresh token is good for one time");
}

#[test]
fn an_expired_login_to_the_console_names_the_command() {
    let (sts, sign_in) = (FakeSts::start(), FakeSignIn::start());
    let xassume = signed_in(&sts, &sign_in, Duration::ZERO);
    for (code, reason) in
        [("TOKEN_EXPIRED", "it has ended"), ("USER_CREDENTIALS_CHANGED", "the password has changed since")]
    {
        sign_in.refuse(code);
        let error = failed(xassume.clone());
        let line = format!(
            "xassume: no source credentials: the `aws login` session of profile dev cannot be used: {reason}\n"
        );
        assert_eq!(error, line + "hint: log in again: aws login --profile dev\n");
    }
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn an_error_of_sign_in_does_not_hint_to_log_in_again() {
    let (sts, sign_in) = (FakeSts::start(), FakeSignIn::start());
    let xassume = signed_in(&sts, &sign_in, Duration::ZERO);
    sign_in.refuse("INSUFFICIENT_PERMISSIONS");
    let denied = failed(xassume.clone());
    assert!(
        denied.contains("AWS Sign-In, for profile dev: ") && denied.contains("signin:CreateOAuth2Token"),
        "{denied}"
    );
    sign_in.fail(500);
    let broken = failed(xassume.clone());
    sign_in.die();
    let gone = failed(xassume);
    for error in [&denied, &broken, &gone] {
        assert!(error.starts_with("xassume: no source credentials: AWS Sign-In, for profile dev: "), "{error}");
        assert!(!error.contains("log in again"), "{error}");
    }
    assert!(gone.contains("Connection refused"), "{gone}");
    assert_eq!(sts.requests().len(), 0);
}

fn with_credential_process(sts: &FakeSts, command: &str) -> Xassume {
    let config = format!("[profile helper]\ncredential_process = {command}\n");
    Xassume::new(sts).without_keys().file(".aws/config", config).args(["-p", "helper"])
}

#[test]
fn a_credential_process_is_run_by_a_shell() {
    let sts = FakeSts::start();
    let user = Identity::user();
    let answer = format!(
        r#"{{"Version":1,"AccessKeyId":"{}","SecretAccessKey":"{}"}}"#,
        user.access_key_id, user.secret_access_key
    );
    let shown = with_credential_process(&sts, &format!("echo '{answer}' && echo a word from the helper >&2"))
        .args(["-r", ROLE, "--"])
        .args(probe())
        .arg("environ")
        .run()
        .exited(0);
    assert_eq!(signer(&sts), user.access_key_id);
    assert_eq!(shown.stderr, "a word from the helper\n", "its stderr is shown");
}

#[test]
fn a_failing_credential_process_is_reported_without_its_output() {
    let sts = FakeSts::start();
    let expired =
        r#"{"Version":1,"AccessKeyId":"AKIDTOLD","SecretAccessKey":"SECRETWORD","Expiration":"2020-01-01T00:00:00Z"}"#;
    for (command, complaint) in [
        ("exit 3".to_owned(), "credential_process of profile helper: it"),
        ("/no/such/helper".to_owned(), "credential_process of profile helper"),
        ("echo SECRETWORD".to_owned(), "is not the expected JSON"),
        (r#"echo '{"Version":"SECRETWORD"}'"#.to_owned(), "is not the expected JSON"),
        (r#"echo '{"Version":2,"AccessKeyId":"AKIDTOLD","SecretAccessKey":"SECRETWORD"}'"#.to_owned(), "version 2"),
        (format!("echo '{expired}'"), "expired at 2020-01-01T00:00:00Z"),
        ("yes SECRETWORD".to_owned(), "printed more than 64000 bytes"),
    ] {
        let error = failed(with_credential_process(&sts, &command));
        assert!(error.contains(complaint), "{command}: {error}");
        assert!(!error.contains("SECRETWORD"), "{command}: {error}");
    }
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn without_any_source_the_searched_places_are_listed() {
    let sts = FakeSts::start();
    let error = failed(Xassume::new(&sts).without_keys());
    assert!(error.contains("no source credentials"), "{error}");
}

#[test]
fn expired_source_credentials_are_reported() {
    let sts = FakeSts::start();
    sts.script([Answer::expired_token()]);
    let error = failed(Xassume::new(&sts));
    assert!(error.contains("ExpiredToken") && error.contains("log in again, or fetch new ones"), "{error}");
}
