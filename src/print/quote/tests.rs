//! Tests each kind of quoting with hostile values. The values are read by the documented rules of each reader, and by
//! the shells themselves.

mod shells;

use super::*;

/// Texts that some reader treats specially.
const HOSTILE: &[&str] = &[
    "'",
    "''",
    "\"",
    "`",
    "\\",
    "\\'",
    "\\n",
    "$",
    "$(id)",
    "${HOME}",
    "{",
    "}",
    "(",
    ")",
    "!",
    "!!",
    "%",
    "%s",
    "&",
    "|",
    ";",
    "<",
    ">",
    "*",
    "?",
    "~",
    "#",
    " #",
    "=",
    "[",
    "]",
    ",",
    "^",
    " ",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\u{1}",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "ü",
    "‘",
    "’",
    "‚",
    "‛",
    "“",
    "”",
    "😀",
    "-",
    "+",
    "/",
    "a",
    "B7",
    "$Env:PATH",
    "@(1)",
];

/// The characters that some reader treats specially, and one of each kind of the others.
const SPECIAL: &str = "'\"`\\$%!#&|;<>()[]{}*?~=^,-+:/@. \t\n\r\u{1}\u{1b}\u{7f}a0_é’😀";

/// Returns each character up to U+00FF except NUL, and each pair of special characters. Each of them is a value of its
/// own, is repeated, and is at the start, in the middle and at the end of a value.
fn listed() -> impl Iterator<Item = String> {
    let pairs = SPECIAL.chars().flat_map(|first| SPECIAL.chars().map(move |second| format!("{first}{second}")));
    let pieces = ('\u{1}'..='\u{ff}').map(String::from).chain(pairs);
    pieces.flat_map(|piece| [piece.repeat(2), format!("{piece}b"), format!("a{piece}b"), format!("a{piece}"), piece])
}

/// Returns the values of [`listed`], and values that consist of up to twelve texts from [`HOSTILE`]. The values are the
/// same in each run.
fn values() -> Vec<String> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).expect("small")
    };
    let mut values: Vec<String> = HOSTILE.iter().map(|piece| (*piece).to_owned()).collect();
    values.push(String::new());
    values.extend(listed());
    for _ in 0..2000 {
        values.push((0..next(13)).map(|_| HOSTILE[next(HOSTILE.len())]).collect());
    }
    values
}

fn quoted(quote: fn(&str, &mut String), value: &str) -> String {
    let mut text = String::new();
    quote(value, &mut text);
    text
}

fn tried(quote: fn(&str, &mut String) -> Result<(), Unfit>, value: &str) -> Option<String> {
    let mut text = String::new();
    quote(value, &mut text).ok().map(|()| text)
}

#[test]
fn each_quoting_has_the_usual_form() {
    let value = "a'b\\c\"$d`é\n";
    assert_eq!(quoted(posix, value), "'a'\\''b\\c\"$d`é\n'");
    assert_eq!(quoted(fish, value), "'a\\'b\\\\c\"$d`é\n'");
    assert_eq!(quoted(powershell, value), "'a''b\\c\"$d`' + [char]0x00e9 + '' + [char]0x000a + ''");
    assert_eq!(quoted(powershell, "😀"), "'' + [char]0xd83d + '' + [char]0xde00 + ''");
    assert_eq!(tried(raw, "a'b \"$(c)#").as_deref(), Some("a'b \"$(c)#"));
    assert_eq!(tried(dotenv, "a \"b\" $c\n#").as_deref(), Some("'a \"b\" $c\n#'"));
    assert_eq!(tried(dotenv, "it's").as_deref(), Some("\"it's\""));
}

/// Reads a text by the rules of POSIX (XCU 2.2) for backslashes and single quotes. Returns `None` for any other
/// character outside quotes.
fn read_posix(text: &str) -> Option<String> {
    let (mut value, mut chars) = (String::new(), text.chars());
    while let Some(c) = chars.next() {
        match c {
            '\'' => loop {
                match chars.next()? {
                    '\'' => break,
                    c => value.push(c),
                }
            },
            '\\' => value.push(chars.next()?),
            _ => return None,
        }
    }
    Some(value)
}

/// Reads a text by the rules of fish's manual for single quotes.
fn read_fish(text: &str) -> Option<String> {
    let (mut value, mut chars) = (String::new(), text.strip_prefix('\'')?.chars());
    loop {
        match chars.next()? {
            '\'' => return chars.next().is_none().then_some(value),
            '\\' => match chars.next()? {
                c @ ('\'' | '\\') => value.push(c),
                c => value.extend(['\\', c]),
            },
            c => value.push(c),
        }
    }
}

/// Reads a text by the rules of `PowerShell`'s tokenizer: each of five quote characters ends a string, or stands for
/// one quote character if it is doubled. `+` joins strings and characters.
fn read_powershell(text: &str) -> Option<String> {
    let is_quote = |c: char| matches!(c, '\'' | '‘' | '’' | '‚' | '‛');
    let mut units = Vec::new();
    let mut rest = text;
    loop {
        if let Some(number) = rest.strip_prefix("[char]0x") {
            units.push(u16::from_str_radix(number.get(..4)?, 16).ok()?);
            rest = &number[4..];
        } else {
            let mut chars = rest.strip_prefix(is_quote)?.chars();
            loop {
                let c = chars.next()?;
                if is_quote(c) && !chars.as_str().starts_with(is_quote) {
                    break;
                }
                let c = if is_quote(c) { chars.next()? } else { c };
                units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
            }
            rest = chars.as_str();
        }
        if rest.is_empty() {
            return String::from_utf16(&units).ok();
        }
        rest = rest.strip_prefix(" + ")?;
    }
}

