//! The step for the web identity token. It is pure.

use super::findings::Findings;
use super::step::{State, Step};
use crate::claims::Claims;
use crate::error::shortened;
use crate::profile::Audience;
use crate::session::{rfc3339, whole_seconds};
use std::time::Duration;

/// Describes what the token says about itself. The claims are not verified, so they cause warnings only.
pub(super) fn token(findings: &Findings<'_>, step: &mut Step) {
    let Some((claims, left_secs)) = findings.token() else { return };
    let Some(claims) = claims else {
        step.text = "not a JWT, so its claims are not known".into();
        return step
            .state(State::Warning, "STS accepts OIDC ID tokens only; is this an access token or an access key?");
    };
    let Claims { issuer, audiences, subject, expiration, .. } = claims;
    let shown = |(name, claim): (_, Option<String>)| {
        format!("{name} {}", claim.as_deref().map_or_else(|| "missing".to_owned(), shortened))
    };
    let [text, details @ ..] = claims.named().map(shown);
    step.text = text;
    step.details.extend(details);
    for (key, claim) in [("issuer", issuer), ("subject", subject)] {
        if let Some(claim) = claim {
            step.fact(key, claim.as_str());
        }
    }
    step.fact("audience", audiences.as_slice());
    if let (Some(end), Some(left)) = (expiration, left_secs) {
        let (end, span) = (rfc3339(*end), whole_seconds(Duration::from_secs(left.unsigned_abs())));
        step.details.push(if left > 0 { format!("expires at {end} (in {span})") } else { format!("expired at {end}") });
        step.fact("expiration", end);
        step.fact("remaining_seconds", left);
    }
    let accepted = findings.roles().next().is_some();
    if left_secs.is_some_and(|left| left <= 0) {
        step.state(State::Warning, "get a new token; STS may accept a token for up to 5 minutes after its expiry");
    } else if expiration.is_none() || claims.named().iter().any(|(_, claim)| claim.is_none()) {
        step.state(State::Warning, "STS requires the claims iss, aud, sub and exp");
    } else if !accepted && !claims.compared_audiences().iter().any(|audience| audience == Audience::USUAL) {
        let hint = "does the OIDC provider in IAM list this audience? usually it lists sts.amazonaws.com";
        step.state(State::Warning, hint);
    }
}
