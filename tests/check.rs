//! `--check`: each step of the way to a session, and in a broken set-up the half that is missing.

use crate::support::{
    Answer, FakeImds, FakeSts, Finished, Identity, RefusedPort, RoleRules, Terminal, Wording, Xassume, probe,
};
use serde_json::{Value, json};
use std::time::Duration;

const ROLE: &str = "arn:aws:iam::521111111144:role/DeployMaster";
const HUB: &str = "arn:aws:iam::222222222222:role/Hub";
const DEVICE: &str = "arn:aws:iam::222222222222:mfa/alice";

/// A user with keys in the environment, whose session name is known.
fn check(sts: &FakeSts) -> Xassume {
    Xassume::new(sts).arg("--check").args(["--role-session-name", "me"])
}

fn role(sts: &FakeSts) -> Xassume {
    check(sts).args(["-r", ROLE])
}

/// An STS whose role has these rules, and says which policy is missing.
fn telling(rules: RoleRules) -> FakeSts {
    FakeSts::builder().role(ROLE, RoleRules { wording: Wording::WithPolicy, ..rules }).start()
}

/// The check fails, says so on standard output alone, and keeps its lines short.
#[track_caller]
fn fails(xassume: &Xassume) -> String {
    let finished = xassume.run().exited(125);
    assert_eq!(finished.stderr, "", "what a check finds is said once");
    let page = finished.stdout_text();
    assert_eq!(page.lines().filter(|line| line.starts_with("failed")).count(), 1, "{page}");
    for line in page.lines() {
        let statement = line.trim_start().starts_with('{');
        assert!(statement || line.chars().count() < 160, "{line}");
    }
    page
}

/// The state of each step, by its name.
fn states(page: &str) -> Vec<(String, String)> {
    let steps = page.lines().filter(|line| !line.starts_with(' '));
    steps.map(|line| (line[13..line.len().min(28)].trim().to_owned(), line[..13].trim().to_owned())).collect()
}

/// That this step failed, that all before it went well, and that none behind it was reached.
#[track_caller]
fn failed_at(page: &str, name: &str) {
    let states = states(page);
    let at = states.iter().position(|(step, _)| step == name).unwrap_or_else(|| panic!("no step {name}: {page}"));
    assert_eq!(states[at].1, "failed", "{page}");
    for (step, state) in &states[..at] {
        assert!(["ok", "note", "warning"].contains(&state.as_str()), "{step}: {page}");
    }
    for (step, state) in &states[at + 1..] {
        assert_eq!(state, "not reached", "{step}: {page}");
    }
}

