//! Sends a request to a service that returns source credentials, and sends it again if it fails.
//!
//! The SDK's credentials providers are not used, because they report the status of an answer only as text.

use crate::error::{Answer, is_passing, shortened};
use crate::profile::Proxies;
use crate::sts::date::{Dated, ServerDate};
use crate::sts::failure::chain;
use crate::sts::http;
use crate::sts::names::check_threads;
use crate::sts::network::{CONNECT_TIMEOUT, MAX_ANSWER_BYTES, Network};
use crate::sts::route::proxy_of;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt as _, Limited};
use hyper::header::HeaderValue;
use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use zeroize::Zeroizing;

/// An attempt may take longer by this than the time limit of the policy. Making the connection can have the same time
/// limit, but must fail first, so that a service that cannot be reached is not reported as a service that does not
/// answer.
const GRACE: Duration = Duration::from_millis(100);
/// The pause before the second attempt. Each later pause is twice as long as the one before it.
const PAUSE: Duration = Duration::from_millis(200);

/// How often a request is sent, and how long each attempt may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RetryPolicy {
    /// The time limit of one attempt.
    pub(super) timeout: Duration,
    pub(super) attempts: u32,
}

/// An HTTP request. The headers and the body may contain secrets.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) method: &'static str,
    pub(super) url: &'a str,
    pub(super) headers: &'a [(&'static str, &'a str)],
    pub(super) body: Option<&'a [u8]>,
}

/// Returns a JSON object that contains these names and texts. Some of the texts may be secret.
pub(super) fn json(texts: &[(&str, &str)]) -> Zeroizing<Vec<u8>> {
    // In JSON, a character takes at most six bytes (`\u0000`). The buffer is large enough from the start, because a
    // buffer that grows leaves a copy of the secrets in memory.
    let most = texts.iter().map(|(name, text)| 6 * (name.len() + text.len()) + 6).sum::<usize>() + 2;
    let mut document = Zeroizing::new(Vec::with_capacity(most));
    // Serializing texts cannot fail, and neither can writing to a vector.
    let _ = serde_json::to_writer(&mut *document, &texts.iter().copied().collect::<BTreeMap<_, _>>());
    document
}

/// An HTTP answer. The body may contain secrets.
pub(super) struct Reply {
    pub(super) status: u16,
    /// `x-amzn-ErrorType`: the name of the error.
    pub(super) error_type: Option<String>,
    pub(super) body: Zeroizing<Vec<u8>>,
    /// The `Date` of the answer, or the local time if it has none.
    pub(super) dated: Dated,
}

impl Reply {
    /// Describes an error response: its HTTP status, and the message in its JSON object if there is one. The errors of
    /// OAuth have a description or only a code instead of a message (RFC 6749, section 5.2).
    pub(super) fn refusal(&self) -> String {
        let message = ["message", "error_description", "error"].into_iter().find_map(|key| self.text(key));
        let message = message.map(|message| format!(": {}", shortened(&message))).unwrap_or_default();
        format!("HTTP {}{message}", self.status)
    }

    /// Returns the text of a key of the JSON object. Returns `None` if there is no such text, or if it is empty.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        let document: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        document.get(key)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    }
}

/// Why there is no usable answer to a request.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    /// No answer arrived within this time limit.
    #[error("timed out after {}", humantime::format_duration(*.0))]
    Silent(Duration),
    /// A connection was made, but it broke before the answer was complete.
    #[error("{0}")]
    Broken(String),
    /// No connection was made.
    #[error("{0}")]
    Unreached(String),
    /// The answer is longer than this number of bytes.
    #[error("the response is longer than {0} bytes")]
    TooLarge(usize),
    /// The request was not sent, because a part of it is not valid.
    #[error("{0}")]
    Unsendable(String),
}

impl Unanswered {
    /// Describes the failure of a request to this URL. Only the host is written, without path and query.
    pub(super) fn at(&self, url: &str) -> String {
        let host = url.match_indices('/').nth(2).map_or(url, |(end, _)| &url[..end]);
        match self {
            Self::Silent(_) => format!("{host} {self}"),
            Self::Unreached(reason) => format!("{host} cannot be reached: {reason}"),
            Self::Broken(reason) => format!("{host}: {reason}"),
            Self::TooLarge(_) | Self::Unsendable(_) => self.to_string(),
        }
    }

    pub(super) fn answer(&self) -> Answer {
        match self {
            Self::Silent(_) | Self::Broken(_) | Self::Unreached(_) => Answer::None,
            Self::TooLarge(_) | Self::Unsendable(_) => Answer::Refused(None),
        }
    }

    fn from(error: &(dyn Error + 'static), most: usize) -> Self {
        let texts = chain(error);
        if texts.iter().any(|text| text.contains("length limit exceeded")) {
            return Self::TooLarge(most);
        }
        let reason = texts.last().cloned().unwrap_or_default();
        let reason = match proxy_of(error) {
            Some(proxy) => format!("through the proxy {}: {reason}", proxy.url),
            None => reason,
        };
        // Errors that occur after a connection was made come from hyper.
        let mut errors = std::iter::successors(Some(error), |error| (*error).source());
        if errors.any(<dyn Error + 'static>::is::<hyper::Error>) {
            Self::Broken(reason)
        } else {
            Self::Unreached(reason)
        }
    }
}

/// A service to which requests are sent, and the retry policy for these requests.
pub(super) struct Service {
    connector: SharedHttpConnector,
    date: ServerDate,
    policy: RetryPolicy,
    /// The maximum size in bytes of an answer.
    most: usize,
}

impl Service {
    /// Returns a service of AWS. The configured proxies are used.
    pub(super) fn new(network: &Network, policy: RetryPolicy) -> Self {
        Self::with(network, network.proxies.clone(), CONNECT_TIMEOUT, policy)
    }

