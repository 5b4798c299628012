//! The HTTP client under every AWS client: ring for TLS, lazily read certificates, capped answers.
//!
//! The SDK's own default would load the certificates for every `http://` endpoint as well and spend 50 ms of CPU in
//! aws-lc's start, in each process.

use super::Network;
use super::date::ServerDate;
use super::failure::{chain, through};
use crate::error::reason_of;
use crate::files::{MOST_BYTES as MOST_FILE_BYTES, read_at_most};
use crate::profile::{Proxies, Proxy as UsedProxy};
use crate::report::waiting::Tries;
use crate::sts::attempts::Attempts;
use crate::sys::boot::boottime;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::proxy::{ProxyConfig, ProxyError};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The most that is read of an answer. STS's are a few kilobytes.
pub(super) const MOST_BYTES: usize = 1 << 20;

/// How long a connection to STS may take, proxy and TLS included.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether requests go through the proxy that the environment names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proxy {
    FromEnvironment,
    /// For addresses of this machine: instance metadata and container endpoints.
    Never,
}

/// The way to STS: calls that share it share its connection and its certificates.
#[derive(Debug, Clone)]
pub(super) struct StsConnection {
    pub(super) client: SharedHttpClient,
    pub(super) date: ServerDate,
    /// Of the call that is under way.
    pub(super) tries: Tries,
    /// Of the same call.
    pub(super) attempts: Attempts,
}

impl StsConnection {
    pub(super) fn to_sts(network: &Network) -> Self {
        let (date, tries) = (ServerDate::default(), Tries::default());
        Self {
            client: client(network, Proxy::FromEnvironment, &date, &tries),
            date,
            tries,
            attempts: Attempts::default(),
        }
    }
}

/// A client for the SDK. It notes the server's time, and counts what is sent.
pub(super) fn client(network: &Network, proxy: Proxy, date: &ServerDate, tries: &Tries) -> SharedHttpClient {
    SharedHttpClient::new(Client { connector: connector(network, proxy, CONNECT_TIMEOUT, date, tries) })
}

/// What sends one request. `connect` is how long a connection may take, proxy and TLS included.
pub(super) fn connector(
    network: &Network,
    proxy: Proxy,
    connect: Duration,
    date: &ServerDate,
    tries: &Tries,
) -> SharedHttpConnector {
    SharedHttpConnector::new(Connecting {
        bundle: network.ca_bundle.clone(),
        proxies: match proxy {
            Proxy::FromEnvironment => network.proxies.clone(),
            Proxy::Never => Proxies::default(),
        },
        connect,
        date: date.clone(),
        tries: tries.clone(),
        connectors: Default::default(),
    })
}

#[derive(Debug)]
struct Client {
    connector: SharedHttpConnector,
}

impl HttpClient for Client {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.connector.clone()
    }
}

/// Builds what a request needs when the first such request comes.
#[derive(Debug)]
struct Connecting {
    bundle: Option<Arc<[u8]>>,
    proxies: Proxies,
    connect: Duration,
    date: ServerDate,
    tries: Tries,
    /// One for each scheme of a request, directly and through that scheme's proxy.
    connectors: [OnceLock<Connector>; 4],
}

impl Connecting {
    fn builder(&self, proxy: ProxyConfig) -> ConnectorBuilder {
        let mut builder = Connector::builder().sleep_impl(TokioSleep::new()).proxy_config(proxy);
        let settings = HttpConnectorSettings::builder().connect_timeout(self.connect);
        builder.set_connector_settings(Some(settings.build()));
        builder
    }

    /// The connector of a request that goes directly, or through this proxy.
    fn connector(&self, url: &str, proxy: Option<&UsedProxy>) -> Result<&Connector, ProxyError> {
        let secure = url.starts_with("https:");
        let connector = &self.connectors[usize::from(secure) + 2 * usize::from(proxy.is_some())];
        let config = match proxy {
            Some(proxy) => ProxyConfig::all(proxy.whole.reveal())?,
            None => ProxyConfig::disabled(),
        };
        let tls = secure || proxy.is_some_and(|proxy| proxy.url.starts_with("https:"));
        Ok(connector.get_or_init(|| if tls { self.with_tls(config) } else { self.builder(config).build_http() }))
    }

