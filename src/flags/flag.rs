//! The type of a flag, and the functions that create its values.

use clap::ValueHint;

/// A flag, which is a row of `--help`, of the table in `docs/flags.md`, and of the completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag {
    /// The long name, without its dashes.
    pub long: &'static str,
    /// The letter of the short form, or `None` if the flag has no short form.
    pub short: Option<char>,
    /// Whether the flag takes no value, one value, or several values.
    pub kind: Kind,
    /// The name of the value in `--help`. It is empty if the flag takes no value.
    pub value: &'static str,
    /// The words that the flag accepts, each with its meaning. It is empty if the flag accepts other values.
    pub values: &'static [(&'static str, &'static str)],
    /// The usual default. `help` mentions exceptions. Empty if no single value is the default.
    pub default: &'static str,
    /// The help text. `-h` shows only the first line, and `--help` shows the whole text.
    pub help: &'static str,
    /// What the completions offer for the value.
    pub hint: ValueHint,
    /// Whether the flag can also be set by its variable.
    pub has_variable: bool,
    /// Whether the flag's variable is removed from the environment of the command, the refresh hook and the helper
    /// programs. This is the case if, because of the variable, another xassume that they start would assume the same role
    /// again, or would write to the files of this xassume.
    pub removed: bool,
}

/// Whether a flag takes no value, one value, or several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The flag takes no value. It is on or off.
    Switch,
    /// The flag takes no value and can be repeated. Its value is the number of times that it is given.
    Count,
    /// The flag takes one value.
    One,
    /// The flag can be repeated, with one value each time.
    Many,
}

impl Flag {
    /// Returns the name of the variable that sets the flag, such as `XASSUME_ROLE_ARN` for `--role-arn`. Returns `None`
    /// if the flag has no variable.
    #[must_use]
    pub fn variable(&self) -> Option<String> {
        self.has_variable.then(|| self.variable_name())
    }

    /// Returns the name of the flag's variable, or the name that the variable would have if the flag had one.
    pub(crate) fn variable_name(&self) -> String {
        format!("XASSUME_{}", self.long.to_ascii_uppercase().replace('-', "_"))
    }

    /// Checks whether this is the name of the flag's variable. It needs no memory, unlike [`Self::variable`].
    pub(crate) fn is_set_by(&self, name: &str) -> bool {
        let expected = self.long.bytes().map(|byte| if byte == b'-' { b'_' } else { byte.to_ascii_uppercase() });
        self.has_variable && name.strip_prefix("XASSUME_").is_some_and(|name| name.bytes().eq(expected))
    }

    pub(super) const fn short(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }

    pub(super) const fn values(mut self, values: &'static [(&'static str, &'static str)]) -> Self {
        self.values = values;
        self
    }

    pub(super) const fn default(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }

    pub(super) const fn hint(mut self, hint: ValueHint) -> Self {
        self.hint = hint;
        self
    }

    pub(super) const fn without_variable(mut self) -> Self {
        self.has_variable = false;
        self
    }

    pub(super) const fn removed(mut self) -> Self {
        self.removed = true;
        self
    }
}

const fn flag(long: &'static str, kind: Kind, value: &'static str, help: &'static str) -> Flag {
    let (short, hint) = (None, ValueHint::Other);
    Flag { long, short, kind, value, values: &[], default: "", help, hint, has_variable: true, removed: false }
}

pub(super) const fn one(long: &'static str, value: &'static str, help: &'static str) -> Flag {
    flag(long, Kind::One, value, help)
}

pub(super) const fn many(long: &'static str, value: &'static str, help: &'static str) -> Flag {
    flag(long, Kind::Many, value, help)
}

pub(super) const fn switch(long: &'static str, help: &'static str) -> Flag {
    flag(long, Kind::Switch, "", help)
}

pub(super) const fn count(long: &'static str, help: &'static str) -> Flag {
    flag(long, Kind::Count, "", help)
}
