//! Multi-factor authentication: the sources of a code, the request that it is sent with, and where it must not appear.

mod code_sources;
mod prompt;
mod refreshes;
mod requests;
mod signals;

use crate::support::{FakeSts, Finished, Identity, RoleRules, StsRequest, Xassume, probe};

const ROLE: &str = "arn:aws:iam::111111111111:role/R";
const DEVICE: &str = "arn:aws:iam::222222222222:mfa/alice";
const CODE: &str = "314159";

/// An STS whose role wants MFA, and whose devices accept these codes.
fn sts_with_mfa(codes: &[&str]) -> FakeSts {
    let rules = RoleRules { mfa_required: true, ..RoleRules::default() };
    FakeSts::builder().role(ROLE, rules).mfa_codes(codes).start()
}

fn with_device(sts: &FakeSts) -> Xassume {
    Xassume::new(sts).args(["-r", ROLE, "--mfa-serial", DEVICE])
}

fn with_command(xassume: Xassume, verbs: &[&str]) -> Xassume {
    xassume.arg("--").args(probe()).args(verbs)
}

fn ran(xassume: Xassume) -> Finished {
    let finished = with_command(xassume, &["say", "ran"]).run().exited(0);
    assert_eq!(finished.stdout_text(), "ran\n");
    finished
}

#[track_caller]
fn failed(xassume: Xassume) -> String {
    let finished = with_command(xassume, &["say", "ran"]).run().exited(125);
    assert_eq!(finished.stdout_text(), "", "the command must not start");
    assert!(finished.stderr.contains("\nhint: "), "{}", finished.stderr);
    finished.stderr
}

/// Each request: its action, who signed it, and device and code if it has them.
fn notation_of_requests(sts: &FakeSts) -> Vec<String> {
    let user = Identity::user().access_key_id;
    let notation = |request: StsRequest| {
        let signer = request.access_key_id.clone().unwrap_or_default().replace(&user, "user");
        let mfa = ["SerialNumber", "TokenCode"].map(|name| request.param(name).unwrap_or("-").to_owned());
        format!("{} by {signer} {} {}", request.action, mfa[0], mfa[1])
    };
    sts.requests().into_iter().map(notation).collect()
}
