//! Gets sessions from STS. This is the only module that uses the AWS SDK.
//!
//! The calls are made with the SDK's STS client. The SDK's ready-made credentials provider does not support MFA codes,
//! source identities and transitive tags, and it hides the ARN of the assumed role.
//!
//! | file | content |
//! |---|---|
//! | `session` | fetches a session: gets the source credentials, then assumes the roles |
//! | `source` | gets the source credentials: web identity, programs, logins, containers, instance metadata |
//! | `chain` | assumes the roles, with MFA if it is configured |
//! | `call` | makes one call: `AssumeRole`, `AssumeRoleWithWebIdentity`, `GetSessionToken`, `GetCallerIdentity` |
//! | `proof`, `limits` | what authenticates a call, and how long all calls may take |
//! | `answer` | reads a successful answer |
//! | `cause`, `refusal`, `failure` | find out why a call failed, and what an error code or a network error means |
//! | `attempts` | counts the attempts of a call and decides when to try again |
//! | `connection`, `http`, `route`, `date` | the connection to STS, its requests, their proxy, and the server's clock |
//! | `names` | resolves host names |
//! | `network`, `endpoint` | the settings of the network, and the URLs of the services |

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
mod limits;
mod names;
mod network;
mod proof;
mod refusal;
mod route;
mod session;
mod source;
#[cfg(test)]
mod truncated;

pub(crate) use chain::Mfa;
pub(crate) use endpoint::endpoint;
pub(crate) use limits::Limits;
pub(crate) use network::{Network, read_bundle};
pub(crate) use session::Sts;
pub(crate) use source::device_grant::DeviceGrant;
pub(crate) use source::login_file::LoginContext;
pub(crate) use source::process::Helpers;
