//! Tokens of GitHub Actions.

use super::{ROLE, failed, ran};
use crate::support::github::REQUEST_TOKEN;
use crate::support::http::{Reply, Response};
use crate::support::issuer::AUDIENCE;
use crate::support::{
    Answer, Authority, Certificate, FakeGitHub, FakeProxy, FakeSts, RefusedPort, Tokens, Xassume, on_one_line, probe,
};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const PROVIDER: [&str; 2] = ["--web-identity-provider", "github"];

/// An STS that accepts the first tokens of a [`FakeGitHub`].
fn sts() -> FakeSts {
    let tokens: Vec<_> = (1..10).map(FakeGitHub::token).collect();
    FakeSts::builder().web_identity_tokens(&tokens.iter().map(String::as_str).collect::<Vec<_>>()).start()
}

/// The error of a job, on one line. Neither a request token nor a token may be in it.
fn refused(xassume: Xassume) -> String {
    let error = failed(xassume.args(PROVIDER).args(["-vv", "--sts-timeout", "20s"]));
    assert!(!error.contains("eyJ."), "{error}");
    let error = on_one_line(&error);
    let begin = error.find("xassume: error: ").expect("an error");
    error[begin..].to_owned()
}

const FAILED: &str = "xassume: error: cannot get a web identity token from GitHub Actions: ";

#[test]
fn the_token_of_a_job_assumes_the_role() {
    let (sts, github) = (sts(), FakeGitHub::start());
    let shown = ran(github.job(Xassume::new(&sts)).args(PROVIDER));
    let request = &github.requests()[0];
    assert_eq!((request.header("accept"), github.requests().len()), (Some("application/json"), 1));
    let query = request.query();
    let query: Vec<_> = query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(query, [("api-version", "2.0"), ("audience", "sts.amazonaws.com")]);
    let request = &sts.requests()[0];
    assert_eq!((request.action.as_str(), request.access_key_id.as_deref()), ("AssumeRoleWithWebIdentity", None));
    assert_eq!((request.param("RoleArn"), sts.web_identity_tokens()), (Some(ROLE), vec![FakeGitHub::token(1)]));
    assert_eq!(request.param("RoleSessionName"), Some("github-16712348901-1"));
    // The variables belong to the user. The token does not reach the command.
    assert_eq!(shown.variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN").as_deref(), Some(REQUEST_TOKEN));
    assert!(!shown.stdout_text().contains(&FakeGitHub::token(1)));
}

#[test]
fn an_audience_is_encoded() {
    let (sts, github) = (sts(), FakeGitHub::start());
    ran(github.job(Xassume::new(&sts)).args(PROVIDER).args(["--web-identity-audience", "https://a.example/?b=c&d=é"]));
    assert!(
        github.requests()[0].target.ends_with("&audience=https%3A%2F%2Fa.example%2F%3Fb%3Dc%26d%3D%C3%A9"),
        "{}",
        github.requests()[0].target
    );
}

#[test]
fn each_try_at_sts_has_a_new_token() {
    let (sts, github) = (sts(), FakeGitHub::start());
    sts.script([Answer::unavailable(), Answer::throttling(), Answer::Ok]);
    ran(github.job(Xassume::new(&sts)).args(PROVIDER));
    assert_eq!(sts.web_identity_tokens(), [1, 2, 3].map(FakeGitHub::token));
}

#[test]
fn the_request_is_sent_again_after_an_outage() {
    let (sts, github) = (sts(), FakeGitHub::start());
    github.fail(503);
    let running = github.job(Xassume::new(&sts)).args(PROVIDER).args(["-r", ROLE, "--", "true"]).spawn();
    github.wait_for_requests(1);
    github.recover();
    running.wait().exited(0);
}

#[test]
fn a_cached_session_is_used_during_an_outage() {
    let sts =
        FakeSts::builder().web_identity_tokens(&[&FakeGitHub::token(1)]).lifetime(Duration::from_mins(30)).start();
    let github = FakeGitHub::start();
    let job = github.job(Xassume::new(&sts)).args(PROVIDER).args(["-r", ROLE]);
    job.clone().args(["--", "true"]).run().exited(0);
    for (status, code) in [(503, 0), (401, 125)] {
        github.fail(status);
        let stderr = job.clone().args(["--min-ttl", "40m", "--", "true"]).run().exited(code).stderr;
        assert!(stderr.contains(&format!("responded with HTTP {status}")), "{stderr}");
    }
}

/// STS checks the tokens, and accepts each one once.
#[test]
fn refreshes_have_new_tokens_also_after_an_outage_of_sts() {
    let tokens = Tokens::new().life(Duration::from_secs(2));
    let sts = FakeSts::builder().oidc_provider(&tokens, &[AUDIENCE]).lifetime(Duration::from_secs(5)).start();
    let github = FakeGitHub::of(None, move |audience, _| tokens.clone().claim("aud", audience).mint());
    let job = github.job(Xassume::new(&sts)).args(PROVIDER).args(["--via", "endpoint", "-r", ROLE, "--"]);
    let running = job.args(probe()).args(["print-signals", "exit-on", "TERM"]).spawn();
    sts.wait_for_requests(4);
    assert!(sts.issued().len() >= 3, "no token was refused");
    sts.script_forever([Answer::Reset]);
    // The tokens of the first tries expire during the outage.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(4) {
        sts.wait_for_requests(sts.requests().len() + 1);
    }
    sts.script([]);
    running.error_line("session refreshed after ");
    running.signal(libc::SIGTERM);
    running.wait().exited(0);
    let sent = sts.web_identity_tokens();
    assert_eq!(sent.iter().collect::<BTreeSet<_>>().len(), sent.len(), "each token was sent once");
}

