//! What each line of a shared config file is: a section's header, a setting, a continuation, a comment, nothing.
//!
//! The grammar is that of "Shared config and credentials files" in the AWS SDKs and Tools Reference Guide. Where the
//! AWS CLI reads more than the guide promises (an indented section, `key: value`), this file does too, since a file
//! that works with `aws` has to work here. It looks at one line after another and keeps every byte; what sections
//! and settings mean is decided in `set`. It knows no file name.

use crate::profile::quotes::{one_word, outside_quotes};
use crate::session::Secret;

/// Which of the two shared files a text is: their sections are named differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FileKind {
    /// `~/.aws/config`: `[profile NAME]`, `[default]`, `[sso-session NAME]`, `[services NAME]`.
    Config,
    /// `~/.aws/credentials`: `[NAME]`.
    Credentials,
}

/// What a section is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Section {
    /// `[default]`, which a `[profile default]` beside it replaces.
    Default,
    Profile(String),
    SsoSession(String),
    Services(String),
    /// A section that AWS gives no meaning to, as it is written.
    Other(String),
}

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    Blank,
    Comment,
    Section(Section),
    /// The key is in lower case. The value may be a secret key.
    Property {
        key: String,
        value: Secret,
    },
    /// More of the value above, or a nested setting, without the white space around it.
    Continuation(String),
    /// No line that AWS knows, and why.
    Malformed(&'static str),
}

/// A line, where it stands, and all of its bytes with its end of line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scanned<'a> {
    /// Counted from 1.
    pub(crate) number: usize,
    pub(crate) raw: &'a [u8],
    pub(crate) line: Line,
}

/// The lines of a text; their `raw` parts, put together, are the text again.
pub(crate) fn scan(kind: FileKind, text: &[u8]) -> Scanner<'_> {
    Scanner { kind, rest: text, number: 0, in_section: false, indent: None }
}

/// The iterator behind [`scan`].
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    kind: FileKind,
    rest: &'a [u8],
    number: usize,
    in_section: bool,
    /// How far the last setting was indented; a line that is indented further continues it.
    indent: Option<usize>,
}

impl<'a> Iterator for Scanner<'a> {
    type Item = Scanned<'a>;

    fn next(&mut self) -> Option<Scanned<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let (raw, rest) = self.rest.split_at(line_length(self.rest));
        self.rest = rest;
        self.number += 1;
        let text = String::from_utf8_lossy(raw);
        // Editors on other systems begin a file with a byte order mark.
        let text = if self.number == 1 { text.trim_start_matches('\u{feff}') } else { &text };
        Some(Scanned { number: self.number, raw, line: self.classify(text) })
    }
}

impl Scanner<'_> {
    fn classify(&mut self, text: &str) -> Line {
        let trimmed = text.trim();
        let indent = text.len() - text.trim_start().len();
        if trimmed.is_empty() {
            return Line::Blank;
        }
        if trimmed.starts_with(['#', ';']) {
            return Line::Comment;
        }
        if self.indent.is_some_and(|setting| indent > setting) {
            return Line::Continuation(trimmed.to_owned());
        }
        if let Some(body) = trimmed.strip_prefix('[') {
            self.in_section = true;
            self.indent = None;
            return match header(body) {
                Ok(name) => Line::Section(section(self.kind, name)),
                Err(reason) => Line::Malformed(reason),
            };
        }
        if !self.in_section {
            return Line::Malformed("setting outside of a section");
        }
        match property(trimmed) {
            Ok((key, value)) => {
                self.indent = Some(indent);
                Line::Property { key: key.to_lowercase(), value: Secret::new(value) }
            }
            Err(reason) => Line::Malformed(reason),
        }
    }
}

/// The bytes up to the next line, its end included: `\n`, `\r\n`, or a lone `\r`, which Python's reader knows.
fn line_length(text: &[u8]) -> usize {
    match text.iter().position(|&byte| byte == b'\n' || byte == b'\r') {
        Some(at) if text[at] == b'\r' && text.get(at + 1) == Some(&b'\n') => at + 2,
        Some(at) => at + 1,
        None => text.len(),
    }
}

/// The name between the brackets. What is behind them has no meaning, as for the AWS CLI.
///
/// A name may hold a `]`: in quotes, or where another is the last or stands before white space or a comment.
fn header(body: &str) -> Result<&str, &'static str> {
    let ends = |at: &usize| {
        body[at + 1..].chars().next().is_none_or(|behind| behind.is_whitespace() || matches!(behind, '#' | ';'))
    };
    let brackets = || outside_quotes(body).filter(|(_, c)| *c == ']').map(|(at, _)| at);
    let close = brackets().find(ends).or_else(|| brackets().next()).or_else(|| body.find(']'));
    close.map(|at| body[..at].trim()).ok_or("missing ]")
}

