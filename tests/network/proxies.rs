//! Proxies before STS: which one is used, which values are invalid, and how a proxy fails.

use super::{ROLE, failed, ran};
use crate::support::{
    Authority, Certificate, FakeProxy, FakeSts, Identity, Login, RefusedPort, Xassume, on_one_line, probe, write_login,
};

#[test]
fn a_proxy_is_used_for_sts() {
    let (sts, proxy) = (FakeSts::start(), FakeProxy::start());
    proxy.map("sts.invalid:80", sts.port());
    ran(Xassume::at("http://sts.invalid").env("HTTP_PROXY", proxy.url()));
    ran(Xassume::at("http://sts.invalid").env("ALL_PROXY", proxy.url()));
    assert_eq!(proxy.targets().len(), 2);
    ran(Xassume::new(&sts).env("HTTP_PROXY", "http://127.0.0.1:1").env("NO_PROXY", "127.0.0.1"));
}

#[test]
fn tls_works_through_a_proxy_tunnel() {
    let (sts, proxy) = (FakeSts::builder().tls(Certificate::Good).start(), FakeProxy::start());
    let bundle = sts.ca_file().to_owned();
    let endpoint = format!("https://localhost:{}", sts.port());
    ran(Xassume::at(&endpoint).env("HTTPS_PROXY", proxy.url()).arg("--ca-bundle").arg(bundle));
    assert!(proxy.targets().iter().any(|target| target.starts_with("CONNECT ")), "{:?}", proxy.targets());
}

#[test]
fn a_tls_proxy_is_used_for_http_endpoints_too() {
    let (sts, authority) = (FakeSts::start(), Authority::new());
    let proxy = FakeProxy::start_tls(authority.server(Certificate::Good));
    proxy.map("sts.invalid:80", sts.port());
    let world = Xassume::at("http://sts.invalid").env("HTTP_PROXY", proxy.url());
    ran(world.clone().arg("--ca-bundle").arg(authority.ca_file()));
    assert_eq!(sts.requests().len(), 1);
    let error = on_one_line(&failed(world.arg("--no-cache")));
    let expected = format!("the proxy {} failed: certificate not trusted", proxy.url());
    assert!(
        error.contains(&expected) && error.contains("hint: pass the proxy's CA certificate with --ca-bundle"),
        "{error}"
    );
}

/// The HTTP client would ignore each of these.
#[test]
fn an_invalid_proxy_is_reported_and_not_bypassed() {
    let (plain, tls) = (FakeSts::start(), FakeSts::builder().tls(Certificate::Good).start());
    for (sts, variable, value, shown) in [
        (&plain, "HTTP_PROXY", "garbage::", "garbage:…"),
        (&plain, "http_proxy", "proxy host:3128", "proxy host:3128"),
        (&plain, "ALL_PROXY", "socks5://me:secret@127.0.0.1:1080", "socks5://…@127.0.0.1:1080"),
        (&tls, "HTTPS_PROXY", "http://me:sec ret@proxy:3128", "http://…@proxy:3128"),
        (&tls, "all_proxy", "http://proxy:99999", "http://proxy:99999"),
    ] {
        let world = Xassume::new(sts).env(variable, value).args(["-r", ROLE]);
        let error = world.clone().args(["--", "true"]).run().exited(125).stderr;
        assert_eq!(
            error,
            format!(
                "xassume: error: invalid value '{shown}' for '{variable}': must be the http or https URL of a proxy\n\
                 hint: for example http://proxy.example:3128; NO_PROXY lists the hosts that need no proxy\n"
            )
        );
        let check = world.args(["--check", "--log-format", "json"]).run().exited(125).stdout_text();
        assert!(
            check.contains(&format!("invalid value '{shown}' for '{variable}'")) && !check.contains("ret@"),
            "{check}"
        );
    }
    assert_eq!(plain.requests().len() + tls.requests().len(), 0);
}

