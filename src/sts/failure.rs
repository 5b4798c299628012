//! What a failed connection means: the SDK's errors read, in words of ours, and the proxy named that was on the route.

use super::http::MOST_BYTES;
use crate::error::{NetworkFailure, without_number};
use crate::profile::Proxy;
use aws_smithy_runtime_api::client::result::ConnectorError;
use std::error::Error;
use std::{fmt, io};

/// A request that failed on its route through a proxy. Its text does not name it, since it is searched for words.
#[derive(Debug)]
struct ThroughProxy {
    proxy: Proxy,
    error: ConnectorError,
}

impl fmt::Display for ThroughProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("through a proxy")
    }
}

impl Error for ThroughProxy {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

/// The error, which knows the proxy, and is of the same kind to the SDK.
pub(super) fn through(proxy: Proxy, error: ConnectorError) -> ConnectorError {
    let (timeout, io, user, kind) = (error.is_timeout(), error.is_io(), error.is_user(), error.as_other());
    let error = Box::new(ThroughProxy { proxy, error });
    match (timeout, io, user) {
        (true, ..) => ConnectorError::timeout(error),
        (_, true, _) => ConnectorError::io(error),
        (.., true) => ConnectorError::user(error),
        _ => ConnectorError::other(error, kind),
    }
}

/// The proxy on whose route a connection failed.
pub(super) fn proxy_of<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e Proxy> {
    let mut errors = std::iter::successors(Some(error), |error| (*error).source());
    errors.find_map(|error| error.downcast_ref::<ThroughProxy>()).map(|through| &through.proxy)
}

/// Where a request goes, and the proxy that it goes through.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) url: String,
    pub(super) proxy: Option<Proxy>,
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)?;
        match &self.proxy {
            Some(proxy) => write!(f, " (through the proxy {})", proxy.url),
            None => Ok(()),
        }
    }
}

/// Reads the reason of a failed connection out of the error's chain.
pub(super) fn failure(error: &(dyn Error + 'static), route: &Route) -> NetworkFailure {
    let texts = chain(error);
    let all = texts.join(": ");
    let last = texts.last().cloned().unwrap_or_default();
    let unknown = all.contains("dns error") || all.contains("failed to lookup address");
    let host = route.to_string();
    // To an https URL the proxy opens a tunnel, and all further trouble is at its other end.
    let tunnel = texts.iter().find_map(|text| text.strip_prefix("tunnel error: "));
    if all.contains("length limit exceeded") {
        NetworkFailure::TooLarge { limit: MOST_BYTES }
    } else if let Some(reason) = texts.iter().find_map(|text| text.strip_prefix("Invalid Configuration: ")) {
        NetworkFailure::Endpoint { reason: reason.to_owned() }
    } else if let Some(proxy) = &route.proxy
        && (tunnel.is_some() || route.url.starts_with("http:"))
    {
        let reason = match tunnel {
            _ if unknown => "cannot resolve its host name".to_owned(),
            Some("proxy authorization required") => "authentication required".to_owned(),
            Some("unsuccessful") => format!("it refused to connect to {}", route.url),
            Some("unexpected end of file") => "it closed the connection".to_owned(),
            Some(_) | None => tls_reason(&last),
        };
        NetworkFailure::Proxy { proxy: proxy.url.clone(), reason }
    } else if unknown {
        NetworkFailure::Dns { host }
    } else if let Some(reason) = texts.iter().rev().find(|text| is_tls(text)) {
        let no_roots = all.contains("UnknownIssuer") && rustls_native_certs::load_native_certs().certs.is_empty();
        NetworkFailure::Tls { host, reason: tls_reason(reason), no_roots }
    } else {
        NetworkFailure::Unreachable { host, reason: last }
    }
}

/// Whether the connection failed below an answer that had begun.
pub(super) fn broke_off(error: &(dyn Error + 'static)) -> bool {
    let mut errors = std::iter::successors(Some(error), |error| (*error).source());
    errors.any(|error| error.is::<hyper::Error>() || error.is::<io::Error>())
}

/// The TLS library's reason, without the names of its types and seconds since 1970.
fn tls_reason(text: &str) -> String {
    let Some(reason) = text.strip_prefix("invalid peer certificate: ") else { return text.to_owned() };
    match reason {
        "UnknownIssuer" => "certificate not trusted (unknown issuer)".to_owned(),
        "BadSignature" => "invalid certificate signature".to_owned(),
        expired if expired.starts_with("certificate expired") => "certificate expired".to_owned(),
        other if other.contains("CaUsedAsEndEntity") => {
            "the certificate belongs to an authority (CA:TRUE), not to a server".to_owned()
        }
        other if other.contains("EndEntityUsedAsCa") => {
            "the issuer of the certificate is not an authority (CA:FALSE)".to_owned()
        }
        other => other.replace("DnsName(\"", "").replace("\")", ""),
    }
}

fn is_tls(text: &str) -> bool {
    ["certificate", "handshake", "HandshakeFailure", "received fatal alert", "received corrupt message", "tls"]
        .iter()
        .any(|word| text.contains(word))
}

/// The texts of an error and of its sources, payloads of I/O errors included, each without the answer that it quotes.
pub(super) fn chain(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = without_number(without_answer(&error.to_string())).to_owned();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        next = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(payload) => Some(payload),
            None => error.source(),
        };
    }
    texts
}

/// Some errors of the SDK end in the whole answer that they are about, and that may hold credentials.
fn without_answer(text: &str) -> &str {
    let quoted = ["Response {", "SdkBody {"].into_iter().filter_map(|begin| text.find(begin)).min();
    quoted.map_or(text, |at| text[..at].trim_end_matches([' ', '.', ':', '(']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_an_error_quotes_is_left_out() {
        let error =
            std::io::Error::other("error response from IMDS (code: 500). Response { body: SdkBody { secret } }");
        assert_eq!(chain(&error), ["error response from IMDS (code: 500)"]);
        assert_eq!(without_answer("nothing quoted."), "nothing quoted.");
    }
}