/// Reads a section's name. A name of several words is a profile's only in quotes or with backslashes, or in the
/// credentials file.
fn section(kind: FileKind, name: &str) -> Section {
    let (word, rest) = name.split_once(char::is_whitespace).map_or((name, ""), |(word, rest)| (word, rest.trim()));
    let named = |of: fn(String) -> Section| match one_word(rest) {
        Some(rest) => of(rest),
        None => Section::Other(name.to_owned()),
    };
    match (kind, word) {
        (FileKind::Config, "default") if rest.is_empty() => Section::Default,
        (FileKind::Config, "profile") => named(Section::Profile),
        (FileKind::Config, "sso-session") => named(Section::SsoSession),
        (FileKind::Config, "services") => named(Section::Services),
        (FileKind::Config, _) => Section::Other(name.to_owned()),
        (FileKind::Credentials, "profile" | "sso-session" | "services") if !rest.is_empty() => {
            Section::Other(name.to_owned())
        }
        (FileKind::Credentials, _) => Section::Profile(name.to_owned()),
    }
}

/// Reads `key = value`, or `key: value` as the AWS CLI does, without a comment behind the value.
///
/// Continuations and settings in nested blocks are read by the same rule.
pub(super) fn property(text: &str) -> Result<(&str, &str), &'static str> {
    let text = without_comment(text);
    let Some((key, value)) = text.split_once(['=', ':']) else {
        return Err("expected key = value");
    };
    match key.trim() {
        "" => Err("the key before = is missing"),
        key => Ok((key, value.trim())),
    }
}

