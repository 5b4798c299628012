//! How the session reaches the command.

pub(crate) mod config_copy;
mod connections;
pub(crate) mod document;
pub(crate) mod endpoint;
pub(crate) mod environment;
pub(crate) mod file;
pub(crate) mod folder;
pub(crate) mod isolated;
pub(crate) mod output;
mod place;
pub(crate) mod process;
mod publish;
pub(crate) mod published;
mod random;
mod replace;
mod serving;
pub(crate) mod token_file;
mod trusted;
