//! The values of the flags, from the command line or from the flags' variables.
//!
//! The command line takes precedence over a variable. A variable counts as unset if it is empty, or if it was removed
//! because it conflicts with another flag.

use crate::conflicts::{Given, Values};
use crate::error::Error;
use crate::event::Ignored;
use crate::flags::{Flag, Kind, PRINT, ROLE_ARN, all_flags};
use crate::origin::Origin;
use crate::role::{Invalid, one_of, split_roles};
use crate::vars::Vars;
use clap::ArgMatches;
use clap::parser::ValueSource;
use std::ffi::{OsStr, OsString};

/// A value, and where it comes from.
#[derive(Debug, Clone)]
pub(super) struct FlagValue {
    pub(super) origin: Origin,
    pub(super) value: OsString,
}

impl FlagValue {
    /// Returns the value as text.
    ///
    /// # Errors
    /// Fails if the value is not valid UTF-8.
    pub(super) fn text(&self) -> Result<&str, Error> {
        self.value.to_str().ok_or_else(|| self.invalid(Invalid::new("not valid UTF-8").hint("use UTF-8")))
    }

    /// Parses the value.
    ///
    /// # Errors
    /// Returns the error of `parse`, with the name of the flag or the variable.
    pub(super) fn parse<T>(&self, parse: impl FnOnce(&str) -> Result<T, Invalid>) -> Result<T, Error> {
        parse(self.text()?).map_err(|invalid| self.invalid(invalid))
    }

    pub(super) fn invalid(&self, invalid: Invalid) -> Error {
        Error::Value {
            origin: self.origin.to_string(),
            value: Some(self.value.to_string_lossy().into_owned()),
            invalid,
        }
    }
}

/// The values of all flags that are set, and the command.
pub(crate) struct FlagValues {
    set: Vec<(Origin, Vec<FlagValue>)>,
    /// The variables that are ignored because their flags are on the command line.
    pub(super) notes: Vec<Ignored>,
    /// The variables that were ignored because of a conflict between the flags about messages.
    pub(super) removed: Vec<Ignored>,
    /// The command and its arguments.
    pub(super) command: Vec<OsString>,
}

impl FlagValues {
    pub(crate) fn new(matches: &ArgMatches, vars: &Vars) -> Self {
        let command = matches.get_many::<OsString>("command").into_iter().flatten().cloned().collect();
        let mut values = Self { set: Vec::new(), notes: Vec::new(), removed: Vec::new(), command };
        for flag in all_flags() {
            let name = flag.variable();
            let variable = name.as_ref().and_then(|name| vars.nonempty(name));
            let (origin, list) = if matches.value_source(flag.long) == Some(ValueSource::CommandLine) {
                let ignored = name.filter(|_| variable.is_some());
                values.notes.extend(ignored.map(|name| Ignored::new(name, format!("overridden by --{}", flag.long))));
                (Origin::Flag(flag), typed(flag, matches))
            } else if let Some(value) = variable {
                (Origin::Variable(flag), split(flag, value))
            } else {
                continue;
            };
            let list = list.into_iter().map(|value| FlagValue { origin, value });
            values.set.push((origin, list.collect()));
        }
        values
    }

    fn set(&self, flag: &Flag) -> Option<&(Origin, Vec<FlagValue>)> {
        self.set.iter().find(|(origin, _)| origin.flag() == flag)
    }

    /// Returns where the value of a flag comes from, or `None` if the flag is not set. A switch or a count is not set
    /// if its variable turns it off.
    pub(super) fn origin(&self, flag: &'static Flag) -> Option<Origin> {
        let (origin, values) = self.set(flag)?;
        let off = matches!(flag.kind, Kind::Switch | Kind::Count)
            && values.iter().all(|given| given.value == "false" || given.value == "0");
        (!off).then_some(*origin)
    }

    /// Checks whether the flag is on the command line.
    pub(super) fn is_typed(&self, flag: &'static Flag) -> bool {
        self.set(flag).is_some_and(|(origin, _)| origin.is_typed())
    }

    pub(super) fn many(&self, flag: &'static Flag) -> &[FlagValue] {
        self.set(flag).map_or(&[], |(_, values)| values)
    }

    pub(super) fn one(&self, flag: &'static Flag) -> Option<&FlagValue> {
        self.many(flag).first()
    }

