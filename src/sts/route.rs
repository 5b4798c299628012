//! The route of a request, which is direct or through a proxy. If a request through a proxy fails, its error also
//! contains the proxy.

use crate::profile::Proxy;
use aws_smithy_runtime_api::client::result::ConnectorError;
use std::error::Error;
use std::fmt;

/// The URL of a request, and the proxy through which the request is sent. The proxy is `None` if the request is sent
/// directly.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) url: String,
    pub(super) proxy: Option<Proxy>,
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)?;
        match &self.proxy {
            Some(proxy) => write!(f, " (through the proxy {})", proxy.url),
            None => Ok(()),
        }
    }
}

/// The error of a request that was sent through a proxy. Its text does not contain the name of the proxy. Otherwise, a
/// word in that name could be mistaken for a part of the error, because errors are recognized by words in their texts.
#[derive(Debug, thiserror::Error)]
#[error("through a proxy")]
struct ThroughProxy {
    proxy: Proxy,
    #[source]
    error: ConnectorError,
}

/// Adds the proxy to an error. The kind of the error stays the same, because the SDK decides by it whether to try
/// again.
pub(super) fn through(proxy: Proxy, error: ConnectorError) -> ConnectorError {
    let (timeout, io, user, kind) = (error.is_timeout(), error.is_io(), error.is_user(), error.as_other());
    let error = Box::new(ThroughProxy { proxy, error });
    match (timeout, io, user) {
        (true, ..) => ConnectorError::timeout(error),
        (_, true, _) => ConnectorError::io(error),
        (.., true) => ConnectorError::user(error),
        _ => ConnectorError::other(error, kind),
    }
}

/// Returns the proxy through which a failed request was sent. Returns `None` if the request was sent directly.
pub(super) fn proxy_of<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e Proxy> {
    let mut errors = std::iter::successors(Some(error), |error| (*error).source());
    errors.find_map(|error| error.downcast_ref::<ThroughProxy>()).map(|through| &through.proxy)
}