    fn with_tls(&self, proxy: ProxyConfig) -> Connector {
        let mut trust = TrustStore::default();
        if let Some(bundle) = &self.bundle {
            trust.add_pem_certificate(bundle.to_vec());
        }
        let builder = self.builder(proxy).tls_provider(Provider::Rustls(CryptoMode::Ring));
        match TlsContext::builder().with_trust_store(trust).build() {
            Ok(context) => builder.tls_context(context).build(),
            // Only s2n's contexts can fail to build.
            Err(_) => builder.build(),
        }
    }
}

impl HttpConnector for Connecting {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.tries.sent();
        let sent = boottime();
        let proxy = match self.proxies.of_request(request.uri()) {
            Ok(proxy) => proxy,
            // STS's is known to be good; this is another service's.
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        let asked = proxy.as_ref().map_or(request.uri(), |proxy| &proxy.url);
        if !names_an_address(asked)
            && let Err(error) = check_threads()
        {
            return HttpConnectorFuture::ready(Err(ConnectorError::io(error.into())));
        }
        let connector = match self.connector(request.uri(), proxy.as_ref()) {
            Ok(connector) => connector,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
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

/// Whether the host of a URL needs no resolving.
fn names_an_address(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split(['/', '?']).next().unwrap_or_default();
    host.parse::<SocketAddr>().is_ok() || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}

/// The runtime resolves names on a thread of its own, and panics where the system gives it none.
pub(super) fn check_threads() -> io::Result<()> {
    let tried = std::thread::Builder::new().spawn(|| ());
    let named = |error: io::Error| {
        let text = format!("no thread to resolve the host name: {error}");
        io::Error::new(error.kind(), text)
    };
    tried.map_err(named).map(|thread| drop(thread.join()))
}

/// A certificate that is not trusted now is not trusted a second later either, so the SDK must not try again.
fn final_if_untrusted(error: ConnectorError) -> ConnectorError {
    if chain(&error).iter().any(|text| text.contains("invalid peer certificate")) {
        ConnectorError::other(error.into(), None)
    } else {
        error
    }
}

/// What the SDK gets of a response: its date noted, its body with a limit.
pub(super) fn received(
    response: HttpResponse,
    date: &ServerDate,
    sent: Duration,
) -> Result<HttpResponse, ConnectorError> {
    date.note(&response, sent);
    limited(response)
}

/// The response with a body that fails once it is longer than [`MOST_BYTES`].
fn limited(response: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let response = response.try_into_http1x().map_err(|error| ConnectorError::other(error.into(), None))?;
    let response = response.map(|body| SdkBody::from_body_1_x(Limited::new(body, MOST_BYTES)));
    HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
}

/// Why a bundle is of no use.
#[derive(Debug)]
pub(crate) enum BundleError {
    Unreadable(String),
    Unusable(String),
}

/// Reads a bundle of PEM certificates.
///
/// # Errors
/// Why the file cannot be used: the TLS library would panic on a bad one.
pub(crate) fn read_bundle(path: &Path) -> Result<Arc<[u8]>, BundleError> {
    let pem = read_at_most(path, MOST_FILE_BYTES).map_err(|error| BundleError::Unreadable(reason_of(&error)))?;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| BundleError::Unusable(format!("not PEM: {error:?}")))?;
        roots.add(certificate).map_err(|error| BundleError::Unusable(format!("invalid certificate: {error}")))?;
    }
    if roots.is_empty() {
        return Err(BundleError::Unusable("no PEM certificate found".into()));
    }
    Ok(pem.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_names() {
        for url in ["http://127.0.0.1:80/x", "http://127.0.0.1", "https://[::1]:443/", "https://[::1]?x"] {
            assert!(names_an_address(url), "{url}");
        }
        for url in ["http://localhost:80/x", "https://sts.amazonaws.com", "https://127.0.0.1.example/"] {
            assert!(!names_an_address(url), "{url}");
        }
    }
}
