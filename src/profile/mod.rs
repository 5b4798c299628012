//! Makes the plan, which consists of the source credentials and the role chain, from the shared config files and the
//! environment. The functions are pure: the caller reads the files and the environment.
//!
//! | module | contents |
//! |---|---|
//! | `text`, `quotes` | the lines of a file |
//! | `set` | both files, merged by profile |
//! | `source`, `token`, `chain` | where the credentials of a profile come from |
//! | `draft`, `hops` | how each role is assumed |
//! | `conflicts` | conflicts between flags that depend on the profiles |
//! | `setting` | the value of a variable or a profile key |
//! | `network`, `proxy` | how STS is reached |
//! | `metadata` | how instance metadata is requested |
//! | `label` | what identifies the session in a prompt |
//! | `plan` | the whole plan |
//! | `ignored` | settings without effect |
//! | `exported` | settings of the profile that the command gets |

mod chain;
mod conflicts;
mod draft;
mod exported;
mod hops;
#[cfg(any(test, fuzzing))]
pub(crate) mod hostile;
mod ignored;
mod label;
mod metadata;
mod network;
mod plan;
mod proxy;
mod quotes;
mod request;
mod set;
mod setting;
mod source;
pub(crate) mod text;
mod token;

pub(crate) use exported::exported_settings;
#[cfg(test)]
pub(crate) use hops::RoleChain;
pub(crate) use label::label;
pub(crate) use metadata::Metadata;
#[cfg(test)]
pub(crate) use network::Network;
pub(crate) use network::{Region, endpoint};
pub(crate) use plan::{Plan, plan};
pub(crate) use proxy::{Proxies, Proxy};
pub(crate) use request::{AlsoRole, Request};
pub(crate) use set::{DEFAULT, ProfileSet};
pub(crate) use source::{Source, SsoSession};
pub(crate) use token::{Audience, TokenFrom, TokenSource};
