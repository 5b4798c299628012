//! The settings of the delivery.

use crate::origin::Origin;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The settings that decide what the command gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeliverySettings {
    pub(crate) via: Via,
    /// The file for the variables with which other programs find the credentials (`--env-file`).
    pub(crate) env_file: Option<PathBuf>,
    /// The names of the variables that are not removed (`--keep-env`).
    pub(crate) keep: Vec<OsString>,
    /// The flag or the variable that gives the names in `keep`.
    pub(crate) keep_by: Origin,
    pub(crate) isolate: bool,
}

/// How the session reaches the command (`--via`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Via {
    Env,
    /// A credentials file at the path of `--credentials-file`, or in a private directory if `path` is `None`.
    File {
        path: Option<PathBuf>,
        mode: u32,
    },
    /// An endpoint at `address` (`--endpoint-address`), or at a free port of the loopback interface if this is `None`.
    /// Its token is also written to `token_file` (`--endpoint-token-file`), unless this is `None`.
    Endpoint {
        address: Option<SocketAddr>,
        token_file: Option<PathBuf>,
    },
    Process,
}
