//! What a flag is, and the functions that make the constants.

use clap::ValueHint;

/// A row of `--help`, of the README's table and of the completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag {
    /// The name, without its dashes.
    pub long: &'static str,
    /// The letter, if it has one.
    pub short: Option<char>,
    /// Whether it takes a value, and how many.
    pub kind: Kind,
    /// The name of the value in `--help`; empty without a value.
    pub value: &'static str,
    /// The heading in `--help`.
    pub group: &'static str,
    /// The first line is `-h`'s; all of it is `--help`'s.
    pub help: &'static str,
    /// What completions offer for the value.
    pub hint: ValueHint,
    /// Whether the flag can also be set by its variable.
    pub has_variable: bool,
    /// Whether the variable is removed from the command's environment: a nested xassume must neither assume this role
    /// again nor write to this one's files.
    pub removed: bool,
}

/// Whether a flag takes a value, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// On or off.
    Switch,
    /// No value; the number of times counts.
    Count,
    /// One value.
    One,
    /// A value each time.
    Many,
}

impl Flag {
    /// The variable that sets the flag: `XASSUME_ROLE_ARN` for `--role-arn`.
    #[must_use]
    pub fn variable(&self) -> Option<String> {
        self.has_variable.then(|| self.variable_name())
    }

    /// The name that the variable has, or would have.
    pub(crate) fn variable_name(&self) -> String {
        format!("XASSUME_{}", self.long.to_ascii_uppercase().replace('-', "_"))
    }

    pub(super) const fn short(mut self, short: char) -> Self {
        self.short = Some(short);
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

const fn flag(long: &'static str, kind: Kind, value: &'static str, group: &'static str, help: &'static str) -> Flag {
    let (short, hint) = (None, ValueHint::Other);
    Flag { long, short, kind, value, group, help, hint, has_variable: true, removed: false }
}

pub(super) const fn one(long: &'static str, value: &'static str, group: &'static str, help: &'static str) -> Flag {
    flag(long, Kind::One, value, group, help)
}

pub(super) const fn many(long: &'static str, value: &'static str, group: &'static str, help: &'static str) -> Flag {
    flag(long, Kind::Many, value, group, help)
}

pub(super) const fn switch(long: &'static str, group: &'static str, help: &'static str) -> Flag {
    flag(long, Kind::Switch, "", group, help)
}

pub(super) const fn count(long: &'static str, group: &'static str, help: &'static str) -> Flag {
    flag(long, Kind::Count, "", group, help)
}

/// The heading of the flags about messages, and of `--help` and `--version`.
pub(crate) const OUTPUT: &str = "Output";
