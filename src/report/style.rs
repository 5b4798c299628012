//! Colours: of the words that begin a line, on a terminal whose user did not decline them.

use crate::settings::{Screen, Voice};
use std::io::IsTerminal as _;

/// What the word at the beginning of a line says of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Error,
    Warning,
    Detail,
    Hint,
    Usage,
}

impl Mark {
    /// The columns that it takes, with the space behind it.
    pub(super) fn columns(self) -> usize {
        self.word().len() + 1
    }

    fn word(self) -> &'static str {
        match self {
            Self::Error | Self::Warning | Self::Detail => "xassume:",
            Self::Hint => "hint:",
            Self::Usage => "usage:",
        }
    }

    /// Parameters of SGR (ECMA-48): red, yellow, cyan; those that matter at a glance in bold.
    fn colour(self) -> Option<&'static str> {
        match self {
            Self::Error => Some("1;31"),
            Self::Warning => Some("1;33"),
            Self::Hint => Some("36"),
            Self::Detail | Self::Usage => None,
        }
    }
}

/// Whether marks are coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Black,
    Coloured,
}

impl Ink {
    /// For what is written to standard error now.
    pub(super) fn of(voice: Voice) -> Self {
        let coloured = voice.screen == Screen::Coloured && std::io::stderr().is_terminal();
        if coloured { Self::Coloured } else { Self::Black }
    }

    /// The text behind its mark, as a line.
    pub(super) fn line(self, mark: Mark, text: &str) -> String {
        let word = mark.word();
        match (self, mark.colour()) {
            (Self::Coloured, Some(colour)) => format!("\x1b[{colour}m{word}\x1b[0m {text}\n"),
            _ => format!("{word} {text}\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_mark_is_coloured() {
        assert_eq!(Ink::Black.line(Mark::Error, "no"), "xassume: no\n");
        assert_eq!(Ink::Coloured.line(Mark::Error, "no"), "\x1b[1;31mxassume:\x1b[0m no\n");
        assert_eq!(Ink::Coloured.line(Mark::Hint, "yes"), "\x1b[36mhint:\x1b[0m yes\n");
        assert_eq!(Ink::Coloured.line(Mark::Detail, "so"), "xassume: so\n");
    }
}
