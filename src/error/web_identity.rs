//! Refusals of a web identity token, and their hints: what to change in IAM, and the trust statement that accepts the
//! token.
//!
//! The claims in the hints come from the token, which may be malicious. They are quoted for JSON and for a shell.

use super::denial::{SET_SOURCE_IDENTITY, TAG_SESSION, WITHOUT_ROLE};
use super::text::TRY_LATER;
use super::{plain_json, shortened};
use crate::claims::Claims;
use crate::role::RoleArn;
use crate::session::rfc3339;
use federation::{Federation, one_or_more};
use serde_json::json;
use std::path::PathBuf;

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

/// A place that still contains a refused token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenPlace {
    File(PathBuf),
    /// An environment variable that a command prints.
    Variable(String),
}

/// A web identity token that STS rejected, and the role of the call. `claims` is `None` if the claims of the token are
/// not known.
pub(super) struct RefusedToken<'a> {
    pub(super) role: &'a RoleArn,
    pub(super) claims: Option<&'a Claims>,
    pub(super) place: Option<&'a TokenPlace>,
}

impl RefusedToken<'_> {
    pub(super) fn hint(&self, refusal: TokenRefusal) -> String {
        let names = Federation::new(self.role, self.claims);
        let hint = self.remedy(refusal, &names);
        let offers_trust =
            matches!(refusal, TokenRefusal::NoProvider | TokenRefusal::Audience | TokenRefusal::NotTrusted);
        if offers_trust && names.is_of_pull_request() {
            return format!(
                "this is the token of a pull request: let the role trust it only if all pull requests may use this role\n  \
                 {hint}"
            );
        }
        hint
    }

    fn remedy(&self, refusal: TokenRefusal, names: &Federation) -> String {
        let Federation { provider, issuer, audiences, .. } = names;
        match refusal {
            TokenRefusal::NoProvider | TokenRefusal::Audience | TokenRefusal::NotTrusted
                if issuer.starts_with("http://") =>
            {
                "IAM accepts only an issuer whose URL begins with https:// and has no port: change the issuer of the \
                 tokens (GitLab: external_url)"
                    .into()
            }
            TokenRefusal::NoProvider | TokenRefusal::Audience if names.is_built_in() => {
                format!(
                    "IAM knows this issuer without an OIDC provider: let the role trust the token{}",
                    self.trust("", names)
                )
            }
            TokenRefusal::NoProvider => format!(
                "create an OIDC provider for the token's issuer in account {}, and let the role trust it:\n  \
                 aws iam create-open-id-connect-provider --url {} --client-id-list {}{}",
                self.role.account(),
                shell_word(&format!("https://{issuer}")),
                shell_words(audiences),
                self.trust("", names)
            ),
            TokenRefusal::Audience => format!(
                "get a token for an audience that the OIDC provider lists (usually sts.amazonaws.com), or add this \
                 audience to the provider and to the role's trust policy:\n  \
                 aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn {} --client-id {}{}",
                shell_word(provider),
                shell_words(&audiences[..audiences.len().min(1)]),
                self.trust("", names)
            ),
            TokenRefusal::NotTrusted => format!(
                "add this statement to the role's trust policy, or, if it is there, check its conditions:{}{WITHOUT_ROLE}",
                self.trust(" (missing or condition not met)", names)
            ),
            TokenRefusal::IssuerUnreachable => format!(
                "STS must be able to fetch {} and the keys that its jwks_uri names, each within 5s; {TRY_LATER}",
                shell_word(&format!("https://{}/.well-known/openid-configuration", issuer.trim_end_matches('/')))
            ),
            TokenRefusal::Thumbprint => format!(
                "update the thumbprint of the OIDC provider:\n  aws iam update-open-id-connect-provider-thumbprint \
                 --open-id-connect-provider-arn {} --thumbprint-list THUMBPRINT",
                shell_word(provider)
            ),
            TokenRefusal::ClaimRejected => {
                "get a new token: for its issuer, a claim of this one is invalid, has expired or was revoked".into()
            }
            TokenRefusal::Expired => self.expired(),
            TokenRefusal::Invalid => self.invalid(),
        }
    }

    fn expired(&self) -> String {
        let hint = match self.claims.and_then(|claims| claims.expiration) {
            Some(end) => format!("get a new token: this one expired at {}", rfc3339(end)),
            None => "get a new token: this one has expired".into(),
        };
        match self.place {
            Some(TokenPlace::File(path)) => format!("{hint}; {} still contains it", shortened(&path.to_string_lossy())),
            Some(TokenPlace::Variable(name)) => {
                format!("{hint}; the variable {name} never gets a new one, so use a longer --duration")
            }
            None => hint,
        }
    }

    fn invalid(&self) -> String {
        let Some(claims) = self.claims else {
            return "the token must be a JWT: an OIDC ID token, not an access token or an AWS access key".into();
        };
        let missing = [
            ("sub", claims.subject.is_none()),
            ("aud", claims.audiences.is_empty()),
            ("exp", claims.expiration.is_none()),
        ];
        if claims.issuer.is_none() {
            "the issuer must put the claim iss into its tokens (SPIRE: jwt_issuer in server.conf)".into()
        } else if let Some((name, _)) = missing.into_iter().find(|(_, is_missing)| *is_missing) {
            format!("the issuer must put the claim {name} into its tokens")
        } else {
            "get a new token: this one has an invalid signature, lacks the claim iat, or was used before".into()
        }
    }

    /// Returns a line that names the trust policy, and below it the statement that accepts the token.
    fn trust(&self, mark: &str, names: &Federation) -> String {
        let Federation { provider, placeholders, .. } = names;
        let mut actions = vec!["sts:AssumeRoleWithWebIdentity"];
        actions.extend(self.claims.filter(|claims| claims.tags).map(|_| TAG_SESSION));
        actions.extend(self.claims.filter(|claims| claims.source_identity).map(|_| SET_SOURCE_IDENTITY));
        let actions = actions.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let mut notes = String::new();
        if !placeholders.is_empty() {
            notes = format!("\n  replace {}", placeholders.join(", "));
        }
        if names.pattern().is_some() {
            notes += "\n  * stands for the parts of the subject that differ in each run";
        } else if !names.has_stable_subject() {
            notes += "\n  if a part of the subject differs in each run, replace it by * and use StringLike";
        }
        format!(
            "\n  trust policy of {}{mark}:\n    {{\"Effect\":\"Allow\",\"Action\":{},\"Principal\":\
             {{\"Federated\":{}}},\"Condition\":{}}}{notes}",
            self.role,
            one_or_more(&actions),
            plain_json(&json!(provider)),
            names.conditions(),
        )
    }
}

fn shell_words(texts: &[String]) -> String {
    texts.iter().map(|text| shell_word(text)).collect::<Vec<_>>().join(" ")
}

/// Returns the text as one word of a shell command, in quotes if it needs them.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

mod federation;
#[cfg(any(test, fuzzing))]
pub(crate) mod hostile;
#[cfg(test)]
mod tests;
