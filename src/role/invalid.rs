//! Why a value is not valid.

use std::fmt;

/// Why a value is not valid, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invalid {
    reason: String,
    /// All valid values, where they can be listed.
    possible: Vec<&'static str>,
    pub(crate) hint: Option<String>,
}

impl Invalid {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), possible: Vec::new(), hint: None }
    }

    /// Another value than these.
    pub(crate) fn not_one_of(possible: impl Into<Vec<&'static str>>) -> Self {
        Self { reason: String::new(), possible: possible.into(), hint: None }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Says which part of the value is meant.
    pub(super) fn of(self, part: &str) -> Self {
        Self { reason: format!("{part} {}", self.reason), ..self }
    }
}

impl fmt::Display for Invalid {
    /// The end of a sentence about the value, with what separates it, in clap's form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.possible.is_empty() {
            write!(f, ": {}", self.reason)
        } else {
            write!(f, " [possible values: {}]", self.possible.join(", "))
        }
    }
}

impl std::error::Error for Invalid {}
