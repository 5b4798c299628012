//! Sessions from STS. The only module that uses the AWS SDK.
//!
//! The calls are made with the SDK's STS client: its ready-made provider has no MFA codes, source identities and
//! transitive tags, and hides the assumed-role ARN.
//!
//! | file | content |
//! |---|---|
//! | `session` | fetches a session: source credentials, then the roles |
//! | `source` | source credentials: web identity, programs, logins, containers, instance metadata |
//! | `chain` | assumes the roles, with MFA where it is configured |
//! | `call` | one call: `AssumeRole`, `GetSessionToken`, `GetCallerIdentity` |
//! | `answer` | what a successful answer contains |
//! | `cause`, `refusal`, `failure` | why a call failed; what an error code of STS means; what a network error means |
//! | `attempts` | the attempts of a call, and when to try again |
//! | `connection`, `http`, `route`, `date` | the connection to STS, its requests, their proxy, the server's clock |
//! | `network`, `endpoint` | endpoint, certificates, proxies, URLs |

mod answer;
mod attempts;
mod call;
mod cause;
mod chain;
mod connection;
mod date;
mod endpoint;
mod failure;
#[cfg(any(test, fuzzing))]
pub(crate) mod hostile;
mod http;
mod network;
mod refusal;
mod route;
mod session;
mod source;
#[cfg(test)]
mod truncated;

pub(crate) use chain::{Limits, Mfa};
pub(crate) use endpoint::endpoint;
pub(crate) use network::{Network, read_bundle};
pub(crate) use session::Sts;
pub(crate) use source::process::Helpers;
