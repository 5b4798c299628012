//! MFA codes: `--check` asks for them as a launch does, and uses each once.

use super::{DEVICE, HUB, ROLE, check, failed_at, fails, role};
use crate::support::{FakeSts, Identity, RoleRules, Terminal, Xassume, probe};

#[test]
fn the_device_step_is_before_its_role() {
    let sts = FakeSts::start();
    let xassume = check(&sts).args(["-r", HUB, "-r", ROLE]).without_keys().file("token", "eyJ.good");
    let path = xassume.home().join("token");
    let xassume = xassume.arg("--web-identity-token-file").arg(path).args(["--mfa-serial", DEVICE]);
    let page = fails(&xassume.clone().args(["--mfa-command", "exit 3"]));
    failed_at(&page, "mfa");
    assert!(page.contains(&format!("ok           role 1 of 2    {HUB}, session name me\n")), "{page}");
    sts.add_mfa_code("314159");
    let page = xassume.args(["--mfa-command", "echo 314159"]).run().exited(0).stdout_text();
    assert!(page.contains(&format!("{DEVICE}, code from --mfa-command, used for role 2\n")), "{page}");
}

#[test]
fn a_code_is_used_once_and_its_session_is_cached() {
    let rules = RoleRules { mfa_required: true, ..RoleRules::default() };
    let sts = FakeSts::builder().role(ROLE, rules).mfa_codes(&["314159"]).start();
    let xassume = role(&sts).args(["--mfa-serial", DEVICE]);
    let page = xassume.clone().args(["--mfa-token", "314159", "--via", "endpoint"]).run().exited(0).stdout_text();
    assert!(page.contains(&format!("mfa            {DEVICE}: MFA session obtained (code from --mfa-token)")), "{page}");
    assert!(page.contains("a new MFA code is needed after 12h"), "{page}");
    // Neither a second check nor a launch needs another code.
    let page = xassume.clone().run().exited(0).stdout_text();
    assert!(page.contains("using cached MFA session"), "{page}");
    let asked = sts.requests().len();
    let launch =
        xassume.clone().without_args().args(["-r", ROLE, "--mfa-serial", DEVICE, "--role-session-name", "me", "--"]);
    launch.args(probe()).args(["exit", "0"]).run().exited(0);
    assert_eq!(sts.requests().len(), asked, "the session of the check is the launch's");
    assert_eq!(sts.requests().iter().filter(|request| request.action == "GetSessionToken").count(), 1);
}

#[test]
fn an_mfa_session_is_reported_as_cached_only_if_it_is() {
    for (flags, kept) in [
        (&[][..], "and cached"),
        (&["--no-cache"], "and not cached (--no-cache)"),
        (&["--cache-dir", "/proc/x"], "and not cached"),
    ] {
        for allowed in [true, false] {
            let rules = RoleRules { allowed, ..RoleRules::default() };
            let sts = FakeSts::builder().role(ROLE, rules).mfa_codes(&["314159"]).start();
            let xassume = role(&sts).args(["--mfa-serial", DEVICE, "--mfa-token", "314159"]).args(flags);
            let page = xassume.run().stdout_text();
            let expected = format!("{DEVICE}: MFA session obtained (code from --mfa-token) {kept}\n");
            assert!(page.contains(&expected), "{flags:?}, allowed {allowed}: {page}");
        }
    }
}

#[test]
fn a_code_sent_with_the_role_serves_the_next_launch() {
    let sts = FakeSts::builder().mfa_codes(&["314159"]).start();
    let task = Identity::task();
    let flags = ["-r", ROLE, "--role-session-name", "me", "--mfa-serial", DEVICE];
    let xassume = Xassume::new(&sts).with_keys_of(&task).args(flags);
    let page = xassume.clone().args(["--check", "--mfa-token", "314159"]).run().exited(0).stdout_text();
    assert!(page.contains(", used for role 1\n"), "{page}");
    xassume.arg("--").args(probe()).args(["exit", "0"]).run().exited(0);
    assert_eq!(sts.issued().len(), 1);
}

#[test]
fn a_rejected_code_fails_the_device_step() {
    let sts = FakeSts::builder().mfa_codes(&["314159"]).start();
    let page = fails(&role(&sts).args(["--mfa-serial", DEVICE, "--mfa-token", "000000"]));
    failed_at(&page, "mfa");
    assert!(page.contains(&format!("hint: enter a new code (each code works once) and check that {DEVICE}")), "{page}");
    let page = fails(&role(&sts).args(["--mfa-serial", DEVICE, "--mfa-command", "exit 3"]));
    failed_at(&page, "mfa");
}

#[test]
fn a_code_is_requested_on_the_terminal_as_by_a_launch() {
    let sts = FakeSts::builder().mfa_codes(&["314159"]).start();
    let terminal = Terminal::run(&role(&sts).args(["--mfa-serial", DEVICE]));
    terminal.through(&format!("MFA code for {DEVICE}: "));
    terminal.keys("314159\r");
    terminal.through("arn:aws:sts::521111111144:assumed-role/DeployMaster/me");
    terminal.wait().exited(0);
}

#[test]
fn refreshes_that_need_user_input_fail_before_a_code_is_used() {
    let sts = FakeSts::builder().mfa_codes(&["314159"]).start();
    let flags = ["--mfa-serial", DEVICE, "--mfa-token", "314159", "--duration", "2h"];
    let page = fails(&role(&sts).args(flags).args(["--on-expiry", "restart"]));
    failed_at(&page, "refresh");
    assert_eq!(sts.requests().len(), 0);
    // Without supervision this is no failure. The page does not mention refreshes, but the document does.
    let page = role(&sts).args(flags).run().exited(0).stdout_text();
    assert!(!page.contains(" refresh "), "{page}");
    sts.add_mfa_code("271828");
    let flags = flags.map(|flag| if flag == "314159" { "271828" } else { flag });
    let document = role(&sts).args(flags).args(["--log-format", "json"]).run().exited(0).stdout_json();
    let steps = document["steps"].as_array().expect("steps");
    let refresh = steps.iter().find(|step| step["step"] == "unattended").expect("the step");
    assert_eq!((&refresh["state"], &refresh["possible"]), (&"note".into(), &false.into()), "{document}");
}
