//! What may be sent to a terminal, as far as the environment tells.

use crate::vars::Vars;

/// What the terminal understands, and what its user wants of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Screen {
    /// Text, line after line: `TERM` is `dumb` or missing.
    #[default]
    Dumb,
    /// Lines that are replaced, but no colours: `NO_COLOR` is set (<https://no-color.org>).
    Plain,
    Coloured,
}

impl Screen {
    pub(crate) fn of(vars: &Vars) -> Self {
        match vars.get("TERM") {
            None => Self::Dumb,
            Some(term) if term.is_empty() || term == "dumb" => Self::Dumb,
            // By the convention any value counts, but an empty one.
            Some(_) if vars.get("NO_COLOR").is_some_and(|value| !value.is_empty()) => Self::Plain,
            Some(_) => Self::Coloured,
        }
    }

    /// The word in a colour: parameters of SGR (ECMA-48), such as `1;31`, or none.
    pub(crate) fn paint(self, word: &str, colour: Option<&str>) -> String {
        match (self, colour) {
            (Self::Coloured, Some(colour)) => format!("\x1b[{colour}m{word}\x1b[0m"),
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
        assert_eq!(of(&[("TERM", "xterm")]), Screen::Coloured);
        assert_eq!(of(&[("TERM", "xterm"), ("NO_COLOR", "")]), Screen::Coloured);
        assert_eq!(of(&[("TERM", "xterm"), ("NO_COLOR", "0")]), Screen::Plain);
        assert_eq!(of(&[("TERM", "dumb"), ("NO_COLOR", "1")]), Screen::Dumb);
    }
}
