//! Refusals of web identity tokens.

use super::page::{Page, ROLE, Scene, page};
use crate::support::issuer::AUDIENCE;
use crate::support::{Answer, FakeSts, RoleRules, Tokens, Xassume};

/// An STS whose account has a provider for these tokens, and a file with a token.
fn presented(trusted: &Tokens, token: &str) -> Scene {
    presented_to(FakeSts::builder().oidc_provider(trusted, &[AUDIENCE]).start(), token)
}

fn presented_to(sts: FakeSts, token: &str) -> Scene {
    let xassume = Xassume::new(&sts).without_keys().file("token", token);
    let path = xassume.home().join("token");
    Scene::new(xassume.arg("--web-identity-token-file").arg(path).args(["-r", ROLE, "--", "true"])).with(sts)
}

/// Refusals that the fake has no rule for.
const ANSWERS: &[(&str, &str, &str)] = &[
    (
        "token-keys-not-retrieved",
        "InvalidIdentityToken",
        "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity \
         documentation for requirements",
    ),
    (
        "token-issuer-unreachable",
        "IDPCommunicationError",
        "The identity provider that was asked to verify the incoming identity token could not be reached",
    ),
    ("token-claim-rejected", "IDPRejectedClaim", "The identity provider reported that authentication failed"),
    (
        "token-thumbprint",
        "InvalidIdentityToken",
        "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint",
    ),
];

pub(super) fn pages() -> Vec<Page> {
    let mut pages: Vec<Page> = ANSWERS
        .iter()
        .map(|(name, code, text)| {
            page(name, || {
                let sts = FakeSts::start();
                sts.script_forever([Answer::error(400, code, text)]);
                presented_to(sts, &Tokens::new().mint())
            })
        })
        .collect();
    let strict = || FakeSts::builder().role(ROLE, RoleRules { subject: Some("x".into()), ..RoleRules::default() });
    pages.extend([
        page("token-without-provider", || {
            presented(&Tokens::new(), &Tokens::new().claim("iss", "https://gitlab.example.com/group").mint())
        }),
        page("token-audience", || {
            let tokens = Tokens::new();
            presented(&tokens, &tokens.clone().claim("aud", ["https://github.com/octo-org", "it's"].as_slice()).mint())
        }),
        page("token-not-trusted", move || {
            let tokens = Tokens::new();
            presented_to(strict().oidc_provider(&tokens, &[AUDIENCE]).start(), &tokens.mint())
        }),
        page("token-not-trusted-without-subject", move || {
            presented_to(strict().start(), &Tokens::new().claim("sub", "\u{1b}]0;title\u{7}").mint())
        }),
        page("token-denied-by-rcp", || {
            let message = "Not authorized to perform sts:AssumeRoleWithWebIdentity with an explicit deny in a resource \
                           control policy";
            let sts = FakeSts::builder().script_forever([Answer::error(403, "AccessDenied", message)]).start();
            presented_to(sts, &Tokens::new().mint())
        }),
        page("token-expired", || {
            let message = "Token expired: current date/time 946685101 must be before the expiration date/time946684800";
            let sts = FakeSts::start();
            sts.script_forever([Answer::error(400, "ExpiredTokenException", message)]);
            presented_to(sts, &Tokens::new().claim("exp", 946_684_800.5).mint())
        }),
        page("token-expired-in-a-variable", || {
            let message = "Token expired: current date/time 946685101 must be before the expiration date/time946684800";
            let sts = FakeSts::start();
            sts.script_forever([Answer::error(400, "ExpiredTokenException", message)]);
            let xassume = Xassume::new(&sts).without_keys();
            // The claims are {"iss":"https://ci.example","aud":"a","sub":"s","exp":946684800}.
            let claims = "eyJpc3MiOiJodHRwczovL2NpLmV4YW1wbGUiLCJhdWQiOiJhIiwic3ViIjoicyIsImV4cCI6OTQ2Njg0ODAwfQ";
            let xassume = xassume.env("AWS_ID_TOKEN", format!("e30.{claims}.c2ln"));
            let args = ["--web-identity-token-command", "printenv AWS_ID_TOKEN", "-r", ROLE, "--", "true"];
            Scene::new(xassume.args(args)).with(sts)
        }),
        page("token-of-a-pull-request", || {
            let tokens = Tokens::new();
            let rules = RoleRules { subject: Some("x".into()), ..RoleRules::default() };
            let sts = FakeSts::builder().role(ROLE, rules).oidc_provider(&tokens, &[AUDIENCE]);
            presented_to(sts.start(), &tokens.clone().claim("sub", "repo:octo-org/octo-repo:pull_request").mint())
        }),
        page("token-of-buildkite", || {
            let tokens = Tokens::new()
                .claim("sub", "organization:acme:pipeline:app:ref:refs/heads/main:commit:9f3604a1:step:build");
            let rules = RoleRules { subject: Some("x".into()), ..RoleRules::default() };
            let sts = FakeSts::builder().role(ROLE, rules).oidc_provider(&tokens, &[AUDIENCE]);
            presented_to(sts.start(), &tokens.mint())
        }),
        page("token-of-an-http-issuer", || {
            presented(&Tokens::new(), &Tokens::new().claim("iss", "http://gitlab.local:8080").mint())
        }),
        page("token-of-google", || {
            let tokens =
                Tokens::new().claim("iss", "https://accounts.google.com").claim("azp", "113").claim("sub", "113");
            let denied = Answer::error(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity");
            let sts = FakeSts::builder().script_forever([denied]).start();
            presented_to(sts, &tokens.mint())
        }),
        page("token-without-issuer", || {
            let sts = FakeSts::start();
            sts.script_forever([Answer::error(400, "InvalidIdentityToken", "Missing a required claim: iss")]);
            presented_to(sts, &Tokens::new().claim("iss", ()).mint())
        }),
        page("token-used-before", || {
            let sts = FakeSts::start();
            sts.script_forever([Answer::error(400, "InvalidIdentityToken", "The token has been used before")]);
            presented_to(sts, &Tokens::new().mint())
        }),
        page("token-not-a-jwt", || presented(&Tokens::new(), "token.of.pod")),
    ]);
    pages
}
