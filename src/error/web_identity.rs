//! Refusals of a web identity token, and their hints: what to change in IAM, and the trust statement that accepts the
//! token.
//!
//! The claims in the hints come from the token, which may be malicious. They are quoted for JSON and for a shell.

use super::denial::{SET_SOURCE_IDENTITY, TAG_SESSION, WITHOUT_ROLE};
use super::{deceives, plain_json};
use crate::claims::Claims;
use crate::role::RoleArn;
use crate::session::rfc3339;
use serde_json::json;

/// A claim that is longer than this is not part of a hint. IAM accepts no longer URL and no longer client ID.
const LONGEST_CLAIM: usize = 255;
/// If a token has more audiences, none of them is part of a hint. The statement must fit into the longest line of a hint.
const MOST_AUDIENCES: usize = 2;

/// Why STS refused a web identity token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenRefusal {
    /// The account of the role has no OIDC provider with the URL of the token's issuer.
    NoProvider,
    /// The OIDC provider in IAM does not list the token's audience.
    Audience,
    /// The role's trust policy does not accept the token.
    NotTrusted,
    /// STS could not fetch the keys of the issuer, so the same call may succeed later.
    IssuerUnreachable,
    /// The issuer's certificate does not match the thumbprint of the OIDC provider in IAM.
    Thumbprint,
    /// The issuer itself rejected the token.
    ClaimRejected,
    Expired,
    /// The token is not a JWT, lacks a claim, has a wrong signature, or was used before.
    Invalid,
}

/// A refused call. `claims` is `None` if the claims of the token are not known.
pub(super) struct RefusedToken<'a> {
    pub(super) role: &'a RoleArn,
    pub(super) claims: Option<&'a Claims>,
}

