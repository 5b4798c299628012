//! By which word a flag was given: by itself, or by its variable. One rule for two words that do not go together.

use std::fmt;

/// What a value came by, as every message names it: `--duration` or `XASSUME_DURATION`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It was typed.
    Flag(&'static str),
    /// The variable of this flag holds it.
    Variable(&'static str),
}

/// Which of two words counts, where only one can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precedence {
    /// This one was typed, and the other one was not.
    This,
    /// The other one was typed, and this one was not.
    Other,
    /// Neither ranks above the other: that is an error.
    Neither,
}

impl Origin {
    pub(crate) fn is_typed(self) -> bool {
        matches!(self, Self::Flag(_))
    }

    /// The rule between two words: of a flag and a variable the flag counts.
    pub(crate) fn beside(self, other: Self) -> Precedence {
        match (self, other) {
            (Self::Flag(_), Self::Variable(_)) => Precedence::This,
            (Self::Variable(_), Self::Flag(_)) => Precedence::Other,
            (Self::Flag(_), Self::Flag(_)) | (Self::Variable(_), Self::Variable(_)) => Precedence::Neither,
        }
    }

    /// The note on a word that stands back for `other`.
    pub(crate) fn stands_back(self, other: impl fmt::Display) -> String {
        format!("{self} is not used: it does not go with {other}")
    }

    /// What to do with a word that is in the way: `remove` it, or `unset` it.
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
            Self::Flag(long) => write!(f, "--{long}"),
            Self::Variable(long) => write!(f, "XASSUME_{}", long.to_ascii_uppercase().replace('-', "_")),
        }
    }
}
