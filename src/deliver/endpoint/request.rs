//! The rules for one request to the endpoint: which requests get credentials, and which errors the others get. This
//! module does no input or output.
//!
//! The bodies of requests are not read, because no answer depends on a body. If a request has a body, the connection is
//! closed after the answer.

use crate::deliver::serving::Served;
use crate::session::Secret;
use http_body_util::Full;
use hyper::body::{Body, Bytes};
use hyper::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::json;
use subtle::ConstantTimeEq as _;

/// The values that a request must match, and the session that is sent if they match.
pub(super) struct RequestRules {
    /// The valid values of `Host`: the address and `localhost`, each with and without the port (AWS's C runtime sends
    /// no port). With DNS rebinding, a web page could make a browser send requests to this endpoint, but those requests
    /// contain another host name.
    hosts: [String; 4],
    path: String,
    token: Secret,
    served: Served,
}

/// Why a request gets no credentials: the status of the answer, the error code and the message.
#[derive(Debug)]
struct Refusal(StatusCode, &'static str, &'static str);

impl RequestRules {
    pub(super) fn new(port: u16, path: String, token: Secret, served: Served) -> Self {
        let hosts = ["127.0.0.1".into(), "localhost".into(), format!("127.0.0.1:{port}"), format!("localhost:{port}")];
        Self { hosts, path, token, served }
    }

    /// Returns the answer to a request.
    pub(super) fn answer<B: Body>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        let (status, body) = match self.check(request) {
            Ok(document) => (StatusCode::OK, document),
            Err(refusal) => (refusal.0, refusal.body()),
        };
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        // Go's SDK reads the body of an error only if the content type is exactly this one.
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, HeaderValue::from_static("GET"));
        }
        // The connection is closed after this answer if the client gets no credentials, or if the request has a body,
        // which xassume does not read.
        if status != StatusCode::OK || !request.body().is_end_stream() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    fn check<B>(&self, request: &Request<B>) -> Result<Bytes, Refusal> {
        if !self.is_for_us(request) {
            return Err(Refusal(StatusCode::FORBIDDEN, "InvalidHost", "the request is for another host"));
        }
        if !same(request.uri().path(), &self.path) {
            return Err(Refusal(StatusCode::NOT_FOUND, "NotFound", "not found"));
        }
        if request.method() != Method::GET {
            return Err(Refusal(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "only GET is allowed"));
        }
        let mut tokens = request.headers().get_all(AUTHORIZATION).iter();
        match (tokens.next(), tokens.next()) {
            (None, _) => {
                let message = "the token of AWS_CONTAINER_AUTHORIZATION_TOKEN is missing";
                return Err(Refusal(StatusCode::UNAUTHORIZED, "MissingToken", message));
            }
            (Some(token), None) if same(token.as_bytes(), self.token.reveal()) => {}
            (Some(_), _) => return Err(Refusal(StatusCode::FORBIDDEN, "InvalidToken", "the token is wrong")),
        }
        let message = "the session has expired and was not refreshed yet";
        self.served.get().ok_or(Refusal(StatusCode::SERVICE_UNAVAILABLE, "ExpiredSession", message))
    }

    /// Checks whether the request is for this endpoint: it must have exactly one `Host` header, and that header must
    /// name this endpoint. If the request target also contains a host (RFC 9112, section 3.2), this host must name the
    /// endpoint too.
    fn is_for_us<B>(&self, request: &Request<B>) -> bool {
        let ours = |host: &[u8]| self.hosts.iter().any(|known| host.eq_ignore_ascii_case(known.as_bytes()));
        let mut hosts = request.headers().get_all(HOST).iter();
        let named = matches!((hosts.next(), hosts.next()), (Some(host), None) if ours(host.as_bytes()));
        named && request.uri().authority().is_none_or(|authority| ours(authority.as_str().as_bytes()))
    }
}

/// Compares two texts in a time that depends only on their lengths.
fn same(given: impl AsRef<[u8]>, ours: &str) -> bool {
    given.as_ref().ct_eq(ours.as_bytes()).into()
}

