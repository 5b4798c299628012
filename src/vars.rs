//! The environment as a value: what was inherited, in order, byte for byte.
//!
//! Pure; only `main` reads the process's own environment.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

/// Variables in the order in which they were inherited, duplicates and non-UTF-8 included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vars(Vec<(OsString, OsString)>);

impl Vars {
    /// The first value of a name, which is the one that getenv(3) gives.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.iter().find(|(known, _)| known.as_bytes() == name.as_bytes()).map(|(_, value)| value.as_os_str())
    }

    /// The value of a name where it is text and not empty; AWS's tools take an empty variable for an absent one.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(OsStr::to_str).filter(|value| !value.is_empty())
    }

    /// Whether a boolean variable of AWS's is on: `true` in any case.
    #[must_use]
    pub fn is_true(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Names and values in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Vars {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_duplicates_counts_and_empty_is_absent() {
        let vars: Vars = [("A", "1"), ("A", "2"), ("EMPTY", ""), ("T", "True")].into_iter().collect();
        assert_eq!(vars.text("A"), Some("1"));
        assert_eq!(vars.text("EMPTY"), None);
        assert_eq!(vars.get("EMPTY"), Some(OsStr::new("")));
        assert!(vars.is_true("T") && !vars.is_true("A"));
        assert_eq!(vars.iter().count(), 4);
    }
}
