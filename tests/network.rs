//! Calls to STS: retries, timeouts, TLS, endpoints, and invalid answers.

mod proxies;

mod limits;

use crate::support::{Answer, Authority, Certificate, FakeProxy, FakeSts, RefusedPort, Xassume, on_one_line, probe};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::fs;

const ROLE: &str = "arn:aws:iam::111111111111:role/R";

fn ran(xassume: Xassume) {
    xassume.args(["-r", ROLE, "--"]).args(probe()).args(["say", "ran"]).run().exited(0);
}

fn failed(xassume: Xassume) -> String {
    let finished = xassume.args(["-r", ROLE, "--"]).args(probe()).args(["say", "ran"]).run().exited(125);
    assert_eq!(finished.stdout_text(), "", "the command must not start");
    assert!(
        finished.stderr.starts_with("xassume: error: cannot assume") && finished.stderr.contains("\nhint: "),
        "{}",
        finished.stderr
    );
    finished.stderr
}

#[test]
fn throttling_and_server_errors_are_retried() {
    let busy = |status| Answer::body(status, "text/html", "<html>busy</html>");
    for answer in [Answer::throttling(), Answer::unavailable(), busy(429), busy(503), Answer::Reset] {
        let sts = FakeSts::start();
        sts.script([answer.clone(), answer.clone(), Answer::Ok]);
        ran(Xassume::new(&sts));
        assert_eq!(sts.requests().len(), 3, "{answer:?}");
    }
}

#[test]
fn denials_and_bad_requests_are_not_retried() {
    for (code, status) in
        [("AccessDenied", 403), ("ValidationError", 400), ("ExpiredToken", 403), ("MalformedPolicyDocument", 400)]
    {
        let sts = FakeSts::start();
        sts.script([Answer::error(status, code, "no")]);
        let error = failed_anyhow(&sts);
        assert!(error.contains(code), "{error}");
        assert_eq!(sts.requests().len(), 1, "{code}");
    }
}

fn failed_anyhow(sts: &FakeSts) -> String {
    Xassume::new(sts).args(["-r", ROLE, "--"]).args(probe()).args(["say", "ran"]).run().exited(125).stderr
}

#[test]
fn bad_retry_settings_meant_for_the_command_do_no_harm() {
    for (name, value) in [("AWS_MAX_ATTEMPTS", "0"), ("AWS_RETRY_MODE", "legacy"), ("AWS_RETRY_MODE", "nonsense")] {
        let sts = FakeSts::start();
        ran(Xassume::new(&sts).env(name, value));
    }
    let sts = FakeSts::start();
    ran(Xassume::new(&sts).file(".aws/config", "[default]\nretry_mode = legacy\nmax_attempts = -1\n"));
}

#[test]
fn tls_is_trusted_by_bundle_flag_variable_and_system() {
    let sts = FakeSts::builder().tls(Certificate::Good).start();
    let bundle = sts.ca_file().to_owned();
    ran(Xassume::new(&sts).arg("--ca-bundle").arg(&bundle));
    ran(Xassume::new(&sts).env("AWS_CA_BUNDLE", &bundle));
    ran(Xassume::new(&sts).env("SSL_CERT_FILE", &bundle));
    assert!(sts.requests().iter().all(|request| request.tls));
    let sts = FakeSts::builder().tls(Certificate::SelfSigned).start();
    ran(Xassume::new(&sts).arg("--ca-bundle").arg(sts.ca_file()));
}

#[test]
fn untrusted_tls_is_reported() {
    for (certificate, word) in [
        (Certificate::WrongName, "not valid for name"),
        (Certificate::Expired, "expired"),
        (Certificate::UnknownAuthority, "invalid certificate signature"),
        (Certificate::OwnAuthority, "the certificate belongs to an authority (CA:TRUE)"),
    ] {
        let sts = FakeSts::builder().tls(certificate).start();
        let bundle = sts.ca_file().to_owned();
        let error = failed(Xassume::new(&sts).arg("--ca-bundle").arg(bundle));
        assert!(error.contains("TLS error") && error.contains(word), "{error}");
        assert_eq!(sts.requests().len(), 0);
    }
}

#[test]
fn missing_root_certificates_are_reported() {
    let sts = FakeSts::builder().tls(Certificate::Good).start();
    let xassume = Xassume::new(&sts).file("empty.pem", "").file("certs/none", "");
    let (file, directory) = (xassume.home().join("empty.pem"), xassume.home().join("certs"));
    let error = failed(xassume.env("SSL_CERT_FILE", file).env("SSL_CERT_DIR", directory));
    assert!(error.contains("no root certificates found"), "{error}");
}

