//! The words in front of a message, and their colors on a terminal.

use crate::terminal::{Color, Screen};

/// The word in front of a line, and its color.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark(&'static str, Option<Color>);

impl Mark {
    pub(super) const ERROR: Self = Self("xassume: error:", Some(Color::FAILURE));
    pub(super) const WARNING: Self = Self("xassume: warning:", Some(Color::WARNING));
    pub(super) const DETAIL: Self = Self("xassume:", None);
    pub(super) const HINT: Self = Self("hint:", Some(Color::HINT));
    pub(super) const USAGE: Self = Self("usage:", None);

    /// Returns the number of columns that the mark and the space after it take.
    pub(super) fn columns(self) -> usize {
        self.0.len() + 1
    }
}

/// Returns a line with the mark and the text.
pub(super) fn line(screen: Screen, Mark(word, color): Mark, text: &str) -> String {
    format!("{} {text}\n", screen.paint(word, color))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_mark_is_colored() {
        assert_eq!(line(Screen::Plain, Mark::ERROR, "no"), "xassume: error: no\n");
        assert_eq!(line(Screen::Colored, Mark::ERROR, "no"), "\x1b[1;31mxassume: error:\x1b[0m no\n");
        assert_eq!(line(Screen::Plain, Mark::WARNING, "no"), "xassume: warning: no\n");
        assert_eq!(line(Screen::Colored, Mark::HINT, "yes"), "\x1b[36mhint:\x1b[0m yes\n");
        assert_eq!(line(Screen::Colored, Mark::DETAIL, "so"), "xassume: so\n");
    }
}
