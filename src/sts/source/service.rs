//! One request to a source of credentials, with its tries.
//!
//! The sources are five small services: a request of ours says what is sent, and keeps the status of what comes back,
//! which the SDK's providers give in words alone.

use crate::error::{Answer, is_passing, shortened};
use crate::report::waiting::Tries;
use crate::sts::Network;
use crate::sts::date::ServerDate;
use crate::sts::failure::{chain, proxy_of};
use crate::sts::http::{self, MOST_BYTES, Proxy};
use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt as _;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use zeroize::Zeroizing;

/// How much longer than its limit a try may take. A connection has the same limit, and must fail by that first: a service
/// that cannot be reached is reported differently from one that does not answer.
const GRACE: Duration = Duration::from_millis(100);
/// The wait before the second try; it doubles with each.
const PAUSE: Duration = Duration::from_millis(200);

/// How long each try of a request may take, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Patience {
    pub(super) each: Duration,
    pub(super) tries: u32,
}

/// A request. Its headers and its body may hold secrets.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) method: &'static str,
    pub(super) url: &'a str,
    pub(super) headers: &'a [(&'static str, &'a str)],
    pub(super) body: Option<&'a [u8]>,
}

/// A JSON document of these texts, some of which may be secret.
pub(super) fn json(texts: &[(&str, &str)]) -> Zeroizing<Vec<u8>> {
    // Each character may take six, as in `\u0000`. A buffer that grows would leave its old self behind.
    let most = texts.iter().map(|(name, text)| 6 * (name.len() + text.len()) + 6).sum::<usize>() + 2;
    let mut document = Zeroizing::new(Vec::with_capacity(most));
    // Texts always make a document, and a vector takes all that is written.
    let _ = serde_json::to_writer(&mut *document, &texts.iter().copied().collect::<BTreeMap<_, _>>());
    document
}

/// An answer. Its body may hold secrets.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Zeroizing<Vec<u8>>,
}

impl Reply {
    /// What a refusal says: the status, and the message of the JSON document, if it is one.
    pub(super) fn refusal(&self) -> String {
        let document: Option<serde_json::Value> = serde_json::from_slice(&self.body).ok();
        let message = document.as_ref().and_then(|document| document.get("message")?.as_str());
        let message = message.map(|message| format!(": {}", shortened(message))).unwrap_or_default();
        format!("HTTP {}{message}", self.status)
    }

    /// Whether a later try may have another answer.
    fn is_passing(&self) -> bool {
        is_passing(self.status)
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// The connection stood, or was not refused, and nothing came in time.
    Silent(Duration),
    /// The connection stood, and broke.
    Broken(String),
    /// There is no connection.
    Unreached(String),
    /// An answer that is too large.
    TooLarge,
    /// The request cannot be sent: a part of it, which is named, has characters that HTTP does not carry.
    Unsendable(String),
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent(limit) => write!(f, "timed out after {}", humantime::format_duration(*limit)),
            Self::Broken(reason) | Self::Unreached(reason) => f.write_str(reason),
            Self::Unsendable(part) => write!(f, "{part} contains characters that are not allowed in a request"),
            Self::TooLarge => write!(f, "the response is longer than {MOST_BYTES} bytes"),
        }
    }
}

impl Unanswered {
    pub(super) fn answer(&self) -> Answer {
        match self {
            Self::Silent(_) | Self::Broken(_) | Self::Unreached(_) => Answer::None,
            Self::TooLarge | Self::Unsendable(_) => Answer::Refused(None),
        }
    }

    fn from(error: &(dyn Error + 'static)) -> Self {
        let texts = chain(error);
        if texts.iter().any(|text| text.contains("length limit exceeded")) {
            return Self::TooLarge;
        }
        let reason = texts.last().cloned().unwrap_or_default();
        let reason = match proxy_of(error) {
            Some(proxy) => format!("through the proxy {}: {reason}", proxy.url),
            None => reason,
        };
        // Failures to connect are those of the system, and of the layers above hyper.
        let mut errors = std::iter::successors(Some(error), |error| (*error).source());
        if errors.any(<dyn Error + 'static>::is::<hyper::Error>) {
            Self::Broken(reason)
        } else {
            Self::Unreached(reason)
        }
    }
}

/// A service, and the patience with it.
pub(super) struct Service {
    connector: SharedHttpConnector,
    pub(super) patience: Patience,
}

impl Service {
    pub(super) fn new(network: &Network, proxy: Proxy, patience: Patience) -> Self {
        let connect = match proxy {
            Proxy::FromEnvironment => http::CONNECT_TIMEOUT,
            Proxy::Never => patience.each,
        };
        let connector = http::connector(network, proxy, connect, &ServerDate::default(), &Tries::default());
        Self { connector, patience }
    }

    /// The answer of the first try that brings one, except where its status says that a later try may have another.
    ///
    /// # Errors
    /// Why the last try had no answer.
    pub(super) async fn ask(&self, request: Request<'_>) -> Result<Reply, Unanswered> {
        let mut pause = PAUSE;
        let mut left = self.patience.tries;
        loop {
            let answer = self.try_once(request).await;
            left = left.saturating_sub(1);
            match &answer {
                Ok(reply) if !reply.is_passing() => return answer,
                Err(Unanswered::TooLarge | Unanswered::Unsendable(_)) => return answer,
                _ if left == 0 => return answer,
                Ok(_) | Err(_) => {}
            }
            sleep(pause).await;
            pause *= 2;
        }
    }

    async fn try_once(&self, request: Request<'_>) -> Result<Reply, Unanswered> {
        let sent = built(request)?;
        let answer = async {
            let response = self.connector.call(sent).await.map_err(|error| Unanswered::from(&error))?;
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.map_err(|error| Unanswered::from(&*error))?;
            Ok(Reply { status, body: Zeroizing::new(body.to_bytes().to_vec()) })
        };
        timeout(self.patience.each + GRACE, answer).await.map_err(|_| Unanswered::Silent(self.patience.each))?
    }
}

fn built(request: Request<'_>) -> Result<HttpRequest, Unanswered> {
    let invalid = |part: &str| Unanswered::Unsendable(part.to_owned());
    let mut built = HttpRequest::new(request.body.map_or_else(SdkBody::empty, SdkBody::from));
    built.set_method(request.method).map_err(|_| invalid(request.method))?;
    built.set_uri(request.url).map_err(|_| invalid(request.url))?;
    for (name, value) in request.headers {
        built.headers_mut().try_insert(*name, (*value).to_owned()).map_err(|_| invalid(name))?;
    }
    Ok(built)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_holds_each_text_and_never_grows() {
        let text = "\u{0}".repeat(100);
        let document = json(&[("a", &text), ("b", "\"\\\n")]);
        let expected = format!("{{\"a\":\"{}\",\"b\":\"\\\"\\\\\\n\"}}", "\\u0000".repeat(100));
        assert_eq!(std::str::from_utf8(&document), Ok(expected.as_str()));
        assert!(document.capacity() < 2 * document.len(), "it is as large as it was made");
    }

    #[test]
    fn what_cannot_be_sent_is_not_an_outage() {
        let request = Request { method: "GET", url: "http://127.0.0.1/", headers: &[("token", "a\nb")], body: None };
        let unanswered = built(request).expect_err("no header has a line break");
        assert_eq!(unanswered.to_string(), "token contains characters that are not allowed in a request");
        assert_eq!(unanswered.answer(), Answer::Refused(None));
    }
}