/// Cuts a comment: `#` or `;` behind white space, and not in quotes.
fn without_comment(text: &str) -> &str {
    let mut white = false;
    for (at, c) in outside_quotes(text) {
        if white && matches!(c, '#' | ';') {
            return &text[..at];
        }
        white = c.is_whitespace();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(kind: FileKind, text: &str) -> Vec<Line> {
        scan(kind, text.as_bytes()).map(|scanned| scanned.line).collect()
    }

    fn property_line(key: &str, value: &str) -> Line {
        Line::Property { key: key.into(), value: Secret::new(value) }
    }

    #[test]
    fn sections_of_the_config_file() {
        for (text, section) in [
            ("[default]", Section::Default),
            ("[ default ] ; comment", Section::Default),
            ("[profile default]", Section::Profile("default".into())),
            ("[profile foo]", Section::Profile("foo".into())),
            ("[profile \tfoo \t]", Section::Profile("foo".into())),
            ("[profile\tfoo]", Section::Profile("foo".into())),
            ("[   profile foo    ]", Section::Profile("foo".into())),
            ("  [profile foo]", Section::Profile("foo".into())),
            ("\u{feff}[profile foo]", Section::Profile("foo".into())),
            ("[profile foo];", Section::Profile("foo".into())),
            ("[profile foo]# pound [x]", Section::Profile("foo".into())),
            ("[profile \"a b\"]", Section::Profile("a b".into())),
            ("[profile 'a ] b'] # c", Section::Profile("a ] b".into())),
            ("[profile 'a ] # b'] text", Section::Profile("a ] # b".into())),
            ("[profile foo] text", Section::Profile("foo".into())),
            ("[profile foo] text [2]", Section::Profile("foo".into())),
            ("[profile foo]=", Section::Profile("foo".into())),
            ("[profile a]b]", Section::Profile("a]b".into())),
            (r"[profile my\ prof]", Section::Profile("my prof".into())),
            (r"[profile corp\\me]", Section::Profile(r"corp\me".into())),
            (r#"[profile "a \" b"]"#, Section::Profile(r#"a " b"#.into())),
            ("[profile 'a'b]", Section::Profile("ab".into())),
            (r"[sso-session my\ corp]", Section::SsoSession("my corp".into())),
            (r"[services my\ own]", Section::Services("my own".into())),
            ("[profile o'brien]", Section::Profile("o'brien".into())),
            (
                "[profile some-thing:long/the_one%only.foo@bar+]",
                Section::Profile("some-thing:long/the_one%only.foo@bar+".into()),
            ),
            ("[sso-session corp]", Section::SsoSession("corp".into())),
            ("[services local]", Section::Services("local".into())),
            ("[foo]", Section::Other("foo".into())),
            ("[profilefoo]", Section::Other("profilefoo".into())),
            ("[sso-sesion foo]", Section::Other("sso-sesion foo".into())),
            ("[profile in valid]", Section::Other("profile in valid".into())),
            ("[profile]", Section::Other("profile".into())),
            ("[profile \"\"]", Section::Other("profile \"\"".into())),
        ] {
            assert_eq!(lines(FileKind::Config, text), [Line::Section(section)], "{text}");
        }
    }

    #[test]
    fn sections_of_the_credentials_file() {
        for (text, section) in [
            ("[default]", Section::Profile("default".into())),
            ("[ foo ]", Section::Profile("foo".into())),
            ("[a b]", Section::Profile("a b".into())),
            ("[profile]", Section::Profile("profile".into())),
            ("[sso-sessionfoo]", Section::Profile("sso-sessionfoo".into())),
            ("[foo] text", Section::Profile("foo".into())),
            (r"[my\ prof]", Section::Profile(r"my\ prof".into())),
            ("[profile foo]", Section::Other("profile foo".into())),
            ("[sso-session foo]", Section::Other("sso-session foo".into())),
        ] {
            assert_eq!(lines(FileKind::Credentials, text), [Line::Section(section)], "{text}");
        }
    }

    #[test]
    fn settings_with_their_white_space_case_and_comments() {
        for (text, key, value) in [
            ("name = value", "name", "value"),
            ("name=value", "name", "value"),
            ("Name \t=  \tvalue \t", "name", "value"),
            ("name = val=ue", "name", "val=ue"),
            ("name =", "name", ""),
            ("name = value # Comment with # sign", "name", "value"),
            ("name = value ; Comment", "name", "value"),
            ("name = value\t;", "name", "value"),
            ("name = value; Adjacent", "name", "value; Adjacent"),
            ("name = value# Adjacent", "name", "value# Adjacent"),
            ("name = # all comment", "name", ""),
            ("name = 'a # b' # c", "name", "'a # b'"),
            ("name = /x \"a # b\" ; c", "name", "/x \"a # b\""),
            ("name = /x --a='b ; c'", "name", "/x --a='b ; c'"),
            ("name = it's # a comment", "name", "it's"),
            ("name = an open \" # comment", "name", "an open \""),
            ("name: value", "name", "value"),
            ("region : eu-west-1", "region", "eu-west-1"),
            ("credential_process: /x --a=b", "credential_process", "/x --a=b"),
            ("name = 😂", "name", "😂"),
            ("in valid = value", "in valid", "value"),
            ("  name = value", "name", "value"),
        ] {
            for end in ["", "\n", "\r\n", "\r"] {
                let found = lines(FileKind::Config, &format!("[default]{}{text}{end}", "\n"));
                assert_eq!(found[1..], [property_line(key, value)], "{text}{end:?}");
            }
        }
    }

    #[test]
    fn continuations_comments_and_blanks() {
        let text =
            "# c\n\t \n[default]\n; c\nname = value\n \t -more # kept \t\n\n  # c\n -again\ns3 =\n  a = b\nlast = 1";
        assert_eq!(
            lines(FileKind::Config, text),
            [
                Line::Comment,
                Line::Blank,
                Line::Section(Section::Default),
                Line::Comment,
                property_line("name", "value"),
                Line::Continuation("-more # kept".into()),
                Line::Blank,
                Line::Comment,
                Line::Continuation("-again".into()),
                property_line("s3", ""),
                Line::Continuation("a = b".into()),
                property_line("last", "1"),
            ]
        );
    }

    #[test]
    fn an_indented_section_is_read_as_the_cli_reads_it() {
        assert_eq!(
            lines(FileKind::Config, "  [default]\n  a = 1\n    more\n  b = 2\n c = 3\n[profile x]\n d = 4\n"),
            [
                Line::Section(Section::Default),
                property_line("a", "1"),
                Line::Continuation("more".into()),
                property_line("b", "2"),
                property_line("c", "3"),
                Line::Section(Section::Profile("x".into())),
                property_line("d", "4"),
            ]
        );
    }

    #[test]
    fn malformed_lines_say_why() {
        for (text, number, reason) in [
            ("[profile foo", 1, "missing ]"),
            ("[profile 'foo", 1, "missing ]"),
            ("\n\nname = value", 3, "outside of a section"),
            (" -continued", 1, "outside of a section"),
            ("[default]\nname", 2, "expected key = value"),
            ("[default]\n= value", 2, "key before = is missing"),
            ("[default]\na = 1\n[default]\n -continued", 4, "expected key = value"),
        ] {
            let found = scan(FileKind::Config, text.as_bytes()).find_map(|scanned| match scanned.line {
                Line::Malformed(reason) => Some((scanned.number, reason)),
                _ => None,
            });
            let (line, why) = found.expect(text);
            assert_eq!(line, number, "{text}");
            assert!(why.contains(reason), "{text}: {why}");
        }
    }

    #[test]
    fn every_byte_is_kept() {
        let text = b"\xef\xbb\xbf[default]\r\nname = \xff\xfe\r more\n\n\n  x\r\r\nlast";
        let raw: Vec<u8> = scan(FileKind::Config, text).flat_map(|scanned| scanned.raw.to_vec()).collect();
        assert_eq!(raw, text);
        assert_eq!(scan(FileKind::Config, b"").count(), 0);
    }
}
