//! `--via endpoint`: an HTTP endpoint on loopback that returns the session to the command only.
#![allow(clippy::print_stdout, reason = "measurements and skipped tests are printed")]

mod refreshes;
mod tokens;
mod unauthorized;

use crate::support::http::{Received, get, send};
use crate::support::log::PATIENCE;
use crate::support::processes::descriptors;
use crate::support::{Answer, FakeSts, Issued, Running, Xassume, binary, probe, skipped_without_root};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

const ROLE: &str = "arn:aws:iam::111111111111:role/R";

fn via_endpoint(sts: &FakeSts) -> Xassume {
    Xassume::new(sts).args(["--via", "endpoint", "-r", ROLE])
}

/// A running command with the endpoint, and the endpoint's address.
struct Served {
    running: Running,
    url: String,
    token: String,
}

impl Served {
    fn start(xassume: Xassume) -> Self {
        Self::start_with(xassume, &["print-signals"])
    }

    /// The command prints its variables and then performs these steps.
    fn start_with(xassume: Xassume, verbs: &[&str]) -> Self {
        let names = ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"];
        let running = xassume.arg("--").args(probe()).arg("env").args(names).arg("then").args(verbs).spawn();
        let [url, token] = names.map(|name| running.line(name)[name.len() + 1..].to_owned());
        running.line("ready");
        Self { running, url, token }
    }

    fn get(&self) -> Received {
        get(&self.url, &[("Authorization", &self.token)]).expect("answered")
    }

    /// `127.0.0.1:PORT` and the path.
    fn address(&self) -> (&str, &str) {
        let rest = self.url.strip_prefix("http://").expect("plain HTTP");
        rest.split_at(rest.find('/').expect("a path"))
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address().0).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit can be set");
        stream
    }

    /// The head of a valid request, without its last line.
    fn head(&self) -> String {
        let (host, path) = self.address();
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {}\r\n", self.token)
    }

    /// Sends these bytes and returns everything until the connection ends.
    fn raw(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).expect("it reads");
        read_until_closed(&mut stream)
    }

    /// Open descriptors; none without the permission to look.
    fn open_files(&self) -> usize {
        descriptors(self.running.pid()).expect("it runs").unwrap_or_else(|| {
            skipped_without_root("only root can count the descriptors of a process that is not dumpable");
            0
        })
    }

    /// Resident memory, in KiB.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.running.pid())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the kernel reports it");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    fn end(self) {
        self.running.signal(libc::SIGTERM);
        self.running.wait().exited(0);
    }

    /// Waits until at most that many descriptors are open. Connections are closed shortly after their end.
    fn wait_for_descriptors(&self, before: usize) {
        let begun = Instant::now();
        while self.open_files() > before {
            assert!(begun.elapsed() < PATIENCE, "{} descriptors are open, {before} were", self.open_files());
            std::thread::yield_now();
        }
    }
}

