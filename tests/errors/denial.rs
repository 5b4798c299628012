//! Denied roles: one page for each policy that STS can name, in the words of IAM's user guide ("Troubleshoot access
//! denied error messages").

use super::page::{Page, ROLE, Scene, page};
use crate::support::{Answer, FakeSts, Identity, RoleRules, Wording, Xassume};

/// The end of STS's message: the policy that does not allow the action, or that denies it.
const BLAMES: &[(&str, &str)] = &[
    ("denied-identity-missing", "because no identity-based policy allows the sts:AssumeRole action"),
    ("denied-identity-deny", "with an explicit deny in an identity-based policy"),
    ("denied-trust-missing", "because no role trust policy allows the sts:AssumeRole action"),
    ("denied-trust-deny", "with an explicit deny in the role trust policy"),
    ("denied-scp-missing", "because no service control policy allows the sts:AssumeRole action"),
    ("denied-scp-deny", "with an explicit deny in a service control policy"),
    ("denied-rcp-missing", "because no resource control policy allows the sts:AssumeRole action"),
    ("denied-rcp-deny", "with an explicit deny in a resource control policy"),
    ("denied-boundary-missing", "because no permissions boundary allows the sts:AssumeRole action"),
    ("denied-boundary-deny", "with an explicit deny in a permissions boundary"),
    ("denied-vpc-endpoint-missing", "because no VPC endpoint policy allows the sts:AssumeRole action"),
    ("denied-vpc-endpoint-deny", "with an explicit deny in a VPC endpoint policy"),
];

/// The same for a caller with a session. Only a session can have a session policy.
const BLAMES_OF_A_SESSION: &[(&str, &str)] = &[
    ("denied-session-policy-missing", "because no session policy allows the sts:AssumeRole action"),
    ("denied-session-policy-deny", "with an explicit deny in a session policy"),
];

fn denials_of(caller: &Identity, why: &str) -> Scene {
    let text = format!("User: {} is not authorized to perform: sts:AssumeRole on resource: {ROLE} {why}", caller.arn);
    let sts = FakeSts::start();
    sts.script_forever([Answer::error(403, "AccessDenied", &text)]);
    Scene::new(Xassume::new(&sts).with_keys_of(caller).args(["-r", ROLE, "--", "true"])).with(sts)
}

/// A role with these rules, and an STS that names the policy.
fn with_denied_role(rules: RoleRules, flags: &[&str]) -> Scene {
    let sts = FakeSts::builder().role(ROLE, RoleRules { wording: Wording::WithPolicy, ..rules }).start();
    Scene::new(Xassume::new(&sts).args(["-r", ROLE]).args(flags).args(["--", "true"])).with(sts)
}

const TAGGED: &str = "credential_source = Environment\nsession_tags = team=payments\ntransitive_session_tags = team\n\
                      source_identity = alice\n";

/// A profile with tags and a source identity.
fn of_profile(rules: RoleRules) -> Scene {
    let sts = FakeSts::builder().role(ROLE, rules).start();
    let config = format!("[profile deploy]\nrole_arn = {ROLE}\n{TAGGED}");
    Scene::new(Xassume::new(&sts).file(".aws/config", config).args(["-p", "deploy", "--", "true"])).with(sts)
}

pub(super) fn pages() -> Vec<Page> {
    let by = |caller: fn() -> Identity| {
        move |(name, why): &(&'static str, &'static str)| {
            let why = *why;
            page(name, move || denials_of(&caller(), why))
        }
    };
    let mut pages: Vec<Page> = BLAMES.iter().map(by(Identity::user)).collect();
    pages.extend(BLAMES_OF_A_SESSION.iter().map(by(Identity::task)));
    let external_id = || RoleRules { external_id: Some("payments-4711".into()), ..RoleRules::default() };
    let mfa = || RoleRules { mfa_required: true, ..RoleRules::default() };
    let without = |action| RoleRules { without: action, ..RoleRules::default() };
    pages.extend([
        page("denied-external-id-missing", move || with_denied_role(external_id(), &[])),
        page("denied-external-id-wrong", move || with_denied_role(external_id(), &["--external-id", "payments-4712"])),
        page("denied-mfa-required", move || with_denied_role(mfa(), &[])),
        page("denied-tags", move || with_denied_role(without(&["sts:TagSession"]), &["--tag", "team=payments"])),
        page("denied-source-identity", move || {
            with_denied_role(without(&["sts:SetSourceIdentity"]), &["--source-identity", "alice"])
        }),
        page("denied-tags-of-a-profile", move || of_profile(without(&["sts:TagSession"]))),
        page("denied-source-identity-of-a-profile", move || of_profile(without(&["sts:SetSourceIdentity"]))),
        page("denied-with-keys-of-a-profile", move || of_profile(external_id())),
        page("denied-in-a-chain-with-keys-of-a-profile", move || {
            let sts = FakeSts::builder().role(ROLE, without(&["sts:SetSourceIdentity"])).start();
            sts.script([Answer::Ok, Answer::access_denied("arn:aws:sts::222222222222:assumed-role/Hub/me", ROLE)]);
            let config = format!("[profile hub]\nrole_arn = arn:aws:iam::222222222222:role/Hub\n{TAGGED}");
            let xassume = Xassume::new(&sts).file(".aws/config", config);
            Scene::new(xassume.args(["-p", "hub", "-r", ROLE, "--", "true"])).with(sts)
        }),
        page("denied-root-user", || {
            Scene::answered([Answer::error(403, "AccessDenied", "Roles may not be assumed by root accounts.")])
        }),
    ]);
    pages
}
