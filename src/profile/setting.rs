//! Reads a setting from AWS's variable for it, or else from the profile whose settings apply.

use super::set::ProfileSet;
use crate::error::ConfigError;
use crate::role::Invalid;
use crate::vars::Vars;

/// The variables, and the profile whose settings apply. A variable takes precedence over the profile, as in botocore.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lookup<'a> {
    pub(super) profiles: &'a ProfileSet,
    pub(super) vars: &'a Vars,
    /// The name of the profile whose settings apply. Its credentials need not be the source credentials, and it need not
    /// exist.
    pub(super) used: &'a str,
}

impl<'a> Lookup<'a> {
    pub(super) fn get(&self, variable: &str, key: &str) -> Option<&'a str> {
        self.vars.text(variable).or_else(|| self.profiles.profile(self.used)?.get(key))
    }

    pub(super) fn is_true(&self, variable: &str, key: &str) -> bool {
        self.get(variable, key).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Parses the value of a variable, or else of a key of the profile whose settings apply. Returns `None` if both are
    /// unset.
    ///
    /// # Errors
    /// Returns the error of `parse`. Its message also names the variable or the key.
    pub(super) fn parsed<T>(
        &self,
        variable: &'static str,
        key: &'static str,
        parse: fn(&str) -> Result<T, Invalid>,
    ) -> Result<Option<T>, ConfigError> {
        match of_variable(self.vars, variable, parse)? {
            None => self.of_profile(key, parse),
            found => Ok(found),
        }
    }

    /// Parses the value of a key of the profile whose settings apply. Returns `None` if the key is unset.
    ///
    /// # Errors
    /// Returns the error of `parse`. Its message also names the key.
    pub(super) fn of_profile<T>(
        &self,
        key: &'static str,
        parse: fn(&str) -> Result<T, Invalid>,
    ) -> Result<Option<T>, ConfigError> {
        self.profiles.parsed(self.used, key, parse)
    }
}

/// Parses the value of a variable. Returns `None` if the variable is unset.
///
/// # Errors
/// Returns the error of `parse`. Its message also names the variable.
pub(super) fn of_variable<T>(
    vars: &Vars,
    name: &'static str,
    parse: fn(&str) -> Result<T, Invalid>,
) -> Result<Option<T>, ConfigError> {
    vars.text(name).map(|value| checked(name, value, parse)).transpose()
}

/// Parses the value of a flag or a variable. `name` is the name of the flag or the variable.
///
/// # Errors
/// Returns the error of `parse`. Its message also contains `name`.
pub(super) fn checked<T>(
    name: &'static str,
    value: &str,
    parse: fn(&str) -> Result<T, Invalid>,
) -> Result<T, ConfigError> {
    parse(value).map_err(|invalid| {
        let of = format!("'{name}'");
        ConfigError::Value { of, value: value.to_owned(), invalid: invalid.into() }
    })
}
