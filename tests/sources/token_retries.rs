//! A new web identity token for each request to STS: a token that STS has seen is refused the second time.

use super::{ROLE, failed, ran};
use crate::support::issuer::AUDIENCE;
use crate::support::{Answer, FakeSts, Tokens, Xassume};
use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

fn strict(tokens: &Tokens) -> FakeSts {
    FakeSts::builder().oidc_provider(tokens, &[AUDIENCE]).start()
}

/// With a command that prints a new token each time.
fn with_command(sts: &FakeSts, tokens: &Tokens) -> Xassume {
    let xassume = Xassume::new(sts).without_keys();
    let command = tokens.command(&xassume.home().join("tokens"));
    xassume.args(["--web-identity-token-command", &command])
}

/// The number of requests with a token. Each must have another token.
#[track_caller]
fn different_tokens(sts: &FakeSts) -> usize {
    let tokens = sts.web_identity_tokens();
    assert_eq!(tokens.iter().collect::<BTreeSet<_>>().len(), tokens.len(), "a token was sent twice");
    tokens.len()
}

fn no_keys() -> Answer {
    let message = "Couldn't retrieve verification key from your identity provider,  please reference \
                   AssumeRoleWithWebIdentity documentation for requirements";
    Answer::error(400, "InvalidIdentityToken", message)
}

#[test]
fn each_try_has_a_new_token() {
    let tokens = Tokens::new();
    for answer in [
        Answer::error(500, "InternalFailure", "no"),
        Answer::unavailable(),
        Answer::body(502, "text/html", "<p>no</p>"),
        Answer::body(429, "text/html", "busy"),
        Answer::throttling(),
        Answer::Reset,
        Answer::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<".to_vec()),
        Answer::error(400, "IDPCommunicationError", "The identity provider could not be reached"),
        Answer::error(400, "ExpiredTokenException", "Token expired"),
        no_keys(),
        Answer::error(400, "InvalidIdentityToken", "The token has been used before"),
    ] {
        let sts = strict(&tokens);
        sts.script([answer.clone()]);
        ran(with_command(&sts, &tokens));
        assert_eq!(different_tokens(&sts), 2, "{answer:?}");
    }
    let sts = strict(&tokens);
    sts.script([no_keys(), no_keys()]);
    ran(with_command(&sts, &tokens));
    assert_eq!(different_tokens(&sts), 3);
}

#[test]
fn an_invalid_token_is_replaced_once() {
    let tokens = Tokens::new();
    let sts = strict(&tokens);
    let used = || Answer::error(400, "InvalidIdentityToken", "The token has been used before");
    sts.script([used(), used()]);
    let error = failed(with_command(&sts, &tokens));
    assert!(error.contains("InvalidIdentityToken: The token has been used before"), "{error}");
    assert_eq!(different_tokens(&sts), 2);
    // Another failure before and after it does not change that.
    let sts = strict(&tokens);
    sts.script([Answer::Reset, used(), no_keys(), used()]);
    failed(with_command(&sts, &tokens));
    assert_eq!(different_tokens(&sts), 4);
}

#[test]
fn a_token_file_is_read_again_for_each_try() {
    let tokens = Tokens::new();
    let sts = strict(&tokens);
    sts.script([Answer::Held]);
    let (expired, fresh) = (tokens.clone().life(Duration::ZERO).mint(), tokens.mint());
    let xassume = Xassume::new(&sts).without_keys().file("token", &expired);
    let path = xassume.home().join("token");
    let running = xassume.arg("--web-identity-token-file").arg(&path).args(["-r", ROLE, "--", "true"]).spawn();
    sts.wait_for_requests(1);
    fs::write(&path, &fresh).expect("the home is ours");
    sts.release();
    running.wait().exited(0);
    assert_eq!(sts.web_identity_tokens(), [expired, fresh]);
}

#[test]
fn an_older_session_is_used_if_sts_cannot_reach_the_issuer() {
    let tokens = Tokens::new();
    let sts = strict(&tokens);
    sts.set_lifetime(Duration::from_mins(30));
    let xassume = with_command(&sts, &tokens).env("GITHUB_RUN_ID", "1").env("GITHUB_RUN_ATTEMPT", "1");
    let xassume = xassume.env("GITHUB_JOB", "test");
    ran(xassume.clone());
    let older = |answer: Answer| {
        sts.script_forever([answer]);
        xassume.clone().args(["--min-ttl", "40m", "-r", ROLE, "--", "true"]).run()
    };
    for answer in [no_keys(), Answer::error(400, "IDPCommunicationError", "no")] {
        older(answer).exited(0);
    }
    older(Answer::error(400, "InvalidIdentityToken", "Incorrect token audience")).exited(125);
}

#[test]
fn only_the_first_role_of_a_chain_is_assumed_with_a_token() {
    let tokens = Tokens::new();
    let sts = strict(&tokens);
    sts.script([Answer::unavailable(), Answer::Ok, Answer::unavailable()]);
    ran(with_command(&sts, &tokens).args(["-r", "arn:aws:iam::222222222222:role/Hub"]));
    let actions: Vec<String> = sts.requests().into_iter().map(|request| request.action).collect();
    let (first, second) = ("AssumeRoleWithWebIdentity", "AssumeRole");
    assert_eq!(actions, [first, first, second, second]);
    assert_eq!(different_tokens(&sts), 2);
}
