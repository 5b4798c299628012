//! What may be sent to a terminal, according to the environment variables `TERM` and `NO_COLOR`.

use crate::vars::Vars;

/// A color or another style, as the parameters of the control sequence SGR (ECMA-48).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Color(&'static str);

impl Color {
    /// Red and bold.
    pub(crate) const FAILURE: Self = Self("1;31");
    /// Yellow and bold.
    pub(crate) const WARNING: Self = Self("1;33");
    /// Green.
    pub(crate) const SUCCESS: Self = Self("32");
    /// Cyan.
    pub(crate) const HINT: Self = Self("36");
    /// Bold and underlined.
    pub(crate) const HEADING: Self = Self("1;4");
    /// Bold.
    pub(crate) const LITERAL: Self = Self("1");
}

/// What the terminal understands and what its user wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Screen {
    /// Only plain lines, because `TERM` is `dumb` or missing.
    #[default]
    Dumb,
    /// Lines that can be erased, but no colors, because `NO_COLOR` is set (<https://no-color.org>).
    Plain,
    Colored,
}

impl Screen {
    pub(crate) fn of(vars: &Vars) -> Self {
        match vars.get("TERM") {
            None => Self::Dumb,
            Some(term) if term.is_empty() || term == "dumb" => Self::Dumb,
            // By the convention of no-color.org, any value of NO_COLOR counts, except an empty one.
            Some(_) if vars.nonempty("NO_COLOR").is_some() => Self::Plain,
            Some(_) => Self::Colored,
        }
    }

    /// Returns the word, in this color if the terminal shows colors.
    pub(crate) fn paint(self, word: &str, color: Option<Color>) -> String {
        match (self, color) {
            (Self::Colored, Some(Color(parameters))) => format!("\x1b[{parameters}m{word}\x1b[0m"),
            _ => word.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terminal_and_its_user_decide() {
        let of = |vars: &[(&str, &str)]| Screen::of(&vars.iter().copied().collect());
        assert_eq!(of(&[]), Screen::Dumb);
        assert_eq!(of(&[("TERM", "dumb")]), Screen::Dumb);
        assert_eq!(of(&[("TERM", "")]), Screen::Dumb);
        assert_eq!(of(&[("TERM", "xterm")]), Screen::Colored);
        assert_eq!(of(&[("TERM", "xterm"), ("NO_COLOR", "")]), Screen::Colored);
        assert_eq!(of(&[("TERM", "xterm"), ("NO_COLOR", "0")]), Screen::Plain);
        assert_eq!(of(&[("TERM", "dumb"), ("NO_COLOR", "1")]), Screen::Dumb);
    }
}
