//! Quotes a value for the program that reads it. If several programs read the value and have no form of quoting in
//! common, checks that the value needs none.
//!
//! Each function appends to a text, so that no further copy of a secret is made.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The reason why a format cannot represent a variable, as a sentence without its subject, such as "is not valid
/// UTF-8".
pub(super) type Unfit = &'static str;

/// Quotes a value for sh and similar shells (POSIX, XCU 2.2.2): between single quotes, only the single quote itself is
/// special. A closing quote is never followed by another quote, so zsh's option `RC_QUOTES` makes no difference.
pub(super) fn posix(value: &str, into: &mut String) {
    into.push('\'');
    for c in value.chars() {
        match c {
            '\'' => into.push_str(r"'\''"),
            c => into.push(c),
        }
    }
    into.push('\'');
}

/// Returns a word as a user would type it in a shell: unchanged if no shell gives its characters a meaning, and otherwise
/// quoted for sh and similar shells.
pub(crate) fn shell_word(word: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&byte);
    // zsh expands a leading `=`.
    if !word.is_empty() && !word.starts_with('=') && word.bytes().all(is_plain) {
        return word.into();
    }
    let mut quoted = String::new();
    posix(word, &mut quoted);
    quoted.into()
}

/// Returns a flag with its value as a user would type them in a shell. `short` is `-p` or `-r`. A value that looks like a
/// flag is only accepted after the long form.
pub(crate) fn flag_and_value(short: &str, value: &str) -> String {
    let word = shell_word(value);
    if value.starts_with('-') { format!("--profile={word}") } else { format!("{short} {word}") }
}

/// Quotes a value for fish: between single quotes, `\'` and `\\` are the only escapes (fish's manual, "Quotes").
pub(super) fn fish(value: &str, into: &mut String) {
    into.push('\'');
    for c in value.chars() {
        if matches!(c, '\'' | '\\') {
            into.push('\\');
        }
        into.push(c);
    }
    into.push('\'');
}

/// Quotes a value for `PowerShell`: between single quotes, a single quote is doubled (`about_Quoting_Rules`).
///
/// `PowerShell` treats typographic quotes like plain ones, decodes a program's output with the code page of the
/// console, and splits the output into lines. So each character that is not printable ASCII is written as the numbers
/// of its UTF-16 units.
pub(super) fn powershell(value: &str, into: &mut String) {
    into.push('\'');
    for unit in value.encode_utf16() {
        match u8::try_from(unit) {
            Ok(b'\'') => into.push_str("''"),
            Ok(byte @ b' '..=b'~') => into.push(char::from(byte)),
            // Writing to memory cannot fail.
            _ => drop(write!(into, "' + [char]0x{unit:04x} + '")),
        }
    }
    into.push('\'');
}

/// Appends a value without quotes. Docker's `--env-file` takes the rest of the line as the value. Systemd's
/// `EnvironmentFile=` (systemd.exec(5)) strips white space, and interprets backslashes and a quotation mark at the
/// start.
///
/// # Errors
/// One of the two programs would read the value differently.
pub(super) fn raw(value: &str, into: &mut String) -> Result<(), Unfit> {
    // A line feed ends the line. systemd ignores a line that contains any other control character except a tab.
    let control = value.chars().any(|c| c.is_ascii_control() && c != '\t');
    let space = value.starts_with([' ', '\t']) || value.ends_with([' ', '\t']);
    check(&[
        (control, "contains a line break or another control character"),
        (value.contains('\\'), "contains a backslash, which EnvironmentFile= of systemd reads as an escape character"),
        (value.starts_with(['"', '\'']), "starts with a quotation mark, which EnvironmentFile= of systemd removes"),
        (space, "starts or ends with white space, which EnvironmentFile= of systemd removes"),
    ])?;
    into.push_str(value);
    Ok(())
}

/// Fails with the first reason that applies to a value.
fn check(reasons: &[(bool, Unfit)]) -> Result<(), Unfit> {
    reasons.iter().find(|(applies, _)| *applies).map_or(Ok(()), |(_, reason)| Err(*reason))
}

/// Quotes a value for the dotenv libraries: in single quotes, or in double quotes if the value contains a single quote.
///
/// The libraries agree about quotes and line feeds, and about little else. Python's and Ruby's libraries interpret
/// backslashes, and JavaScript's library does not. Python's library expands `${…}` in any quotes. JavaScript's library
/// turns carriage returns into line feeds.
///
/// # Errors
/// One of the libraries would read the value differently.
pub(super) fn dotenv(value: &str, into: &mut String) -> Result<(), Unfit> {
    let quote = if value.contains('\'') { '"' } else { '\'' };
    let mixed = quote == '"' && value.contains(['"', '$', '`']);
    check(&[
        (mixed, "contains quotation marks or $, which dotenv libraries treat differently"),
        (value.contains('\\'), "contains a backslash, which dotenv libraries treat differently"),
        (value.contains("${"), "contains ${, which some dotenv libraries expand"),
        (value.contains('\r'), "contains a carriage return, which some dotenv libraries replace"),
    ])?;
    into.push(quote);
    into.push_str(value);
    into.push(quote);
    Ok(())
}

#[cfg(test)]
mod tests;