    /// Returns a service that only this host can reach, such as instance metadata. No proxy is used.
    pub(super) fn of_host(network: &Network, policy: RetryPolicy) -> Self {
        Self::with(network, Proxies::default(), policy.timeout, policy)
    }

    /// Returns the service with a smaller limit for the size in bytes of an answer.
    pub(super) fn limited(self, most: usize) -> Self {
        Self { most, ..self }
    }

    fn with(network: &Network, proxies: Proxies, connect: Duration, policy: RetryPolicy) -> Self {
        let date = ServerDate::default();
        let connector = http::connector(network, proxies, connect, &date);
        Self { connector, date, policy, most: MAX_ANSWER_BYTES }
    }

    /// Sends the request. As long as the policy allows more attempts and a later attempt may succeed, sends it again.
    /// Returns the last answer, even if its status is that of an error.
    ///
    /// # Errors
    /// The last attempt got no usable answer.
    pub(super) async fn send(&self, request: Request<'_>) -> Result<Reply, Unanswered> {
        let mut pause = PAUSE;
        let mut left = self.policy.attempts;
        loop {
            let answer = self.attempt(request).await;
            left = left.saturating_sub(1);
            match &answer {
                Ok(reply) if !is_passing(reply.status) => return answer,
                Err(Unanswered::TooLarge(_) | Unanswered::Unsendable(_)) => return answer,
                _ if left == 0 => return answer,
                Ok(_) | Err(_) => {}
            }
            sleep(pause).await;
            pause *= 2;
        }
    }

    async fn attempt(&self, request: Request<'_>) -> Result<Reply, Unanswered> {
        let sent = built(request)?;
        let answer = async {
            let response = self.connector.call(sent).await.map_err(|error| Unanswered::from(&error, self.most))?;
            let status = response.status().as_u16();
            let error_type = response.headers().get("x-amzn-errortype").map(str::to_owned);
            let body = Limited::new(response.into_body(), self.most).collect().await;
            let body = body.map_err(|error| Unanswered::from(&*error, self.most))?;
            Ok(Reply { status, error_type, body: Zeroizing::new(body.to_bytes().to_vec()), dated: self.date.last() })
        };
        timeout(self.policy.timeout + GRACE, answer).await.map_err(|_| Unanswered::Silent(self.policy.timeout))?
    }
}

fn built(request: Request<'_>) -> Result<HttpRequest, Unanswered> {
    let invalid =
        |part: &str| Unanswered::Unsendable(format!("{part} contains characters that are not allowed in a request"));
    let mut built = HttpRequest::new(request.body.map_or_else(SdkBody::empty, SdkBody::from));
    built.set_method(request.method).map_err(|_| invalid(request.method))?;
    built.set_uri(request.url).map_err(|_| invalid(request.url))?;
    for (name, value) in request.headers {
        built.headers_mut().try_insert(*name, (*value).to_owned()).map_err(|_| invalid(name))?;
    }
    Ok(built)
}

/// Checks whether `allowed` is true for each address of a host. The host is a name or an address.
///
/// # Errors
/// The name cannot be resolved.
pub(super) async fn all_addresses(host: &str, allowed: impl Fn(IpAddr) -> bool) -> io::Result<bool> {
    if let Ok(address) = host.trim_matches(['[', ']']).parse() {
        return Ok(allowed(address));
    }
    check_threads()?;
    let addresses: Vec<_> = tokio::net::lookup_host((host, 0)).await?.collect();
    Ok(!addresses.is_empty() && addresses.iter().all(|address| allowed(address.ip())))
}

/// Checks whether a text can be the value of an HTTP header.
pub(super) fn can_be_sent(text: &str) -> bool {
    HeaderValue::from_str(text).is_ok()
}

/// Percent-encodes a value for the query of a URL.
pub(super) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encoded = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encoded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_contains_each_text_and_never_grows() {
        let text = "\u{0}".repeat(100);
        let document = json(&[("a", &text), ("b", "\"\\\n")]);
        let expected = format!("{{\"a\":\"{}\",\"b\":\"\\\"\\\\\\n\"}}", "\\u0000".repeat(100));
        assert_eq!(std::str::from_utf8(&document), Ok(expected.as_str()));
        assert!(document.capacity() < 2 * document.len(), "it did not grow");
    }

    #[test]
    fn a_request_that_cannot_be_sent_is_not_an_outage() {
        let request = Request { method: "GET", url: "http://127.0.0.1/", headers: &[("token", "a\nb")], body: None };
        let unanswered = built(request).expect_err("no header has a line break");
        assert_eq!(unanswered.to_string(), "token contains characters that are not allowed in a request");
        assert_eq!(unanswered.answer(), Answer::Refused(None));
    }

    #[test]
    fn names_are_encoded_for_a_query() {
        assert_eq!(encoded("Developer-1_a.b~"), "Developer-1_a.b~");
        assert_eq!(encoded("a+b=c&d,e@f /"), "a%2Bb%3Dc%26d%2Ce%40f%20%2F");
    }
}
