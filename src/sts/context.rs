//! What is known on the way from the source to the session, for those who want to hear of it.

use super::http::StsConnection;
use super::source::Proof;
use crate::mfa::MfaSession;
use crate::mfa::mode::KeyKind;
use crate::session::{Granted, Keys};
use std::time::Duration;

/// What the source gave, and the way to STS that follows from it.
#[derive(Debug)]
pub(crate) struct SourceCredentials {
    pub(super) proof: Proof,
    pub(crate) instance_region: Option<String>,
    /// The region in which STS is asked.
    pub(crate) region: String,
    pub(super) line: StsConnection,
    /// How long the calls to STS may take.
    pub(super) left: Duration,
}

impl SourceCredentials {
    /// The keys, unless it is a web identity token.
    pub(crate) fn keys(&self) -> Option<&Keys> {
        self.proof.keys()
    }

    /// What kind of keys sign the first call. A token file gives none, but the session of its role is what a later
    /// role's code goes with.
    pub(crate) fn kind(&self) -> KeyKind {
        self.keys().map_or(KeyKind::Temporary, KeyKind::of)
    }

    /// STS's clock less the local one, in seconds, once STS has answered.
    pub(crate) fn skew_secs(&self) -> Option<i64> {
        self.line.date.skew()
    }
}

/// An answer on the way to a session.
#[derive(Debug)]
pub(crate) enum Heard<'a> {
    /// The MFA session of an earlier run signs the first call.
    KeptMfaSession(&'a MfaSession),
    /// A code has bought an MFA session, which signs the first call.
    NewMfaSession(&'a MfaSession),
    /// A hop was assumed; each in its turn.
    Granted(&'a Granted),
}

/// What all calls for one session share.
#[derive(Clone, Copy)]
pub(super) struct CallContext<'a> {
    pub(super) region: &'a str,
    pub(super) line: &'a StsConnection,
    /// How long the calls may take.
    pub(super) left: Duration,
    pub(super) heard: &'a dyn Fn(Heard<'_>),
}
