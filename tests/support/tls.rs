//! A certificate authority for loopback servers, and certificates that are valid or have a defect.

use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::NamedTempFile;

/// A kind of server certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// For 127.0.0.1 and localhost, valid now.
    Good,
    /// Valid, but for another host.
    WrongName,
    /// For the right host, but expired years ago.
    Expired,
    /// Valid, but from an authority that no client trusts.
    UnknownAuthority,
    /// A self-signed CA certificate, as from `openssl req -x509`. `ca_file` contains the same certificate.
    OwnAuthority,
    /// A self-signed certificate that is not a CA. `ca_file` contains the same certificate.
    SelfSigned,
}

/// A certificate authority that was created for one test, and the file that makes a client trust it.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: NamedTempFile,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("ring makes keys");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).expect("the parameters are complete");
        let file = NamedTempFile::new().expect("the temporary directory is writable");
        std::fs::write(file.path(), certificate.pem()).expect("the file was just made");
        Self { issuer: Issuer::new(params, key), file }
    }

    /// The authority's certificate as PEM, for `--ca-bundle`, `AWS_CA_BUNDLE` or `SSL_CERT_FILE`.
    pub fn ca_file(&self) -> &Path {
        self.file.path()
    }

    /// The configuration of a server with such a certificate.
    pub fn server(&self, kind: Certificate) -> Arc<ServerConfig> {
        let names: &[&str] = match kind {
            Certificate::WrongName => &["sts.example.com"],
            _ => &["127.0.0.1", "localhost"],
        };
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("the names are valid");
        params.distinguished_name.push(DnType::CommonName, "Test server");
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        if kind == Certificate::Expired {
            params.not_before = date_time_ymd(2019, 1, 1);
            params.not_after = date_time_ymd(2020, 1, 1);
        }

        let stranger = Self::new();
        let issuer = if kind == Certificate::UnknownAuthority { &stranger.issuer } else { &self.issuer };
        let key = KeyPair::generate().expect("ring makes keys");
        let certificate = if matches!(kind, Certificate::OwnAuthority | Certificate::SelfSigned) {
            let is_authority = kind == Certificate::OwnAuthority;
            params.is_ca = if is_authority { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::ExplicitNoCa };
            let certificate = params.self_signed(&key).expect("the parameters are complete");
            std::fs::write(self.file.path(), certificate.pem()).expect("the file is ours");
            certificate
        } else {
            params.signed_by(&key, issuer).expect("the parameters are complete")
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        // Set the provider explicitly: with two providers in the process there is no default.
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring speaks the default versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("the key belongs to the certificate");
        Arc::new(config)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpStream;

    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName};
    use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

    use super::super::http::{Response, Server};
    use super::*;

    /// Sends a request with `Connection: close`. Returns the error of the handshake, if any.
    fn shake_hands(authority: &Authority, kind: Certificate) -> Result<(), String> {
        let server = Server::start_tls(authority.server(kind), |_| Response::text(200, "hello").into());
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_file(authority.ca_file()).expect("the file is PEM");
        roots.add(root).expect("the authority's certificate is one");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring speaks the default versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("127.0.0.1").expect("an address is a name");
        let session = ClientConnection::new(Arc::new(config), name).expect("the configuration is complete");
        let socket = TcpStream::connect(("127.0.0.1", server.port())).expect("it listens");
        StreamOwned::new(session, socket)
            .write_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
            .map_err(|error| error.to_string())
    }

    #[test]
    fn only_the_good_certificate_is_trusted() {
        let authority = Authority::new();
        assert_eq!(shake_hands(&authority, Certificate::Good), Ok(()));
        for (kind, why) in [
            (Certificate::WrongName, "not valid for name"),
            (Certificate::Expired, "expired"),
            (Certificate::UnknownAuthority, "certificate"),
        ] {
            let error = shake_hands(&authority, kind).expect_err("refused");
            assert!(error.contains(why), "{kind:?}: {error}");
        }
    }
}
