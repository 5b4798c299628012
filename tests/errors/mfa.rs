//! MFA codes that are missing or not valid.

use super::page::{Page, ROLE, Scene, page};
use crate::support::{Answer, FakeSts, Identity, RoleRules, Xassume};

const DEVICE: &str = "arn:aws:iam::222222222222:mfa/alice";
const PROMPT: &str = "MFA code for arn:aws:iam::222222222222:mfa/alice: ";

fn asked_for(args: &[&str]) -> Scene {
    with_sts(FakeSts::builder().mfa_codes(&["314159"]).start(), args)
}

fn with_sts(sts: FakeSts, args: &[&str]) -> Scene {
    let xassume = Xassume::new(&sts).args(["-r", ROLE, "--mfa-serial", DEVICE]).args(args).args(["--", "true"]);
    Scene::new(xassume).with(sts)
}

fn with_process(command: &str) -> Scene {
    let sts = FakeSts::start();
    let config = format!(
        "[profile deploy]\nrole_arn = {ROLE}\ncredential_source = Environment\nmfa_serial = {DEVICE}\nmfa_process = {command}\n"
    );
    Scene::new(Xassume::new(&sts).file(".aws/config", config).args(["-p", "deploy", "--", "true"])).with(sts)
}

pub(super) fn pages() -> Vec<Page> {
    vec![
        page("mfa-no-terminal", || asked_for(&[])),
        page("mfa-stdin-empty", || asked_for(&["--mfa-token", "-"])),
        page("mfa-stdin-no-code", || {
            let sts = FakeSts::start();
            let args = ["-r", ROLE, "--mfa-serial", DEVICE, "--mfa-token", "-", "--", "true"];
            Scene::new(Xassume::new(&sts).args(args).stdin("code 314159\n")).with(sts)
        }),
        page("mfa-command-fails", || asked_for(&["--mfa-command", "echo 'no key is plugged in' >&2; exit 1"])),
        page("mfa-command-no-code", || asked_for(&["--mfa-command", "echo your code: 314159"])),
        page("mfa-process-fails", || with_process("exit 3")),
        page("mfa-process-no-code", || with_process("echo your code: 314159")),
        page("mfa-typed-no-code", || asked_for(&[]).typing(&[(PROMPT, "1\n"), (PROMPT, "12345x\n"), (PROMPT, "\n")])),
        page("mfa-typed-nothing", || asked_for(&[]).typing(&[(PROMPT, "\x04")])),
        page("mfa-typed-rejected", || {
            asked_for(&[]).typing(&[(PROMPT, "000001\n"), (PROMPT, "000002\n"), (PROMPT, "000003\n")])
        }),
        page("mfa-typed-same-again", || {
            asked_for(&[]).typing(&[(PROMPT, "000000\n"), (PROMPT, "000000\n"), (PROMPT, "000000\n")])
        }),
        page("mfa-device-rejected", || {
            let sts = FakeSts::start();
            let message = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial \
                           number is valid and associated with this user.";
            sts.script([Answer::error(403, "AccessDenied", message)]);
            with_sts(sts, &["--mfa-token", "314159"])
        }),
        page("mfa-refresh-unattended", || asked_for(&["--via", "file", "--duration", "2h", "--mfa-token", "314159"])),
        page("mfa-code-rejected", || {
            let rules = RoleRules { mfa_required: true, ..RoleRules::default() };
            with_sts(FakeSts::builder().role(ROLE, rules).mfa_codes(&[]).start(), &["--mfa-token", "314159"])
        }),
        page("mfa-code-rejected-with-the-role", || {
            let sts = FakeSts::builder().mfa_codes(&[]).start();
            let xassume = Xassume::new(&sts).with_keys_of(&Identity::task()).args(["-r", ROLE, "--mfa-serial", DEVICE]);
            Scene::new(xassume.args(["--mfa-token", "314159", "--", "true"])).with(sts)
        }),
        page("mfa-session-denied", || {
            let sts = FakeSts::start();
            let message = format!(
                "User: {} is not authorized to perform: sts:GetSessionToken on resource: * with an explicit deny in a \
                 service control policy",
                Identity::user().arn
            );
            sts.script([Answer::error(403, "AccessDenied", &message)]);
            with_sts(sts, &["--mfa-token", "314159"])
        }),
    ]
}
