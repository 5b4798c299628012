//! A fake HTTP proxy: it tunnels HTTPS, forwards HTTP, and connects only to loopback.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use super::http::{Reply, Request, Response};
use super::log::lock;
use super::service::Service;
use rustls::ServerConfig;

pub struct FakeProxy {
    service: Service,
    map: Arc<Mutex<HashMap<String, String>>>,
}

impl FakeProxy {
    pub fn start() -> Self {
        Self::launch(None)
    }

    /// A proxy that clients connect to over TLS, with the certificate of the configuration.
    pub fn start_tls(config: Arc<ServerConfig>) -> Self {
        Self::launch(Some(config))
    }

    fn launch(tls: Option<Arc<ServerConfig>>) -> Self {
        let map = Arc::new(Mutex::new(HashMap::new()));
        let service = Service::launch(tls, {
            let map = Arc::clone(&map);
            move |request| {
                let known = lock(&map).clone();
                pass_on(request, &known).unwrap_or_else(|error| Response::text(502, error.to_string()).into())
            }
        });
        Self { service, map }
    }

    /// Requests for that `host:port` are connected to this port on loopback.
    pub fn map(&self, authority: &str, port: u16) {
        lock(&self.map).insert(authority.to_owned(), format!("127.0.0.1:{port}"));
    }

    /// The targets of all requests, for example `CONNECT host:port` or `POST http://host/`.
    pub fn targets(&self) -> Vec<String> {
        self.requests().iter().map(|request| format!("{} {}", request.method, request.target)).collect()
    }
}

/// `fail(407)` and `fail(502)` make the proxy answer with an error.
impl Deref for FakeProxy {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}

fn pass_on(request: &Request, map: &HashMap<String, String>) -> io::Result<Reply> {
    if request.method == "CONNECT" {
        return connect(&request.target, map).map(Reply::Tunnel);
    }
    let rest = request.target.strip_prefix("http://").ok_or_else(|| io::Error::other("not a request to a proxy"))?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let authority = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
    let mut upstream = connect(&authority, map)?;
    upstream.write_all(&forwarded(request, path))?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer)?;
    Ok(Reply::Raw(answer))
}

/// The request in the form that an origin server expects, with `Connection: close`.
fn forwarded(request: &Request, path: &str) -> Vec<u8> {
    let path = if path.is_empty() { "/" } else { path };
    let passed = |name: &str| name != "connection" && !name.starts_with("proxy-");
    let headers = request.headers.iter().filter(|(name, _)| passed(name));
    let headers: String = headers.map(|(name, value)| [name, ": ", value, "\r\n"].concat()).collect();
    let head = format!("{} {path} HTTP/1.1\r\n{headers}connection: close\r\n\r\n", request.method);
    [head.as_bytes(), &request.body].concat()
}

fn connect(authority: &str, map: &HashMap<String, String>) -> io::Result<TcpStream> {
    let target = map.get(authority).map_or(authority, String::as_str);
    // A name that is not mapped is not looked up: a test must not depend on the network, or reach it.
    let local = target.starts_with("127.") || target.starts_with("localhost:");
    let address = local.then(|| target.to_socket_addrs().ok()?.find(|address| address.ip().is_loopback())).flatten();
    let address = address.ok_or_else(|| io::Error::other(format!("{authority} is not on this machine")))?;
    TcpStream::connect(address)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};

    use super::super::sts::FakeSts;
    use super::*;

    /// Sends a request head. Returns the status line and everything after it.
    fn exchange(proxy: &FakeProxy, head: &str) -> (String, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).expect("it listens");
        stream.write_all(head.as_bytes()).expect("it reads");
        let mut reader = BufReader::new(stream);
        let (mut status, mut rest) = (String::new(), String::new());
        reader.read_line(&mut status).expect("it answers");
        reader.read_to_string(&mut rest).expect("it answers in text");
        (status.trim_end().to_owned(), rest)
    }

    #[test]
    fn it_tunnels_and_forwards_to_loopback_only() {
        let sts = FakeSts::start();
        let proxy = FakeProxy::start();
        proxy.map("sts.eu-west-1.amazonaws.com:443", sts.port());
        let inner = "GET /?Action=GetCallerIdentity HTTP/1.1\r\nConnection: close\r\n\r\n";
        let tunneled = format!("CONNECT sts.eu-west-1.amazonaws.com:443 HTTP/1.1\r\n\r\n{inner}");
        let (status, rest) = exchange(&proxy, &tunneled);
        assert_eq!(status, "HTTP/1.1 200 Connection established");
        assert!(rest.contains("MissingAuthenticationToken"), "{rest}");
        let url = sts.url();
        let (status, _) = exchange(&proxy, &format!("GET {url}/?Action=GetCallerIdentity HTTP/1.1\r\n\r\n"));
        assert_eq!(status, "HTTP/1.1 403 Forbidden");
        let (status, _) = exchange(&proxy, "CONNECT example.com:443 HTTP/1.1\r\nConnection: close\r\n\r\n");
        assert_eq!(status, "HTTP/1.1 502 Bad Gateway");
        assert_eq!(proxy.targets()[0], "CONNECT sts.eu-west-1.amazonaws.com:443");
        assert_eq!(sts.requests().len(), 2);
        proxy.fail(407);
        let (status, _) = exchange(&proxy, &format!("GET {url} HTTP/1.1\r\nConnection: close\r\n\r\n"));
        assert_eq!(status, "HTTP/1.1 407 Proxy Authentication Required");
    }
}