/// A pull request's job on the same runner must not get the session of the main branch.
#[test]
fn another_job_gets_another_session() {
    let (sts, github) = (sts(), FakeGitHub::start());
    let job = github.job(Xassume::new(&sts)).args(PROVIDER).args(["--role-session-name", "same", "-r", ROLE]);
    let run = |job: &Xassume| {
        job.clone().args(["--", "true"]).run().exited(0);
        sts.requests().len()
    };
    assert_eq!([run(&job), run(&job)], [1, 1]);
    let other = job.env("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{}/2/idtoken?api-version=2.0", github.url()));
    assert_eq!([run(&other), run(&other)], [2, 2]);
}

#[test]
fn missing_variables_are_explained() {
    let (sts, github) = (FakeSts::start(), FakeGitHub::start());
    let job = || github.job(Xassume::new(&sts));
    let without =
        |xassume: Xassume| xassume.env_remove("ACTIONS_ID_TOKEN_REQUEST_URL").env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "");
    let unset = "ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN are not set";
    let error = refused(without(job()));
    assert!(error.starts_with(&format!("{FAILED}{unset} hint: add `id-token: write` to `permissions`")), "{error}");
    let error = refused(without(job()).env("GITHUB_EVENT_NAME", "pull_request"));
    assert!(error.contains(unset) && error.contains("for a pull request from a fork"), "{error}");
    let error = refused(without(job()).env_remove("GITHUB_ACTIONS"));
    assert!(error.contains("so this is not a job of GitHub Actions"), "{error}");
    let error = refused(job().env_remove("ACTIONS_ID_TOKEN_REQUEST_URL"));
    assert!(error.contains(": ACTIONS_ID_TOKEN_REQUEST_URL is not set hint: "), "{error}");
    assert_eq!(github.requests().len(), 0);
}

