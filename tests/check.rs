//! `--check`: each step to a session and, in a broken setup, which policy is missing.

mod codes;
mod delivery;
mod denials;
mod document;
mod environment;
mod sources;
mod tokens;

use crate::support::{FakeSts, Finished, Identity, RoleRules, Terminal, Wording, Xassume, probe};
use serde_json::{Value, json};

const ROLE: &str = "arn:aws:iam::521111111144:role/DeployMaster";
const HUB: &str = "arn:aws:iam::222222222222:role/Hub";
const DEVICE: &str = "arn:aws:iam::222222222222:mfa/alice";

/// A user with keys in the environment and a fixed session name.
fn check(sts: &FakeSts) -> Xassume {
    Xassume::new(sts).arg("--check").args(["--role-session-name", "me"])
}

fn role(sts: &FakeSts) -> Xassume {
    check(sts).args(["-r", ROLE])
}

/// An STS whose role has these rules. Its denials name the kind of policy that is missing.
fn naming_the_policy(rules: RoleRules) -> FakeSts {
    FakeSts::builder().role(ROLE, RoleRules { wording: Wording::WithPolicy, ..rules }).start()
}

/// Asserts that the check fails, and prints the failure on standard output only.
#[track_caller]
fn fails(xassume: &Xassume) -> String {
    let finished = xassume.run().exited(125);
    assert_eq!(finished.stderr, "", "the check reports on standard output only");
    let page = finished.stdout_text();
    assert_eq!(page.lines().filter(|line| line.starts_with("failed")).count(), 1, "{page}");
    page
}

/// The state of each step, by name, in the order of the page.
fn states(page: &str) -> Vec<(String, String)> {
    let steps =
        page.lines().filter(|line| ![" ", "check ", "not reached: "].iter().any(|other| line.starts_with(other)));
    steps.map(|line| (line[13..line.len().min(28)].trim().to_owned(), line[..13].trim().to_owned())).collect()
}

/// Asserts that this step failed and is the last one on the page before the verdict.
#[track_caller]
fn failed_at(page: &str, name: &str) {
    let states = states(page);
    let (last, others) = states.split_last().expect("steps");
    assert_eq!((last.0.as_str(), last.1.as_str()), (name, "failed"), "{page}");
    for (step, state) in others {
        assert!(["ok", "note", "warning"].contains(&state.as_str()), "{step}: {page}");
    }
    let verdict = page.lines().last().unwrap_or_default();
    let why = verdict.strip_prefix(&format!("check failed: {name}")).expect(verdict);
    assert!(why.starts_with(": ") || why.starts_with(" (") && why.ends_with(')'), "{page}");
}

