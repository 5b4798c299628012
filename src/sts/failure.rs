//! Finds out what a network error means. The SDK has no types for this, so the texts of its errors are searched.

use super::network::MAX_ANSWER_BYTES;
use super::route::Route;
use crate::error::{NetworkFailure, without_number};
use std::error::Error;
use std::io;

/// The beginning of the error about a certificate that is not trusted.
pub(super) const UNTRUSTED: &str = "invalid peer certificate";

/// Returns the failure that the texts of an error, and of the errors that caused it, describe.
pub(super) fn failure(error: &(dyn Error + 'static), route: &Route) -> NetworkFailure {
    let texts = chain(error);
    let all = texts.join(": ");
    let last = texts.last().cloned().unwrap_or_default();
    let unknown = all.contains("dns error") || all.contains("failed to lookup address");
    let host = route.to_string();
    // For an https URL, the proxy opens a tunnel. Once the tunnel is open, errors come from the server at the other end
    // of the tunnel, not from the proxy.
    let tunnel = texts.iter().find_map(|text| text.strip_prefix("tunnel error: "));
    if all.contains("length limit exceeded") {
        NetworkFailure::TooLarge { limit: MAX_ANSWER_BYTES }
    } else if let Some(reason) = texts.iter().find_map(|text| text.strip_prefix("Invalid Configuration: ")) {
        NetworkFailure::Endpoint {
            reason: reason.replace("and custom endpoint are not supported", "cannot be used with a custom endpoint"),
        }
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

/// Checks whether the connection broke while an answer was being received.
pub(super) fn broke_off(error: &(dyn Error + 'static)) -> bool {
    let mut errors = std::iter::successors(Some(error), |error| (*error).source());
    errors.any(|error| error.is::<hyper::Error>() || error.is::<io::Error>())
}

/// Returns in plain words why the TLS library failed. The library's own text contains type names, and times in seconds
/// since 1970.
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

/// Returns the texts of an error and of the errors that caused it. If an I/O error wraps another error, that error
/// counts as a cause, too. If a text quotes an answer, the answer is removed.
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

/// Removes the HTTP answer that some SDK errors quote at the end of their text, because the answer may contain
/// credentials.
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
