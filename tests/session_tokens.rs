//! The longest session tokens that AWS issues pass unchanged through the cache and every delivery. Their size is shown.

use crate::support::http::get;
use crate::support::{Answer, FakeSts, Xassume, probe};
use std::time::Duration;

const ROLE: &str = "arn:aws:iam::111111111111:role/R";
const HUB: &str = "arn:aws:iam::222222222222:role/Hub";
const LONGEST: usize = 4096;

fn long_tokens() -> FakeSts {
    FakeSts::builder().token_bytes(LONGEST).mfa_codes(&["314159"]).start()
}

/// Asserts that the text contains the token of this session, neither shortened nor continued.
#[track_caller]
fn contains_token(text: &str, sts: &FakeSts, session: usize) {
    let token = &sts.issued()[session].session_token;
    assert_eq!(token.len(), LONGEST);
    let (_, rest) = text.split_once(token).unwrap_or_else(|| panic!("not in {text}"));
    assert!(!rest.starts_with('+'), "{text}");
}

fn printed_by_script(sts: &FakeSts, args: &[&str], script: &str) -> String {
    Xassume::new(sts).args(args).args(["-r", ROLE, "--", "sh", "-c", script]).run().exited(0).stdout_text()
}

#[test]
fn the_environment_has_the_longest_token() {
    for args in [&[][..], &["--isolate"], &["--on-expiry", "restart"]] {
        let sts = long_tokens();
        contains_token(&printed_by_script(&sts, args, "echo \"$AWS_SESSION_TOKEN\""), &sts, 0);
    }
}

#[test]
fn the_cache_has_the_longest_token() {
    let sts = long_tokens();
    let xassume = Xassume::new(&sts).args(["-r", ROLE, "--print", "json"]);
    let first = xassume.run().exited(0).stdout_text();
    sts.stop();
    assert_eq!(xassume.run().exited(0).stdout_text(), first);
    contains_token(&first, &sts, 0);
}

#[test]
fn every_printed_format_has_the_longest_token() {
    for format in ["env", "export", "fish", "powershell", "dotenv", "json", "credential-process"] {
        let sts = long_tokens();
        let text = Xassume::new(&sts).args(["-r", ROLE, "--print", format]).run().exited(0).stdout_text();
        contains_token(&text, &sts, 0);
        // Docker reads one variable from each line, and each line has less than 64 KiB.
        let line = format!("AWS_SESSION_TOKEN={}", sts.issued()[0].session_token);
        assert_eq!(format == "env", text.lines().any(|found| found == line), "{format}: {text}");
    }
}

#[test]
fn files_and_programs_have_the_longest_token() {
    let sts = long_tokens();
    contains_token(&printed_by_script(&sts, &["--via", "file"], "cat \"$AWS_SHARED_CREDENTIALS_FILE\""), &sts, 0);
    let script = "sh -c \"$(sed -n 's/^credential_process = //p' \"$AWS_SHARED_CREDENTIALS_FILE\")\"";
    let sts = long_tokens();
    contains_token(&printed_by_script(&sts, &["--via", "process"], script), &sts, 0);
}

#[test]
fn the_endpoint_has_the_longest_token() {
    let sts = long_tokens();
    let names = ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"];
    let xassume = Xassume::new(&sts).args(["-r", ROLE, "--via", "endpoint", "--"]).args(probe());
    let running = xassume.arg("env").args(names).args(["then", "print-signals"]).spawn();
    let [url, token] = names.map(|name| running.line(name)[name.len() + 1..].to_owned());
    running.line("ready");
    contains_token(&get(&url, &[("Authorization", &token)]).expect("answered").text(), &sts, 0);
    running.signal(libc::SIGTERM);
    running.wait().exited(0);
}

#[test]
fn a_refreshed_session_may_have_the_longest_token() {
    let short = Answer::Lifetime(Duration::from_secs(2));
    let sts = FakeSts::builder().token_bytes(LONGEST).script([short]).start();
    let script = "echo \"$AWS_SESSION_TOKEN\"; if test -e started; then exit; fi; >started; exec sleep 600";
    let text = printed_by_script(&sts, &["--on-expiry", "restart"], script);
    contains_token(&text, &sts, 0);
    contains_token(&text, &sts, 1);
}

#[test]
fn every_role_of_a_chain_and_an_mfa_session_may_have_the_longest_token() {
    let sts = long_tokens();
    let device = ["--mfa-serial", "arn:aws:iam::222222222222:mfa/alice", "--mfa-token", "314159", "-r", HUB];
    contains_token(&printed_by_script(&sts, &device, "echo \"$AWS_SESSION_TOKEN\""), &sts, 2);
    let lengths = sts.requests().into_iter().map(|request| request.session_token.map(|token| token.len()));
    assert_eq!(lengths.collect::<Vec<_>>(), [None, Some(LONGEST), Some(LONGEST)]);
}

#[test]
fn the_size_of_each_token_and_its_share_of_the_limit_are_shown() {
    let tags = ["--tag", "team=payments"];
    let run =
        |sts: &FakeSts, args: &[&str]| Xassume::new(sts).args(["-r", HUB, "-r", ROLE]).args(tags).args(args).run();
    let sts = long_tokens();
    let said = run(&sts, &["-v", "--", "true"]).exited(0).stderr;
    for role in 1..=2 {
        let line = format!("xassume: session token of role {role}: 4096 bytes, 100% of the limit\n");
        assert!(said.contains(&line), "{said}");
    }
    let page = run(&sts, &["--check"]).exited(0).stdout_text();
    assert!(page.contains("; session token 4096 bytes, 100% of the limit\n"), "{page}");
    assert!(!page.contains("policies and tags"), "PackedPolicySize is deprecated: {page}");
}

#[test]
fn an_older_endpoint_reports_the_share_of_policies_and_tags() {
    let sts = FakeSts::builder().older().start();
    let xassume = Xassume::new(&sts).args(["-r", ROLE, "--tag", "team=payments"]);
    let bytes = |sts: &FakeSts| sts.issued().pop().expect("a session").session_token.len();
    let said = xassume.clone().args(["-v", "--", "true"]).run().exited(0).stderr;
    let size = format!("{} bytes; policies and tags use 6% of the limit\n", bytes(&sts));
    assert!(said.contains(&format!("xassume: session token of role 1: {size}")), "{said}");
    let page = xassume.clone().arg("--check").run().exited(0).stdout_text();
    assert!(page.contains(&format!("; session token {size}")), "{page}");
    let document = xassume.args(["--check", "--log-format", "json"]).run().exited(0).stdout_json();
    let role = document["steps"].as_array().and_then(|steps| steps.iter().find(|step| step["step"] == "role"));
    let role = role.expect("a step for the role");
    assert_eq!(role["packed_policy_percent"], 6);
    assert_eq!(role["session_token_bytes"], bytes(&sts));
    assert!(role.get("session_token_percent").is_none(), "{role}");
}