#[test]
fn every_value_is_read_as_it_was_by_the_rules_of_each_shell() {
    for value in values() {
        assert_eq!(read_posix(&quoted(posix, &value)).as_ref(), Some(&value));
        assert_eq!(read_fish(&quoted(fish, &value)).as_ref(), Some(&value));
        let powershell = quoted(powershell, &value);
        assert_eq!(read_powershell(&powershell).as_ref(), Some(&value));
        assert!(powershell.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{powershell}");
    }
}

/// Reads a file as docker does. Go's scanner splits it into lines and removes a carriage return from the end of a line.
/// The value is the rest of the line.
fn read_docker(file: &str) -> Option<String> {
    let line = file.strip_suffix('\n')?;
    let line = line.strip_suffix('\r').unwrap_or(line);
    (!line.contains('\n')).then(|| line.split_once('=').map(|(_, value)| value.to_owned()))?
}

/// Reads a file as systemd's `parse_env_file` does: it strips white space around the value, and interprets backslashes
/// and quotes at the start. Returns `None` if the text is more than one line, or if systemd would reject the value.
fn read_systemd(file: &str) -> Option<String> {
    let (_, text) = file.split_once('=')?;
    let (mut value, mut kept) = (String::new(), 0);
    let mut chars = text.trim_start_matches([' ', '\t']).chars().peekable();
    let mut bare = false;
    while let Some(c) = chars.next() {
        match c {
            '\n' | '\r' => break,
            '\\' => {
                bare = true;
                match chars.next()? {
                    '\n' => {}
                    c => value.push(c),
                }
                kept = value.len();
            }
            quote @ ('\'' | '"') if !bare => {
                loop {
                    match chars.next()? {
                        c if c == quote => break,
                        '\\' if quote == '"' => match chars.next()? {
                            c @ ('"' | '\\' | '`' | '$') => value.push(c),
                            '\n' => {}
                            c => value.extend(['\\', c]),
                        },
                        c => value.push(c),
                    }
                }
                kept = value.len();
            }
            c => {
                bare = bare || !c.is_ascii_whitespace();
                value.push(c);
                if !matches!(c, ' ' | '\t') {
                    kept = value.len();
                }
            }
        }
    }
    value.truncate(kept);
    // The text after a line break would be another line, which is another variable or an error.
    let whole = chars.next().is_none();
    let clean = value.chars().all(|c| !c.is_ascii_control() || c == '\t');
    (whole && clean).then_some(value)
}

#[test]
fn a_raw_value_is_rejected_only_if_docker_and_systemd_read_it_differently() {
    let mut fit = 0;
    for value in values() {
        let read = |text: &str| {
            let file = format!("NAME={text}\n");
            [read_docker(&file), read_systemd(&file)]
        };
        let same = read(&value) == [Some(value.clone()), Some(value.clone())];
        assert_eq!(tried(raw, &value).is_some(), same, "{value:?}: {:?}", read(&value));
        fit += usize::from(same);
    }
    assert!(fit > 300, "{fit}");
}

/// Reads a value as python-dotenv does: escapes between quotes are interpreted, and then `${…}` is replaced.
fn read_python(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    let inside = text.strip_prefix(quote)?.strip_suffix(quote)?;
    let (mut value, mut chars) = (String::new(), inside.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => match (chars.next()?, quote) {
                (c @ ('\\' | '\''), _) => value.push(c),
                (_, '"') => return None,
                (c, _) => value.extend(['\\', c]),
            },
            c if c == quote => return None,
            c => value.push(c),
        }
    }
    (!value.contains("${")).then_some(value)
}

/// Reads a value as JavaScript's dotenv does: all line ends become line feeds, and then the text between two equal
/// quotes is the value. The escapes for a line feed and a carriage return are interpreted only between double quotes.
fn read_javascript(text: &str) -> Option<String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let quote = text.chars().next()?;
    let inside = text.strip_prefix(quote)?.strip_suffix(quote)?;
    let inside = if quote == '"' { inside.replace("\\n", "\n").replace("\\r", "\r") } else { inside.to_owned() };
    (!inside.contains(quote)).then_some(inside)
}

#[test]
fn a_dotenv_value_is_the_same_to_its_readers() {
    let mut fit = 0;
    for value in values() {
        if let Some(text) = tried(dotenv, &value) {
            assert_eq!(read_python(&text).as_ref(), Some(&value));
            assert_eq!(read_javascript(&text).as_ref(), Some(&value));
            fit += 1;
        }
    }
    assert!(fit > 500, "{fit}");
    for unfit in ["'\"", "'$", "'`", "a\\", "${A}", "\r"] {
        assert_eq!(tried(dotenv, unfit), None, "{unfit}");
    }
}
