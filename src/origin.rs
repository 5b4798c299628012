//! Where a value came from: its flag or the flag's variable.

use crate::flags::Flag;
use std::fmt;

/// Where a value came from, as messages name it: `--duration` or `XASSUME_DURATION`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The command line.
    Flag(&'static Flag),
    /// The flag's variable.
    Variable(&'static Flag),
}

impl Origin {
    pub(crate) fn flag(self) -> &'static Flag {
        match self {
            Self::Flag(flag) | Self::Variable(flag) => flag,
        }
    }

    pub(crate) fn is_typed(self) -> bool {
        matches!(self, Self::Flag(_))
    }

    /// What to do with a value that must go: `remove` the flag, or `unset` the variable.
    pub(crate) fn leave_out(self) -> &'static str {
        match self {
            Self::Flag(_) => "remove",
            Self::Variable(_) => "unset",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "--{}", flag.long),
            Self::Variable(flag) => f.write_str(&flag.variable_name()),
        }
    }
}
