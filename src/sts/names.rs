//! Resolves host names.
//!
//! The C library is asked in the usual way first. If that fails, or takes long, the name is also looked up without the
//! search domains of `/etc/resolv.conf`, and separately for IPv4 and IPv6. musl needs this: unlike glibc it stops at
//! the first search domain whose server returns an error or an empty answer (Kubernetes sets `ndots:5`, so search
//! domains come first), and it ignores the IPv4 addresses if the server returns an error for IPv6.

use crate::sys::names::{Family, addresses};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long to wait for the usual lookup before the second lookup begins. After an error of a name server, musl asks
/// again for 10 s, which is longer than a connection may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// The time limit for both lookups. It is less than that of a connection, so that the error is about the name.
const LIMIT: Duration = Duration::from_millis(4500);

/// Resolves host names for the HTTP client.
#[derive(Debug, Clone)]
pub(super) struct HostNames;

impl ResolveDns for HostNames {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let found = timeout(LIMIT, resolve(name)).await.unwrap_or_else(|late| Err(late.into()));
            found.map_err(ResolveDnsError::new)
        })
    }
}

async fn resolve(name: &str) -> io::Result<Vec<IpAddr>> {
    let mut usual = pin!(usual(name));
    match timeout(PATIENCE, &mut usual).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => absolute(name).await.map_err(|_| error),
        Err(_) => tokio::select! {
            usual = &mut usual => match usual {
                Ok(found) => Ok(found),
                Err(error) => absolute(name).await.map_err(|_| error),
            },
            Ok(found) = absolute(name) => Ok(found),
        },
    }
}

async fn usual(name: &str) -> io::Result<Vec<IpAddr>> {
    Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
}

/// Looks up a name without the search domains. The final dot makes a name absolute. `/etc/hosts` contains no such name,
/// so this lookup cannot replace the usual one.
async fn absolute(name: &str) -> io::Result<Vec<IpAddr>> {
    check_threads()?;
    let name = format!("{}.", name.trim_end_matches('.'));
    let lookup = move || addresses(&name, Family::V4).or_else(|_| addresses(&name, Family::V6));
    spawn_blocking(lookup).await?
}

/// Checks that a thread can be started. Tokio resolves host names in a new thread, and panics if the system refuses to
/// start it. With this check, there is an error instead of a panic, and the request can be tried again.
pub(super) fn check_threads() -> io::Result<()> {
    let tried = std::thread::Builder::new().spawn(|| ());
    let named = |error: io::Error| {
        let text = format!("no thread to resolve the host name: {error}");
        io::Error::new(error.kind(), text)
    };
    tried.map_err(named).map(|thread| drop(thread.join()))
}
