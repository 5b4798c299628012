//! Decides which requests need no proxy because of an entry of `NO_PROXY`.

use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;

/// Checks whether `NO_PROXY` contains the host of a URL. Commas or white space separate the entries. An entry is `*`
/// for all hosts, an address, a network, or a name. A name includes all names below it, so `name`, `.name` and `*.name`
/// are the same. An entry with a port applies to that port only. A trailing dot has no meaning.
pub(super) fn is_direct(no_proxy: &str, target: &Uri) -> bool {
    let standard = if target.scheme_str() == Some("https") { 443 } else { 80 };
    let requested = target.port_u16().unwrap_or(standard);
    let mut entries = no_proxy.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
    entries.any(|entry| {
        let (host, port) = host_and_port(entry);
        let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
        let host = host.strip_suffix('.').unwrap_or(host);
        let matches = || Matcher::builder().all("http://proxy").no(host).build().intercept(target).is_none();
        port.is_none_or(|port| port == requested) && (host == "*" || matches())
    })
}

/// Returns the host of an entry, without the brackets of an IPv6 address, and the port. If the text after the last `:`
/// is not a port, it belongs to the host.
fn host_and_port(entry: &str) -> (&str, Option<u16>) {
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    };
    (host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host), port)
}
