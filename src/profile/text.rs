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
mod tests;