#[test]
fn unused_proxy_variables_may_have_any_value() {
    for variables in [
        &[("HTTPS_PROXY", "garbage::")][..],
        &[("HTTP_PROXY", "garbage::"), ("NO_PROXY", "127.0.0.1")],
        &[("HTTP_PROXY", ""), ("http_proxy", "garbage::")],
        &[("HTTP_PROXY", "garbage::"), ("REQUEST_METHOD", "GET")],
    ] {
        let sts = FakeSts::start();
        ran(variables.iter().fold(Xassume::new(&sts), |xassume, (name, value)| xassume.env(name, value)));
    }
}

#[test]
fn a_launch_from_the_cache_needs_no_proxy() {
    let sts = FakeSts::start();
    let world = Xassume::new(&sts);
    ran(world.clone());
    ran(world.clone().env("HTTP_PROXY", "garbage::"));
    let stderr = world.env("HTTP_PROXY", "garbage::").args(["-v", "-r", ROLE, "--", "true"]).run().exited(0).stderr;
    assert!(stderr.contains("\n  proxy: invalid value 'garbage:…' for 'HTTP_PROXY'"), "{stderr}");
    assert_eq!(sts.requests().len(), 1);
}

#[test]
fn a_credential_process_is_not_run_with_an_invalid_proxy() {
    let sts = FakeSts::start();
    let config = "[default]\ncredential_process = touch \"$HOME/ran\"\n";
    let xassume = Xassume::new(&sts).without_keys().file(".aws/config", config).env("HTTP_PROXY", "garbage::");
    xassume.clone().args(["-r", ROLE, "--", "true"]).run().exited(125);
    assert!(!xassume.home().join("ran").exists());
}

#[test]
fn the_plan_names_the_proxy_and_never_its_password() {
    let (sts, proxy) = (FakeSts::start(), FakeProxy::start());
    let url = format!("http://me:secret@127.0.0.1:{}/", proxy.port());
    let xassume = Xassume::new(&sts).env("http_proxy", url).args(["-vv", "-r", ROLE, "--"]);
    let stderr = xassume.args(probe()).args(["say", "ran"]).run().exited(0).stderr;
    assert!(
        stderr.contains(&format!("\n  proxy: {} (http_proxy)\n", proxy.url())) && !stderr.contains("secret"),
        "{stderr}"
    );
    assert_eq!(proxy.requests()[0].header("proxy-authorization"), Some("Basic bWU6c2VjcmV0"));
}

#[test]
fn the_named_proxy_is_the_one_that_is_used() {
    for (first, second) in [
        ("HTTP_PROXY", "http_proxy"),
        ("http_proxy", "ALL_PROXY"),
        ("HTTP_PROXY", "HTTPS_PROXY"),
        ("ALL_PROXY", "all_proxy"),
    ] {
        let (sts, used, other) = (FakeSts::start(), FakeProxy::start(), FakeProxy::start());
        let xassume = Xassume::new(&sts).env(first, used.url()).env(second, other.url());
        let stderr = xassume.args(["-v", "-r", ROLE, "--", "true"]).run().exited(0).stderr;
        assert!(stderr.contains(&format!("\n  proxy: {} ({first})\n", used.url())), "{stderr}");
        assert_eq!((used.targets().len(), other.targets().len()), (1, 0), "{first} and {second}");
    }
}

