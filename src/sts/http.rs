//! The HTTP client for all requests to AWS. It uses ring for TLS, reads root certificates only when they are needed,
//! and limits the size of answers.
//!
//! The SDK's default client is not used. It loads the certificates even for `http://` endpoints, and it takes 50 ms of
//! CPU time in each process to start aws-lc.

use super::date::ServerDate;
use super::failure::{UNTRUSTED, chain};
use super::names::{HostNames, check_threads};
use super::network::{CONNECT_TIMEOUT, MAX_ANSWER_BYTES, Network};
use super::route::through;
use crate::profile::{Proxies, Proxy};
use crate::sys::boot::boottime;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;
use hyper::Uri;
use hyper::http::uri::Scheme;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Returns a client for the SDK. The client stores the `Date` of each answer in `date`.
pub(super) fn client(network: &Network, date: &ServerDate) -> SharedHttpClient {
    let connector = connector(network, network.proxies.clone(), CONNECT_TIMEOUT, date);
    http_client_fn(move |_, _| connector.clone())
}

/// Returns a connector for one service. `connect` is the time limit for a connection, including the proxy and TLS.
pub(super) fn connector(
    network: &Network,
    proxies: Proxies,
    connect: Duration,
    date: &ServerDate,
) -> SharedHttpConnector {
    SharedHttpConnector::new(Connecting {
        bundle: network.ca_bundle.clone(),
        proxies,
        connect,
        date: date.clone(),
        connectors: Default::default(),
    })
}

/// Sends requests through connectors. Each connector is built when the first request needs it.
#[derive(Debug)]
struct Connecting {
    bundle: Option<Arc<[u8]>>,
    proxies: Proxies,
    connect: Duration,
    date: ServerDate,
    /// Four connectors: for http and https without a proxy, and then for http and https with the proxy of the scheme.
    connectors: [OnceLock<Connector>; 4],
}

impl Connecting {
    fn builder(&self, proxy: ProxyConfig) -> ConnectorBuilder {
        let mut builder = Connector::builder().sleep_impl(TokioSleep::new()).proxy_config(proxy);
        let settings = HttpConnectorSettings::builder().connect_timeout(self.connect);
        builder.set_connector_settings(Some(settings.build()));
        builder
    }

    /// Returns the connector for a request to `url`, and the proxy that it uses. The proxy is `None` if the request is
    /// sent directly.
    fn connector(&self, url: &str) -> Result<(&Connector, Option<Proxy>), ConnectorError> {
        // The proxy for STS has already been checked, so if this fails, the request is for another service.
        let proxy = self.proxies.of_request(url).map_err(|error| ConnectorError::user(error.into()))?;
        let server = proxy.as_ref().map_or(url, |proxy| &proxy.url);
        if !names_an_address(server) {
            check_threads().map_err(|error| ConnectorError::io(error.into()))?;
        }
        // The scheme may be in upper case. Without TLS, the connector would send a request for an https URL as plain text.
        let secure = url.parse::<Uri>().ok().and_then(|url| url.into_parts().scheme) != Some(Scheme::HTTP);
        let connector = &self.connectors[usize::from(secure) + 2 * usize::from(proxy.is_some())];
        let config = proxy.as_ref().map_or(Ok(ProxyConfig::disabled()), |proxy| ProxyConfig::all(proxy.whole.reveal()));
        let config = config.map_err(|error| ConnectorError::user(error.into()))?;
        let tls = secure || proxy.as_ref().is_some_and(|proxy| proxy.url.starts_with("https:"));
        let build = || match (tls, &proxy) {
            (true, _) => self.resolving(config, self.trusted()),
            // Only a builder with TLS accepts a resolver. Without certificates to read, it is as fast.
            (false, None) => self.resolving(config, TrustStore::empty()),
            (false, Some(_)) => self.builder(config).build_http(),
        };
        Ok((connector.get_or_init(build), proxy))
    }

    /// Returns the certificates of the system and of the bundle.
    fn trusted(&self) -> TrustStore {
        let mut trust = TrustStore::default();
        if let Some(bundle) = &self.bundle {
            trust.add_pem_certificate(bundle.to_vec());
        }
        trust
    }

    fn resolving(&self, proxy: ProxyConfig, trust: TrustStore) -> Connector {
        let builder = self.builder(proxy).tls_provider(Provider::Rustls(CryptoMode::Ring));
        match TlsContext::builder().with_trust_store(trust).build() {
            Ok(context) => builder.tls_context(context).build_with_resolver(HostNames),
            // `TlsContext` fails only with the TLS library s2n, which xassume does not use.
            Err(_) => builder.build_with_resolver(HostNames),
        }
    }
}

impl HttpConnector for Connecting {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let sent = boottime();
        let (connector, proxy) = match self.connector(request.uri()) {
            Ok(found) => found,
            Err(error) => return HttpConnectorFuture::ready(Err(error)),
        };
        let answer = connector.call(request);
        let date = self.date.clone();
        HttpConnectorFuture::new(async move {
            let answer = answer.await.map_err(final_if_untrusted);
            let answer = answer.map_err(|error| match proxy {
                Some(proxy) => through(proxy, error),
                None => error,
            });
            received(answer?, &date, sent)
        })
    }
}

/// Checks whether the host of a URL is an IP address and not a name.
fn names_an_address(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split(['/', '?']).next().unwrap_or_default();
    host.parse::<SocketAddr>().is_ok() || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}

/// If the error is about a certificate that is not trusted, makes it an error after which the SDK does not try again.
fn final_if_untrusted(error: ConnectorError) -> ConnectorError {
    if chain(&error).iter().any(|text| text.contains(UNTRUSTED)) {
        ConnectorError::other(error.into(), None)
    } else {
        error
    }
}

/// Stores the `Date` of a response, and limits the size of its body. Reading more than [`MAX_ANSWER_BYTES`] of the body
/// fails.
pub(super) fn received(
    response: HttpResponse,
    date: &ServerDate,
    sent: Duration,
) -> Result<HttpResponse, ConnectorError> {
    date.note(&response, sent);
    let response = response.try_into_http1x().map_err(|error| ConnectorError::other(error.into(), None))?;
    let response = response.map(|body| SdkBody::from_body_1_x(Limited::new(body, MAX_ANSWER_BYTES)));
    HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_distinguished_from_names() {
        for url in ["http://127.0.0.1:80/x", "http://127.0.0.1", "https://[::1]:443/", "https://[::1]?x"] {
            assert!(names_an_address(url), "{url}");
        }
        for url in ["http://localhost:80/x", "https://sts.amazonaws.com", "https://127.0.0.1.example/"] {
            assert!(!names_an_address(url), "{url}");
        }
    }
}
