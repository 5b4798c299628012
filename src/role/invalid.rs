//! The reason why a value is invalid.

use std::fmt;

/// The reason why a value is invalid, and what the user can do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invalid {
    reason: String,
    /// All valid values. Empty if they cannot be listed.
    possible: Vec<&'static str>,
    pub(crate) hint: Option<String>,
}

impl Invalid {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), possible: Vec::new(), hint: None }
    }

    /// Creates the error for a value that is not one of the possible values. Its hint is for a flag.
    pub(crate) fn not_one_of(possible: impl Into<Vec<&'static str>>) -> Self {
        Self { reason: String::new(), possible: possible.into(), hint: Some("see xassume --help".into()) }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Puts the name of the invalid part of the value in front of the reason.
    pub(super) fn of(self, part: &str) -> Self {
        Self { reason: format!("{part} {}", self.reason), ..self }
    }
}

/// Returns the one of `values` whose name is `text`.
///
/// # Errors
/// Fails if no value has this name. The error lists all names.
pub(crate) fn one_of<T: Copy>(values: &[(&'static str, T)], text: &str) -> Result<T, Invalid> {
    let found = values.iter().find(|(name, _)| *name == text);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = values.iter().map(|(name, _)| *name).collect();
        Invalid::not_one_of(names)
    })
}

impl fmt::Display for Invalid {
    /// Writes what follows the value in an error message, in clap's form: `: REASON` or ` [possible values: …]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.possible.is_empty() {
            write!(f, ": {}", self.reason)
        } else {
            write!(f, " [possible values: {}]", self.possible.join(", "))
        }
    }
}

impl std::error::Error for Invalid {}