fn identity_statement(action: &str) -> String {
    format!(r#"{{"Effect":"Allow","Action":{action},"Resource":"{ROLE}"}}"#)
}

fn trust_statement(action: &str, principal: &str) -> String {
    format!(r#"{{"Effect":"Allow","Action":{action},"Principal":{{"AWS":"{principal}"}}}}"#)
}

#[test]
fn a_way_without_faults_is_told_step_by_step() {
    let sts = FakeSts::start();
    let xassume = check(&sts).args(["-r", HUB, "-r", ROLE, "--external-id", "word", "--tag", "team=a"]);
    let xassume = xassume.args(["--expect-account", "521111111144"]);
    let finished = xassume.run().exited(0);
    assert_eq!(finished.stderr, "");
    let (home, url) = (xassume.home().display().to_string(), sts.url());
    let ends = |at: usize| humantime::format_rfc3339_seconds(sts.issued()[at].expiration).to_string();
    let (first, last) = (ends(0), ends(1));
    // Where the home has a long path, its two files are told in two lines.
    let page = finished.stdout_text().replacen(&format!(",\n{:28}", ""), ", ", 1);
    assert_eq!(
        page,
        format!(
            "\
ok           config         {home}/.aws/config (not there), {home}/.aws/credentials (not there)
ok           source         keys in the environment (AKIAUSERDEFAULT00001), long-term
ok           unattended     refreshes need nobody
ok           sts            {url}, region us-east-1 (AWS_REGION)
ok           clock          this machine's clock agrees with STS's
ok           caller         arn:aws:iam::222222222222:user/alice
ok           role 1 of 2    {HUB} as me
                            granted for 1h, until {first}; space taken: session token 12%
ok           role 2 of 2    {ROLE} as me, external id word, 1 tag
                            granted for 1h, until {last}; space taken: policies and tags 6%, session token 12%
ok           session        the command would be arn:aws:sts::521111111144:assumed-role/DeployMaster/me
                            in account 521111111144, as --expect-account asks
ok           delivery       --via env: the session is in the environment of the command, which xassume becomes
ok           expiry         --on-expiry none: the session is not refreshed; it ends in 1h, at {last}
ok           environment    removed, since they lead to other identities: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
                            the command sees the shared config files; they have no default credentials
"
        )
    );
    let actions: Vec<String> = sts.requests().into_iter().map(|request| request.action).collect();
    assert_eq!(actions, ["GetCallerIdentity", "AssumeRole", "AssumeRole"]);
}

#[test]
fn the_same_way_is_one_json_document() {
    let sts = FakeSts::start();
    let finished = role(&sts).args(["--on-expiry", "restart", "--log-format", "json"]).run().exited(0);
    assert_eq!(finished.stderr, "");
    let document = finished.stdout_json();
    assert_eq!((&document["check"], &document["status"]), (&json!("ok"), &json!(0)));
    let steps = document["steps"].as_array().expect("steps");
    let told = |key: &str| steps.iter().map(|step| step[key].as_str().unwrap_or("-")).collect::<Vec<_>>();
    #[rustfmt::skip]
    assert_eq!(told("step"), [
        "config", "source", "unattended", "sts", "clock", "caller", "role", "session", "delivery", "expiry", "environment",
    ]);
    assert_eq!(told("state"), ["ok"; 11]);
    let step = |name: &str| steps.iter().find(|step| step["step"] == name).unwrap_or(&Value::Null);
    let issued = &sts.issued()[0];
    let expiration = humantime::format_rfc3339_seconds(issued.expiration).to_string();
    assert_eq!(step("config")["files"][0]["present"], json!(false));
    assert_eq!(step("source")["access_key_id"], json!(Identity::user().access_key_id));
    assert_eq!(step("source")["keys"], json!("long-term"));
    assert_eq!(step("sts")["region"], json!("us-east-1"));
    assert_eq!(step("caller")["arn"], json!(Identity::user().arn));
    assert_eq!(step("caller")["account"], json!("222222222222"));
    assert_eq!(
        step("role"),
        &json!({
            "step": "role", "state": "ok", "message": format!("{ROLE} as me"), "role": ROLE, "session_name": "me",
            "number": 1, "arn": issued.arn, "lifetime_seconds": 3600, "expiration": expiration,
            "session_token_percent": 12,
            "details": [format!("granted for 1h, until {expiration}; space taken: session token 12%")],
        })
    );
    assert_eq!(step("session")["arn"], json!(issued.arn));
    assert_eq!(step("expiry")["on_expiry"], json!("restart"));
    assert_eq!(step("expiry")["first_refresh_seconds"], json!([2880, 3240]));
    assert_eq!(step("environment")["removed"], json!(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]));
}

#[test]
fn a_failure_in_json_has_the_reason_the_hint_and_what_was_not_reached() {
    let sts = telling(RoleRules { allowed: false, ..RoleRules::default() });
    let document = role(&sts).args(["--log-format", "json"]).run().exited(125).stdout_json();
    assert_eq!((&document["check"], &document["status"]), (&json!("failed"), &json!(125)));
    let steps = document["steps"].as_array().expect("steps");
    let at = steps.iter().position(|step| step["state"] == "failed").expect("a step that failed");
    assert_eq!(steps[at]["step"], "role");
    assert!(steps[at]["error"].as_str().is_some_and(|error| error.starts_with("cannot assume")), "{document}");
    assert!(steps[at]["hint"].as_str().is_some_and(|hint| hint.contains("(missing)")), "{document}");
    assert!(steps[at + 1..].iter().all(|step| step["state"] == "not_reached"), "{document}");
}

#[test]
fn without_source_credentials_the_places_are_named_that_were_looked_at() {
    let sts = FakeSts::start();
    let page = fails(&role(&sts).without_keys());
    failed_at(&page, "source");
    assert!(page.contains("no source credentials; looked at AWS_ACCESS_KEY_ID, "), "{page}");
    assert!(page.contains("    hint: give keys in the environment"), "{page}");
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn an_expired_source_is_found_before_the_role() {
    let sts = FakeSts::start();
    let task = Identity::task();
    sts.expire(&task.access_key_id);
    let page = fails(&role(&sts).with_keys_of(&task));
    failed_at(&page, "caller");
    assert!(page.contains("ExpiredToken") && page.contains("log in again, or fetch new ones"), "{page}");
    assert!(page.contains("keys in the environment (ASIACONTAINER0000001), temporary"), "{page}");
}

#[test]
fn a_missing_identity_policy_is_told_from_a_missing_trust() {
    let user = Identity::user().arn;
    let statements = [identity_statement(r#""sts:AssumeRole""#), trust_statement(r#""sts:AssumeRole""#, &user)];

    let sts = telling(RoleRules { allowed: false, ..RoleRules::default() });
    let page = fails(&role(&sts));
    failed_at(&page, "role");
    assert!(page.contains("hint: the caller's own policies lack a statement:"), "{page}");
    assert!(page.contains(&format!("identity policy of {user} (missing):\n        {}\n", statements[0])), "{page}");
    assert!(page.contains(&format!("trust policy of {ROLE}:\n        {}\n", statements[1])), "{page}");

    let trusts = vec!["arn:aws:iam::999999999999:root".to_owned()];
    let sts = telling(RoleRules { trusts: trusts.clone(), ..RoleRules::default() });
    let page = fails(&role(&sts));
    failed_at(&page, "role");
    assert!(
        page.contains("hint: the role's trust policy lacks a statement, or a condition in it is not met:"),
        "{page}"
    );
    assert!(
        page.contains(&format!("trust policy of {ROLE} (missing, or not met):\n        {}\n", statements[1])),
        "{page}"
    );
    assert!(page.contains(&format!("identity policy of {user}:\n        {}\n", statements[0])), "{page}");

    // STS does not always say which.
    let sts = FakeSts::builder().role(ROLE, RoleRules { trusts, ..RoleRules::default() }).start();
    let page = fails(&role(&sts));
    assert!(page.contains("hint: the caller and the role must both allow it:"), "{page}");
    assert!(statements.iter().all(|statement| page.contains(statement)) && !page.contains("(missing)"), "{page}");
}

#[test]
fn a_denial_without_names_gets_those_that_are_known() {
    let sts = FakeSts::start();
    let anonymous = Answer::error(403, "AccessDenied", "Not authorized to perform sts:AssumeRole");
    sts.script([Answer::Ok, anonymous.clone()]);
    let page = fails(&role(&sts));
    assert!(page.contains(&trust_statement(r#""sts:AssumeRole""#, &Identity::user().arn)), "{page}");
    sts.script([Answer::Ok, Answer::Ok, anonymous]);
    let page = fails(&check(&sts).args(["-r", HUB, "-r", ROLE]));
    failed_at(&page, "role 2 of 2");
    assert!(page.contains(&trust_statement(r#""sts:AssumeRole""#, HUB)), "{page}");
}

#[test]
fn an_external_id_that_is_missing_or_wrong_is_named() {
    let sts = telling(RoleRules { external_id: Some("right".into()), ..RoleRules::default() });
    let page = fails(&role(&sts));
    failed_at(&page, "role");
    assert!(page.contains("a condition on sts:ExternalId needs --external-id"), "{page}");
    let page = fails(&role(&sts).args(["--external-id", "wrong"]));
    assert!(page.contains("a condition on sts:ExternalId must name exactly `wrong`"), "{page}");
    assert!(page.contains(r#""Condition":{"StringEquals":{"sts:ExternalId":"wrong"}}"#), "{page}");
    role(&sts).args(["--external-id", "right"]).run().exited(0);
}

#[test]
fn a_role_that_wants_mfa_leads_to_the_device() {
    let sts = telling(RoleRules { mfa_required: true, ..RoleRules::default() });
    let page = fails(&role(&sts));
    failed_at(&page, "role");
    assert!(page.contains("a condition on aws:MultiFactorAuthPresent needs --mfa-serial"), "{page}");
}

#[test]
fn tags_and_source_identities_need_actions_of_their_own() {
    let sts = telling(RoleRules { without: &["sts:TagSession", "sts:SetSourceIdentity"], ..RoleRules::default() });
    let user = Identity::user().arn;
    for (flags, about, actions) in [
        (["--tag", "team=a"], "the session tags need sts:TagSession", r#"["sts:AssumeRole","sts:TagSession"]"#),
        (
            ["--source-identity", "alice"],
            "the source identity needs sts:SetSourceIdentity",
            r#"["sts:AssumeRole","sts:SetSourceIdentity"]"#,
        ),
    ] {
        let page = fails(&role(&sts).args(flags));
        failed_at(&page, "role");
        assert!(page.contains(about), "{page}");
        assert!(page.contains(&identity_statement(actions)), "{page}");
        assert!(page.contains(&trust_statement(actions, &user)), "{page}");
    }
}

#[test]
fn the_hop_of_a_chain_that_is_not_trusted_is_told_with_the_role_before_it() {
    let sts =
        telling(RoleRules { trusts: vec!["arn:aws:iam::222222222222:role/Other".into()], ..RoleRules::default() });
    let page = fails(&check(&sts).args(["-r", HUB, "-r", ROLE, "-r", "333333333333:Third"]));
    failed_at(&page, "role 2 of 3");
    assert!(page.contains(&trust_statement(r#""sts:AssumeRole""#, HUB)), "{page}");
    assert!(page.contains("not reached  role 3 of 3    arn:aws:iam::333333333333:role/Third as me\n"), "{page}");
}

#[test]
fn a_duration_above_the_roles_is_told() {
    let sts = telling(RoleRules { max_session: Duration::from_hours(1), ..RoleRules::default() });
    let page = fails(&role(&sts).args(["--duration", "2h"]));
    failed_at(&page, "role");
    assert!(page.contains("MaxSessionDuration") && page.contains("--duration max"), "{page}");
}

#[test]
fn a_region_without_sts_is_told() {
    let sts = FakeSts::start();
    sts.script([Answer::Ok, Answer::region_disabled("222222222222")]);
    let page = fails(&role(&sts).args(["--region", "ap-east-1"]));
    failed_at(&page, "role");
    assert!(page.contains("hint: activate STS in ap-east-1 (account settings in the IAM console)"), "{page}");
    assert!(page.contains(", region ap-east-1 (--region)\n"), "{page}");
}

#[test]
fn the_wrong_account_is_found_behind_the_roles() {
    let sts = FakeSts::start();
    let page = fails(&role(&sts).args(["--expect-account", "222222222222"]));
    failed_at(&page, "session");
    assert!(page.contains("is not in account 222222222222, as --expect-account asks"), "{page}");
}

#[test]
fn a_clock_that_is_off_is_a_warning_while_sts_bears_it_and_a_failure_when_not() {
    let sts = FakeSts::builder().clock_offset(3600).check_signature_time().start();
    let page = role(&sts).run().exited(0).stdout_text();
    let (_, line) = page.split_once("warning      clock          this machine's clock is ").expect(&page);
    assert!(line.starts_with("59m 5") || line.starts_with("1h "), "{page}");
    assert!(line.contains(" behind STS's\n    hint: set it right (timedatectl, chrony)"), "{page}");

    let sts = FakeSts::start();
    let message =
        "Signature expired: 20160609T184512Z is now earlier than 20160610T013008Z (20160610T014508Z - 15 min.)";
    sts.script_forever([Answer::error(403, "SignatureDoesNotMatch", message)]);
    let page = fails(&role(&sts));
    failed_at(&page, "clock");
    assert!(!page.contains("agrees"), "{page}");
    assert!(page.contains("hint: this machine's clock is 6h 59m 56s behind; set it right"), "{page}");
}

#[test]
fn an_instance_without_a_role_is_told() {
    let (sts, imds) = (FakeSts::start(), FakeImds::start());
    let instance = |sts| role(sts).without_keys().env_remove("AWS_REGION").with_metadata_at(&imds.url());
    let page = instance(&sts).run().exited(0).stdout_text();
    assert!(page.contains("the instance's role (EC2 metadata): ASIAINSTANCE00000001, temporary\n"), "{page}");
    assert!(page.contains(&format!("ok           caller         {}\n", Identity::instance().arn)), "{page}");
    assert!(page.contains(", region eu-west-1 (the instance's)\n"), "{page}");
    imds.set_identity(None);
    let page = fails(&instance(&sts));
    failed_at(&page, "source");
    assert!(page.contains("the instance has no role") && page.contains("attach an instance profile"), "{page}");
}

#[test]
fn a_deny_is_told_with_the_policy_that_has_it() {
    for (policy, told) in [
        ("a service control policy", "a service control policy of the caller's organisation"),
        ("an identity-based policy", "the caller's identity policy"),
        ("the role trust policy", "the role's trust policy"),
    ] {
        let sts = telling(RoleRules { denied_in: Some(policy), ..RoleRules::default() });
        let page = fails(&role(&sts));
        failed_at(&page, "role");
        assert!(
            page.contains(&format!("hint: a Deny in {told} outweighs every Allow\n      the Deny must except the ")),
            "{page}"
        );
        assert!(!page.contains(r#""Effect":"Allow""#), "{page}");
    }
}

#[test]
fn an_endpoint_that_cannot_be_reached_is_not_the_roles_fault() {
    let port = RefusedPort::reserve();
    let page = fails(&Xassume::at(&port.url()).args(["--check", "-r", ROLE]));
    failed_at(&page, "sts");
    assert!(page.contains("cannot be reached: Connection refused"), "{page}");
}

#[test]
fn files_that_lead_to_no_role_fail_first() {
    let sts = FakeSts::start();
    let page = fails(&check(&sts).file(".aws/config", "[profile broken\n"));
    failed_at(&page, "config");
    assert!(page.contains("hint: mend line 1 of "), "{page}");
    let page = fails(&check(&sts));
    failed_at(&page, "config");
    assert!(page.contains("no role to assume"), "{page}");
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn a_web_identity_is_nobody_before_its_first_role() {
    let sts = FakeSts::builder().web_identity_tokens(&["eyJ.good"]).start();
    let with = |token: &str| {
        let xassume = role(&sts).without_keys().file("token", token);
        let path = xassume.home().join("token");
        xassume.arg("--web-identity-token-file").arg(path)
    };
    let page = with("eyJ.good").run().exited(0).stdout_text();
    assert!(page.contains("note         caller         a web identity token is nobody of AWS's before"), "{page}");
    assert!(page.contains("ok           clock          this machine's clock agrees with STS's\n"), "{page}");
    assert_eq!(sts.requests().len(), 1);
    let page = fails(&with("eyJ.bad"));
    failed_at(&page, "role");
    assert!(page.contains("InvalidIdentityToken"), "{page}");
}

#[test]
fn a_device_stands_before_the_role_that_takes_its_code() {
    let sts = FakeSts::start();
    let xassume = check(&sts).args(["-r", HUB, "-r", ROLE]).without_keys().file("token", "eyJ.good");
    let path = xassume.home().join("token");
    let xassume = xassume.arg("--web-identity-token-file").arg(path).args(["--mfa-serial", DEVICE]);
    let page = fails(&xassume.clone().args(["--mfa-command", "exit 3"]));
    failed_at(&page, "mfa");
    assert!(page.contains(&format!("ok           role 1 of 2    {HUB} as me\n")), "{page}");
    sts.add_mfa_code("314159");
    let page = xassume.args(["--mfa-command", "echo 314159"]).run().exited(0).stdout_text();
    assert!(page.contains(&format!("{DEVICE}, its code from --mfa-command, went with role 2\n")), "{page}");
}

#[test]
fn certificates_that_cannot_be_read_stop_it_before_anybody_is_asked() {
    let sts = FakeSts::start();
    let page = fails(&role(&sts).args(["--ca-bundle", "/no/such/file"]));
    failed_at(&page, "source");
    assert!(page.contains("cannot read the certificates in /no/such/file"), "{page}");
    assert_eq!(sts.requests().len(), 0);
}

#[test]
fn a_launch_would_not_ask_whose_the_keys_are_so_a_refusal_of_that_ends_nothing() {
    let sts = FakeSts::start();
    sts.script([Answer::error(
        403,
        "AccessDenied",
        "User: x is not authorized with an explicit deny in a VPC endpoint policy",
    )]);
    let page = role(&sts).run().exited(0).stdout_text();
    assert!(
        page.contains("\nwarning      caller         cannot ask whose the source credentials are: AccessDenied"),
        "{page}"
    );
    assert!(page.contains("\nok           session "), "{page}");
}

#[test]
fn a_code_is_spent_once_and_what_it_bought_is_kept() {
    let rules = RoleRules { mfa_required: true, ..RoleRules::default() };
    let sts = FakeSts::builder().role(ROLE, rules).mfa_codes(&["314159"]).start();
    let xassume = role(&sts).args(["--mfa-serial", DEVICE]);
    let page = xassume.clone().args(["--mfa-token", "314159"]).run().exited(0).stdout_text();
    assert!(page.contains(&format!("mfa            {DEVICE}: a code from --mfa-token has bought a session")), "{page}");
    assert!(page.contains("refreshes need nobody for 12h; then a new MFA code"), "{page}");
    // Neither a second check nor a launch needs a further code.
    let page = xassume.clone().run().exited(0).stdout_text();
    assert!(page.contains("no code is needed, its session is kept from an earlier run"), "{page}");
    let asked = sts.requests().len();
    let launch =
        xassume.clone().without_args().args(["-r", ROLE, "--mfa-serial", DEVICE, "--role-session-name", "me", "--"]);
    launch.args(probe()).args(["exit", "0"]).run().exited(0);
    assert_eq!(sts.requests().len(), asked, "the session of the check is the launch's");
    assert_eq!(sts.requests().iter().filter(|request| request.action == "GetSessionToken").count(), 1);
}

#[test]
fn a_code_that_goes_with_the_role_serves_the_next_launch() {
    let sts = FakeSts::builder().mfa_codes(&["314159"]).start();
    let task = Identity::task();
    let flags = ["-r", ROLE, "--role-session-name", "me", "--mfa-serial", DEVICE];
    let xassume = Xassume::new(&sts).with_keys_of(&task).args(flags);
    let page = xassume.clone().args(["--check", "--mfa-token", "314159"]).run().exited(0).stdout_text();
    assert!(page.contains(", went with role 1\n"), "{page}");
    xassume.arg("--").args(probe()).args(["exit", "0"]).run().exited(0);
    assert_eq!(sts.issued().len(), 1);
}

#[test]
fn a_code_that_sts_does_not_take_is_the_devices_step() {
    let sts = FakeSts::builder().mfa_codes(&["314159"]).start();
    let page = fails(&role(&sts).args(["--mfa-serial", DEVICE, "--mfa-token", "000000"]));
    failed_at(&page, "mfa");
    assert!(page.contains(&format!("hint: give the current code of {DEVICE}: each code works once")), "{page}");
    let page = fails(&role(&sts).args(["--mfa-serial", DEVICE, "--mfa-command", "exit 3"]));
    failed_at(&page, "mfa");
}

#[test]
fn a_code_is_asked_for_on_the_terminal_as_by_a_launch() {
    let sts = FakeSts::builder().mfa_codes(&["314159"]).start();
    let terminal = Terminal::run(&role(&sts).args(["--mfa-serial", DEVICE]));
    terminal.through(&format!("MFA code of {DEVICE}: "));
    terminal.keys("314159\r");
    terminal.through("the command would be arn:aws:sts::521111111144:assumed-role/DeployMaster/me");
    terminal.wait().exited(0);
}

#[test]
fn refreshes_that_would_need_somebody_fail_before_a_code_is_spent() {
    let sts = FakeSts::builder().mfa_codes(&["314159"]).start();
    let flags = ["--mfa-serial", DEVICE, "--mfa-token", "314159", "--duration", "2h"];
    let page = fails(&role(&sts).args(flags).args(["--on-expiry", "restart"]));
    failed_at(&page, "unattended");
    assert_eq!(sts.requests().len(), 0);
    let page = role(&sts).args(flags).run().exited(0).stdout_text();
    assert!(
        page.contains("note         unattended     refreshes would need somebody: each session takes a new"),
        "{page}"
    );
}

#[test]
fn the_cache_proves_nothing_and_is_not_asked() {
    let sts = FakeSts::start();
    let xassume = role(&sts);
    xassume.run().exited(0);
    xassume.run().exited(0);
    assert_eq!(sts.issued().len(), 2);
    xassume.clone().arg("--no-cache").run().exited(0);
    let launch = xassume.without_args().args(["-r", ROLE, "--role-session-name", "me", "--"]);
    let launched = launch.args(probe()).args(["environ"]).run().exited(0);
    let kept = format!("AWS_ACCESS_KEY_ID={}", sts.issued()[1].access_key_id);
    assert!(launched.stdout_fields().contains(&kept.into_bytes()), "the session of the last check that keeps one");
    assert_eq!(sts.issued().len(), 3);
}

#[test]
fn what_the_command_would_get_follows_the_flags() {
    let sts = FakeSts::start();
    for (flags, delivery, expiry) in [
        (
            &["--on-expiry", "restart"][..],
            "--via env: the session is in the environment of each start",
            "--on-expiry restart: the command gets SIGTERM, after 10s SIGKILL, and is started again",
        ),
        (
            &["--on-expiry", "signal", "--signal", "USR1"],
            "--via file: the session is in a private credentials file",
            "--on-expiry signal: the file is replaced, then the command gets SIGUSR1",
        ),
        (
            &["--via", "file", "--credentials-file", "/x/y"],
            "--via file: the session is in the credentials file /x/y, mode 0600",
            "--on-expiry none: the session is replaced while the command runs",
        ),
        (&["--via", "endpoint"], "at an address on the loopback interface", "first refresh 30m to 40m after the start"),
        (
            &["--via", "process", "--refresh-margin", "5m"],
            "by a credential_process",
            "first refresh 55m after the start",
        ),
        (
            &["--via", "env", "--on-expiry", "signal"],
            "in the environment of each start",
            "SIGHUP announces the expiry: an environment cannot be changed from outside",
        ),
    ] {
        let page = role(&sts).args(flags).run().exited(0).stdout_text();
        assert!(page.contains(delivery) && page.contains(expiry), "{flags:?}: {page}");
    }
}

#[test]
fn what_could_shadow_the_session_is_told() {
    let sts = FakeSts::start();
    let credentials = "[default]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = s\n";
    let xassume = role(&sts)
        .file(".aws/credentials", credentials)
        .env("AWS_PROFILE", "default")
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/x")
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", "/no/token");
    let page = xassume.run().exited(0).stdout_text();
    for removed in ["AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"] {
        let (_, list) = page.split_once("removed, since they lead to other identities: ").expect(&page);
        assert!(list.contains(removed), "{page}");
    }
    assert!(page.contains("note         environment "), "{page}");
    assert!(page.contains("the default profile of the shared files has credentials of its own"), "{page}");
    assert!(page.contains("profile default is not the source: there are keys in the environment"), "{page}");
    let isolated = xassume.clone().arg("--isolate").run().exited(0).stdout_text();
    assert!(isolated.contains("ok           environment "), "{isolated}");
    let kept = xassume.args(["--keep-env", "AWS_PROFILE"]).run().exited(0).stdout_text();
    assert!(kept.contains("warning      environment "), "{kept}");
    assert!(kept.contains("kept by --keep-env, and may win over the session: AWS_PROFILE\n"), "{kept}");
}

#[test]
fn quiet_leaves_what_failed_and_verbose_adds_the_plan() {
    let sts = telling(RoleRules { allowed: false, ..RoleRules::default() });
    let page = role(&sts).arg("-q").run().exited(125).stdout_text();
    assert!(page.starts_with("failed       role           "), "{page}");
    let sts = FakeSts::start();
    let quiet: Finished = role(&sts).arg("-q").run().exited(0);
    assert_eq!((quiet.stdout_text(), quiet.stderr), (String::new(), String::new()));
    let verbose = role(&sts).arg("-v").run().exited(0);
    assert!(verbose.stderr.contains("xassume: the plan\n"), "{}", verbose.stderr);
    assert!(verbose.stdout_text().starts_with("ok           config "));
}

#[test]
fn the_page_is_coloured_on_a_terminal_whose_user_wants_it() {
    let sts = telling(RoleRules { allowed: false, ..RoleRules::default() });
    let on_terminal = |xassume: &Xassume| Terminal::run(xassume).wait().exited(125).stdout_text();
    let xassume = role(&sts).env("TERM", "xterm");
    let shown = on_terminal(&xassume);
    assert!(shown.contains("\n\x1b[32mok\x1b[0m           source  "), "{shown:?}");
    assert!(shown.contains("\n\x1b[1;31mfailed\x1b[0m       role  "), "{shown:?}");
    assert!(shown.contains("\n    \x1b[36mhint:\x1b[0m the caller's own policies"), "{shown:?}");
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb"), ("XASSUME_LOG_FORMAT", "json")] {
        let shown = on_terminal(&xassume.clone().env(name, value));
        assert!(!shown.contains("\x1b[3") && !shown.contains("\x1b[1"), "{name}={value}: {shown:?}");
    }
    assert!(!xassume.run().exited(125).stdout_text().contains('\x1b'), "in a pipe");
}

#[test]
fn no_secret_is_printed() {
    let sts = FakeSts::builder().mfa_codes(&["314159"]).start();
    let flags = ["--mfa-serial", DEVICE, "--mfa-token", "314159", "-vv"];
    for format in ["text", "json"] {
        let finished = role(&sts).args(flags).args(["--log-format", format]).run();
        let said = finished.stdout_text() + &finished.stderr;
        assert!(said.contains(ROLE));
        for issued in sts.issued() {
            assert!(!said.contains(&issued.secret_access_key) && !said.contains(&issued.session_token), "{said}");
        }
        assert!(!said.contains(&Identity::user().secret_access_key) && !said.contains("314159"), "{said}");
    }
}

#[test]
fn a_command_beside_it_is_refused() {
    let sts = FakeSts::start();
    for (args, complaint) in [
        (&["--", "true"][..], "--check runs no command"),
        (&["--clear-cache"], "--check and --clear-cache exclude each other"),
    ] {
        let finished = role(&sts).args(args).run().exited(125);
        assert_eq!(finished.stdout_text(), "");
        assert!(finished.stderr.starts_with(&format!("xassume: {complaint}\nhint: ")), "{}", finished.stderr);
    }
    assert_eq!(sts.requests().len(), 0);
}
