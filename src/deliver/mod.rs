//! Delivery: how the session reaches the command.

pub(crate) mod config_copy;
mod connections;
pub(crate) mod endpoint;
pub(crate) mod env_file;
pub(crate) mod environment;
pub(crate) mod file;
pub(crate) mod isolated;
mod location;
mod plain_path;
pub(crate) mod process;
mod publish;
pub(crate) mod published;
mod replace;
pub(crate) mod run_directory;
mod serving;
mod settings;
pub(crate) mod token_file;
mod trusted;

pub(crate) use environment::names::isolation_sets;
pub(crate) use settings::{DeliverySettings, Via};
