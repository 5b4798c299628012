//! How the session reaches the command.

pub(crate) mod config_copy;
pub(crate) mod document;
pub(crate) mod endpoint;
pub(crate) mod environment;
pub(crate) mod file;
pub(crate) mod folder;
pub(crate) mod output;
pub(crate) mod process;
mod publish;
mod replace;
mod serving;
