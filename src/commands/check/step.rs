//! One step of a check: a line of the page, or an object in the JSON document.

use crate::error::Error;
use crate::terminal::Color;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Ok,
    Note,
    /// The step works, but with a consequence that the user may not expect.
    Warning,
    Failed,
    /// The step was not reached, because an earlier step failed.
    NotReached,
}

impl State {
    /// Returns the word that the page shows for this state, and the color of the word if it has one.
    pub(super) fn word(self) -> (&'static str, Option<Color>) {
        match self {
            Self::Ok => ("ok", Some(Color::SUCCESS)),
            Self::Note => ("note", None),
            Self::Warning => ("warning", Some(Color::WARNING)),
            Self::Failed => ("failed", Some(Color::FAILURE)),
            Self::NotReached => ("not reached", None),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Step {
    /// Whether the step is about this launch. The page contains only such steps, and the JSON document contains all.
    #[serde(skip)]
    pub(super) applies: bool,
    /// The name of the step on the page. The JSON document uses `facts["step"]` instead.
    #[serde(skip)]
    pub(super) name: String,
    pub(super) state: State,
    #[serde(rename = "message")]
    pub(super) text: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) details: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hint: Option<String>,
    #[serde(flatten)]
    pub(super) facts: Map<String, Value>,
}

impl Step {
    pub(super) fn new(name: impl Into<String>, key: &str) -> Self {
        let facts = [("step".to_owned(), json!(key))].into_iter().collect();
        let (text, details) = (String::new(), Vec::new());
        Self { applies: true, name: name.into(), state: State::Ok, text, details, hint: None, facts }
    }

    pub(super) fn fact(&mut self, key: &str, value: impl Into<Value>) {
        self.facts.insert(key.to_owned(), value.into());
    }

    pub(super) fn state(&mut self, state: State, hint: impl Into<String>) {
        self.state = state;
        self.hint = Some(hint.into());
    }

    pub(super) fn fail(&mut self, error: &Error) {
        self.state = State::Failed;
        self.hint = error.hint();
        self.applies = true;
        self.fact("error", error.to_string());
        self.fact("reason", error.reason().to_string());
        if self.text.is_empty() {
            self.text = error.to_string();
        } else {
            self.details.push(error.to_string());
        }
    }
}