#[test]
fn invalid_variables_are_rejected_before_a_request() {
    let (sts, github) = (FakeSts::start(), FakeGitHub::start());
    let job = || github.job(Xassume::new(&sts));
    for url in [
        "ftp://127.0.0.1/x",
        "127.0.0.1/x",
        "https://",
        "https://127.0.0.1/#x",
        "a b",
        "http://127.0.0.1:9999939457/x",
        "https://me@[::1]:65536",
    ] {
        let error = refused(job().env("ACTIONS_ID_TOKEN_REQUEST_URL", url));
        assert!(error.contains("ACTIONS_ID_TOKEN_REQUEST_URL is not a valid https URL"), "{url}: {error}");
    }
    for (url, reason) in [
        ("http://192.0.2.1/x", "ACTIONS_ID_TOKEN_REQUEST_URL is an http URL of another host"),
        ("http://github.invalid/x", "http://github.invalid cannot be reached: failed to lookup address information"),
    ] {
        let error = refused(job().env("ACTIONS_ID_TOKEN_REQUEST_URL", url));
        assert!(error.starts_with(&format!("{FAILED}{reason}")), "{url}: {error}");
    }
    let error = refused(job().env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "eyJ.a\nb"));
    assert!(error.contains("a character that is not allowed in an HTTP header"), "{error}");
    assert_eq!(github.requests().len(), 0);
}

#[test]
fn a_refused_request_is_explained() {
    for (status, expected) in [
        (
            401,
            "responded with HTTP 401: the request token was rejected hint: ACTIONS_ID_TOKEN_REQUEST_TOKEN is valid only",
        ),
        (403, "responded with HTTP 403: the request token was rejected hint: "),
        (404, "responded with HTTP 404 hint: check ACTIONS_ID_TOKEN_REQUEST_URL"),
        (503, "responded with HTTP 503 hint: try again later"),
    ] {
        let (sts, github) = (FakeSts::start(), FakeGitHub::start());
        github.fail(status);
        let error = refused(github.job(Xassume::new(&sts)));
        assert!(error.starts_with(&format!("{FAILED}{} {expected}", github.url())), "{error}");
    }
    // The fake repeats the request token in its answer.
    let (sts, github) = (FakeSts::start(), FakeGitHub::start());
    let error = refused(github.job(Xassume::new(&sts)).env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "eyJ.expired.sig"));
    assert!(error.contains("HTTP 401"), "{error}");
}

#[test]
fn the_check_names_the_failure_in_the_step_of_the_source() {
    let (sts, github) = (FakeSts::start(), FakeGitHub::start());
    github.fail(403);
    let check = github.job(Xassume::new(&sts)).args(PROVIDER).args(["-r", ROLE, "--check"]).run().exited(125);
    let text = on_one_line(&check.stdout_text());
    let source = "failed source web identity token from GitHub Actions (audience sts.amazonaws.com)";
    assert!(text.contains(source), "{text}");
    assert!(text.contains("HTTP 403: the request token was rejected hint: ACTIONS_ID_TOKEN_REQUEST_TOKEN"), "{text}");
    assert!(!text.contains("eyJ."), "{text}");
}

#[test]
fn a_redirect_is_not_followed() {
    let (sts, other) = (FakeSts::start(), FakeGitHub::start());
    let target = other.url();
    let github =
        FakeGitHub::replying(move |_| Response::text(302, "").header("Location", format!("{target}/steal")).into());
    let error = refused(github.job(Xassume::new(&sts)));
    assert!(error.contains("responded with HTTP 302, and redirects are not followed"), "{error}");
    assert_eq!(other.requests().len(), 0);
}

