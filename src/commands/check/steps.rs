//! From what a check has found to its steps, each with its state and in words. Pure.

use super::facts;
use super::findings::{Findings, Place, Presence};
use crate::error::Error;
use serde_json::{Map, Value, json};

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Ok,
    /// Good to know.
    Note,
    /// It works, and may surprise.
    Warning,
    Failed,
    /// A step before it failed.
    NotReached,
}

impl State {
    /// As people read it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::NotReached => "not reached",
        }
    }

    /// As programs read it.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::NotReached => "not_reached",
            other => other.word(),
        }
    }
}

/// One line of a check, and what belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    /// As people read it; programs read `facts["step"]`.
    pub(super) name: String,
    pub(super) state: State,
    pub(super) text: String,
    pub(super) details: Vec<String>,
    pub(super) hint: Option<String>,
    pub(super) facts: Map<String, Value>,
}

impl Step {
    fn new(name: impl Into<String>, key: &str) -> Self {
        let facts = [("step".to_owned(), json!(key))].into_iter().collect();
        let (text, details) = (String::new(), Vec::new());
        Self { name: name.into(), state: State::Ok, text, details, hint: None, facts }
    }

    pub(super) fn fact(&mut self, key: &str, value: impl Into<Value>) {
        self.facts.insert(key.to_owned(), value.into());
    }

    /// It stands so, and this is what to do about it.
    pub(super) fn state(&mut self, state: State, hint: impl Into<String>) {
        self.state = state;
        self.hint = Some(hint.into());
    }

    fn fail(&mut self, error: &Error) {
        self.state = State::Failed;
        self.hint = error.hint();
        self.fact("error", error.to_string());
        if self.text.is_empty() {
            self.text = error.to_string();
        } else {
            self.details.push(error.to_string());
        }
    }
}

/// The steps of the whole way. Those behind the one that failed say only what they would be about.
pub(super) fn steps(findings: &Findings<'_>) -> Vec<Step> {
    let places = findings.places();
    let position = |at| places.iter().position(|place| *place == at).unwrap_or(0);
    let failure = findings.failed().map(|(place, error)| (error, position(place)));
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

/// One step, with all that is known of it: before its place was reached that is only what it is about.
fn step(findings: &Findings<'_>, place: Place) -> Step {
    let mut step = match place {
        Place::Config => Step::new("config", "config"),
        Place::Source => Step::new("source", "source"),
        Place::Unattended => Step::new("unattended", "unattended"),
        Place::Sts => Step::new("sts", "sts"),
        Place::Clock => Step::new("clock", "clock"),
        Place::Caller => Step::new("caller", "caller"),
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
        Place::Source => facts::source(findings, &mut step),
        Place::Unattended => facts::unattended(findings, &mut step),
        Place::Sts => facts::sts(findings, &mut step),
        Place::Clock => facts::clock(findings, &mut step),
        Place::Caller => facts::caller(findings, &mut step),
        Place::Mfa => facts::mfa(findings, &mut step),
        Place::Role(at) => facts::role(findings, at, &mut step),
        Place::Session => facts::session(findings, &mut step),
        Place::Delivery => super::outlook::delivery(findings, &mut step),
        Place::Expiry => super::outlook::expiry(findings, &mut step),
        Place::Environment => super::outlook::environment(findings, &mut step),
    }
    step
}

fn config(findings: &Findings<'_>, step: &mut Step) {
    let files = findings.files.iter().map(|(path, presence)| match presence {
        Presence::There => path.display().to_string(),
        Presence::Missing => format!("{} (not there)", path.display()),
    });
    let files: Vec<String> = files.collect();
    step.text = if files.is_empty() { "no files: HOME is not set".to_owned() } else { files.join(", ") };
    let facts = findings
        .files
        .iter()
        .map(|(path, presence)| json!({"path": path.display().to_string(), "present": *presence == Presence::There}));
    step.fact("files", facts.collect::<Vec<_>>());
    if let Some(profile) = findings.plan.and_then(|plan| plan.profile.as_ref()) {
        step.details.push(format!("profile {profile}"));
        step.fact("profile", profile.as_str());
    }
    let settings = findings.settings;
    let of_plan = findings.plan.map(|plan| plan.notes.iter()).into_iter().flatten();
    step.details.extend(settings.notes.iter().chain(of_plan).cloned());
}
