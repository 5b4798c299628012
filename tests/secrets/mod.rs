//! Secrets may be in the command's environment, the cache, and the file of `--via file`. These tests search everything
//! else.

mod errors;
mod memory;
mod search;
mod successful_runs;
mod unreadable;

use crate::support::{FakeSts, Identity, Xassume};

const ROLE: &str = "arn:aws:iam::111111111111:role/R";

/// A user whose secret is unique to the test.
fn user() -> Identity {
    Identity::long_term("AKIASENTINEL00000001", "sentinel+of/the+user/bPxRfiCYUSERSECRETz", "user/sentinel")
}

/// xassume run by that user, with all log messages.
fn xassume(sts: &FakeSts) -> Xassume {
    sts.add_identity(user());
    Xassume::new(sts).with_keys_of(&user()).args(["-vv", "-r", ROLE])
}
