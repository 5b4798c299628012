//! Tests of the pages that may be opened, and of the answers to a request for the token.

use super::*;
use crate::sts::date::Dated;

#[test]
fn only_pages_of_https_or_of_this_host_are_opened() {
    for url in [
        "https://device.sso.eu-west-1.amazonaws.com/?user_code=ABCD-EFGH",
        "https://corp.awsapps.com/start/#/device?user_code=ABCD-EFGH",
        "http://127.0.0.1:8080/device",
        "http://localhost:80",
        "http://localhost/",
        "http://[::1]:80/x",
        "http://[::1]/x",
    ] {
        assert!(is_safe(url), "{url}");
    }
    for url in [
        "",
        "https://",
        "https:///path",
        "https://@",
        "https://user@:443/",
        "http://device.example/",
        "http://127.0.0.1@device.example/",
        "http://127.0.0.1\\@device.example/",
        "http://localhost.example/",
        "http://localhost:x/",
        "HTTPS://device.example/",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "-https://device.example/",
        "https://device.example/ x",
        "https://device.example/\x1b[2J",
        "https://bücher.example/",
    ] {
        assert!(!is_safe(url), "{url}");
    }
    assert!(!is_safe(&format!("https://x/{}", "a".repeat(2048))));
}

fn decided(status: u16, error_type: Option<&str>, body: &str) -> String {
    let error_type = error_type.map(str::to_owned);
    let (body, dated) = (Zeroizing::new(body.into()), Dated::now());
    match decide(Ok(Reply { status, error_type, body, dated })) {
        Ok(Decision::Granted(token)) => format!("granted {}", token.expires_in),
        Ok(Decision::Pending) => "pending".into(),
        Ok(Decision::SlowDown) => "slow down".into(),
        Ok(Decision::Failed(reason)) => format!("try again: {reason}"),
        Err(failure) => failure.to_string(),
    }
}

#[test]
fn the_header_or_the_body_says_how_the_service_decided() {
    for (status, error_type, body, expected) in [
        (200, None, r#"{"accessToken":"t","expiresIn":28800,"tokenType":"Bearer"}"#, "granted 28800"),
        (400, None, r#"{"error":"authorization_pending","error_description":null}"#, "pending"),
        (400, Some("AuthorizationPendingException"), "{}", "pending"),
        (400, Some("AuthorizationPendingException:http://x/"), r#"{"error":null}"#, "pending"),
        (400, Some("SlowDownException"), "{}", "slow down"),
        (400, None, r#"{"error":"slow_down"}"#, "slow down"),
        (400, None, r#"{"error":"expired_token"}"#, "the code has expired"),
        (400, None, r#"{"error":"access_denied"}"#, "the request was denied in the browser"),
        (400, None, r#"{"error":"invalid_grant","error_description":"no such code"}"#, "HTTP 400: no such code"),
        (400, None, r#"{"error":"invalid_grant","error_description":""}"#, "HTTP 400: invalid_grant"),
        (403, None, "<html>", "HTTP 403"),
        (500, None, "<html>", "try again: HTTP 500"),
        (429, None, "", "try again: HTTP 429"),
        (200, None, "<html>", "invalid response"),
        (200, None, "{}", "invalid response"),
        (200, None, r#"{"accessToken":"","expiresIn":1}"#, "invalid response"),
        (200, None, r#"{"accessToken":"a\r\nb","expiresIn":1}"#, "invalid response"),
        (200, None, r#"{"accessToken":"t","expiresIn":-1}"#, "invalid response"),
    ] {
        assert_eq!(decided(status, error_type, body), expected, "{status} {body}");
    }
}
