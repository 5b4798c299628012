//! HTTP messages: parsing requests, writing responses.

use std::fmt::Write as _;
use std::io::{self, BufRead, Read};

/// Far above anything that a test sends. A larger request is a mistake and closes the connection.
const MAX_HEAD: u64 = 64 * 1024;
const MAX_BODY: u64 = 1024 * 1024;

#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// The request target as sent: a path with its query, an absolute URL (through a proxy), or `host:port` (CONNECT).
    pub target: String,
    /// Names are in lower case; the order is that of the request.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether the request came over TLS.
    pub tls: bool,
}

impl Request {
    /// Reads the next request of a connection; `None` when the client has closed it.
    ///
    /// # Errors
    /// The connection fails, or this is not a request.
    pub fn read(reader: &mut impl BufRead, tls: bool) -> io::Result<Option<Self>> {
        let mut head = reader.by_ref().take(MAX_HEAD);
        let Some(line) = read_line(&mut head)? else { return Ok(None) };
        let mut words = line.split(' ');
        let (Some(method), Some(target), Some("HTTP/1.1" | "HTTP/1.0")) = (words.next(), words.next(), words.next())
        else {
            return Err(malformed("request line"));
        };
        let headers = read_headers(&mut head)?;
        let length = header_of(&headers, "content-length").map_or(Ok(0), str::parse);
        let length: u64 = length.map_err(|_| malformed("Content-Length"))?;
        if length > MAX_BODY || header_of(&headers, "transfer-encoding").is_some() {
            return Err(malformed("body"));
        }
        let mut body = Vec::new();
        reader.by_ref().take(length).read_to_end(&mut body)?;
        Ok(Some(Self { method: method.to_owned(), target: target.to_owned(), headers, body, tls }))
    }

    /// The first header of that name. `name` is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        header_of(&self.headers, name)
    }

    /// The path of the target, whichever form the target has.
    pub fn path(&self) -> &str {
        self.path_and_query().0
    }

    /// The decoded query.
    pub fn query(&self) -> Vec<(String, String)> {
        decode_form(self.path_and_query().1)
    }

    fn path_and_query(&self) -> (&str, &str) {
        let origin = match self.target.split_once("://") {
            Some((_, rest)) => rest.find(['/', '?']).map_or("/", |start| &rest[start..]),
            None => &self.target,
        };
        origin.split_once('?').unwrap_or((origin, ""))
    }

    /// Whether the client will send no other request on this connection.
    pub(super) fn is_last(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// A line without its ending; `None` at the end of the stream.
pub(super) fn read_line(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    let text = line.strip_suffix(b"\r\n").or_else(|| line.strip_suffix(b"\n"));
    let text = text.ok_or_else(|| malformed("line"))?;
    String::from_utf8(text.to_vec()).map(Some).map_err(|_| malformed("line"))
}

pub(super) fn read_headers(reader: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader)?.ok_or_else(|| malformed("head"))?;
        if line.is_empty() {
            return Ok(headers);
        }
        let (name, value) = line.split_once(':').ok_or_else(|| malformed("header"))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

pub(super) fn header_of<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("malformed {what}"))
}

#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }.header("Content-Type", content_type)
    }

    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self::new(status, "text/plain", body.into())
    }

    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The bytes to send.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.head(self.body.len() as u64);
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// The status line and headers of a response whose body has that length.
    pub(super) fn head(&self, length: u64) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = write!(head, "Content-Length: {length}\r\n\r\n");
        head.into_bytes()
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        407 => "Proxy Authentication Required",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Answer",
    }
}

/// `application/x-www-form-urlencoded`, in the order of the text.
pub fn decode_form(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decode(&name.replace('+', " ")), percent_decode(&value.replace('+', " ")))
        })
        .collect()
}

/// Decodes percent-encoding. An invalid escape is copied unchanged.
pub fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        let byte = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_decoded_in_order() {
        let form = decode_form("Action=AssumeRole&Policy=%7B%22a+b%22%3A1%7D&Empty=&100%");
        let pairs: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("Action", "AssumeRole"), ("Policy", "{\"a b\":1}"), ("Empty", ""), ("100%", "")]);
    }

    #[test]
    fn the_path_is_found_in_every_form_of_target() {
        for (target, path) in [("/a?b=c", "/a"), ("http://host:1/a?b=c", "/a"), ("http://host", "/"), ("/", "/")] {
            let line = format!("GET {target} HTTP/1.1\r\n\r\n");
            let request = Request::read(&mut line.as_bytes(), false).expect("well formed").expect("present");
            assert_eq!(request.path(), path, "{target}");
        }
    }
}
