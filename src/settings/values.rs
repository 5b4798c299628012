//! The values of the flags, from the command line or from the flags' variables.
//!
//! The command line takes precedence over a variable. A variable counts as unset if it is empty, or if it was removed
//! because it conflicts with another flag.

use crate::conflicts::{Given, Values};
use crate::error::Error;
use crate::event::Ignored;
use crate::flags::{EXPECT_ACCOUNT, Flag, Kind, PRINT, ROLE_ARN, all_flags};
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

    /// Returns the flag or the variable with the value, as messages show it.
    pub(super) fn shown(&self) -> String {
        let between = if self.origin.is_typed() { ' ' } else { '=' };
        format!("{}{between}{}", self.origin, self.value.to_string_lossy())
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
    /// The values of the variable of `--expect-account`, if the flag is on the command line. Each account is for one session,
    /// so the flag for one session does not override the account of another.
    pub(super) further_accounts: Vec<FlagValue>,
    /// The command and its arguments.
    pub(super) command: Vec<OsString>,
}

impl FlagValues {
    pub(crate) fn new(matches: &ArgMatches, vars: &Vars) -> Self {
        let command = matches.get_many::<OsString>("command").into_iter().flatten().cloned().collect();
        let (notes, removed, further_accounts) = (Vec::new(), Vec::new(), Vec::new());
        let mut values = Self { set: Vec::new(), notes, removed, further_accounts, command };
        for flag in all_flags() {
            let name = flag.variable();
            let variable = name.as_ref().and_then(|name| vars.nonempty(name));
            let (origin, list) = if matches.value_source(flag.long) == Some(ValueSource::CommandLine) {
                let further = variable.filter(|_| *flag == EXPECT_ACCOUNT).map(|value| split(flag, value));
                let ignored = name.filter(|_| variable.is_some() && further.is_none());
                let further = further.into_iter().flatten();
                values
                    .further_accounts
                    .extend(further.map(|value| FlagValue { origin: Origin::Variable(flag), value }));
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
        let given = self.many(flag).iter().find(|given| given.value.to_str().is_some_and(&applies))?;
        Some(Given { shown: given.shown(), ..origin.into() })
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
mod tests;
