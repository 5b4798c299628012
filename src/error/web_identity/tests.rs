//! Tests of the hints with malicious and missing claims.

use super::federation::LONGEST_CLAIM;
use super::hostile::REFUSALS;
use super::*;
use crate::error::deceives;
use serde_json::{Map, Value};

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
    RefusedToken { role: &role("aws"), claims: Some(claims), place: None }.hint(refusal)
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
    assert_eq!(statement["Condition"]["StringEquals"]["accounts.google.com:oaud"], json!(["a", "b"]));
    for refusal in [TokenRefusal::NoProvider, TokenRefusal::Audience] {
        let hint = hint(&claims, refusal);
        assert!(hint.contains(":oaud") && !hint.contains("aws iam"), "IAM has this provider already: {hint}");
    }
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
    let hint = RefusedToken { role: &role("aws-cn"), claims: Some(&claims), place: None }.hint(TokenRefusal::Audience);
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
            let hint = RefusedToken { role: &role("aws"), claims, place: None }.hint(refusal);
            assert!(!hint.is_empty() && hint.lines().all(|line| line.len() < 400), "{hint}");
        }
    }
}

#[test]
fn parts_of_the_subject_that_differ_in_each_run_are_not_compared() {
    let of = |issuer, subject| {
        let statement = statement(&claims(issuer, &["a"], subject));
        let conditions = &statement["Condition"];
        let key = format!("{}:sub", issuer.trim_start_matches("https://"));
        assert_eq!(conditions["StringEquals"].as_object().map(Map::len), Some(1), "{conditions}");
        conditions["StringLike"][key].as_str().expect("a pattern").to_owned()
    };
    assert_eq!(
        of("https://agent.buildkite.com", "organization:a:pipeline:b:ref:refs/heads/main:commit:9f36:step:build"),
        "organization:a:pipeline:b:ref:refs/heads/main:commit:*:step:*"
    );
    let bitbucket = "https://api.bitbucket.org/2.0/workspaces/a/pipelines-config/identity/oidc";
    assert_eq!(of(bitbucket, "{r-1}:{e-2}:{s-3}"), "{r-1}:{e-2}:*");
    assert_eq!(of("https://i.example", "a*?${b}:commit:0:step:"), "a${*}${?}${$}{b}:commit:*:step:*");
}

#[test]
fn only_a_subject_of_unknown_form_may_have_parts_that_differ() {
    let advice = "replace it by * and use StringLike";
    let hint = |subject| hint(&claims("https://i.example", &["a"], subject), TokenRefusal::NotTrusted);
    for subject in ["org/a/project/b/user/c", "job/build"] {
        assert!(hint(subject).contains(advice), "{subject}");
    }
    for subject in ["repo:a/b:ref:refs/heads/main", "project_path:a/b:ref_type:branch:ref:main", "spiffe://a/b"] {
        assert!(!hint(subject).contains(advice), "{subject}");
    }
}

#[test]
fn a_pull_request_is_trusted_only_after_a_caution() {
    let caution =
        "this is the token of a pull request: let the role trust it only if all pull requests may use this role";
    for refusal in [TokenRefusal::NoProvider, TokenRefusal::Audience, TokenRefusal::NotTrusted] {
        let of = |subject| hint(&claims("https://token.actions.githubusercontent.com", &["a"], subject), refusal);
        let hint = of("repo:a/b:pull_request");
        assert!(hint.starts_with(caution), "{hint}");
        assert!(!of("repo:a/b:ref:refs/heads/pull_request").contains(caution));
    }
}

#[test]
fn an_http_issuer_cannot_be_added_to_iam() {
    for refusal in [TokenRefusal::NoProvider, TokenRefusal::Audience, TokenRefusal::NotTrusted] {
        let hint = hint(&claims("http://gitlab.local:8080", &["a"], "s"), refusal);
        assert!(hint.contains("GitLab: external_url") && hint.lines().count() == 1, "{hint}");
    }
}

#[test]
fn the_missing_claim_of_an_invalid_token_is_named() {
    let full =
        Claims { expiration: Some(std::time::SystemTime::UNIX_EPOCH), ..claims("https://i.example", &["a"], "s") };
    let without = |change: fn(&mut Claims)| {
        let mut claims = full.clone();
        change(&mut claims);
        hint(&claims, TokenRefusal::Invalid)
    };
    assert!(without(|claims| claims.issuer = None).contains("SPIRE: jwt_issuer"));
    assert!(without(|claims| claims.subject = None).contains("the claim sub "));
    assert!(without(|claims| claims.audiences.clear()).contains("the claim aud "));
    assert!(without(|claims| claims.expiration = None).contains("the claim exp "));
    assert!(without(|_| ()).contains("was used before"));
}
