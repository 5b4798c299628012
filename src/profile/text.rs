//! Splits a shared config file into lines. A line is a section header, a setting, a continuation, a comment or blank.
//!
//! The grammar is "Shared config and credentials files" in the AWS SDKs and Tools Reference Guide. The AWS CLI also
//! accepts indented section headers and `key: value`. This parser does too, because a file that works with `aws` must
//! work with xassume. Every byte is kept, so that the file can be copied. `set` decides what sections and settings
//! mean.

use crate::profile::quotes::{one_word, outside_quotes};
use crate::session::Secret;

/// One of the two shared files. Their section headers are written differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FileKind {
    /// `~/.aws/config`: `[profile NAME]`, `[default]`, `[sso-session NAME]`, `[services NAME]`.
    Config,
    /// `~/.aws/credentials`: `[NAME]`.
    Credentials,
}

/// What the header of a section means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Section {
    /// `[default]` in the config file. `[profile default]` replaces this section.
    Default,
    Profile(String),
    SsoSession(String),
    Services(String),
    /// A section that has no meaning for AWS. The field is the text between the brackets.
    Other(String),
}

/// The kind of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    Blank,
    Comment,
    Section(Section),
    /// A setting. The key is in lower case, and the value may be secret.
    Property {
        key: String,
        value: Secret,
    },
    /// A line that continues the setting above it: another line of the value, or a nested setting. The field does not
    /// contain the white space around the line.
    Continuation(String),
    /// A line that AWS's tools cannot read. The field is the reason.
    Malformed(&'static str),
}

/// A line, with its number and all of its bytes, including the line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scanned<'a> {
    /// The number of the line, counted from 1.
    pub(crate) number: usize,
    pub(crate) raw: &'a [u8],
    pub(crate) line: Line,
}

/// Returns the lines of a text. Their `raw` parts, joined, are the whole text.
pub(crate) fn scan(kind: FileKind, text: &[u8]) -> impl Iterator<Item = Scanned<'_>> {
    let mut scanner = Scanner { kind, in_section: false, indent: None };
    (1..).zip(raw_lines(text)).map(move |(number, raw)| {
        let text = String::from_utf8_lossy(raw);
        // Some editors write a byte order mark at the start of a file. It is not a part of the first line.
        let text = if number == 1 { text.trim_start_matches('\u{feff}') } else { &text };
        Scanned { number, raw, line: scanner.classify(text).unwrap_or_else(Line::Malformed) }
    })
}

/// What the lines before the current line determine.
struct Scanner {
    kind: FileKind,
    in_section: bool,
    /// The indentation of the last setting, in bytes. A line with more indentation continues that setting. `None` if
    /// there is no setting that a line could continue.
    indent: Option<usize>,
}

impl Scanner {
    /// Returns the kind of a line, or the reason why the line is invalid.
    fn classify(&mut self, text: &str) -> Result<Line, &'static str> {
        let trimmed = text.trim();
        let indent = text.len() - text.trim_start().len();
        if trimmed.is_empty() {
            return Ok(Line::Blank);
        }
        if trimmed.starts_with(['#', ';']) {
            return Ok(Line::Comment);
        }
        if self.indent.is_some_and(|setting| indent > setting) {
            return Ok(Line::Continuation(trimmed.to_owned()));
        }
        if let Some(body) = trimmed.strip_prefix('[') {
            self.in_section = true;
            self.indent = None;
            return Ok(Line::Section(section(self.kind, header(body)?)));
        }
        if !self.in_section {
            return Err("setting outside of a section");
        }
        let (key, value) = property(trimmed)?;
        self.indent = Some(indent);
        Ok(Line::Property { key: key.to_lowercase(), value: Secret::new(value) })
    }
}

/// Returns the lines, each with its line break: LF, CRLF, or a single CR as in Python.
fn raw_lines(mut text: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let length = match text.iter().position(|&byte| byte == b'\n' || byte == b'\r') {
            Some(at) if text[at] == b'\r' && text.get(at + 1) == Some(&b'\n') => at + 2,
            Some(at) => at + 1,
            None => text.len(),
        };
        text.split_off(..length).filter(|line| !line.is_empty())
    })
}

/// Returns the name in a section header. `body` is the header without its opening bracket. Text after the closing
/// bracket has no meaning, as in the AWS CLI.
///
/// The closing bracket is the first `]` outside quotes before white space, a comment or the end of the line. If there
/// is no such `]`, it is the first one outside quotes, or else the first one. Any `]` before the closing bracket
/// belongs to the name.
fn header(body: &str) -> Result<&str, &'static str> {
    let ends = |at: &usize| {
        body[at + 1..].chars().next().is_none_or(|behind| behind.is_whitespace() || matches!(behind, '#' | ';'))
    };
    let brackets = || outside_quotes(body).filter(|(_, c)| *c == ']').map(|(at, _)| at);
    let close = brackets().find(ends).or_else(|| brackets().next()).or_else(|| body.find(']'));
    close.map(|at| body[..at].trim()).ok_or("missing ]")
}

/// Returns what a section header means. `name` is the text between the brackets. In the config file, a profile name of
/// several words needs quotes or backslashes.
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

/// Parses `key = value`, or `key: value` as the AWS CLI does. A comment after the value is ignored.
///
/// Nested settings have the same form.
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

/// Removes a comment, which begins with `#` or `;` after white space and outside quotes.
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
