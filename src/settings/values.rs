//! What was given for each flag: on the command line, or by its variable.
//!
//! One rule for all flags: the command line counts before the variable, an empty variable is an absent one. So is one
//! that was dropped, because it does not go with another flag.

use crate::cli::{FLAGS, Flag, Kind};
use crate::error::Error;
use crate::origin::Origin;
use crate::role::{Invalid, split_roles};
use crate::vars::Vars;
use clap::ArgMatches;
use clap::parser::ValueSource;
use std::ffi::{OsStr, OsString};

/// The hint where the possible values are listed.
pub(super) const SEE_HELP: &str = "see xassume --help";

/// A value with where it came from.
#[derive(Debug, Clone)]
pub(super) struct FlagValue {
    pub(super) origin: Origin,
    pub(super) value: OsString,
}

impl FlagValue {
    /// The value as text.
    ///
    /// # Errors
    /// When it is not UTF-8.
    pub(super) fn text(&self) -> Result<&str, Error> {
        self.value.to_str().ok_or_else(|| self.invalid(Invalid::new("not valid UTF-8").hint("use UTF-8")))
    }

    /// The value as one of AWS's flags.
    ///
    /// # Errors
    /// The word's own complaint, with the flag or the variable in front.
    pub(super) fn parse<T>(&self, parse: impl FnOnce(&str) -> Result<T, Invalid>) -> Result<T, Error> {
        parse(self.text()?).map_err(|invalid| self.invalid(invalid))
    }

    pub(super) fn invalid(&self, invalid: Invalid) -> Error {
        Error::Value { origin: self.origin.to_string(), value: self.value.to_string_lossy().into_owned(), invalid }
    }
}

/// The command line and the environment, looked at together.
pub(super) struct FlagValues<'a> {
    matches: &'a ArgMatches,
    vars: &'a Vars,
    /// Flags whose variables count no longer.
    dropped: Vec<&'static str>,
}

impl<'a> FlagValues<'a> {
    pub(super) fn new(matches: &'a ArgMatches, vars: &'a Vars) -> Self {
        Self { matches, vars, dropped: Vec::new() }
    }

    /// From now on the flag's variable is as good as unset.
    pub(super) fn drop(&mut self, long: &'static str) {
        self.dropped.push(long);
    }

    /// What a flag was given by, if at all. A switch or a count that its variable sets to nothing was not given.
    pub(super) fn origin(&self, long: &'static str) -> Option<Origin> {
        if self.typed(long) {
            return Some(Origin::Flag(long));
        }
        let flag = flag(long);
        let (_, value) = self.variable(flag)?;
        let off = matches!(flag.kind, Kind::Switch | Kind::Count) && (value == "false" || value == "0");
        (!off).then_some(Origin::Variable(long))
    }

    fn typed(&self, long: &str) -> bool {
        self.matches.value_source(long) == Some(ValueSource::CommandLine)
    }

    /// The values of a flag, those of its variable when the flag was not typed.
    pub(super) fn many(&self, long: &'static str) -> Vec<FlagValue> {
        if self.typed(long) {
            let values = self.matches.get_many::<OsString>(long).into_iter().flatten();
            return values.map(|value| FlagValue { origin: Origin::Flag(long), value: value.clone() }).collect();
        }
        let flag = flag(long);
        let Some((_, value)) = self.variable(flag) else { return Vec::new() };
        let given = |value: &OsStr| FlagValue { origin: Origin::Variable(long), value: value.to_owned() };
        match (flag.kind, value.to_str()) {
            (Kind::Many, Some(text)) if long == "role-arn" => {
                split_roles(text).into_iter().map(|role| given(OsStr::new(role))).collect()
            }
            (Kind::Many, Some(text)) => {
                text.lines().filter(|line| !line.is_empty()).map(|line| given(OsStr::new(line))).collect()
            }
            _ => vec![given(value)],
        }
    }

    /// The variable of a flag, where it is set, not empty and not dropped.
    fn variable(&self, flag: &Flag) -> Option<(String, &'a OsStr)> {
        if self.dropped.contains(&flag.long) {
            return None;
        }
        let name = flag.variable()?;
        let value = self.vars.get(&name).filter(|value| !value.is_empty())?;
        Some((name, value))
    }

