//! The rules for one request to the endpoint: which requests get credentials, and which errors the others get. This
//! module does no input or output.
//!
//! The bodies of requests are not read, because no answer depends on a body. If a request has a body, the connection is
//! closed after the answer.

use crate::deliver::serving::Served;
use crate::session::{Secret, rfc3339};
use http_body_util::Full;
use hyper::body::{Body, Bytes};
use hyper::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::json;
use std::net::SocketAddr;
use subtle::ConstantTimeEq as _;

/// The path at which clients can check whether there is a valid session. It needs no token, because health checks of
/// container platforms cannot send one.
const HEALTH: &str = "/health";

/// The values that a request must match, and the session that is sent if they match.
pub(super) struct RequestRules {
    /// The valid values of `Host`: the address, and on the loopback interface also `localhost`, each with and without the
    /// port (AWS's C runtime never sends the port, and no client sends port 80). With DNS rebinding, a web page could make
    /// a browser send requests to this endpoint, but those requests contain another host name.
    hosts: Vec<String>,
    path: String,
    token: Secret,
    served: Served,
}

/// What a valid request gets.
#[derive(Debug)]
enum Granted {
    Session(Bytes),
    /// The status and the body of the answer for [`HEALTH`].
    Health(StatusCode, Bytes),
}

/// An answer, and whether it contains the session.
pub(super) struct Answer {
    pub(super) response: Response<Full<Bytes>>,
    pub(super) has_session: bool,
}

/// The answer to an invalid request, or for a session that has expired: the status, the error code and the message.
#[derive(Debug)]
struct Refusal(StatusCode, &'static str, &'static str);

impl RequestRules {
    pub(super) fn new(address: SocketAddr, path: String, token: Secret, served: Served) -> Self {
        let literal = match address {
            SocketAddr::V4(address) => address.ip().to_string(),
            SocketAddr::V6(address) => format!("[{}]", address.ip()),
        };
        let names = std::iter::once(literal).chain(address.ip().is_loopback().then(|| "localhost".to_owned()));
        let hosts = names.flat_map(|name| [format!("{name}:{}", address.port()), name]).collect();
        Self { hosts, path, token, served }
    }

    /// Returns the answer to a request.
    pub(super) fn answer<B: Body>(&self, request: &Request<B>) -> Answer {
        let (status, body, has_session) = match self.check(request) {
            Ok(Granted::Session(document)) => (StatusCode::OK, document, true),
            Ok(Granted::Health(status, body)) => (status, body, false),
            Err(refusal) => (refusal.0, refusal.body(), false),
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
        if !has_session || !request.body().is_end_stream() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Answer { response, has_session }
    }

    fn check<B>(&self, request: &Request<B>) -> Result<Granted, Refusal> {
        if !self.is_for_us(request) {
            return Err(Refusal(StatusCode::FORBIDDEN, "InvalidHost", "the request is for another host"));
        }
        let is_health = request.uri().path() == HEALTH;
        if !is_health && !same(request.uri().path(), &self.path) {
            return Err(Refusal(StatusCode::NOT_FOUND, "NotFound", "not found"));
        }
        if request.method() != Method::GET {
            return Err(Refusal(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "only GET is allowed"));
        }
        if is_health {
            return Ok(self.health());
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
        let session = self.served.get().map(Granted::Session);
        session.ok_or(Refusal(StatusCode::SERVICE_UNAVAILABLE, "ExpiredSession", message))
    }

    fn health(&self) -> Granted {
        match self.served.expiration() {
            Some(expiration) => {
                let body = json!({ "expiration": rfc3339(expiration) }).to_string();
                Granted::Health(StatusCode::OK, body.into())
            }
            None => Granted::Health(StatusCode::SERVICE_UNAVAILABLE, Bytes::from_static(b"{}")),
        }
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
        rules_at(([127, 0, 0, 1], 8).into(), left)
    }

    fn rules_at(address: SocketAddr, left: Duration) -> RequestRules {
        let served = Served::default();
        let expiration = crate::sys::clock::wall() + left;
        let validity = Validity { expiration, left, lifetime: Duration::from_hours(1), skew_secs: 0 };
        served.put(Zeroizing::new(b"{}".to_vec()), Some(&validity));
        RequestRules::new(address, "/path".into(), Secret::new("token"), served)
    }

    fn status(rules: &RequestRules, method: &str, target: &str, headers: &[(&str, &str)]) -> u16 {
        let request = Request::builder().method(method).uri(target);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let Answer { response, has_session } = rules.answer(&request.body(Full::new(Bytes::new())).expect("a request"));
        assert_eq!(has_session, response.status() == 200 && !target.ends_with(HEALTH));
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
            ("GET", "/health", &[GOOD[0]], 200),
            ("GET", "/health", &[], 403),
            ("GET", "/health", &[("host", "rebound.example:8")], 403),
            ("GET", "http://rebound.example:8/health", &[GOOD[0]], 403),
            ("HEAD", "/health", &[GOOD[0]], 405),
            ("POST", "/health", &[GOOD[0]], 405),
            ("GET", "/health/", &[GOOD[0]], 404),
        ] {
            assert_eq!(status(&rules, method, target, headers), expected, "{method} {target} {headers:?}");
        }
    }

    #[test]
    fn an_expired_session_is_not_served() {
        for path in ["/path", HEALTH] {
            assert_eq!(status(&rules(Duration::ZERO), "GET", path, &GOOD), 503);
        }
    }

    #[test]
    fn the_health_is_the_expiration_and_nothing_of_the_session() {
        let health = |left| {
            let granted = rules(left).health();
            let Granted::Health(status, body) = granted else { panic!("{granted:?}") };
            (status.as_u16(), String::from_utf8(body.to_vec()).expect("text"))
        };
        let (status, body) = health(Duration::from_hours(1));
        let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        let expiration = body["expiration"].as_str().expect("a time");
        assert!(status == 200 && expiration.len() == 20 && expiration.ends_with('Z'), "{body}");
        assert_eq!(body.as_object().map(serde_json::Map::len), Some(1));
        assert_eq!(health(Duration::ZERO), (503, "{}".into()));
    }

    #[test]
    fn the_host_is_the_address_and_localhost_only_on_the_loopback_interface() {
        let answered = |address: &str, host: &str| {
            let rules = rules_at(address.parse().expect(address), Duration::from_hours(1));
            status(&rules, "GET", HEALTH, &[("host", host)]) == 200
        };
        for (address, host, expected) in [
            ("127.8.7.6:8", "127.8.7.6", true),
            ("127.8.7.6:8", "127.0.0.1", false),
            ("[::1]:8", "[::1]:8", true),
            ("[::1]:8", "[::1]", true),
            ("[::1]:8", "localhost:8", true),
            ("[::1]:8", "::1", false),
            ("169.254.170.2:80", "169.254.170.2", true),
            ("169.254.170.2:80", "169.254.170.2:80", true),
            ("169.254.170.2:80", "localhost", false),
            ("169.254.170.2:80", "127.0.0.1", false),
            ("[fd00:ec2::23]:80", "[fd00:ec2::23]", true),
            ("[fd00:ec2::23]:80", "[FD00:EC2::23]:80", true),
            ("[fd00:ec2::23]:80", "[fd00:ec2::24]", false),
        ] {
            assert_eq!(answered(address, host), expected, "{address} {host}");
        }
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
        assert_eq!(response.response.headers()[CONNECTION], "close");
    }
}
