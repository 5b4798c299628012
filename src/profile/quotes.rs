//! Quotes and backslashes in the shared config files, as the AWS CLI reads them: Python's `shlex` in POSIX mode.

/// The words of a text, without their quotes and backslashes; none where a quote is not closed.
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

/// A name without its quotes and backslashes, or nothing where there is none, or where there are several words. One with
/// a quote that is not closed, as `o'brien`, is taken as it is written.
pub(super) fn one_word(name: &str) -> Option<String> {
    let mut words = words(name).unwrap_or_else(|| name.split_whitespace().map(str::to_owned).collect());
    let word = words.pop().filter(|word| !word.is_empty())?;
    words.is_empty().then_some(word)
}

/// The characters that no quotes enclose, each with its place. Quotes open at the begin of a word or behind `=`: an
/// apostrophe within a word is a character like any other, and so is a quote that is not closed.
pub(super) fn outside_quotes(text: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut next, mut opens) = (0, true);
    std::iter::from_fn(move || {
        let c = text[next..].chars().next()?;
        let closed = (opens && matches!(c, '"' | '\'')).then(|| closing(&text[next + 1..], c)).flatten();
        // Of what is in quotes, only the closing one is given.
        let at = closed.map_or(next, |length| next + 1 + length);
        next = at + c.len_utf8();
        opens = closed.is_none() && (c.is_whitespace() || c == '=');
        Some((at, c))
    })
}

/// Where a quote is closed. Within `"…"` a backslash keeps the next character from closing it.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let closes = c == quote && !escaped;
        escaped = quote == '"' && c == '\\' && !escaped;
        closes.then_some(at)
    })
}

/// A command of several lines as one line, which is how the AWS CLI reads it: a line's end is white space between words,
/// and stays what it is within quotes or behind a backslash.
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
    fn quotes_open_where_a_word_begins() {
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
