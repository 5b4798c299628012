//! Reads quotes and backslashes in the shared config files as the AWS CLI does, with the rules of Python's `shlex` in
//! POSIX mode.

/// Splits a text into words and removes their quotes and backslashes. Returns `None` if a quote is not closed or
/// nothing follows a backslash.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('"'), '\\') => {
                let next = chars.next()?;
                let word = word.get_or_insert_default();
                if !matches!(next, '"' | '\\') {
                    word.push('\\');
                }
                word.push(next);
            }
            (None, '\\') => word.get_or_insert_default().push(chars.next()?),
            (None, '"' | '\'') => {
                word.get_or_insert_default();
                quote = Some(c);
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// Returns a name without its quotes and backslashes. Returns `None` if the name is empty or has several words. A name
/// with an unclosed quote, such as `o'brien`, is returned unchanged.
pub(super) fn one_word(name: &str) -> Option<String> {
    let mut words = words(name).unwrap_or_else(|| name.split_whitespace().map(str::to_owned).collect());
    let word = words.pop().filter(|word| !word.is_empty())?;
    words.is_empty().then_some(word)
}

/// Returns the characters outside quotes, each with its position in bytes. A quote opens only at the start of a word or
/// after `=`, so an apostrophe within a word is an ordinary character. A quote that is never closed is an ordinary
/// character, too.
pub(super) fn outside_quotes(text: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut next, mut opens) = (0, true);
    std::iter::from_fn(move || {
        let c = text[next..].chars().next()?;
        let closed = (opens && matches!(c, '"' | '\'')).then(|| closing(&text[next + 1..], c)).flatten();
        // If a quoted part begins here, everything up to the closing quote is skipped, and the closing quote is
        // returned.
        let at = closed.map_or(next, |length| next + 1 + length);
        next = at + c.len_utf8();
        opens = closed.is_none() && (c.is_whitespace() || c == '=');
        Some((at, c))
    })
}

/// Returns the position of the closing quote in bytes, or `None` if the text has none. Within `"…"`, a character after
/// a backslash does not close the quote.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let closes = c == quote && !escaped;
        escaped = quote == '"' && c == '\\' && !escaped;
        closes.then_some(at)
    })
}

/// Joins the lines of a command as the AWS CLI does. A line break becomes a space, unless it is within quotes or after
/// a backslash.
pub(super) fn one_line(command: &str) -> String {
    let mut quote = None;
    let mut escaped = false;
    let joined = command.chars().map(|c| {
        let plain = !escaped;
        escaped = plain && c == '\\' && quote != Some('\'');
        match (quote, c) {
            (None, '\n') if plain => return ' ',
            (None, '"' | '\'') if plain => quote = Some(c),
            (Some(open), c) if c == open && plain => quote = None,
            _ => {}
        }
        c
    });
    joined.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_pythons_shlex() {
        for (text, expected) in [
            ("", &[][..]),
            (" a  b\t", &["a", "b"]),
            (r"profile my\ prof", &["profile", "my prof"]),
            (r#"profile "a b""#, &["profile", "a b"]),
            ("profile 'a b'", &["profile", "a b"]),
            (r#"a"b c"'d e'"#, &["ab cd e"]),
            (r#""" ''"#, &["", ""]),
            (r#""a\"b\\c\d""#, &[r#"a"b\c\d"#]),
            (r"'a\b'", &[r"a\b"]),
            (r"a\\b\c", &[r"a\bc"]),
        ] {
            assert_eq!(words(text).expect(text), expected, "{text}");
        }
        for text in ["o'brien", "\"a", r"a\", r#""a\"#] {
            assert_eq!(words(text), None, "{text}");
        }
    }

    #[test]
    fn quotes_open_at_the_start_of_a_word() {
        for (text, expected) in [
            ("a b", "a b"),
            ("a 'b # c' d", "a ' d"),
            (r#"--x="a # b" c"#, r#"--x=" c"#),
            (r#""a \" # b" # c"#, r#"" # c"#),
            ("o'brien # it's", "o'brien # it's"),
            ("an ' alone", "an ' alone"),
            ("'ä' ö", "' ö"),
        ] {
            assert_eq!(outside_quotes(text).map(|(_, c)| c).collect::<String>(), expected, "{text}");
            assert!(outside_quotes(text).all(|(at, c)| text[at..].starts_with(c)), "{text}");
        }
    }

    #[test]
    fn a_command_of_several_lines_is_one_command() {
        for (text, expected) in [
            ("/x\n--a\n--b", "/x --a --b"),
            ("/x 'a\nb'\n\"c\n\"\nd", "/x 'a\nb' \"c\n\" d"),
            ("/x \\\n--a", "/x \\\n--a"),
            (r"/x '\' y", r"/x '\' y"),
            ("/x \\'\n'", "/x \\' '"),
        ] {
            assert_eq!(one_line(text), expected, "{text}");
        }
    }
}
