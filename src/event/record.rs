//! The form in which an event is shown, as text or as JSON.

use crate::error::{Error, Reason};
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};

/// The importance of an event. The verbosity decides whether the event is shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// Always shown.
    Error,
    /// Shown, except with `-q`.
    Warning,
    /// Shown, except with `-q`. Nothing is wrong.
    Notice,
    /// Shown with `-v`.
    Info,
    /// Shown with `-vv`.
    Debug,
}

/// The value of a field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Field {
    Text(String),
    Number(i64),
    /// Written in the format of RFC 3339.
    Time(SystemTime),
    /// Written as a number of seconds.
    Seconds(Duration),
}

/// An event in the form in which it is shown. The name and the keys of the fields never change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Record {
    pub(crate) level: Level,
    pub(crate) name: &'static str,
    /// A sentence. Its wording may change.
    pub(crate) message: String,
    pub(crate) fields: Vec<(&'static str, Field)>,
    /// What the user can do about the event.
    pub(crate) hint: Option<String>,
}

pub(super) fn info(name: &'static str, message: impl Into<String>) -> Record {
    Record::new(Level::Info, name, message)
}

pub(super) fn notice(name: &'static str, message: impl Into<String>) -> Record {
    Record::new(Level::Notice, name, message)
}

pub(super) fn warning(name: &'static str, message: impl Into<String>) -> Record {
    Record::new(Level::Warning, name, message)
}

impl Record {
    pub(super) fn new(level: Level, name: &'static str, message: impl Into<String>) -> Self {
        Self { level, name, message: message.into(), fields: Vec::new(), hint: None }
    }

    pub(super) fn text(self, key: &'static str, value: &(impl ToString + ?Sized)) -> Self {
        self.field(key, Field::Text(value.to_string()))
    }

    pub(super) fn number(self, key: &'static str, value: impl TryInto<i64>) -> Self {
        self.field(key, Field::Number(value.try_into().unwrap_or(i64::MAX)))
    }

    pub(super) fn time(self, key: &'static str, value: SystemTime) -> Self {
        self.field(key, Field::Time(value))
    }

    pub(super) fn seconds(self, key: &'static str, value: Duration) -> Self {
        self.field(key, Field::Seconds(value))
    }

    pub(super) fn error(self, problem: &Problem) -> Self {
        self.text("error", &problem.text).text("reason", &problem.reason).hint_of(problem)
    }

    /// Adds the profile to the message, and as the key `profile`.
    pub(super) fn of_profile(self, profile: &str) -> Self {
        Self { message: format!("{profile}: {}", self.message), ..self }.text("profile", profile)
    }

    /// Adds what has failed, if something has.
    pub(super) fn error_of(self, problem: Option<&Problem>) -> Self {
        match problem {
            Some(problem) => self.error(problem),
            None => self,
        }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(super) fn hint_of(self, problem: &Problem) -> Self {
        Self { hint: problem.hint.clone(), ..self }
    }

    fn field(mut self, key: &'static str, value: Field) -> Self {
        self.fields.push((key, value));
        self
    }
}

/// A sentence that says why something failed.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub(crate) struct Problem {
    pub(crate) text: String,
    pub(crate) reason: Reason,
    /// What the user can do about the problem.
    pub(crate) hint: Option<String>,
}

impl Problem {
    pub(crate) fn new(reason: Reason, text: impl Into<String>) -> Self {
        Self { text: text.into(), reason, hint: None }
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Returns the problem for a failed refresh, which xassume repeats.
    pub(crate) fn of_refresh(error: &Error) -> Self {
        Self { hint: error.hint_while_retrying(), ..Self::from(error) }
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        Self { text: error.to_string(), reason: error.reason(), hint: error.hint() }
    }
}

/// Formats a duration for people, in whole seconds and as at least one second.
pub(super) fn span(duration: Duration) -> humantime::FormattedDuration {
    let whole = duration.as_secs() + u64::from(duration.subsec_millis() >= 500);
    humantime::format_duration(Duration::from_secs(whole.max(1)))
}
