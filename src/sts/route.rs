//! The route of a request, directly or through a proxy, and the proxy's part in an error.

use crate::profile::Proxy;
use aws_smithy_runtime_api::client::result::ConnectorError;
use std::error::Error;
use std::fmt;

/// The URL of a request and the proxy that it is sent through.
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

/// The error of a request that was sent through a proxy. Its text does not contain the proxy's name: errors are
/// classified by words in their texts.
#[derive(Debug)]
struct ThroughProxy {
    proxy: Proxy,
    error: ConnectorError,
}

impl fmt::Display for ThroughProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("through a proxy")
    }
}

impl Error for ThroughProxy {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

/// Adds the proxy to an error, which stays of the same kind to the SDK.
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

/// The proxy of a request that failed.
pub(super) fn proxy_of<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e Proxy> {
    let mut errors = std::iter::successors(Some(error), |error| (*error).source());
    errors.find_map(|error| error.downcast_ref::<ThroughProxy>()).map(|through| &through.proxy)
}