#[test]
fn a_proxy_that_fails_is_named_without_its_password() {
    let tls = FakeSts::builder().tls(Certificate::Good).start();
    let (https, http) = (format!("https://localhost:{}", tls.port()), "http://sts.invalid".to_owned());
    let (refusing, asking, broken) = (RefusedPort::reserve(), FakeProxy::start(), FakeProxy::start());
    asking.fail(407);
    broken.fail(502);
    let (refusing, asking, broken) = (refusing.url(), asking.url(), broken.url());
    let unknown = "http://no-such-proxy.invalid:3128";
    let cases = [
        (&https, "HTTPS_PROXY", refusing.as_str(), "Connection refused".to_owned()),
        (&http, "HTTP_PROXY", &refusing, "Connection refused".to_owned()),
        (&https, "HTTPS_PROXY", unknown, "cannot resolve its host name".to_owned()),
        (&http, "HTTP_PROXY", unknown, "cannot resolve its host name".to_owned()),
        (&https, "HTTPS_PROXY", &asking, "authentication required".to_owned()),
        (&http, "HTTP_PROXY", &asking, "authentication required".to_owned()),
        (&https, "HTTPS_PROXY", &broken, format!("it refused to connect to {https}")),
    ];
    // Each is retried several times, so run them concurrently.
    let running = cases.map(|(endpoint, variable, proxy, reason)| {
        let value = proxy.replace("http://", "http://me:secret@");
        let xassume =
            Xassume::at(endpoint).env(variable, value).args(["--sts-timeout", "30s", "-r", ROLE, "--", "true"]);
        (xassume.spawn(), format!("/R: the proxy {proxy} failed: {reason} hint: "))
    });
    for (running, expected) in running {
        let error = on_one_line(&running.wait().exited(125).stderr);
        assert!(error.contains(&expected) && !error.contains("secret"), "{error}");
    }
}

#[test]
fn errors_behind_a_proxy_name_the_proxy() {
    let (sts, proxy) = (FakeSts::builder().tls(Certificate::Good).start(), FakeProxy::start());
    let endpoint = format!("https://localhost:{}", sts.port());
    let world = Xassume::at(&endpoint).env("HTTPS_PROXY", proxy.url());
    let route = format!("{endpoint} (through the proxy {})", proxy.url());
    let error = on_one_line(&failed(world.clone()));
    assert!(error.contains(&format!("TLS error for {route}: ")), "{error}");
    proxy.hang();
    let error = on_one_line(&failed(world.args(["--sts-timeout", "500ms"])));
    // The time of the call is a little less than the limit, or more on a busy system.
    assert!(error.contains(&format!("{route} timed out after ")), "{error}");
}

#[test]
fn a_login_through_a_proxy_that_fails_names_it() {
    let (sts, refusing) = (FakeSts::start(), RefusedPort::reserve());
    let config = "[profile dev]\nsso_session = corp\nsso_account_id = 222222222222\nsso_role_name = Developer\n\
                  [sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.example/start\n";
    let world = Xassume::new(&sts).without_keys().file(".aws/config", config).args(["-p", "dev", "-r", ROLE]);
    write_login(&world.home(), "corp", Login::Valid);
    for (proxy, expected) in [
        (refusing.url(), format!("through the proxy {}: Connection refused", refusing.url())),
        (
            "garbage::".into(),
            "invalid value 'garbage:…' for 'HTTPS_PROXY': must be the http or https URL of a proxy".into(),
        ),
    ] {
        // STS itself is called over plain HTTP.
        let error = world.clone().env("HTTPS_PROXY", proxy).args(["--", "true"]).run().exited(125).stderr;
        assert!(
            on_one_line(&error).contains(&format!(
                "from IAM Identity Center: https://portal.sso.us-east-1.amazonaws.com cannot be reached: {expected}"
            )),
            "{error}"
        );
    }
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn an_invalid_proxy_is_reported_without_a_role_too() {
    let (sts, user) = (FakeSts::start(), Identity::user());
    let keys = format!(
        "[profile dev]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        user.access_key_id, user.secret_access_key
    );
    let world = Xassume::new(&sts).without_keys().file(".aws/config", keys).env("HTTP_PROXY", "socks5://proxy:1080");
    let world = world.args(["-p", "dev"]);
    world.clone().args(["--", "true"]).run().exited(0);
    for args in [["--mfa-serial=GAHT12345678", "--mfa-token=123456"], ["--expect-account", "222222222222"]] {
        for last in [&["--", "true"][..], &["--check"]] {
            let finished = world.clone().args(args).args(last).run().exited(125);
            let shown = finished.stdout_text() + &finished.stderr;
            assert!(
                shown.contains("invalid value 'socks5://proxy:1080' for 'HTTP_PROXY': must be the http"),
                "{shown}"
            );
            assert!(!shown.contains("cannot be reached"), "{shown}");
        }
    }
    assert_eq!(sts.requests().len(), 0);
}
