//! Tests of the hints with malicious and missing claims.

use super::hostile::REFUSALS;
use super::*;
use serde_json::Value;

fn role(partition: &str) -> RoleArn {
    RoleArn::parse(&format!("arn:{partition}:iam::521111111144:role/DeployMaster")).expect("a role")
}

fn claims(issuer: &str, audiences: &[&str], subject: &str) -> Claims {
    Claims {
        issuer: Some(issuer.into()),
        audiences: audiences.iter().map(ToString::to_string).collect(),
        subject: Some(subject.into()),
        ..Claims::default()
    }
}

fn hint(claims: &Claims, refusal: TokenRefusal) -> String {
    RefusedToken { role: &role("aws"), claims: Some(claims) }.hint(refusal)
}

fn statement(claims: &Claims) -> Value {
    let hint = hint(claims, TokenRefusal::NotTrusted);
    let line = hint.lines().find(|line| line.starts_with("    {")).expect("a statement");
    serde_json::from_str(line).expect("the statement is JSON")
}

#[test]
fn the_statement_accepts_the_claims_of_the_token() {
    let subject = "repo:octo-org/octo-repo:ref:refs/heads/main";
    let statement = statement(&claims("https://ci.example/jobs/7", &["sts.amazonaws.com"], subject));
    assert_eq!(
        statement,
        json!({
            "Effect": "Allow",
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": "arn:aws:iam::521111111144:oidc-provider/ci.example/jobs/7"},
            "Condition": {
                "StringEquals": {"ci.example/jobs/7:aud": "sts.amazonaws.com", "ci.example/jobs/7:sub": subject},
            },
        })
    );
}

#[test]
fn the_authorized_party_takes_the_place_of_the_audience() {
    let mut claims = claims("https://accounts.google.com", &["a", "b"], "1");
    assert_eq!(statement(&claims)["Condition"]["StringEquals"]["accounts.google.com:aud"], json!(["a", "b"]));
    claims.authorized_party = Some("c".into());
    let statement = statement(&claims);
    assert_eq!(statement["Condition"]["StringEquals"]["accounts.google.com:aud"], "c");
    assert_eq!(statement["Principal"]["Federated"], "accounts.google.com");
}

#[test]
fn tags_and_a_source_identity_in_the_token_need_their_actions() {
    let claims = Claims { tags: true, source_identity: true, ..claims("https://i.example", &["a"], "s") };
    let actions = ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"];
    assert_eq!(statement(&claims)["Action"], json!(actions));
}

#[test]
fn the_provider_is_in_the_partition_of_the_role() {
    let claims = claims("https://i.example/", &["a"], "s");
    let hint = RefusedToken { role: &role("aws-cn"), claims: Some(&claims) }.hint(TokenRefusal::Audience);
    assert!(
        hint.contains("--open-id-connect-provider-arn arn:aws-cn:iam::521111111144:oidc-provider/i.example/ "),
        "{hint}"
    );
}

#[test]
fn claims_are_quoted_for_json_and_for_the_shell() {
    let claims = claims("https://i.example/$(id)", &["it's; \"rm\" -r"], "\"},{\\${aws:username}");
    let statement = statement(&claims);
    assert_eq!(statement["Condition"]["StringEquals"]["i.example/$(id):sub"], "\"},{\\${$}{aws:username}");
    let hint = hint(&claims, TokenRefusal::NoProvider);
    let command = hint.lines().nth(1).expect("a command");
    let words = shlex::split(command).expect("a command line");
    assert_eq!(words[3..], ["--url", "https://i.example/$(id)", "--client-id-list", "it's; \"rm\" -r"]);
}

#[test]
fn claims_that_deceive_or_have_no_end_are_not_shown() {
    let long = "x".repeat(LONGEST_CLAIM + 1);
    for claim in ["\u{1b}[2J", "a\nb", "a\u{202e}b", "a\u{200b}b", "-x", long.as_str()] {
        for claims in [claims(claim, &["a"], "s"), claims("i", &[claim], "s"), claims("i", &["a"], claim)] {
            for refusal in REFUSALS {
                let hint = hint(&claims, refusal);
                assert!(!hint.contains(claim) && hint.len() < 4096, "{hint}");
                assert!(!hint.chars().any(|c| deceives(c) && c != '\n'), "{hint}");
            }
            let hint = hint(&claims, TokenRefusal::NotTrusted);
            assert!(hint.contains("\n  replace "), "{hint}");
        }
    }
}

#[test]
fn a_token_without_claims_still_has_a_hint() {
    for refusal in REFUSALS {
        for claims in [None, Some(&Claims::default())] {
            let hint = RefusedToken { role: &role("aws"), claims }.hint(refusal);
            assert!(!hint.is_empty() && hint.lines().all(|line| line.len() < 400), "{hint}");
        }
    }
}