/// Everything until the other side closes the connection or resets it.
fn read_until_closed(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Asserts status 200 and a valid session that was issued. Returns its generation.
fn generation(received: &Received, issued: &[Issued]) -> u64 {
    assert_eq!(received.status, 200, "{}", received.text());
    let document = received.json();
    let session = issued.iter().find(|session| document["AccessKeyId"] == *session.access_key_id);
    let session = session.unwrap_or_else(|| panic!("{document} was never issued"));
    assert_eq!(document["SecretAccessKey"], *session.secret_access_key);
    assert_eq!(document["Token"], *session.session_token);
    let expiration = document["Expiration"].as_str().expect("text");
    assert_eq!(expiration, humantime::format_rfc3339_seconds(session.expiration).to_string());
    assert!(session.expiration > SystemTime::now(), "{expiration} has expired");
    session.generation
}

#[test]
fn the_session_is_returned_for_the_token() {
    let sts = FakeSts::start();
    let served = Served::start(via_endpoint(&sts).arg("-vv"));
    let received = served.get();
    assert_eq!(generation(&received, &sts.issued()), 1);
    assert_eq!(received.json()["AccountId"], "111111111111");
    assert_eq!(received.header("content-type"), Some("application/json"));
    assert_eq!(received.header("cache-control"), Some("no-store"));
    let (host, path) = served.address();
    assert!(host.starts_with("127.0.0.1:") && path.len() > 32, "{host} {path}");
    assert_eq!(served.token.len(), 64, "256 bits in hexadecimal");
    assert_eq!(sts.requests().len(), 1, "no request of a client is passed on");
    let (url, token) = (served.url.clone(), served.token.clone());
    served.running.signal(libc::SIGTERM);
    let finished = served.running.wait().exited(0);
    let issued = &sts.issued()[0];
    for secret in [&token, &issued.secret_access_key, &issued.session_token] {
        assert!(!finished.stderr.contains(secret.as_str()), "a secret is logged\n{}", finished.stderr);
    }
    assert!(get(&url, &[("Authorization", &token)]).is_err(), "the port is closed after the end of the command");
}

#[test]
fn ten_thousand_requests_leave_nothing_behind() {
    let sts = FakeSts::start();
    let served = Served::start(via_endpoint(&sts));
    let request = format!("{}\r\n", served.head());
    let ask = |count: usize| {
        let mut stream = BufReader::new(served.connect());
        for _ in 0..count {
            stream.get_mut().write_all(request.as_bytes()).expect("it reads");
            let (mut line, mut length) = (String::new(), 0);
            while line != "\r\n" {
                line.clear();
                stream.read_line(&mut line).expect("a head");
                assert!(!line.starts_with("HTTP/1.1") || line.starts_with("HTTP/1.1 200 "), "{line}");
                if let Some(value) = line.strip_prefix("content-length: ") {
                    length = value.trim().parse().expect("a length");
                }
            }
            stream.read_exact(&mut vec![0; length]).expect("a body");
        }
    };
    ask(100);
    let (files, memory, begun) = (served.open_files(), served.memory(), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| ask(2500));
        }
    });
    let took = begun.elapsed();
    assert!(took < PATIENCE, "{took:?}");
    served.wait_for_descriptors(files);
    // Each answer has two thousand bytes. If ten thousand of them were kept, memory would grow by more than this.
    let grown = served.memory().saturating_sub(memory);
    println!("10000 requests in {took:?}; {grown} KiB grown from {memory} KiB");
    assert!(grown < 8 * 1024, "{grown} KiB");
    assert_eq!(sts.requests().len(), 1);
    served.end();
}

#[test]
fn restart_and_signal_conflict_with_the_endpoint() {
    let sts = FakeSts::start();
    for (how, doing) in [("restart", "does not need to be restarted"), ("signal", "does not need")] {
        for via in ["endpoint", "process"] {
            let refused = Xassume::new(&sts).args(["--on-expiry", how, "--via", via, "-r", ROLE, "--", "true"]).run();
            let stderr = refused.exited(125).stderr;
            assert!(stderr.contains(&format!("--on-expiry {how} cannot be used with --via {via}")), "{stderr}");
            assert!(stderr.contains(doing) && stderr.contains("\nhint: "), "{stderr}");
        }
    }
    let both = Xassume::new(&sts).env("XASSUME_ON_EXPIRY", "restart").env("XASSUME_VIA", "endpoint");
    let stderr = both.args(["-r", ROLE, "--", "true"]).run().exited(125).stderr;
    assert!(stderr.contains("XASSUME_ON_EXPIRY=restart cannot be used with XASSUME_VIA=endpoint, "), "{stderr}");
    assert_eq!(sts.requests().len(), 0);

    // The flag takes precedence over the variable.
    let flag = via_endpoint(&sts).env("XASSUME_ON_EXPIRY", "restart").arg("-v");
    let stderr = flag.args(["--", "true"]).run().exited(0).stderr;
    assert!(stderr.contains("ignoring XASSUME_ON_EXPIRY (conflicts with --via endpoint)\n"), "{stderr}");
    let flag = Xassume::new(&sts).env("XASSUME_VIA", "endpoint").args(["-v", "--on-expiry", "signal", "-r", ROLE]);
    let shown = flag.arg("--").args(probe()).args(["env", "AWS_CONTAINER_CREDENTIALS_FULL_URI"]).run().exited(0);
    assert!(shown.stdout_text().contains("is unset") && shown.stderr.contains("ignoring XASSUME_VIA"));
}

