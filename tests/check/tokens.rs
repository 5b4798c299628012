//! The step for a web identity token, and the trust statement when STS refuses the token.

use super::{ROLE, failed_at, fails, role, states};
use crate::support::issuer::{AUDIENCE, ISSUER, SUBJECT};
use crate::support::{Answer, FakeSts, RoleRules, Tokens, Xassume};
use serde_json::{Value, json};
use std::time::Duration;

/// A check with a file that contains this token.
pub(super) fn presented(sts: &FakeSts, token: &str) -> Xassume {
    let xassume = role(sts).without_keys().file("token", token);
    let path = xassume.home().join("token");
    xassume.arg("--web-identity-token-file").arg(path)
}

/// The lines of the step for the token.
fn step(page: &str) -> String {
    let mut lines = page.lines().skip_while(|line| line.get(13..18) != Some("token"));
    let first = lines.next().unwrap_or_else(|| panic!("no step for the token: {page}"));
    let rest = lines.take_while(|line| line.starts_with(' '));
    std::iter::once(first).chain(rest).map(|line| line.to_owned() + "\n").collect()
}

fn json_step(document: &Value) -> &Value {
    let steps = document["steps"].as_array().expect("steps");
    steps.iter().find(|step| step["step"] == "token").expect("a step for the token")
}

#[test]
fn the_claims_of_the_token_are_shown_but_not_the_token() {
    let tokens = Tokens::new().claim("exp", 4_102_444_800_u64);
    let sts = FakeSts::builder().oidc_provider(&tokens, &[AUDIENCE]).start();
    let token = tokens.mint();
    let page = presented(&sts, &token).run().exited(0).stdout_text();
    let step = step(&page);
    let (shown, left) = step.split_once(" (in ").expect("the time that is left");
    assert_eq!(
        shown,
        format!(
            "\
ok           token          issuer {ISSUER}
                            audience {AUDIENCE}
                            subject {SUBJECT}
                            expires at 2100-01-01T00:00:00Z"
        )
    );
    assert!(left.contains("year"), "{left}");
    let names: Vec<_> = states(&page).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names[..3], ["config", "source", "token"]);
    for part in token.split('.').skip(1) {
        assert!(!page.contains(part), "{page}");
    }
}

#[test]
fn a_command_that_prints_tokens_is_checked_in_the_same_way() {
    let tokens = Tokens::new();
    let sts = FakeSts::builder().oidc_provider(&tokens, &[AUDIENCE]).start();
    let xassume = role(&sts).without_keys();
    let command = tokens.command(&xassume.home().join("tokens"));
    let xassume = xassume.args(["--web-identity-token-command", &command, "--log-format", "json"]);
    let document = xassume.run().exited(0).stdout_json();
    let step = json_step(&document);
    assert_eq!((&step["issuer"], &step["subject"]), (&json!(ISSUER), &json!(SUBJECT)));
    assert_eq!(step["audience"], json!([AUDIENCE]));
    let left = step["remaining_seconds"].as_i64().expect("seconds");
    assert!((200..=300).contains(&left), "{left}");
}

#[test]
fn a_token_that_expires_before_the_first_refresh_is_noted() {
    let step = |tokens: &Tokens, more: &[&str]| {
        let sts = FakeSts::builder().oidc_provider(tokens, &[AUDIENCE]).start();
        let page = presented(&sts, &tokens.mint()).args(more).run().exited(0).stdout_text();
        let lines = page.lines().skip_while(|line| line.get(13..20) != Some("refresh"));
        lines.take(2).map(|line| line.to_owned() + "\n").collect::<String>()
    };
    let (soon, late) = (Tokens::new(), Tokens::new().life(Duration::from_hours(2)));
    let noted = step(&soon, &["--via", "endpoint"]);
    assert!(noted.starts_with("note "), "{noted}");
    assert!(
        noted.contains("hint: this token expires before the first refresh: the file must give a new one"),
        "{noted}"
    );
    let shown = step(&late, &["--via", "endpoint"]);
    assert!(shown.starts_with("ok ") && shown.contains("refreshes work without user input\n"), "{shown}");
    assert_eq!(step(&soon, &[]), "", "nothing is refreshed");
}

