//! From the shared config files and the environment to a plan: the source credentials and the role chain. Pure: the caller
//! reads the files and the environment.
//!
//! | module | contents |
//! |---|---|
//! | `text`, `quotes` | what each line of a file is |
//! | `set` | both files together, by profile |
//! | `source`, `chain` | where a profile's credentials come from |
//! | `draft`, `hops` | how each role is assumed |
//! | `conflicts` | flags that exclude each other depending on the profiles |
//! | `setting` | what a variable or the profile sets |
//! | `network`, `region_name`, `proxy` | how STS is reached |
//! | `metadata` | how instance metadata is requested |
//! | `plan` | all of it together |
//! | `ignored` | settings without effect |
//! | `exported` | settings of the profile for the command |

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
mod region_name;
mod request;
mod set;
mod setting;
mod source;
pub(crate) mod text;

pub(crate) use exported::exported_settings;
pub(crate) use hops::RoleChain;
pub(crate) use metadata::Metadata;
#[cfg(test)]
pub(crate) use network::{Network, RegionFrom};
pub(crate) use network::{Region, endpoint};
pub(crate) use plan::{Plan, plan};
pub(crate) use proxy::{Proxies, Proxy};
pub(crate) use region_name::region_name;
pub(crate) use request::Request;
pub(crate) use set::{DEFAULT, ProfileSet};
pub(crate) use source::{Source, TokenFrom};
