//! A role and the options with which it is assumed.
//!
//! Each value is parsed once and checked against the limits of AWS, so no invalid value reaches the network. The
//! functions are pure: they use no environment variables, no files and no clock.

mod arn;
mod hop;
#[cfg(any(test, fuzzing))]
pub(crate) mod hostile;
mod invalid;
mod mfa;
mod options;
mod tags;

pub(crate) use arn::{RoleArn, is_account, split_list as split_roles};
pub(crate) use hop::{Hop, HopOptions, ProfileKey};
pub(crate) use invalid::{Invalid, one_of};
pub(crate) use mfa::{MFA_SESSION, MfaCode, parse_mfa_session};
pub(crate) use options::{
    ExternalId, MfaSerial, PolicyArn, RoleSessionName, SessionDuration, SessionPolicy, SourceIdentity, duration_within,
    parse_duration,
};
pub(crate) use tags::{Tag, TagKey, check_tags, parse_session_tags, parse_transitive_session_tags};

/// The maximum number of hops in a role chain.
pub(crate) const MAX_HOPS: usize = 10;
