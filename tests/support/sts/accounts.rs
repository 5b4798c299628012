//! The access keys that the fake knows, and the caller that a request's key belongs to.

use std::collections::HashMap;
use std::time::SystemTime;

use super::super::identities::Identity;
use super::request::StsRequest;
use super::xml::Fault;

/// An identity, and what STS knows about its session.
#[derive(Debug, Clone)]
pub(super) struct Principal {
    pub identity: Identity,
    pub expires: Option<SystemTime>,
    pub mfa: Mfa,
    pub source_identity: Option<String>,
}

/// Whether a session began with an MFA code. `GetSessionToken` passes that on, `AssumeRole` does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mfa {
    Absent,
    Present,
}

pub(super) struct Accounts {
    by_key: HashMap<String, Principal>,
}

impl Default for Accounts {
    fn default() -> Self {
        let mut accounts = Self { by_key: HashMap::new() };
        for identity in Identity::all() {
            accounts.add(identity);
        }
        accounts
    }
}

impl Accounts {
    /// Adds credentials that this fake did not issue. They do not expire.
    pub(super) fn add(&mut self, identity: Identity) {
        self.admit(Principal { identity, expires: None, mfa: Mfa::Absent, source_identity: None });
    }

    pub(super) fn admit(&mut self, principal: Principal) {
        self.by_key.insert(principal.identity.access_key_id.clone(), principal);
    }

    pub(super) fn expire(&mut self, access_key_id: &str) {
        let principal = self.by_key.get_mut(access_key_id);
        principal.expect("only known credentials can expire").expires = Some(SystemTime::UNIX_EPOCH);
    }

    /// The identity that signed the request. The signature itself is not verified.
    pub(super) fn authenticate(&self, request: &StsRequest, now: SystemTime) -> Result<Principal, Fault> {
        let Some(access_key_id) = &request.access_key_id else {
            return Err(Fault::new(403, "MissingAuthenticationToken", "Request is missing Authentication Token"));
        };
        let principal = self
            .by_key
            .get(access_key_id)
            .filter(|principal| principal.identity.session_token == request.session_token)
            .ok_or_else(|| {
                let message = "The security token included in the request is invalid.";
                Fault::new(403, "InvalidClientTokenId", message)
            })?;
        if principal.expires.is_some_and(|expires| expires <= now) {
            let message = "The security token included in the request is expired";
            return Err(Fault::new(403, "ExpiredToken", message));
        }
        Ok(principal.clone())
    }
}
