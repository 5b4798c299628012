//! Errors of requests to STS that got no usable response.

use crate::region::similar_regions;
use humantime::format_duration;
use std::borrow::Cow;
use std::time::Duration;
use thiserror::Error;

/// The hint for an answer that probably does not come from STS.
pub(super) const NOT_STS: &str =
    "is this an STS endpoint? check --sts-endpoint, AWS_ENDPOINT_URL and the proxy variables";

/// Why a request got no usable response.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum NetworkFailure {
    #[error("cannot resolve the host name of {host}")]
    Dns { host: String },
    #[error("{host} cannot be reached: {reason}")]
    Unreachable { host: String, reason: String },
    #[error("the proxy {proxy} failed: {reason}")]
    Proxy { proxy: String, reason: String },
    #[error("TLS error for {host}: {reason}")]
    Tls { host: String, reason: String, no_roots: bool },
    #[error("{host} timed out after {}", format_duration(*.after))]
    TimedOut { host: String, after: Duration },
    #[error("{host} was not called: the time limit of {} was exceeded", format_duration(*.limit))]
    TooLate { host: String, limit: Duration },
    #[error("the response is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("invalid endpoint: {reason}")]
    Endpoint { reason: String },
}

impl NetworkFailure {
    pub(super) fn hint(&self) -> Cow<'static, str> {
        if let Self::Dns { host } = self
            && let similar @ [_, ..] = similar_regions(host).as_slice()
        {
            let similar = similar.join(" or ");
            return format!("did you mean {similar}? if not, check the network connection").into();
        }
        let hint = match self {
            Self::Dns { .. } => {
                "check the spelling of the region or endpoint, and the network connection; if you need a proxy, set HTTPS_PROXY"
            }
            Self::Unreachable { .. } => {
                "check the network connection and the endpoint; if you need a proxy, set HTTPS_PROXY"
            }
            Self::Proxy { reason, .. } if reason.contains("authentication") => {
                "set the proxy variable to http://USER:PASSWORD@HOST:PORT"
            }
            Self::Proxy { reason, .. } | Self::Tls { reason, .. } if reason.contains("(CA:TRUE)") => {
                "the server needs a certificate with basicConstraints=CA:FALSE, signed by itself or by the authority in --ca-bundle"
            }
            Self::Proxy { reason, .. } if reason.contains("certificate") => {
                "pass the proxy's CA certificate with --ca-bundle or AWS_CA_BUNDLE, or use an http:// proxy URL"
            }
            Self::Proxy { .. } => "check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY",
            Self::Tls { no_roots: true, .. } => {
                "no root certificates found; install ca-certificates, or use --ca-bundle; if SSL_CERT_FILE or SSL_CERT_DIR is set, correct or unset it"
            }
            Self::Tls { reason, .. } if reason.contains("expired") => {
                "check the system clock; if the clock is right, the certificate must be renewed"
            }
            Self::Tls { .. } => {
                "behind a TLS-inspecting proxy, the file of --ca-bundle or AWS_CA_BUNDLE must contain the proxy's CA certificate"
            }
            Self::TimedOut { .. } | Self::TooLate { .. } => {
                "check the network and proxies, or raise the limit (--sts-timeout or XASSUME_STS_TIMEOUT)"
            }
            Self::TooLarge { .. } => NOT_STS,
            Self::Endpoint { reason } if reason.contains("custom") => {
                "unset the FIPS or dual-stack setting, or the endpoint (--sts-endpoint, AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL, endpoint_url)"
            }
            Self::Endpoint { .. } => "an endpoint looks like https://sts.eu-central-1.amazonaws.com",
        };
        hint.into()
    }
}