impl Refusal {
    /// Returns the JSON body of the answer. It has each member in two spellings, because Go's and Rust's SDKs read the
    /// lowercase name and JavaScript's reads the capitalized one.
    fn body(self) -> Bytes {
        let Self(_, code, message) = self;
        let message = format!("xassume: {message}");
        let text = json!({ "code": code, "message": message, "Code": code, "Message": message });
        Bytes::from(text.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Validity;
    use std::time::Duration;
    use zeroize::Zeroizing;

    const GOOD: [(&str, &str); 2] = [("host", "127.0.0.1:8"), ("authorization", "token")];

    fn rules(left: Duration) -> RequestRules {
        let served = Served::default();
        let expiration = crate::sys::clock::wall() + left;
        let validity = Validity { expiration, left, lifetime: Duration::from_hours(1), skew_secs: 0 };
        served.put(Zeroizing::new(b"{}".to_vec()), Some(&validity));
        RequestRules::new(8, "/path".into(), Secret::new("token"), served)
    }

    fn status(rules: &RequestRules, method: &str, target: &str, headers: &[(&str, &str)]) -> u16 {
        let request = Request::builder().method(method).uri(target);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = rules.answer(&request.body(Full::new(Bytes::new())).expect("a request"));
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        assert_eq!(response.headers().contains_key(ALLOW), response.status() == 405);
        response.status().as_u16()
    }

    #[test]
    fn each_rule_has_its_status() {
        let rules = rules(Duration::from_hours(1));
        let token = ("authorization", "token");
        for (method, target, headers, expected) in [
            ("GET", "/path", &GOOD[..], 200),
            ("GET", "/path?query", &GOOD, 200),
            ("GET", "http://127.0.0.1:8/path", &GOOD, 200),
            ("GET", "/path", &[("host", "LocalHost:8"), token], 200),
            ("GET", "/path", &[("host", "127.0.0.1"), token], 200),
            ("GET", "/path", &[("host", "localhost"), token], 200),
            ("GET", "http://localhost/path", &GOOD, 200),
            ("GET", "/path", &[token], 403),
            ("GET", "/path", &[("host", "127.0.0.1:80"), token], 403),
            ("GET", "/path", &[("host", "127.0.0.2"), token], 403),
            ("GET", "/path", &[("host", "127.0.0.1."), token], 403),
            ("GET", "/path", &[("host", "localhost.rebound.example"), token], 403),
            ("GET", "/path", &[("host", "[::1]:8"), token], 403),
            ("GET", "/path", &[("host", ""), token], 403),
            ("GET", "/path", &[("host", "127.0.0.1:9"), token], 403),
            ("GET", "/path", &[("host", "rebound.example:8"), token], 403),
            ("GET", "/path", &[GOOD[0], ("host", "rebound.example:8"), token], 403),
            ("GET", "http://rebound.example:8/path", &GOOD, 403),
            ("GET", "/", &GOOD, 404),
            ("GET", "/path/", &GOOD, 404),
            ("GET", "/pat", &GOOD, 404),
            ("GET", "/pathx", &[GOOD[0]], 404),
            ("HEAD", "/path", &GOOD, 405),
            ("POST", "/path", &GOOD, 405),
            ("PUT", "/path", &[GOOD[0]], 405),
            ("GET", "/path", &[GOOD[0]], 401),
            ("GET", "/path", &[GOOD[0], ("authorization", "")], 403),
            ("GET", "/path", &[GOOD[0], ("authorization", "tokem")], 403),
            ("GET", "/path", &[GOOD[0], ("authorization", "token2")], 403),
            ("GET", "/path", &[GOOD[0], ("authorization", "Bearer token")], 403),
            ("GET", "/path", &[GOOD[0], token, token], 403),
        ] {
            assert_eq!(status(&rules, method, target, headers), expected, "{method} {target} {headers:?}");
        }
    }

    #[test]
    fn an_expired_session_is_not_served() {
        assert_eq!(status(&rules(Duration::ZERO), "GET", "/path", &GOOD), 503);
    }

    #[test]
    fn errors_are_readable_in_both_spellings() {
        for headers in [&GOOD[1..], &GOOD] {
            let request = Request::builder().uri("/path");
            let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            let refusal = rules(Duration::ZERO).check(&request.body(()).expect("a request")).expect_err("refused");
            let body: serde_json::Value = serde_json::from_slice(&refusal.body()).expect("JSON");
            assert_eq!((&body["code"], &body["message"]), (&body["Code"], &body["Message"]));
        }
    }

    #[test]
    fn a_connection_with_a_body_is_closed() {
        let request = Request::builder().uri("/path").header("host", "127.0.0.1:8");
        let response = rules(Duration::ZERO).answer(&request.body(Full::new(Bytes::from("x"))).expect("a request"));
        assert_eq!(response.headers()[CONNECTION], "close");
    }
}
