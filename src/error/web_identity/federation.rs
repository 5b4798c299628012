//! The names with which IAM refers to a web identity token, and the conditions of the trust statement that accepts it.

use super::super::{deceives, plain_json};
use crate::claims::Claims;
use crate::role::RoleArn;
use serde_json::json;

/// A claim that is longer than this is not part of a hint. IAM accepts no longer URL and no longer client ID.
pub(super) const LONGEST_CLAIM: usize = 255;
/// If a token has more audiences, none of them is part of a hint. The statement must fit into the longest line of a hint.
const MOST_AUDIENCES: usize = 2;

/// The issuers that IAM knows without an OIDC provider.
const GOOGLE: &str = "accounts.google.com";
const COGNITO: &str = "cognito-identity.amazonaws.com";

/// The names with which IAM refers to a token.
pub(super) struct Federation {
    /// The principal: the ARN of the OIDC provider, or the name of a provider that IAM knows.
    pub(super) provider: String,
    /// The prefix of condition keys: the issuer without `https://`.
    pub(super) issuer: String,
    pub(super) audiences: Vec<String>,
    /// The audiences of a token of Google, for which IAM has a condition key of its own. In `audiences`, Google's `azp`
    /// can take their place.
    original: Option<Vec<String>>,
    subject: String,
    /// What the placeholders among these names stand for.
    pub(super) placeholders: Vec<&'static str>,
}

impl Federation {
    /// Returns the names with which IAM refers to the token. If a claim is missing, too long, would be an
    /// option of the command, or can deceive the reader of a terminal, a placeholder takes its place.
    pub(super) fn new(role: &RoleArn, claims: Option<&Claims>) -> Self {
        let fits = |claim: &str| {
            let fits = claim.len() <= LONGEST_CLAIM && !claim.contains(deceives) && !claim.starts_with('-');
            fits.then(|| claim.to_owned())
        };
        let all = |audiences: &[String]| -> Option<Vec<String>> {
            let all: Option<Vec<_>> = audiences.iter().map(|audience| fits(audience)).collect();
            all.filter(|all| (1..=MOST_AUDIENCES).contains(&all.len()))
        };
        let issuer = claims.and_then(|claims| claims.issuer.as_deref()).and_then(fits);
        let issuer = issuer.map(|url| url.strip_prefix("https://").map(str::to_owned).unwrap_or(url));
        let audiences = all(claims.map(Claims::compared_audiences).unwrap_or_default());
        let subject = claims.and_then(|claims| claims.subject.as_deref()).and_then(fits);
        let mut placeholders = Vec::new();
        let mut or = |name: &'static str, meaning| {
            placeholders.push(meaning);
            name.to_owned()
        };
        let issuer = issuer.unwrap_or_else(|| or("ISSUER", "ISSUER by the token's iss without https://"));
        let audiences = audiences.unwrap_or_else(|| vec![or("AUDIENCE", "AUDIENCE by the token's aud")]);
        let subject = subject.unwrap_or_else(|| or("SUBJECT", "SUBJECT by the token's sub"));
        let original = claims.filter(|_| issuer == GOOGLE).and_then(|claims| all(&claims.audiences));
        let (partition, account) = (role.partition(), role.account());
        let provider = match issuer.as_str() {
            GOOGLE | COGNITO => issuer.clone(),
            _ => format!("arn:{partition}:iam::{account}:oidc-provider/{issuer}"),
        };
        Self { provider, issuer, audiences, original, subject, placeholders }
    }

    /// Checks whether IAM knows the issuer without an OIDC provider.
    pub(super) fn is_built_in(&self) -> bool {
        self.provider == self.issuer
    }

    /// Checks whether all pull requests of a repository on GitHub have this subject.
    pub(super) fn is_of_pull_request(&self) -> bool {
        self.subject.starts_with("repo:") && self.subject.ends_with(":pull_request")
    }

    /// Checks whether the subject has a form that is known to be the same in each run.
    pub(super) fn has_stable_subject(&self) -> bool {
        const FORMS: [&str; 4] = ["repo:", "project_path:", "spiffe://", "system:serviceaccount:"];
        self.issuer == GOOGLE || self.subject == "SUBJECT" || FORMS.iter().any(|form| self.subject.starts_with(form))
    }

    /// Returns a pattern for the subject if parts of it are known to differ in each run: the commit and the step of
    /// Buildkite, and the step of Bitbucket Pipelines.
    pub(super) fn pattern(&self) -> Option<String> {
        let parts: Vec<&str> = self.subject.split(':').collect();
        // In a pattern, `*` and `?` stand for other characters, unless they are written as policy variables.
        let kept = |parts: &[&str]| literal(&parts.join(":")).replace('?', "${?}").replace('*', "${*}");
        match parts.as_slice() {
            [head @ .., "commit", commit, "step", _] if is_hex(commit) => {
                Some(format!("{}:commit:*:step:*", kept(head)))
            }
            [head @ .., step] if !head.is_empty() && self.issuer.starts_with("api.bitbucket.org/") => {
                step.starts_with('{').then(|| format!("{}:*", kept(head)))
            }
            _ => None,
        }
    }

    /// Returns the conditions of the statement as JSON.
    pub(super) fn conditions(&self) -> String {
        let condition =
            |key: &str, value: String| format!("{}:{value}", plain_json(&json!(format!("{}:{key}", self.issuer))));
        let literals = |texts: &[String]| one_or_more(&texts.iter().map(|text| literal(text)).collect::<Vec<_>>());
        let mut equal = vec![condition("aud", literals(&self.audiences))];
        equal.extend(self.original.as_deref().map(|original| condition("oaud", literals(original))));
        let subject = |text: String| condition("sub", plain_json(&json!(text)));
        if let Some(pattern) = self.pattern() {
            return format!("{{\"StringEquals\":{{{}}},\"StringLike\":{{{}}}}}", equal.join(","), subject(pattern));
        }
        equal.push(subject(literal(&self.subject)));
        format!("{{\"StringEquals\":{{{}}}}}", equal.join(","))
    }
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Writes a claim for a condition. `$` followed by a brace begins a policy variable. IAM writes a `$` that begins none as
/// `${$}`.
fn literal(claim: &str) -> String {
    claim.replace("${", "${$}{")
}

/// Returns the texts as JSON: one text, or a list of several.
pub(super) fn one_or_more(texts: &[String]) -> String {
    plain_json(&match texts {
        [one] => json!(one),
        several => json!(several),
    })
}
