//! Sessions from short-lived tokens: the endpoint returns a valid session through all refreshes.

use super::*;
use crate::support::Tokens;
use crate::support::issuer::{AUDIENCE, claims_of};
use std::collections::BTreeSet;

/// A token that would be used again after a failed refresh would have expired.
const TOKEN_LIFE: Duration = Duration::from_secs(2);

/// An STS with these sessions, and xassume with a command that prints a new token each time.
fn world(lifetime: Duration) -> (FakeSts, Xassume) {
    let tokens = Tokens::new().life(TOKEN_LIFE);
    let sts = FakeSts::builder().oidc_provider(&tokens, &[AUDIENCE]).lifetime(lifetime).start();
    let xassume = via_endpoint(&sts).without_keys();
    let command = tokens.command(&xassume.home().join("tokens"));
    (sts, xassume.args(["--web-identity-token-command", &command]))
}

#[track_caller]
fn each_token_was_sent_once(sts: &FakeSts) {
    let tokens = sts.web_identity_tokens();
    assert_eq!(tokens.iter().collect::<BTreeSet<_>>().len(), tokens.len(), "a token was sent twice");
}

/// When the token of the last request was issued, in seconds since 1970.
fn last_issued_at(sts: &FakeSts) -> u64 {
    let claims = sts.web_identity_tokens().last().and_then(|token| claims_of(token)).expect("a token");
    claims["iat"].as_u64().expect("a time")
}

#[test]
fn clients_are_served_through_five_refreshes_with_short_tokens() {
    let (sts, xassume) = world(Duration::from_secs(5));
    let served = Served::start(xassume);
    let mut newest = 1;
    while newest < 6 {
        let found = generation(&served.get(), &sts.issued());
        assert!((newest..=newest + 1).contains(&found), "generation {found} after {newest}");
        newest = found;
    }
    each_token_was_sent_once(&sts);
    served.end();
}

#[test]
fn a_new_token_is_used_when_sts_is_back_after_two_lifetimes_of_a_token() {
    let (sts, xassume) = world(Duration::from_secs(8));
    let served = Served::start(xassume);
    sts.script_forever([Answer::Reset]);
    let mut count = sts.wait_for_requests(2).len();
    let down = last_issued_at(&sts);
    while last_issued_at(&sts) < down + 2 * TOKEN_LIFE.as_secs() {
        count = sts.wait_for_requests(count + 1).len();
    }
    sts.script([]);
    served.running.error_line("session refreshed after ");
    assert_eq!(generation(&served.get(), &sts.issued()), 2);
    each_token_was_sent_once(&sts);
    served.end();
}