#[test]
fn an_invalid_bundle_is_reported_with_its_file() {
    let sts = FakeSts::start();
    for (contents, complaint) in [
        ("nonsense", "no PEM certificate found"),
        ("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "invalid certificate: "),
    ] {
        let xassume = Xassume::new(&sts).file("bad.pem", contents);
        let bundle = xassume.home().join("bad.pem");
        let finished = xassume.arg("--ca-bundle").arg(&bundle).args(["-r", ROLE, "--", "true"]).run().exited(125);
        assert!(finished.stderr.contains(complaint) && finished.stderr.contains("bad.pem"), "{}", finished.stderr);
    }
    let authority = Authority::new();
    let pem = fs::read(authority.ca_file()).expect("the authority's file");
    let der = CertificateDer::from_pem_slice(&pem).expect("PEM");
    let xassume = Xassume::new(&sts).file("der.pem", der);
    let bundle = xassume.home().join("der.pem");
    let error = xassume.arg("--ca-bundle").arg(&bundle).args(["-r", ROLE, "--", "true"]).run().exited(125).stderr;
    let hint = format!("convert DER to PEM with: openssl x509 -inform der -in {} -out ca.pem", bundle.display());
    assert!(on_one_line(&error).ends_with(&hint), "{error}");
    let finished = Xassume::new(&sts).args(["--ca-bundle", "/no/such.pem", "-r", ROLE, "--", "true"]).run().exited(125);
    assert!(finished.stderr.contains("/no/such.pem"), "{}", finished.stderr);
}

#[test]
fn refused_connections_and_unknown_names_are_reported() {
    let refused = RefusedPort::reserve();
    let error = failed(Xassume::at(&refused.url()));
    assert!(error.contains("cannot be reached") && error.contains("refused"), "{error}");
    let error = failed(Xassume::at("http://no-such-host.invalid"));
    assert!(error.contains("cannot resolve the host name of http://no-such-host.invalid"), "{error}");
}

#[test]
fn invalid_answers_are_reported() {
    let empty = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult/></AssumeRoleResponse>";
    for answer in [
        Answer::body(200, "text/html", "<html>Sign in to the network</html>"),
        Answer::body(200, "text/xml", ""),
        Answer::body(200, "text/xml", empty),
        Answer::body(403, "text/html", "<html>Forbidden</html>"),
        Answer::body(302, "text/html", "moved"),
        Answer::Raw(b"nonsense\r\n\r\n".to_vec()),
    ] {
        let sts = FakeSts::start();
        sts.script_forever([answer.clone()]);
        let error = failed(Xassume::new(&sts));
        assert!(error.contains("unexpected response") || error.contains("cannot be reached"), "{answer:?}: {error}");
    }
}

#[test]
fn an_answer_without_end_is_cut_off() {
    let sts = FakeSts::start();
    sts.script_forever([Answer::body(200, "text/xml", vec![b' '; 3 << 20])]);
    let error = failed(Xassume::new(&sts));
    assert!(error.contains("larger than 1048576 bytes"), "{error}");
}

#[test]
fn a_wrong_clock_is_corrected_for_the_signature() {
    for seconds in [3600, -3600] {
        let sts = FakeSts::builder().clock_offset(seconds).check_signature_time().start();
        let shown = Xassume::new(&sts).args(["-r", ROLE, "--"]).args(probe()).arg("environ").run().exited(0);
        assert_eq!(sts.requests().len(), 2, "rejected once, then signed with the server's time");
        // The expiry is converted to the local clock. Otherwise SDKs would treat the session as expired, or use it for
        // too long.
        let expiration = shown.variable("AWS_CREDENTIAL_EXPIRATION").expect("an expiry");
        let local = humantime::parse_rfc3339(&expiration).expect("RFC 3339");
        let left = local.duration_since(std::time::SystemTime::now()).expect("still valid").as_secs();
        assert!((3500..=3605).contains(&left), "{left} s left by the system clock");
    }
}

/// The `CONNECT` requests of a start that reaches STS through a proxy. At the end of the tunnel is `host`, which is not
/// a trusted STS, so the start fails at the first request. The plan and the error name the same host.
fn tunnels(host: &str, xassume: Xassume) -> Vec<String> {
    let (stranger, proxy) = (FakeSts::builder().tls(Certificate::Good).start(), FakeProxy::start());
    proxy.map(&format!("{host}:443"), stranger.port());
    let xassume = xassume.env_remove("AWS_ENDPOINT_URL_STS").env("HTTPS_PROXY", proxy.url());
    let stderr = on_one_line(&xassume.run().exited(125).stderr);
    assert!(stderr.contains(&format!(" endpoint: https://{host}")), "{stderr}");
    let error = format!("TLS error for https://{host} (through the proxy {}): ", proxy.url());
    assert!(stderr.contains(&error), "{stderr}");
    proxy.targets()
}

#[test]
fn each_partition_has_its_own_endpoints() {
    const FIPS: &str = "AWS_USE_FIPS_ENDPOINT";
    const DUAL: &str = "AWS_USE_DUALSTACK_ENDPOINT";
    for (partition, region, variables, host) in [
        ("aws", "", &[][..], "sts.us-east-1.amazonaws.com"),
        ("aws", "ap-southeast-7", &[], "sts.ap-southeast-7.amazonaws.com"),
        ("aws", "eu-west-1", &[FIPS], "sts-fips.eu-west-1.amazonaws.com"),
        ("aws", "eu-west-1", &[DUAL], "sts.eu-west-1.api.aws"),
        ("aws", "eu-west-1", &[FIPS, DUAL], "sts-fips.eu-west-1.api.aws"),
        ("aws", "aws-global", &[], "sts.amazonaws.com"),
        ("aws-cn", "", &[], "sts.cn-north-1.amazonaws.com.cn"),
        ("aws-cn", "cn-northwest-1", &[DUAL], "sts.cn-northwest-1.api.amazonwebservices.com.cn"),
        ("aws-us-gov", "", &[], "sts.us-gov-west-1.amazonaws.com"),
        ("aws-us-gov", "us-gov-east-1", &[FIPS], "sts.us-gov-east-1.amazonaws.com"),
        ("aws-eusc", "", &[], "sts.eusc-de-east-1.amazonaws.eu"),
        ("aws-iso", "", &[], "sts.us-iso-east-1.c2s.ic.gov"),
        ("aws-iso-b", "", &[], "sts.us-isob-east-1.sc2s.sgov.gov"),
        ("aws-iso-e", "", &[], "sts.eu-isoe-west-1.cloud.adc-e.uk"),
        ("aws-iso-f", "", &[], "sts.us-isof-south-1.csp.hci.ic.gov"),
    ] {
        let role = format!("arn:{partition}:iam::111111111111:role/R");
        let xassume = Xassume::at("").env("AWS_REGION", region).args(["-v", "-r", &role, "--", "true"]);
        let xassume = variables.iter().fold(xassume, |xassume, name| xassume.env(name, "true"));
        assert_eq!(tunnels(host, xassume), [format!("CONNECT {host}:443")], "{partition} {region} {variables:?}");
    }
}

#[test]
fn a_profile_can_set_the_endpoint_like_variables() {
    for (config, host) in [
        ("use_fips_endpoint = true", "sts-fips.eu-west-1.amazonaws.com"),
        ("use_dualstack_endpoint = true", "sts.eu-west-1.api.aws"),
        ("endpoint_url = https://vpce.example", "vpce.example"),
        ("endpoint_url = https://vpce.example\nignore_configured_endpoint_urls = true", "sts.eu-west-1.amazonaws.com"),
        ("services = s\n[services s]\nsts =\n  endpoint_url = https://sts.example", "sts.example"),
        ("sts_regional_endpoints = legacy", "sts.eu-west-1.amazonaws.com"),
    ] {
        let config = format!("[default]\nregion = eu-west-1\n{config}\n");
        let xassume = Xassume::at("").env_remove("AWS_REGION").file(".aws/config", &config);
        assert_eq!(
            tunnels(host, xassume.args(["-v", "-r", ROLE, "--", "true"])),
            [format!("CONNECT {host}:443")],
            "{config}"
        );
    }
}

#[test]
fn the_flag_takes_precedence_over_every_other_endpoint() {
    let sts = FakeSts::start();
    let world = Xassume::at("http://127.0.0.1:1").env("AWS_ENDPOINT_URL", "http://127.0.0.1:2").arg("--no-cache");
    ran(world.clone().arg("--sts-endpoint").arg(sts.url()));
    ran(world.clone().env("AWS_ENDPOINT_URL_STS", "").env("AWS_ENDPOINT_URL", sts.url()));
    ran(world.env("AWS_ENDPOINT_URL_STS", sts.url()));
    assert_eq!(sts.requests().len(), 3);
}

#[test]
fn invalid_values_are_reported_and_not_used() {
    for url in ["sts.example", "ftp://sts.example", "http://", "http://a b"] {
        let error = Xassume::at(url).args(["-r", ROLE, "--", "true"]).run().exited(125).stderr;
        assert!(error.contains("AWS_ENDPOINT_URL_STS") && error.contains("\nhint: "), "{url}: {error}");
    }
    let sts = FakeSts::start();
    for (name, value) in [("AWS_USE_FIPS_ENDPOINT", "yes"), ("AWS_USE_DUALSTACK_ENDPOINT", "1")] {
        let finished = Xassume::new(&sts).env(name, value).args(["-v", "-r", ROLE, "--", "true"]).run().exited(0);
        assert!(
            finished.stderr.contains(&format!("ignoring {name} = {value} (only true enables it)")),
            "{}",
            finished.stderr
        );
    }
}
