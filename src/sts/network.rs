//! How STS and other AWS services are reached: endpoint, certificates, proxies and time limit.

use super::endpoint::url_of_sts;
use crate::error::{Error, reason_of};
use crate::files::{MAX_BYTES, read_at_most};
use crate::profile::Proxies;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The maximum size in bytes of an answer. The answers of STS have a few kilobytes.
pub(super) const MAX_ANSWER_BYTES: usize = 1 << 20;

/// The time limit for a connection to STS, including the proxy and TLS.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The settings with which STS and other AWS services are reached.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    /// The URL that replaces the default endpoint of the region.
    pub(crate) endpoint: Option<String>,
    /// PEM certificates that are trusted in addition to the system's certificates.
    pub(crate) ca_bundle: Option<Arc<[u8]>>,
    pub(crate) fips: bool,
    pub(crate) dualstack: bool,
    pub(crate) proxies: Proxies,
    /// The time limit for getting the source credentials and for all calls of one session, including their retries.
    pub(crate) timeout: Duration,
}

impl Network {
    /// Returns the URL of STS in a region. Returns `None` if the SDK has no URL for the region. A call in that region
    /// then fails and reports this.
    pub(super) fn url(&self, region: &str) -> Option<String> {
        self.endpoint.clone().or_else(|| url_of_sts(region, self.fips, self.dualstack))
    }
}

/// Reads and checks a bundle of PEM certificates. The check is necessary because the TLS library would panic on an
/// invalid bundle.
///
/// # Errors
/// The file cannot be read, is not valid PEM, contains an invalid certificate, or contains no certificate.
pub(crate) fn read_bundle(path: &Path) -> Result<Arc<[u8]>, Error> {
    let unusable = |reason| Error::Certificates { path: path.to_owned(), reason };
    let pem = read_at_most(path, MAX_BYTES).map_err(|error| {
        let (what, path, reason) = ("the CA certificates in".into(), path.to_owned(), reason_of(&error));
        Error::File { what, path, reason }
    })?;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| unusable(format!("not PEM: {error:?}")))?;
        roots.add(certificate).map_err(|error| unusable(format!("invalid certificate: {error}")))?;
    }
    if roots.is_empty() {
        return Err(unusable("no PEM certificate found".into()));
    }
    Ok(pem.into())
}
