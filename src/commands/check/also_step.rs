//! The steps for the sessions of `--also`.

use super::findings::Findings;
use super::step::Step;
use crate::profile::AlsoRole;
use crate::session::{rfc3339, whole_seconds};
use crate::settings::Also;
use std::fmt::Write as _;

/// Returns the step for the session of `--also` at this place, counted from 0.
pub(super) fn also(findings: &Findings<'_>, at: usize) -> Step {
    let mut step = Step::new("also", "also");
    let Some(Also { profile, settings }) = findings.settings.also.get(at) else { return step };
    step.fact("profile", *profile);
    step.text.push_str(profile);
    match &settings.request.also {
        Some(AlsoRole::Given(role)) => {
            step.details.push(format!("{role}, with the source credentials of the first role"));
        }
        Some(AlsoRole::OfProfile) | None => step.details.push(format!("the role of profile {profile}")),
    }
    let Some(session) = findings.others.get(at) else { return step };
    if let Some(arn) = &session.arn {
        let _ = write!(step.text, ": {arn}");
        step.fact("arn", arn.as_str());
    }
    if let Some((expiration, lifetime)) = session.term {
        let expiration = rfc3339(expiration);
        step.details.push(format!("valid for {}, until {expiration}", whole_seconds(lifetime)));
        step.fact("lifetime_seconds", lifetime.as_secs());
        step.fact("expiration", expiration);
    }
    if let Some(expected) = &settings.expect_account {
        step.fact("expected_account", expected.as_str());
        step.details.push(format!("account {expected} (--expect-account)"));
    }
    step
}