#[test]
fn the_command_gets_only_the_endpoint() {
    let sts = FakeSts::start();
    let config = "[default]\nrole_arn = arn:aws:iam::999999999999:role/Hijack\nsource_profile = default\n\
                  credential_process = /bin/false\nregion = eu-west-3\nretry_mode = adaptive\n\
                  [profile other]\nsso_start_url = https://x\noutput = text\n";
    let mut xassume = via_endpoint(&sts)
        .file(".aws/config", config)
        .file(".aws/credentials", "[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = FILESECRET\n")
        .env("NO_PROXY", "corp.example,127.0.0.1")
        .env("HTTP_PROXY", "http://127.0.0.1:1");
    for stale in ["AWS_ROLE_SESSION_NAME", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_SECURITY_TOKEN"] {
        xassume = xassume.env(stale, "stale");
    }
    let script = "cat \"$AWS_CONFIG_FILE\"; echo ---; cat \"$AWS_SHARED_CREDENTIALS_FILE\"; echo ---; env";
    let shown = xassume.clone().args(["--", "sh", "-c", script]).run().exited(0).stdout_text();
    let parts: Vec<&str> = shown.split("---\n").collect();
    for gone in ["Hijack", "credential_process", "source_profile", "sso_start_url"] {
        assert!(!parts[0].contains(gone), "{}", parts[0]);
    }
    assert!(parts[0].contains("region = eu-west-3") && parts[0].contains("retry_mode = adaptive"), "{}", parts[0]);
    assert_eq!(parts[1], "");
    for gone in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "=stale"] {
        assert!(!parts[2].contains(gone), "{gone} in {}", parts[2]);
    }
    for set in [
        "NO_PROXY=corp.example,127.0.0.1,localhost\n",
        "no_proxy=corp.example,127.0.0.1,localhost\n",
        "AWS_EC2_METADATA_DISABLED=true\n",
        "BOTO_CONFIG=/dev/null\n",
        "MINIO_SHARED_CREDENTIALS_FILE=/dev/null\n",
        "AWS_REGION=us-east-1\n",
    ] {
        assert!(parts[2].contains(set), "{set} not in {}", parts[2]);
    }
    let state = xassume.clone().arg("--").args(probe()).arg("state").run().exited(0).stdout_json();
    let descriptors: Vec<_> = state["fds"].as_object().expect("an object").keys().cloned().collect();
    assert_eq!(descriptors, ["0", "1", "2"], "the command does not have the endpoint's socket open");
    assert!(xassume.sandbox().run_directories().is_empty(), "no file outlives the command");
    for name in ["AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONFIG_FILE"] {
        let refused = xassume.clone().args(["--keep-env", name, "--", "true"]).run().exited(125);
        assert!(refused.stderr.contains(name), "{}", refused.stderr);
    }
}

/// The AWS SDK for Rust as the client: an inner xassume gets its source credentials from the endpoint.
#[test]
fn the_sdk_for_rust_gets_each_session_from_the_endpoint() {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(8)).start();
    let outer = via_endpoint(&sts)
        .args(["--refresh-margin", "4s"])
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("NO_PROXY", "127.0.0.1")
        .file(".aws/credentials", "[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = FILESECRET\n");
    nested(&sts, outer);
}

/// Runs xassume within xassume until the inner one has had three sessions of the outer one as its source, and nothing
/// else.
pub(crate) fn nested(sts: &FakeSts, outer: Xassume) {
    const INNER: &str = "arn:aws:iam::333333333333:role/Inner";
    let script = "while [ ! -e enough ]; do \"$@\" || exit; done";
    let xassume = outer.args(["--", "sh", "-c", script, "sh"]).arg(binary()).args(["-r", INNER, "--", "true"]);
    let running = xassume.spawn();
    let signers = || {
        let inner = sts.requests().into_iter().filter(|request| request.param("RoleArn") == Some(INNER));
        let mut signers: Vec<String> = inner.filter_map(|request| request.access_key_id).collect();
        signers.dedup();
        signers
    };
    while signers().len() < 3 {
        sts.wait_for_requests(sts.requests().len() + 1);
    }
    std::fs::write(xassume.sandbox().work().join("enough"), "").expect("the directory is writable");
    assert_eq!(running.wait().exited(0).stderr, "");
    let issued = sts.issued();
    let outer: Vec<&String> =
        issued.iter().filter(|session| session.role_arn == ROLE).map(|session| &session.access_key_id).collect();
    // In the order in which they were issued, none repeated and none missing.
    assert!(outer.starts_with(&signers().iter().collect::<Vec<_>>()), "{:?} of {outer:?}", signers());
}
