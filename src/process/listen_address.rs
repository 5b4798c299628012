//! The addresses of `--listen`.

use crate::role::Invalid;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::fmt;
use std::path::PathBuf;

/// The maximum number of bytes in the path of a Unix socket (see unix(7)).
const MOST_PATH_BYTES: usize = 107;

/// An address on which xassume listens for the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListenAddress {
    Ip(SocketAddr),
    /// All addresses of this system, by IPv6 and by IPv4, and this port.
    DualStack(u16),
    /// A Unix socket with this absolute path.
    Unix(PathBuf),
}

impl ListenAddress {
    /// Parses `PORT`, `*:PORT`, `ADDRESS:PORT`, `[ADDRESS]:PORT` or `unix:/PATH`. Host names are not resolved, because
    /// a name may have several addresses. With port 0, the kernel chooses a port.
    ///
    /// # Errors
    /// The text is not an address.
    pub(crate) fn parse(text: &str) -> Result<Self, Invalid> {
        if let Some(path) = text.strip_prefix("unix:") {
            return unix(path);
        }
        let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let port =
            |text: &str| text.parse::<u16>().map_err(|_| Invalid::new("the port must be at most 65535").hint(FORMS));
        if all_digits(text) {
            return port(text).map(|port| Self::Ip((Ipv4Addr::LOCALHOST, port).into()));
        }
        match text.strip_prefix("*:").filter(|rest| all_digits(rest)) {
            Some(rest) => port(rest).map(Self::DualStack),
            None => ip(text),
        }
    }

    /// Checks whether this address is in `others`, so that it can be bound only once. Port 0 is another port each time.
    pub(crate) fn is_repeated(&self, others: &[Self]) -> bool {
        self.ip().is_none_or(|address| address.port() != 0) && others.contains(self)
    }

    /// Returns the IP address and port, or `None` for a Unix socket. A dual-stack socket has the unspecified IPv6
    /// address.
    pub(crate) fn ip(&self) -> Option<SocketAddr> {
        match self {
            Self::Ip(address) => Some(*address),
            Self::DualStack(port) => Some((Ipv6Addr::UNSPECIFIED, *port).into()),
            Self::Unix(_) => None,
        }
    }

    /// Returns the same address with another port. A Unix socket has no port and stays the same.
    #[must_use]
    pub(crate) fn with_port(&self, port: u16) -> Self {
        match self {
            Self::Ip(address) => Self::Ip(SocketAddr::new(address.ip(), port)),
            Self::DualStack(_) => Self::DualStack(port),
            Self::Unix(path) => Self::Unix(path.clone()),
        }
    }
}

const FORMS: &str = "use PORT, ADDRESS:PORT, [IPV6-ADDRESS]:PORT, *:PORT or unix:/PATH; host names are not resolved";

/// Parses an IP address and a port. Refuses the addresses that the kernel refuses without a reason.
fn ip(text: &str) -> Result<ListenAddress, Invalid> {
    const ZONE: &str = "add the number of its interface, for example [fe80::1%2]:80; `ip link` lists the numbers";
    let address: SocketAddr = text.parse().map_err(|_| {
        Invalid::new("not an address and a port").hint(if text.starts_with("[fe80:") { ZONE } else { FORMS })
    })?;
    let (is_group, mapped) = match address.ip() {
        IpAddr::V4(ip) => (ip.is_multicast() || ip.is_broadcast(), None),
        IpAddr::V6(ip) => (ip.is_multicast(), ip.to_ipv4_mapped()),
    };
    match address {
        _ if is_group => Err(Invalid::new("a multicast or broadcast address has no connections").hint(FORMS)),
        SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() && v6.scope_id() == 0 => {
            Err(Invalid::new("a link-local address needs an interface").hint(ZONE))
        }
        _ => match mapped {
            Some(v4) => Err(Invalid::new("an IPv4 address in the form of IPv6")
                .hint(format!("use {}", SocketAddr::new(v4.into(), address.port())))),
            None => Ok(ListenAddress::Ip(address)),
        },
    }
}

fn unix(path: &str) -> Result<ListenAddress, Invalid> {
    if !path.starts_with('/') {
        return Err(
            Invalid::new("the path of a Unix socket must be absolute").hint("for example unix:/run/app/http.sock")
        );
    }
    if path.len() > MOST_PATH_BYTES {
        let reason =
            format!("the path of a Unix socket must have at most {MOST_PATH_BYTES} bytes, but has {}", path.len());
        return Err(Invalid::new(reason).hint("use a shorter path, for example in /run"));
    }
    Ok(ListenAddress::Unix(path.into()))
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::DualStack(port) => write!(f, "*:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_parsed() {
        for (text, shown) in [
            ("8080", "127.0.0.1:8080"),
            ("0", "127.0.0.1:0"),
            ("*:80", "*:80"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::1]:8080", "[::1]:8080"),
            ("[::]:65535", "[::]:65535"),
            ("[fe80::1%2]:80", "[fe80::1%2]:80"),
            ("unix:/run/a b.sock", "unix:/run/a b.sock"),
        ] {
            assert_eq!(ListenAddress::parse(text).expect(text).to_string(), shown);
        }
        let longest = format!("unix:/{}", "x".repeat(MOST_PATH_BYTES - 1));
        assert!(ListenAddress::parse(&longest).is_ok());
        assert!(ListenAddress::parse(&format!("{longest}x")).is_err());
    }

    #[test]
    fn other_forms_are_errors() {
        for text in [
            "localhost:80",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:x",
            "127.0.0.1:65536",
            "65536",
            "99999999999999999999",
            "-1",
            "*",
            "*:",
            "*:65536",
            ":80",
            "::1:80",
            "[::1]",
            "unix:",
            "unix:app.sock",
            "unix:@app",
            "/run/app.sock",
            "tcp://127.0.0.1:80",
            "[::ffff:127.0.0.1]:80",
            "[ff02::1]:80",
            "[fe80::1]:80",
            "[fe80::1%eth0]:80",
            "224.0.0.1:80",
            "255.255.255.255:80",
            "80 ",
            "",
        ] {
            assert!(ListenAddress::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_address_with_a_port_can_be_bound_once() {
        let parse = |text: &str| ListenAddress::parse(text).expect(text);
        let repeated = |one: &str, two: &str| parse(one).is_repeated(&[parse("[::1]:1"), parse(two)]);
        assert!(repeated("80", "127.0.0.1:80") && repeated("*:80", "*:80") && repeated("unix:/a//b", "unix:/a/b"));
        assert!(
            !repeated("80", "81") && !repeated("0", "0") && !repeated("*:0", "*:0") && !repeated("unix:/a", "unix:/b")
        );
    }

    #[test]
    fn a_chosen_port_replaces_zero() {
        let port = |text: &str| ListenAddress::parse(text).expect(text).with_port(7).to_string();
        assert_eq!(["0", "*:0", "[::1]:0", "unix:/a"].map(port), ["127.0.0.1:7", "*:7", "[::1]:7", "unix:/a"]);
    }
}