impl RefusedToken<'_> {
    pub(super) fn hint(&self, refusal: TokenRefusal) -> String {
        let Federation { provider, issuer, audiences, .. } = self.federation();
        match refusal {
            TokenRefusal::NoProvider => format!(
                "create an OIDC provider for the token's issuer in account {}, and let the role trust it:\n  \
                 aws iam create-open-id-connect-provider --url {} --client-id-list {}{}",
                self.role.account(),
                shell_word(&format!("https://{issuer}")),
                shell_words(&audiences),
                self.trust("")
            ),
            TokenRefusal::Audience => format!(
                "get a token for an audience that the OIDC provider lists (usually sts.amazonaws.com), or add this \
                 audience to the provider and to the role's trust policy:\n  \
                 aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn {} --client-id {}{}",
                shell_word(&provider),
                shell_words(&audiences[..audiences.len().min(1)]),
                self.trust("")
            ),
            TokenRefusal::NotTrusted => format!(
                "add this statement to the role's trust policy, or, if it is there, check its conditions:{}{WITHOUT_ROLE}",
                self.trust(" (missing or condition not met)")
            ),
            TokenRefusal::IssuerUnreachable => format!(
                "try again; STS must be able to fetch {} and the keys that its jwks_uri names, each within 5s",
                shell_word(&format!("https://{}/.well-known/openid-configuration", issuer.trim_end_matches('/')))
            ),
            TokenRefusal::Thumbprint => format!(
                "update the thumbprint of the OIDC provider:\n  aws iam update-open-id-connect-provider-thumbprint \
                 --open-id-connect-provider-arn {} --thumbprint-list THUMBPRINT",
                shell_word(&provider)
            ),
            TokenRefusal::ClaimRejected => {
                "get a new token: for its issuer, a claim of this one is invalid, has expired or was revoked".into()
            }
            TokenRefusal::Expired => match self.claims.and_then(|claims| claims.expiration) {
                Some(end) => format!("get a new token: this one expired at {}", rfc3339(end)),
                None => "get a new token: this one has expired".into(),
            },
            TokenRefusal::Invalid => match self.claims {
                Some(_) => {
                    "get a new token: this one lacks a required claim (iss, sub, aud, exp, iat), has an invalid \
                            signature, or was used before"
                        .into()
                }
                None => "the token must be a JWT: an OIDC ID token, not an access token or an AWS access key".into(),
            },
        }
    }

    /// Returns a line that names the trust policy, and below it the statement that accepts the token.
    fn trust(&self, mark: &str) -> String {
        let Federation { provider, issuer, audiences, subject, placeholders } = self.federation();
        let mut actions = vec!["sts:AssumeRoleWithWebIdentity"];
        actions.extend(self.claims.filter(|claims| claims.tags).map(|_| TAG_SESSION));
        actions.extend(self.claims.filter(|claims| claims.source_identity).map(|_| SET_SOURCE_IDENTITY));
        let one_or_more = |texts: &[&str]| match texts {
            [one] => json!(one),
            several => json!(several),
        };
        let text = |value: serde_json::Value| plain_json(&value);
        // `$` followed by a brace begins a policy variable. IAM writes a `$` that begins none as `${$}`.
        let literal = |claim: &String| claim.replace("${", "${$}{");
        let audiences: Vec<String> = audiences.iter().map(literal).collect();
        let audiences: Vec<&str> = audiences.iter().map(String::as_str).collect();
        let (role, explained) = (self.role, placeholders.join(", "));
        let explained = if explained.is_empty() { explained } else { format!("\n  replace {explained}") };
        format!(
            "\n  trust policy of {role}{mark}:\n    {{\"Effect\":\"Allow\",\"Action\":{},\"Principal\":{{\"Federated\":{}}},\
             \"Condition\":{{\"StringEquals\":{{{}:{},{}:{}}}}}}}{explained}",
            text(one_or_more(&actions)),
            text(json!(provider)),
            text(json!(format!("{issuer}:aud"))),
            text(one_or_more(&audiences)),
            text(json!(format!("{issuer}:sub"))),
            text(json!(literal(&subject))),
        )
    }

    /// Returns the names with which IAM refers to the token. If a claim is missing, too long, would be an
    /// option of the command, or can deceive the reader of a terminal, a placeholder takes its place.
    fn federation(&self) -> Federation {
        let fits = |claim: &str| {
            let fits = claim.len() <= LONGEST_CLAIM && !claim.contains(deceives) && !claim.starts_with('-');
            fits.then(|| claim.to_owned())
        };
        let issuer = self.claims.and_then(|claims| claims.issuer.as_deref()).and_then(fits);
        let issuer = issuer.map(|url| url.strip_prefix("https://").map(str::to_owned).unwrap_or(url));
        let audiences = self.claims.map(Claims::compared_audiences).unwrap_or_default();
        let audiences: Option<Vec<String>> = audiences
            .iter()
            .map(|audience| fits(audience))
            .collect::<Option<_>>()
            .filter(|all: &Vec<_>| (1..=MOST_AUDIENCES).contains(&all.len()));
        let subject = self.claims.and_then(|claims| claims.subject.as_deref()).and_then(fits);
        let mut placeholders = Vec::new();
        let mut or = |name: &'static str, meaning| {
            placeholders.push(meaning);
            name.to_owned()
        };
        let issuer = issuer.unwrap_or_else(|| or("ISSUER", "ISSUER by the token's iss without https://"));
        let audiences = audiences.unwrap_or_else(|| vec![or("AUDIENCE", "AUDIENCE by the token's aud")]);
        let subject = subject.unwrap_or_else(|| or("SUBJECT", "SUBJECT by the token's sub"));
        let (partition, account) = (self.role.partition(), self.role.account());
        let provider = match issuer.as_str() {
            // IAM knows these issuers without an OIDC provider.
            "accounts.google.com" | "cognito-identity.amazonaws.com" => issuer.clone(),
            _ => format!("arn:{partition}:iam::{account}:oidc-provider/{issuer}"),
        };
        Federation { provider, issuer, audiences, subject, placeholders }
    }
}

/// The names with which IAM refers to a token.
struct Federation {
    /// The principal: the ARN of the OIDC provider, or the name of a provider that IAM knows.
    provider: String,
    /// The prefix of condition keys: the issuer without `https://`.
    issuer: String,
    audiences: Vec<String>,
    subject: String,
    /// What the placeholders among these names stand for.
    placeholders: Vec<&'static str>,
}

fn shell_words(texts: &[String]) -> String {
    texts.iter().map(|text| shell_word(text)).collect::<Vec<_>>().join(" ")
}

/// Returns the text as one word of a shell command, in quotes if it needs them.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(any(test, fuzzing))]
pub(crate) mod hostile;
#[cfg(test)]
mod tests;
