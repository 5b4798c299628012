//! Checks with malicious web identity tokens. See `crate::hostile`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a violated property is reported by a panic"
)]

use super::super::{AssumeError, Cause, Error, Refusal, StsCall};
use super::TokenRefusal;
use crate::claims::Claims;
use crate::hostile::{Bound, bounded, checked_page};
use crate::role::{Hop, HopOptions, RoleArn, RoleSessionName};
use serde_json::{Map, Value};

/// Most of this memory is for the JSON values of the claims.
const BOUND: Bound = Bound { room: 64 << 10, per_byte: 128 };

pub(super) const REFUSALS: [TokenRefusal; 8] = [
    TokenRefusal::NoProvider,
    TokenRefusal::Audience,
    TokenRefusal::NotTrusted,
    TokenRefusal::IssuerUnreachable,
    TokenRefusal::Thumbprint,
    TokenRefusal::ClaimRejected,
    TokenRefusal::Expired,
    TokenRefusal::Invalid,
];

/// Uses the input as a token, and as the claims of a token. Checks the errors if STS refuses that token: nothing in them
/// controls the terminal, and each statement is JSON.
pub fn web_identity_token(bytes: &[u8]) {
    let claims = aws_smithy_types::base64::encode(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_");
    for token in [String::from_utf8_lossy(bytes).into_owned(), format!("e30.{claims}.c2lnbmF0dXJl")] {
        drop(bounded(token.len(), BOUND, || Claims::read(&token)));
        for refusal in REFUSALS {
            refused(&token, refusal);
        }
    }
}

fn refused(token: &str, refusal: TokenRefusal) {
    let hop = Hop {
        role: RoleArn::parse("521111111144:DeployMaster").expect("a role"),
        session_name: RoleSessionName::parse("name").expect("a name"),
        options: HopOptions::default(),
    };
    let refusal = Refusal::Token(refusal);
    let cause = Cause::Refused { code: "InvalidIdentityToken".into(), message: "no".into(), refusal };
    let error = AssumeError::new(Some(&hop), (1, 1), StsCall::AssumeRoleWithWebIdentity, "eu-central-1", cause);
    let page = checked_page(&Error::Assume(Box::new(error).with_claims(token)));
    let statements = page.lines().filter(|line| line.starts_with("    {"));
    for statement in statements.filter(|line| !line.ends_with('…')) {
        let statement: Value = serde_json::from_str(statement).expect("a statement is JSON");
        let keys = statement["Condition"].as_object().expect("conditions").values().filter_map(Value::as_object);
        let mut keys: Vec<&str> = keys.flat_map(Map::keys).filter_map(|key| key.rsplit(':').next()).collect();
        keys.sort_unstable();
        assert!(keys == ["aud", "sub"] || keys == ["aud", "oaud", "sub"], "{keys:?}");
    }
}
