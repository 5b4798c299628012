//! The words in front of a message, and their colors on a terminal.

use crate::log_options::LogOptions;
use crate::terminal::{Color, Screen};
use std::io::IsTerminal as _;

/// What kind of line it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Error,
    Warning,
    Detail,
    Hint,
    Usage,
}

impl Mark {
    /// Its columns, with the space after it.
    pub(super) fn columns(self) -> usize {
        self.word().len() + 1
    }

    fn word(self) -> &'static str {
        match self {
            Self::Error => "xassume: error:",
            Self::Warning => "xassume: warning:",
            Self::Detail => "xassume:",
            Self::Hint => "hint:",
            Self::Usage => "usage:",
        }
    }

    fn color(self) -> Option<Color> {
        match self {
            Self::Error => Some(Color::Failure),
            Self::Warning => Some(Color::Warning),
            Self::Hint => Some(Color::Hint),
            Self::Detail | Self::Usage => None,
        }
    }
}

/// What standard error shows now: no colors, unless it is a terminal.
pub(super) fn screen(log_options: LogOptions) -> Screen {
    if log_options.screen == Screen::Colored && !std::io::stderr().is_terminal() {
        Screen::Dumb
    } else {
        log_options.screen
    }
}

/// The text after its mark, as a line.
pub(super) fn line(screen: Screen, mark: Mark, text: &str) -> String {
    format!("{} {text}\n", screen.paint(mark.word(), mark.color()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_mark_is_colored() {
        assert_eq!(line(Screen::Plain, Mark::Error, "no"), "xassume: error: no\n");
        assert_eq!(line(Screen::Colored, Mark::Error, "no"), "\x1b[1;31mxassume: error:\x1b[0m no\n");
        assert_eq!(line(Screen::Plain, Mark::Warning, "no"), "xassume: warning: no\n");
        assert_eq!(line(Screen::Colored, Mark::Hint, "yes"), "\x1b[36mhint:\x1b[0m yes\n");
        assert_eq!(line(Screen::Colored, Mark::Detail, "so"), "xassume: so\n");
    }
}