fn identity_statement(action: &str) -> String {
    format!(r#"{{"Effect":"Allow","Action":{action},"Resource":"{ROLE}"}}"#)
}

fn trust_statement(action: &str, principal: &str) -> String {
    format!(r#"{{"Effect":"Allow","Action":{action},"Principal":{{"AWS":"{principal}"}}}}"#)
}

#[test]
fn a_working_setup_is_reported_step_by_step() {
    let sts = FakeSts::start();
    let xassume = check(&sts).args(["-r", HUB, "-r", ROLE, "--external-id", "word", "--tag", "team=a"]);
    let xassume = xassume.args(["--expect-account", "521111111144"]);
    let finished = xassume.run().exited(0);
    assert_eq!(finished.stderr, "");
    let (home, url) = (xassume.home().display().to_string(), sts.url());
    let ends = |at: usize| humantime::format_rfc3339_seconds(sts.issued()[at].expiration).to_string();
    let (first, last) = (ends(0), ends(1));
    let bytes = sts.issued()[0].session_token.len();
    let token = format!("{bytes} bytes, {}% of the limit", bytes * 100 / 4096);
    assert_eq!(
        finished.stdout_text(),
        format!(
            "\
ok           config         {home}/.aws/config (not found), {home}/.aws/credentials (not found)
ok           source         keys in the environment (AKIAUSERDEFAULT00001), long-term
ok           sts            {url}, region us-east-1 (AWS_REGION)
ok           clock          system clock agrees with STS
ok           identity       arn:aws:iam::222222222222:user/alice
ok           role 1 of 2    {HUB}, session name me
                            valid for 1h, until {first}; session token {token}
ok           role 2 of 2    {ROLE}, session name me, external ID word, 1 tag
                            valid for 1h, until {last}; session token {token}
ok           session        arn:aws:sts::521111111144:assumed-role/DeployMaster/me
                            account 521111111144 (--expect-account)
ok           delivery       credentials in environment variables (--via env)
ok           expiry         the session is not refreshed and expires at {last} (in 1h)
ok           environment    removed conflicting variables: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
                            ~/.aws is visible to the command (no default credentials)
check passed
"
        )
    );
    let actions: Vec<String> = sts.requests().into_iter().map(|request| request.action).collect();
    assert_eq!(actions, ["GetCallerIdentity", "AssumeRole", "AssumeRole"]);
}

#[test]
fn a_working_setup_is_one_json_document() {
    let sts = FakeSts::start();
    let finished = role(&sts).args(["--on-expiry", "restart", "--log-format", "json"]).run().exited(0);
    assert_eq!(finished.stderr, "");
    let document = finished.stdout_json();
    assert_eq!((&document["check"], &document["status"]), (&json!("ok"), &json!(0)));
    assert_eq!(document["verdict"], json!("check passed"));
    let steps = document["steps"].as_array().expect("steps");
    let column = |key: &str| steps.iter().map(|step| step[key].as_str().unwrap_or("-")).collect::<Vec<_>>();
    #[rustfmt::skip]
    assert_eq!(column("step"), [
        "config", "source", "unattended", "sts", "clock", "caller", "role", "session", "delivery", "expiry", "environment",
    ]);
    assert_eq!(column("state"), ["ok"; 11]);
    let step = |name: &str| steps.iter().find(|step| step["step"] == name).unwrap_or(&Value::Null);
    let issued = &sts.issued()[0];
    let expiration = humantime::format_rfc3339_seconds(issued.expiration).to_string();
    assert_eq!(step("config")["files"][0]["present"], json!(false));
    assert_eq!(step("source")["access_key_id"], json!(Identity::user().access_key_id));
    assert_eq!(step("source")["keys"], json!("long-term"));
    assert_eq!(step("sts")["region"], json!("us-east-1"));
    assert_eq!(step("caller")["arn"], json!(Identity::user().arn));
    assert_eq!(step("caller")["account"], json!("222222222222"));
    let bytes = issued.session_token.len();
    let percent = bytes * 100 / 4096;
    assert_eq!(
        step("role"),
        &json!({
            "step": "role", "state": "ok", "message": format!("{ROLE}, session name me"), "role": ROLE, "session_name": "me",
            "number": 1, "arn": issued.arn, "lifetime_seconds": 3600, "expiration": expiration,
            "session_token_bytes": bytes, "session_token_percent": percent,
            "details": [format!("valid for 1h, until {expiration}; session token {bytes} bytes, {percent}% of the limit")],
        })
    );
    assert_eq!(step("session")["arn"], json!(issued.arn));
    assert_eq!(step("expiry")["on_expiry"], json!("restart"));
    assert_eq!(step("expiry")["first_refresh_seconds"], json!([2880, 3240]));
    assert_eq!(step("environment")["removed"], json!(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]));
}

#[test]
fn a_failure_in_json_has_the_reason_the_hint_and_the_skipped_steps() {
    let sts = naming_the_policy(RoleRules { allowed: false, ..RoleRules::default() });
    let document = role(&sts).args(["--log-format", "json"]).run().exited(125).stdout_json();
    assert_eq!((&document["check"], &document["status"]), (&json!("failed"), &json!(125)));
    let steps = document["steps"].as_array().expect("steps");
    let at = steps.iter().position(|step| step["state"] == "failed").expect("a step that failed");
    assert_eq!(steps[at]["step"], "role");
    assert_eq!((&steps[at]["reason"], &document["verdict"]), (&json!("denied"), &json!("check failed: role (denied)")));
    assert!(steps[at]["error"].as_str().is_some_and(|error| error.starts_with("cannot assume")), "{document}");
    assert!(steps[at]["hint"].as_str().is_some_and(|hint| hint.contains("(the missing statement)")), "{document}");
    assert!(steps[at + 1..].iter().all(|step| step["state"] == "not_reached"), "{document}");
}

#[test]
fn the_cache_is_not_used() {
    let sts = FakeSts::start();
    let xassume = role(&sts);
    xassume.run().exited(0);
    xassume.run().exited(0);
    assert_eq!(sts.issued().len(), 2);
    xassume.clone().arg("--no-cache").run().exited(0);
    let launch = xassume.without_args().args(["-r", ROLE, "--role-session-name", "me", "--"]);
    let launched = launch.args(probe()).args(["environ"]).run().exited(0);
    let kept = format!("AWS_ACCESS_KEY_ID={}", sts.issued()[1].access_key_id);
    assert!(launched.stdout_fields().contains(&kept.into_bytes()), "the session of the last check that caches one");
    assert_eq!(sts.issued().len(), 3);
}

#[test]
fn quiet_prints_only_failures_and_verbose_adds_the_plan() {
    let sts = naming_the_policy(RoleRules { allowed: false, ..RoleRules::default() });
    let page = role(&sts).arg("-q").run().exited(125).stdout_text();
    assert!(page.starts_with("failed       role           "), "{page}");
    let sts = FakeSts::start();
    let quiet: Finished = role(&sts).arg("-q").run().exited(0);
    assert_eq!((quiet.stdout_text(), quiet.stderr), (String::new(), String::new()));
    let verbose = role(&sts).arg("-v").run().exited(0);
    assert!(verbose.stderr.contains("xassume: plan:\n"), "{}", verbose.stderr);
    assert!(verbose.stdout_text().starts_with("ok           config "));
}

#[test]
fn the_page_is_colored_on_a_terminal_if_the_user_wants_it() {
    let sts = naming_the_policy(RoleRules { allowed: false, ..RoleRules::default() });
    let on_terminal = |xassume: &Xassume| Terminal::run(xassume).wait().exited(125).stdout_text();
    let xassume = role(&sts).env("TERM", "xterm");
    let shown = on_terminal(&xassume);
    assert!(shown.contains("\n\x1b[32mok\x1b[0m           source  "), "{shown:?}");
    assert!(shown.contains("\n\x1b[1;31mfailed\x1b[0m       role  "), "{shown:?}");
    assert!(shown.contains("\n    \x1b[36mhint:\x1b[0m add this statement to the caller's policy"), "{shown:?}");
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
fn a_command_with_check_is_rejected() {
    let sts = FakeSts::start();
    for (args, complaint) in [
        (&["--", "true"][..], "--check does not run a command"),
        (&["--clear-cache"], "--check cannot be used with --clear-cache"),
    ] {
        let finished = role(&sts).args(args).run().exited(125);
        assert_eq!(finished.stdout_text(), "");
        assert!(finished.stderr.starts_with(&format!("xassume: error: {complaint}\nhint: ")), "{}", finished.stderr);
    }
    assert_eq!(sts.requests().len(), 0);
}
