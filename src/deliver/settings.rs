//! The settings of the delivery.

use crate::origin::Origin;
use std::ffi::OsString;
use std::path::PathBuf;

/// What the command gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeliverySettings {
    pub(crate) via: Via,
    /// The variables that are not removed.
    pub(crate) keep: Vec<OsString>,
    /// Where their names come from.
    pub(crate) keep_by: Origin,
    pub(crate) isolate: bool,
}

/// How the session reaches the command (`--via`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Via {
    Env,
    /// At the path of `--credentials-file`, else in a private directory.
    File {
        path: Option<PathBuf>,
        mode: u32,
    },
    /// With the token in the file of `--endpoint-token-file`, too.
    Endpoint {
        token_file: Option<PathBuf>,
    },
    Process,
}
