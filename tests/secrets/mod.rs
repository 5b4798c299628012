//! Where secrets may be: in the command's environment, the cache, the file of `--via file`. Everywhere else is searched.

mod closed;
mod errors;
mod marks;
mod memory;
mod paths;

use crate::support::{FakeSts, Identity, Xassume};

const ROLE: &str = "arn:aws:iam::111111111111:role/R";

/// A user whose secret no other test has.
fn user() -> Identity {
    Identity::long_term("AKIASENTINEL00000001", "sentinel+of/the+user/bPxRfiCYUSERSECRETz", "user/sentinel")
}

/// Run by that user, telling all there is to tell.
fn xassume(sts: &FakeSts) -> Xassume {
    sts.add_identity(user());
    Xassume::new(sts).with_keys_of(&user()).args(["-vv", "-r", ROLE])
}

/// Says that something cannot be tested on this machine.
#[allow(clippy::print_stdout, reason = "the harness shows it with the test")]
fn skipped(why: &str) {
    println!("skipped: {why}");
}
