//! STS cannot be reached, or another server answers.

use super::page::{Page, ROLE, Scene, page};
use crate::support::{Answer, Certificate, FakeProxy, FakeSts, RefusedPort, Xassume};

const LINE: [&str; 4] = ["-r", ROLE, "--", "true"];

/// Over TLS with this kind of certificate, and a bundle that contains its authority.
fn over_tls(name: &'static str, certificate: Certificate) -> Page {
    page(name, move || {
        let sts = FakeSts::builder().tls(certificate).start();
        let xassume = Xassume::new(&sts).file("ca.pem", std::fs::read(sts.ca_file()).expect("the authority's file"));
        let bundle = xassume.home().join("ca.pem");
        Scene::new(xassume.arg("--ca-bundle").arg(bundle).args(LINE)).with(sts)
    })
}

pub(super) fn pages() -> Vec<Page> {
    vec![
        over_tls("network-tls-expired", Certificate::Expired),
        over_tls("network-tls-wrong-name", Certificate::WrongName),
        over_tls("network-tls-unknown-authority", Certificate::UnknownAuthority),
        over_tls("network-tls-own-authority", Certificate::OwnAuthority),
        page("network-tls-no-roots", || {
            let sts = FakeSts::builder().tls(Certificate::Good).start();
            let xassume = Xassume::new(&sts).file("empty.pem", "").file("certs/none", "");
            let (file, directory) = (xassume.home().join("empty.pem"), xassume.home().join("certs"));
            Scene::new(xassume.env("SSL_CERT_FILE", file).env("SSL_CERT_DIR", directory).args(LINE)).with(sts)
        }),
        page("network-bundle-without-certificate", || {
            let sts = FakeSts::start();
            let xassume = Xassume::new(&sts).file("bad.pem", "nonsense");
            let bundle = xassume.home().join("bad.pem");
            Scene::new(xassume.arg("--ca-bundle").arg(bundle).args(LINE)).with(sts)
        }),
        page("network-refused", || {
            let port = RefusedPort::reserve();
            Scene::new(Xassume::at(&port.url()).args(LINE)).with(port)
        }),
        page("network-no-such-name", || Scene::new(Xassume::at("http://no-such-host.invalid").args(LINE))),
        page("network-no-such-region", || Scene::new(Xassume::at("http://sts.eu-wst-1.amazonaws.invalid").args(LINE))),
        page("network-proxy", || {
            let (sts, proxy) = (FakeSts::builder().tls(Certificate::Good).start(), FakeProxy::start());
            proxy.fail(407);
            let xassume = Xassume::at(&format!("https://localhost:{}", sts.port())).env("HTTPS_PROXY", proxy.url());
            Scene::new(xassume.args(LINE)).with(sts).with(proxy)
        }),
        page("network-proxy-refused", || {
            let port = RefusedPort::reserve();
            let xassume = Xassume::at("").env_remove("AWS_ENDPOINT_URL_STS").env("HTTPS_PROXY", port.url());
            Scene::new(xassume.args(LINE)).with(port)
        }),
        page("network-proxy-invalid", || {
            let xassume = Xassume::at("").env_remove("AWS_ENDPOINT_URL_STS");
            Scene::new(xassume.env("HTTPS_PROXY", "socks5://alice:word@proxy.example:1080").args(LINE))
        }),
        page("network-silence", || {
            Scene::answered_to([Answer::Hang], &["-r", ROLE, "--sts-timeout", "2s", "--", "true"])
        }),
        page("network-silence-in-a-chain", || {
            let args = ["-r", "222222222222:Hub", "-r", ROLE, "--sts-timeout", "3s", "--", "true"];
            Scene::answered_to([Answer::Ok, Answer::Hang], &args)
        }),
        page("network-answer-too-large", || Scene::answered([Answer::body(200, "text/xml", vec![b' '; 3 << 20])])),
        page("network-answer-of-a-portal", || {
            Scene::answered([Answer::body(200, "text/html", "<html>Sign in to the network</html>")])
        }),
        page("network-answer-forbidden", || {
            Scene::answered([Answer::body(403, "text/html", "<html>Forbidden</html>")])
        }),
        page("network-answer-of-a-busy-proxy", || {
            Scene::answered([Answer::body(429, "text/html", "<html>Too many</html>")])
        }),
        page("network-answer-empty", || Scene::answered([Answer::body(200, "text/xml", "")])),
        page("network-connection-reset", || Scene::answered([Answer::Reset])),
        page("network-fips-and-endpoint", || {
            let xassume = Xassume::at("http://127.0.0.1:1").env("AWS_USE_FIPS_ENDPOINT", "true");
            Scene::new(xassume.args(LINE))
        }),
    ]
}