    /// Parses the value of a flag. Returns `None` if the flag has no value.
    ///
    /// # Errors
    /// Returns the error of `parse`, with the name of the flag or the variable.
    pub(super) fn parsed<T>(
        &self,
        flag: &'static Flag,
        parse: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Result<Option<T>, Error> {
        self.one(flag).map(|given| given.parse(parse)).transpose()
    }

    /// Checks whether a switch is on.
    ///
    /// # Errors
    /// Fails if the variable of the switch is not `true`, `false`, `1` or `0`.
    pub(super) fn switch(&self, flag: &'static Flag) -> Result<bool, Error> {
        let values = [("true", true), ("false", false), ("1", true), ("0", false)];
        Ok(self.parsed(flag, |text| one_of(&values, text))?.unwrap_or(false))
    }

    /// Returns how many times a flag is given. The flag's variable contains this number, or `true` for 1 and `false`
    /// for 0.
    ///
    /// # Errors
    /// Fails if the variable has another value, or if the number is above 255.
    pub(super) fn count(&self, flag: &'static Flag) -> Result<u8, Error> {
        let count = self.parsed(flag, |text| match text {
            "true" => Ok(1),
            "false" => Ok(0),
            text => text.parse().map_err(|_| Invalid::not_one_of(["0", "1", "2"])),
        })?;
        Ok(count.unwrap_or(0))
    }

    /// Returns where the values come from: one origin for each flag that has a value.
    pub(super) fn origins(&self) -> Vec<Origin> {
        self.set.iter().filter(|(_, values)| !values.is_empty()).map(|(origin, _)| *origin).collect()
    }

    /// Checks that no flag on the command line has an empty value.
    ///
    /// # Errors
    /// Fails at the first flag that has an empty value.
    pub(super) fn refuse_empty_values(&self) -> Result<(), Error> {
        all_flags().try_for_each(|flag| self.refuse_empty(flag))
    }

    /// Checks that a flag has no empty value. If a command line contains a shell variable that is not set, the shell
    /// passes an empty value, so an empty value is probably a mistake.
    ///
    /// # Errors
    /// Fails if a value of the flag is empty.
    pub(super) fn refuse_empty(&self, flag: &'static Flag) -> Result<(), Error> {
        if self.many(flag).iter().all(|given| !given.value.is_empty()) {
            return Ok(());
        }
        let origin = Origin::Flag(flag).to_string();
        let hint = format!("if you passed a shell variable, check that it is set; or omit {origin}");
        Err(Error::Value { origin, value: Some(String::new()), invalid: Invalid::new("must not be empty").hint(hint) })
    }

    /// Checks whether an SDK runs xassume (`--print credential-process`).
    pub(super) fn are_for_an_sdk(&self) -> bool {
        self.many(&PRINT).iter().any(|format| format.value == "credential-process")
    }

    /// Returns the value of a flag in the form that rules use, or `None` if the flag is not set.
    pub(super) fn given(&self, flag: &'static Flag) -> Option<Given> {
        self.origin(flag).map(Given::from)
    }

    /// Returns the value of a flag in the form that rules use, if one of its values satisfies `applies`. Messages show
    /// that value.
    pub(super) fn given_as(&self, flag: &'static Flag, applies: impl Fn(&str) -> bool) -> Option<Given> {
        let origin = self.origin(flag)?;
        let value = self.many(flag).iter().filter_map(|given| given.value.to_str()).find(|text| applies(text))?;
        let between = if origin.is_typed() { ' ' } else { '=' };
        Some(Given { shown: format!("{origin}{between}{value}"), ..origin.into() })
    }
}

impl Values for FlagValues {
    fn remove(&mut self, flag: &'static Flag) {
        self.set.retain(|(origin, _)| origin.flag() != flag);
    }
}

fn typed(flag: &Flag, matches: &ArgMatches) -> Vec<OsString> {
    match flag.kind {
        Kind::Switch => vec![matches.get_flag(flag.long).to_string().into()],
        Kind::Count => vec![matches.get_count(flag.long).to_string().into()],
        Kind::One | Kind::Many => matches.get_many(flag.long).into_iter().flatten().cloned().collect(),
    }
}

/// Splits the value of a variable. If the flag can be repeated, each line is one value. If the values are roles, commas
/// can separate them, too.
fn split(flag: &Flag, value: &OsStr) -> Vec<OsString> {
    match (flag.kind, value.to_str()) {
        (Kind::Many, Some(text)) if *flag == ROLE_ARN => split_roles(text).into_iter().map(OsString::from).collect(),
        (Kind::Many, Some(text)) => text.lines().filter(|line| !line.is_empty()).map(OsString::from).collect(),
        _ => vec![value.to_owned()],
    }
}

/// Returns an error if the flag is on the command line, because `required` is missing there. If the flag's variable is
/// set instead, there is no error, because the variable may be a default for other runs.
pub(super) fn refuse_typed(flags: &FlagValues, flag: &'static Flag, required: &str) -> Result<(), Error> {
    if !flags.is_typed(flag) {
        return Ok(());
    }
    let long = flag.long;
    Err(Error::usage(format!("--{long} requires {required}"), format!("add {required}, or remove --{long}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::{DURATION, NO_CACHE, PROFILE, TAG, VERBOSE};

    fn values(line: &str, vars: &[(&str, &str)]) -> FlagValues {
        super::super::tests::values(line, vars)
    }

    fn texts(values: &FlagValues, flag: &'static Flag) -> Vec<String> {
        values.many(flag).iter().map(|given| format!("{} {}", given.origin, given.text().expect("text"))).collect()
    }

    #[test]
    fn the_command_line_takes_precedence_over_the_variable() {
        let values = values("--duration 1h -- true x", &[("XASSUME_DURATION", "2h"), ("XASSUME_PROFILE", "p")]);
        assert_eq!(texts(&values, &DURATION), ["--duration 1h"]);
        assert_eq!(texts(&values, &PROFILE), ["XASSUME_PROFILE p"]);
        assert_eq!(values.notes, [Ignored::new("XASSUME_DURATION", "overridden by --duration")]);
        assert_eq!(values.command, ["true", "x"]);
        assert_eq!(values.origins(), [Origin::Variable(&PROFILE), Origin::Flag(&DURATION)]);
    }

    #[test]
    fn an_empty_variable_counts_as_unset_and_an_empty_flag_is_an_error() {
        let unset = values("", &[("XASSUME_PROFILE", "")]);
        assert!(unset.origin(&PROFILE).is_none() && unset.refuse_empty_values().is_ok());
        assert!(values("--profile=", &[]).refuse_empty(&PROFILE).is_err());
        assert!(values("--tag a=b --tag=", &[]).refuse_empty_values().is_err());
    }

    #[test]
    fn a_variable_of_a_repeatable_flag_has_one_value_per_line() {
        let values = values(
            "",
            &[("XASSUME_TAG", "a=b\n\nc=d, e"), ("XASSUME_ROLE_ARN", "123456789012:A,123456789012:B\n123456789012:C")],
        );
        assert_eq!(texts(&values, &TAG), ["XASSUME_TAG a=b", "XASSUME_TAG c=d, e"]);
        assert_eq!(values.many(&ROLE_ARN).len(), 3);
    }

    #[test]
    fn switches_and_counts_are_read_from_flags_and_variables() {
        for (line, value, on, count, set) in [
            ("", "", Some(false), Some(0), false),
            ("", "true", Some(true), Some(1), true),
            ("", "1", Some(true), Some(1), true),
            ("", "false", Some(false), Some(0), false),
            ("", "0", Some(false), Some(0), false),
            ("", "2", None, Some(2), true),
            ("", "yes", None, None, true),
            ("--no-cache -vvv", "0", Some(true), Some(3), true),
        ] {
            let values = values(line, &[("XASSUME_NO_CACHE", value), ("XASSUME_VERBOSE", value)]);
            assert_eq!((values.switch(&NO_CACHE).ok(), values.count(&VERBOSE).ok()), (on, count), "{line} {value}");
            assert_eq!([&NO_CACHE, &VERBOSE].map(|flag| values.origin(flag).is_some()), [set, set], "{line} {value}");
        }
    }

    #[test]
    fn a_removed_value_is_gone() {
        let mut values = values("", &[("XASSUME_DURATION", "2h")]);
        values.remove(&DURATION);
        assert!(values.one(&DURATION).is_none() && values.origin(&DURATION).is_none());
    }

    #[test]
    fn a_value_that_a_rule_is_about_is_shown() {
        let shown = |line: &str, vars: &[(&str, &str)]| {
            values(line, vars).given_as(&PROFILE, |name| name == "dev").map(|given| given.shown)
        };
        assert_eq!(shown("-p dev", &[]).as_deref(), Some("--profile dev"));
        assert_eq!(shown("", &[("XASSUME_PROFILE", "dev")]).as_deref(), Some("XASSUME_PROFILE=dev"));
        assert_eq!(shown("-p prod", &[]), None);
    }
}
