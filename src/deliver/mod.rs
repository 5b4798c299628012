//! How the session reaches the command.

pub(crate) mod config_copy;
pub(crate) mod environment;
pub(crate) mod file;
pub(crate) mod folder;
