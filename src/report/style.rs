//! Colours: of the words that begin a line, on a terminal whose user did not decline them.

use crate::log_options::Voice;
use crate::terminal::{Colour, Screen};
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

    fn colour(self) -> Option<Colour> {
        match self {
            Self::Error => Some(Colour::Failure),
            Self::Warning => Some(Colour::Warning),
            Self::Hint => Some(Colour::Hint),
            Self::Detail | Self::Usage => None,
        }
    }
}

/// What standard error shows now: no colours, unless it is a terminal.
pub(super) fn screen(voice: Voice) -> Screen {
    if voice.screen == Screen::Coloured && !std::io::stderr().is_terminal() { Screen::Dumb } else { voice.screen }
}

/// The text behind its mark, as a line.
pub(super) fn line(screen: Screen, mark: Mark, text: &str) -> String {
    format!("{} {text}\n", screen.paint(mark.word(), mark.colour()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_mark_is_coloured() {
        assert_eq!(line(Screen::Plain, Mark::Error, "no"), "xassume: no\n");
        assert_eq!(line(Screen::Coloured, Mark::Error, "no"), "\x1b[1;31mxassume:\x1b[0m no\n");
        assert_eq!(line(Screen::Coloured, Mark::Hint, "yes"), "\x1b[36mhint:\x1b[0m yes\n");
        assert_eq!(line(Screen::Coloured, Mark::Detail, "so"), "xassume: so\n");
    }
}
