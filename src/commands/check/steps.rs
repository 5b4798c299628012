//! Makes the steps of a check from its findings. These functions are pure.

use super::findings::{Findings, Place};
use super::step::{State, Step};
use super::{also_step, command_steps, session_steps, token_step};
use serde_json::json;
use std::path::PathBuf;

/// Returns all steps. If a step has failed, the later steps were not reached, and say only what they would check.
pub(super) fn steps(findings: &Findings<'_>) -> Vec<Step> {
    let places = findings.places();
    let position = |at| places.iter().position(|place| *place == at).unwrap_or(0);
    let failure = findings.failure.as_ref().map(|(place, error)| (error, position(*place)));
    let step = |(at, place): (usize, &Place)| {
        let mut step = step(findings, *place);
        match failure {
            Some((error, failed)) if at == failed => step.fail(error),
            Some((_, failed)) if at > failed => {
                step.state = State::NotReached;
                step.hint = None;
            }
            _ => {}
        }
        step
    };
    places.iter().enumerate().map(step).collect()
}

/// Returns one step with everything that is known about it.
fn step(findings: &Findings<'_>, place: Place) -> Step {
    let (name, key, describe): (_, _, fn(&Findings<'_>, &mut Step)) = match place {
        Place::Config => ("config", "config", config),
        Place::Source => ("source", "source", session_steps::source),
        Place::Token => ("token", "token", token_step::token),
        Place::Unattended => ("refresh", "unattended", session_steps::unattended),
        Place::Sts => ("sts", "sts", session_steps::sts),
        Place::Clock => ("clock", "clock", session_steps::clock),
        Place::Caller => ("identity", "caller", session_steps::caller),
        Place::Mfa => ("mfa", "mfa", session_steps::mfa),
        Place::Role(at) => return session_steps::role(findings, at),
        Place::Also(at) => return also_step::also(findings, at),
        Place::Session => ("session", "session", session_steps::session),
        Place::Delivery => ("delivery", "delivery", command_steps::delivery),
        Place::Expiry => ("expiry", "expiry", command_steps::expiry),
        Place::Environment => ("environment", "environment", command_steps::environment),
    };
    let mut step = Step::new(name, key);
    describe(findings, &mut step);
    step
}

fn config(findings: &Findings<'_>, step: &mut Step) {
    let shown =
        |(path, present): &(PathBuf, bool)| format!("{}{}", path.display(), if *present { "" } else { " (not found)" });
    let files: Vec<_> = findings.files.iter().map(shown).collect();
    let files = if files.is_empty() { "no files: HOME is not set".to_owned() } else { files.join(", ") };
    // The error of a failed step is its text. The files come after it, because a missing file is not an error.
    if matches!(findings.failure, Some((Place::Config, _))) {
        step.details.push(files);
    } else {
        step.text = files;
    }
    let fact = |(path, present): &(PathBuf, bool)| json!({"path": path.display().to_string(), "present": present});
    step.fact("files", findings.files.iter().map(fact).collect::<Vec<_>>());
    if let Some(profile) = findings.plan.and_then(|plan| plan.profile.as_ref()) {
        step.details.push(format!("profile {profile}"));
        step.fact("profile", profile.as_str());
    }
    let settings = findings.settings;
    let of_plan = findings.plan.map(|plan| plan.notes.iter()).into_iter().flatten();
    step.details.extend(settings.notes.iter().chain(of_plan).map(ToString::to_string));
}