#[test]
fn a_refused_subject_gets_the_trust_statement() {
    let tokens = Tokens::new();
    let rules = RoleRules { subject: Some("repo:octo-org/octo-repo:environment:prod".into()), ..RoleRules::default() };
    let sts = FakeSts::builder().oidc_provider(&tokens, &[AUDIENCE]).role(ROLE, rules).start();
    let page = fails(&presented(&sts, &tokens.mint()));
    failed_at(&page, "role");
    let host = ISSUER.trim_start_matches("https://");
    let statement = json!({
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": format!("arn:aws:iam::521111111144:oidc-provider/{host}")},
        "Condition": {"StringEquals": {format!("{host}:aud"): AUDIENCE, format!("{host}:sub"): SUBJECT}},
    });
    let line = page.lines().find(|line| line.starts_with("        {")).expect("a statement");
    assert_eq!(serde_json::from_str::<Value>(line).expect("JSON"), statement);
    let document = presented(&sts, &tokens.mint()).args(["--log-format", "json"]).run().exited(125).stdout_json();
    assert_eq!(json_step(&document)["state"], "ok");
    let failed = document["steps"].as_array().expect("steps").iter().find(|step| step["state"] == "failed");
    let hint = failed.and_then(|step| step["hint"].as_str()).expect("a hint");
    assert!(hint.contains(line.trim()), "{hint}");
}

#[test]
fn an_expired_token_a_strange_audience_and_a_token_that_is_no_jwt_are_warnings() {
    let tokens = Tokens::new();
    let sts = FakeSts::builder().oidc_provider(&tokens, &[AUDIENCE]).start();
    for (token, shown, hint) in [
        (
            tokens.clone().life(Duration::ZERO).mint(),
            "expired at ",
            "hint: get a new token; STS may accept a token for up to 5 minutes after its expiry",
        ),
        (
            tokens.clone().claim("aud", json!(["https://github.com/octo-org"])).mint(),
            "audience https://github.com/octo-org\n",
            "hint: does the OIDC provider in IAM list this audience? usually it lists sts.amazonaws.com",
        ),
        (
            tokens.clone().claim("sub", ()).mint(),
            "subject missing\n",
            "hint: STS requires the claims iss, aud, sub and exp",
        ),
        ("ya29.opaque".into(), "not a JWT, so its claims are not known\n", "hint: STS accepts OIDC ID tokens only"),
    ] {
        let page = fails(&presented(&sts, &token));
        let step = step(&page);
        assert!(step.starts_with("warning      token          ") && step.contains(shown), "{page}");
        assert!(step.contains(hint), "{page}");
    }
}

#[test]
fn an_audience_that_sts_accepts_is_not_a_warning() {
    let tokens = Tokens::new().claim("aud", "https://gitlab.example.com");
    let sts = FakeSts::builder().oidc_provider(&tokens, &["https://gitlab.example.com"]).start();
    let page = presented(&sts, &tokens.mint()).run().exited(0).stdout_text();
    assert!(step(&page).starts_with("ok           token "), "{page}");
}

#[test]
fn claims_cannot_control_the_terminal() {
    let tokens = Tokens::new().claim("sub", "a\u{1b}]0;title\u{7}\u{202e}b\r\nc").claim("iss", "x".repeat(9000));
    let sts = FakeSts::start();
    sts.script_forever([Answer::error(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")]);
    let page = fails(&presented(&sts, &tokens.mint()));
    assert!(page.contains("subject a ]0;title  b  c\n"), "{page}");
    assert!(!page.chars().any(|c| c.is_control() && c != '\n') && !page.contains('\u{202e}'), "{page:?}");
    assert!(page.len() < 8 << 10, "{page}");
}
