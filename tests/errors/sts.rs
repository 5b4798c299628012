//! Errors of STS.

use super::page::{Page, ROLE, Scene, page};
use crate::support::{Answer, FakeSts, Identity, RoleRules, Xassume};
use std::time::Duration;

const HUB: &str = "arn:aws:iam::222222222222:role/Hub";

fn denied(args: &[&str]) -> Scene {
    let rules = RoleRules { allowed: false, ..RoleRules::default() };
    let sts = FakeSts::builder().role(ROLE, rules).start();
    Scene::new(Xassume::new(&sts).args(args).args(["-r", ROLE, "--", "true"])).with(sts)
}

/// STS errors with the same meaning: status, code and text.
const REFUSALS: &[(&str, u16, &str, &str)] = &[
    ("sts-source-expired", 403, "ExpiredToken", "The security token included in the request is expired"),
    ("sts-source-unknown", 403, "InvalidClientTokenId", "The security token included in the request is invalid."),
    (
        "sts-signature",
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
         Key and signing method. Consult the service documentation for details.",
    ),
    (
        "sts-clock-behind",
        403,
        "SignatureDoesNotMatch",
        "Signature expired: 20160609T184512Z is now earlier than 20160610T013008Z (20160610T014508Z - 15 min.)",
    ),
    (
        "sts-clock-ahead",
        403,
        "SignatureDoesNotMatch",
        "Signature not yet current: 20160610T020000Z is still later than 20160610T011500Z (20160610T010000Z + 15 min.)",
    ),
    (
        "sts-policy-packed",
        400,
        "PackedPolicyTooLarge",
        "Packed policy consumes 157% of allotted space, please use smaller policy.",
    ),
    ("sts-unknown-refusal", 400, "SomethingNew", "Nobody has seen this before."),
    ("sts-refusal-in-two-lines", 400, "ValidationError", "2 validation errors detected:\n  one\n  two"),
];

pub(super) fn pages() -> Vec<Page> {
    let mut pages: Vec<Page> = REFUSALS
        .iter()
        .map(|(name, status, code, text)| page(name, || Scene::answered([Answer::error(*status, code, text)])))
        .collect();
    pages.extend([
        page("sts-denied", || denied(&[])),
        page("sts-denied-in-a-chain", || denied(&["--role-session-name", "release-7", "-r", HUB])),
        page("sts-policy-malformed", || {
            let refusal = Answer::error(400, "MalformedPolicyDocument", "Syntax errors in policy.");
            Scene::answered_to([refusal], &["-r", ROLE, "--policy", "{\"Version\":\"2012\"}", "--", "true"])
        }),
        page("sts-denied-with-all-options", || {
            let tags = ["--tag", "team=payments", "--source-identity", "alice", "--external-id", "payments-4711"];
            denied(&[&tags[..], &["--role-session-name", "release-2026-11-23"]].concat())
        }),
        page("sts-denied-to-a-session", || {
            let rules = RoleRules { allowed: false, ..RoleRules::default() };
            let sts = FakeSts::builder().role(ROLE, rules).start();
            Scene::new(Xassume::new(&sts).with_keys_of(&Identity::sso()).args(["-r", ROLE, "--", "true"])).with(sts)
        }),
        page("sts-denied-without-a-name", || Scene::answered([Answer::error(403, "AccessDenied", "Access denied")])),
        page("sts-source-expired-in-a-chain", || {
            Scene::answered_to([Answer::Ok, Answer::expired_token()], &["-r", HUB, "-r", ROLE, "--", "true"])
        }),
        page("sts-duration-above-the-roles", || {
            let rules = RoleRules { max_session: Duration::from_hours(1), ..RoleRules::default() };
            let sts = FakeSts::builder().role(ROLE, rules).start();
            Scene::new(Xassume::new(&sts).args(["-r", ROLE, "--duration", "2h", "--", "true"])).with(sts)
        }),
        page("sts-duration-above-chaining", || {
            let sts = FakeSts::start();
            let xassume = Xassume::new(&sts).with_keys_of(&Identity::task());
            Scene::new(xassume.args(["-r", ROLE, "--duration", "2h", "--", "true"])).with(sts)
        }),
        page("sts-region-disabled", || {
            let args = ["-r", ROLE, "--region", "ap-east-1", "--", "true"];
            Scene::answered_to([Answer::region_disabled("222222222222")], &args)
        }),
        page("sts-throttled", || Scene::answered([Answer::throttling()])),
        page("sts-throttled-and-then-silent", || {
            let args = ["-r", ROLE, "--sts-timeout", "3s", "--", "true"];
            Scene::answered_to([Answer::throttling(), Answer::Hang], &args)
        }),
        page("sts-unavailable", || Scene::answered([Answer::unavailable()])),
        page("sts-in-another-account", || {
            let args = ["-r", ROLE, "--role-session-name", "release-7", "--expect-account", "111111111111"];
            Scene::answered_to([Answer::Ok], &[&args[..], &["--", "true"]].concat())
        }),
        page("sts-denied-for-a-profile", || {
            let sts = FakeSts::builder().role(ROLE, RoleRules::default()).only_known_roles().start();
            let args = ["-r", ROLE, "--role-session-name", "release-7", "--also", "audit=222222222222:ReadOnly"];
            Scene::new(Xassume::new(&sts).args(args).args(["--", "true"])).with(sts)
        }),
        page("sts-another-xassume-waits", || {
            let sts = FakeSts::start();
            sts.script([Answer::Held]);
            let xassume = Xassume::new(&sts).args(["-r", ROLE]);
            let first = xassume.clone().args(["--", "true"]).spawn();
            sts.wait_for_requests(1);
            Scene::new(xassume.args(["--sts-timeout", "100ms", "--", "true"])).with(first).with(sts)
        }),
    ]);
    pages
}
