//! The steps of a check, from its findings. Pure.

use super::findings::{Findings, Place, Presence};
use super::step::{State, Step};
use super::{command_steps, session_steps};
use serde_json::json;

/// All steps. Those after the one that failed say only what they are about.
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

/// One step with everything that is known about it.
fn step(findings: &Findings<'_>, place: Place) -> Step {
    let mut step = match place {
        Place::Config => Step::new("config", "config"),
        Place::Source => Step::new("source", "source"),
        Place::Unattended => Step::new("refresh", "unattended"),
        Place::Sts => Step::new("sts", "sts"),
        Place::Clock => Step::new("clock", "clock"),
        Place::Caller => Step::new("identity", "caller"),
        Place::Mfa => Step::new("mfa", "mfa"),
        Place::Role(at) => match findings.plan.map_or(1, |plan| plan.hops.len()) {
            1 => Step::new("role", "role"),
            of => Step::new(format!("role {at} of {of}"), "role"),
        },
        Place::Session => Step::new("session", "session"),
        Place::Delivery => Step::new("delivery", "delivery"),
        Place::Expiry => Step::new("expiry", "expiry"),
        Place::Environment => Step::new("environment", "environment"),
    };
    match place {
        Place::Config => config(findings, &mut step),
        Place::Source => session_steps::source(findings, &mut step),
        Place::Unattended => session_steps::unattended(findings, &mut step),
        Place::Sts => session_steps::sts(findings, &mut step),
        Place::Clock => session_steps::clock(findings, &mut step),
        Place::Caller => session_steps::caller(findings, &mut step),
        Place::Mfa => session_steps::mfa(findings, &mut step),
        Place::Role(at) => session_steps::role(findings, at, &mut step),
        Place::Session => session_steps::session(findings, &mut step),
        Place::Delivery => command_steps::delivery(findings, &mut step),
        Place::Expiry => command_steps::expiry(findings, &mut step),
        Place::Environment => command_steps::environment(findings, &mut step),
    }
    step
}

fn config(findings: &Findings<'_>, step: &mut Step) {
    let files = findings.files.iter().map(|(path, presence)| match presence {
        Presence::Found => path.display().to_string(),
        Presence::Missing => format!("{} (not found)", path.display()),
    });
    let files: Vec<String> = files.collect();
    step.text = if files.is_empty() { "no files: HOME is not set".to_owned() } else { files.join(", ") };
    let facts = findings
        .files
        .iter()
        .map(|(path, presence)| json!({"path": path.display().to_string(), "present": *presence == Presence::Found}));
    step.fact("files", facts.collect::<Vec<_>>());
    if let Some(profile) = findings.plan.and_then(|plan| plan.profile.as_ref()) {
        step.details.push(format!("profile {profile}"));
        step.fact("profile", profile.as_str());
    }
    let settings = findings.settings;
    let of_plan = findings.plan.map(|plan| plan.notes.iter()).into_iter().flatten();
    step.details.extend(settings.notes.iter().chain(of_plan).map(ToString::to_string));
}