#[test]
fn an_unusable_answer_is_explained() {
    for (body, expected) in [
        ("<html>eyJ.a.b</html>".to_owned(), "the response is not JSON"),
        (r#"{"message":"eyJ.a.b"}"#.into(), "the response contains no token"),
        (r#"{"value":"eyJ.a b"}"#.into(), "the response contains a value that is not a token"),
    ] {
        let sts = FakeSts::start();
        let github = FakeGitHub::replying(move |_| Response::new(200, "application/json", body.clone()).into());
        let error = refused(github.job(Xassume::new(&sts)));
        assert!(error.starts_with(&format!("{FAILED}{expected} hint: ")), "{error}");
        assert_eq!((github.requests().len(), sts.requests().len()), (1, 0));
    }
}

#[test]
fn a_long_answer_is_not_read() {
    for bytes in [64 * 1024 + 1, 1 << 30] {
        let sts = FakeSts::start();
        let github = FakeGitHub::replying(move |_| Reply::Flood { response: Response::text(200, ""), bytes });
        let error = refused(github.job(Xassume::new(&sts)));
        assert!(error.starts_with(&format!("{FAILED}the response is longer than 65536 bytes hint: ")), "{error}");
        assert_eq!(github.requests().len(), 1);
    }
}

#[test]
fn a_service_without_an_answer_is_named() {
    let (sts, refusing) = (FakeSts::start(), RefusedPort::reserve());
    let error = refused(FakeGitHub::job_at(&refusing.url(), Xassume::new(&sts)));
    let expected = format!("{FAILED}{} cannot be reached: Connection refused", refusing.url());
    assert!(error.starts_with(&expected) && error.contains("hint: check the network connection"), "{error}");
    let broken = FakeGitHub::replying(|_| Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec()));
    let error = refused(broken.job(Xassume::new(&sts)));
    assert!(error.contains(&format!("{FAILED}{}: ", broken.url())), "{error}");
}

#[test]
fn a_silent_service_does_not_outlast_the_time_limit() {
    let (sts, github) = (FakeSts::start(), FakeGitHub::start());
    github.hang();
    let error = failed(github.job(Xassume::new(&sts)).args(PROVIDER).args(["--sts-timeout", "700ms"]));
    assert!(error.contains(" timed out after "), "{error}");
    let per_byte = Duration::from_millis(50);
    let slow = FakeGitHub::replying(move |_| Reply::Drip { response: Response::text(200, "slow"), per_byte });
    let error = failed(slow.job(Xassume::new(&sts)).args(PROVIDER).args(["--sts-timeout", "700ms"]));
    assert!(error.contains(" timed out after "), "{error}");
}

/// A GitHub Enterprise Server with a certificate of a private authority, behind a proxy.
#[test]
fn a_request_over_tls_uses_the_proxy_and_the_ca_bundle() {
    let (sts, authority, proxy) = (sts(), Authority::new(), FakeProxy::start());
    let github = FakeGitHub::start_tls(authority.server(Certificate::Good));
    let url = github.url().replace("127.0.0.1", "localhost");
    let job = FakeGitHub::job_at(&url, Xassume::new(&sts)).env("HTTPS_PROXY", proxy.url());
    ran(job.clone().args(PROVIDER).arg("--ca-bundle").arg(authority.ca_file()));
    let target = url.trim_start_matches("https://");
    assert_eq!(proxy.targets(), [format!("CONNECT {target}")]);
    // The scheme may be in upper case: the proxy still gets no request token.
    let upper = FakeGitHub::job_at(&url.replace("https:", "HTTPS:"), job.clone()).arg("--no-cache");
    ran(upper.args(PROVIDER).arg("--ca-bundle").arg(authority.ca_file()));
    assert_eq!(proxy.targets()[1..], [format!("CONNECT {target}")]);
    let job = job.env("NO_PROXY", "localhost").arg("--no-cache");
    ran(job.clone().args(PROVIDER).arg("--ca-bundle").arg(authority.ca_file()));
    assert_eq!(proxy.targets().len(), 2);
    let error = refused(job);
    let expected = "hint: pass the CA certificate of the server or the proxy with --ca-bundle";
    assert!(error.contains("invalid peer certificate") && error.contains(expected), "{error}");
}

#[test]
fn a_request_without_tls_uses_no_proxy() {
    let (sts, github, proxy) = (sts(), FakeGitHub::start(), FakeProxy::start());
    let job = github.job(Xassume::new(&sts)).env("HTTP_PROXY", proxy.url());
    ran(job.args(PROVIDER));
    let host = github.url();
    assert!(proxy.targets().iter().all(|target| !target.contains(&host)), "{:?}", proxy.targets());
}
