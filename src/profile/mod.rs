//! From the shared config files and the environment to a plan: the source credentials and the role chain.
//!
//! `text` tells what each line is, `set` what the files say, `source` and `chain` how a profile gets credentials,
//! `hops` how each role is assumed, `network` how STS is reached, `proxy` by whose help; `plan` puts them together.
//! `metadata` says how an instance is asked,
//! `ignored` names what has no place in a plan, `exported` what the command keeps of the profile. All of it is pure: the
//! caller has read the files and the environment.

mod chain;
mod conflicts;
mod draft;
mod exported;
mod hops;
#[cfg(any(test, fuzzing))]
pub(crate) mod hostile;
mod ignored;
mod metadata;
mod network;
mod plan;
mod proxy;
mod quotes;
mod request;
mod set;
mod source;
pub(crate) mod text;

pub(crate) use exported::exported_settings;
pub(crate) use hops::RoleChain;
pub(crate) use metadata::Metadata;
pub(crate) use network::{Region, endpoint, region_name};
pub(crate) use plan::{Plan, plan};
pub(crate) use proxy::{Proxies, Proxy};
pub(crate) use request::{ProfileChoice, ProfileFrom, Request};
pub(crate) use set::{DEFAULT, ProfileSet};
pub(crate) use source::{Source, TokenFrom};
