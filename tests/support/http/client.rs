//! A client for one plain HTTP request. Tests use it to call a fake, or the endpoint of xassume, directly.

use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::message::{header_of, read_headers, read_line};

/// Longer than any answer takes. If a server hangs, the test fails instead of running forever.
const TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug, Clone)]
pub struct Received {
    pub status: u16,
    /// Names are in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        header_of(&self.headers, name)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// # Panics
    /// Panics, showing the body, if that is not JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

pub fn get(url: &str, headers: &[(&str, &str)]) -> io::Result<Received> {
    send("GET", url, headers, b"")
}

/// Sends one request to an `http://host:port/…` URL and reads the answer to its end.
pub fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Received> {
    let rest = url.strip_prefix("http://").ok_or_else(|| io::Error::other("only http:// is spoken here"))?;
    let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let length = body.len();
    let fields: String = headers.iter().map(|(name, value)| [name, ": ", value, "\r\n"].concat()).collect();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{fields}Content-Length: {length}\r\n\r\n"
    );

    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(&[request.as_bytes(), body].concat())?;
    receive(stream)
}

fn receive(stream: TcpStream) -> io::Result<Received> {
    let mut reader = BufReader::new(stream);
    let line = read_line(&mut reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = line.split(' ').nth(1).and_then(|word| word.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("not a status line: {line}")))?;
    let headers = read_headers(&mut reader)?;
    let mut body = Vec::new();
    match header_of(&headers, "content-length").and_then(|length| length.parse::<usize>().ok()) {
        Some(length) => {
            body.resize(length, 0);
            reader.read_exact(&mut body)?;
        }
        None => drop(reader.read_to_end(&mut body)?),
    }
    Ok(Received { status, headers, body })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Reply, Response, Server};
    use super::*;

    fn reply(path: &str) -> Reply {
        let response = Response::text(200, "hello");
        match path {
            "/drip" => Reply::Drip { response, per_byte: Duration::from_micros(100) },
            "/later" => Reply::After(Duration::from_millis(5), Box::new(response.into())),
            "/reset" => Reply::Reset { response, after: 0 },
            "/cut" => Reply::Reset { response, after: 10 },
            "/raw" => Reply::Raw(b"nonsense".to_vec()),
            "/hang" => Reply::Hang,
            _ => response.into(),
        }
    }

    #[test]
    fn the_client_sees_every_kind_of_reply() {
        let server = Server::start(|request| reply(request.path()));
        for path in ["/", "/drip", "/later"] {
            let received = get(&format!("{}{path}", server.url()), &[]).expect("answered");
            assert_eq!((received.status, received.text().as_str()), (200, "hello"), "{path}");
        }
        for path in ["/reset", "/cut"] {
            let error = get(&format!("{}{path}", server.url()), &[]).expect_err("reset");
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{path}");
        }
        assert!(get(&format!("{}/raw", server.url()), &[]).is_err());
    }

    #[test]
    fn a_connection_serves_several_requests_and_a_stopped_server_none() {
        let server = Server::start(|request| reply(request.path()));
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).expect("it listens");
        for _ in 0..3 {
            stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("still open");
            let received = receive(stream.try_clone().expect("a socket can be cloned")).expect("answered");
            assert_eq!(received.text(), "hello");
        }
        stream.write_all(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n").expect("still open");
        server.stop();
        assert!(get(&server.url(), &[]).is_err(), "the port is closed");
    }
}