    /// What was set and does not count, because something on the command line does.
    pub(super) fn notes(&self) -> Vec<String> {
        let passed_over = |flag: &Flag| {
            if !self.typed(flag.long) {
                return None;
            }
            let (name, _) = self.variable(flag)?;
            Some(format!("{name} is not used: --{} comes first", flag.long))
        };
        FLAGS.iter().filter_map(passed_over).collect()
    }

    /// The value of a flag that takes one.
    pub(super) fn one(&self, long: &'static str) -> Option<FlagValue> {
        self.many(long).into_iter().next()
    }

    /// Whether a switch is on.
    ///
    /// # Errors
    /// When its variable is none of true, false, 1 and 0.
    pub(super) fn switch(&self, long: &'static str) -> Result<bool, Error> {
        if self.typed(long) {
            return Ok(self.matches.get_flag(long));
        }
        let Some((origin, value)) = self.variable(flag(long)) else { return Ok(false) };
        match value.to_str() {
            Some("true" | "1") => Ok(true),
            Some("false" | "0") => Ok(false),
            _ => Err(Error::Value {
                origin,
                value: value.to_string_lossy().into_owned(),
                invalid: Invalid::not_one_of(["true", "false", "1", "0"]).hint(SEE_HELP),
            }),
        }
    }

    /// How often a counted flag was given; its variable holds the number, `true` counting as 1.
    ///
    /// # Errors
    /// When the variable holds no small number.
    pub(super) fn count(&self, long: &'static str) -> Result<u8, Error> {
        if self.typed(long) {
            return Ok(self.matches.get_count(long));
        }
        let Some((origin, value)) = self.variable(flag(long)) else { return Ok(0) };
        match value.to_str() {
            Some("true") => Ok(1),
            Some("false") => Ok(0),
            text => text.and_then(|text| text.parse().ok()).ok_or_else(|| Error::Value {
                origin,
                value: value.to_string_lossy().into_owned(),
                invalid: Invalid::not_one_of(["0", "1", "2"]).hint(SEE_HELP),
            }),
        }
    }

    /// Those of the flags that have their values from variables.
    pub(super) fn by_variable(&self, flags: &[&'static str]) -> Vec<&'static str> {
        flags.iter().copied().filter(|flag| self.origin(flag).is_some_and(|word| !word.is_typed())).collect()
    }

    /// Whether the flag, and not its variable, was given.
    pub(super) fn is_typed(&self, long: &'static str) -> bool {
        self.typed(long)
    }

    /// Refuses every flag that was typed with an empty value.
    ///
    /// # Errors
    /// The first such flag.
    pub(super) fn refuse_empty_values(&self) -> Result<(), Error> {
        FLAGS.iter().try_for_each(|flag| self.refuse_empty(flag))
    }

    /// Refuses an empty value of a flag: none means anything, and a shell makes one of a variable that is not set. An
    /// empty variable of ours is an absent one.
    fn refuse_empty(&self, flag: &Flag) -> Result<(), Error> {
        let long = flag.long;
        if !matches!(flag.kind, Kind::One | Kind::Many) || !self.typed(long) {
            return Ok(());
        }
        let mut values = self.matches.get_many::<OsString>(long).into_iter().flatten();
        if values.all(|value| !value.is_empty()) {
            return Ok(());
        }
        let or_variable = flag.variable().map(|name| format!(" (or use {name}, which may be empty)"));
        let hint = format!("is the shell variable in it set?{}", or_variable.unwrap_or_default());
        let invalid = Invalid::new("the value is empty").hint(hint);
        Err(Error::Value { origin: format!("--{long}"), value: String::new(), invalid })
    }

    /// The value of a flag that takes one, which is not empty.
    ///
    /// # Errors
    /// When it is empty.
    pub(super) fn one_that_is_not_empty(&self, long: &'static str) -> Result<Option<FlagValue>, Error> {
        self.refuse_empty(flag(long))?;
        Ok(self.one(long))
    }

    /// The flags of the command.
    pub(super) fn command(&self) -> Vec<OsString> {
        self.matches.get_many::<OsString>("command").into_iter().flatten().cloned().collect()
    }
}

/// A flag of the table. Asking for one that is not there would be a slip in `settings`, which its tests walk through.
fn flag(long: &str) -> &'static Flag {
    FLAGS.iter().find(|flag| flag.long == long).unwrap_or(&FLAGS[0])
}
