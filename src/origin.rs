//! Where a value comes from: a flag or the flag's variable.

use crate::flags::Flag;
use std::fmt;

/// Where a value comes from. Messages show it as `--duration` or `XASSUME_DURATION`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The flag is on the command line.
    Flag(&'static Flag),
    /// The variable of the flag is set.
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

    /// Returns the verb with which a hint tells the user not to set the value: `remove` for a flag, `unset` for a
    /// variable.
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
