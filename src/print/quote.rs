//! A value as each reader needs it: the quoting of shells, and checks for readers that share no quoting.
//!
//! Each function appends to a text, so that no further copy of a secret is made.

use std::fmt::Write as _;

/// Why a format cannot represent a value, as the end of a sentence that begins with the value's name.
pub(super) type Unfit = &'static str;

/// For sh and similar shells (POSIX, XCU 2.2.2): between single quotes only the quote itself is special. Two quotes are
/// never adjacent inside, so zsh's option `RC_QUOTES` makes no difference.
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

/// For fish: between single quotes `\'` and `\\` are the only escapes (fish's manual, "Quotes").
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

/// For `PowerShell`: between single quotes a quote is doubled (`about_Quoting_Rules`).
///
/// It takes typographic quotes for plain ones, decodes a program's output with the console's code page, and splits it
/// into lines. So all except printable ASCII is written by number, as a unit of UTF-16.
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

/// Unquoted, for docker's `--env-file`, which takes the rest of the line, and for systemd's `EnvironmentFile=`
/// (systemd.exec(5)), which strips white space and interprets a leading quote and backslashes.
///
/// # Errors
/// A value that one of them would read differently.
pub(super) fn raw(value: &str, into: &mut String) -> Result<(), Unfit> {
    // A line feed ends the line. systemd ignores a line with any other control character except a tab.
    if value.chars().any(|c| c.is_ascii_control() && c != '\t') {
        return Err("contains a line break or another control character");
    }
    if value.contains('\\') {
        return Err("contains a backslash, which systemd treats as an escape");
    }
    if value.starts_with(['"', '\'']) {
        return Err("starts with a quotation mark, which systemd removes");
    }
    if value.starts_with([' ', '\t']) || value.ends_with([' ', '\t']) {
        return Err("starts or ends with white space, which systemd removes");
    }
    into.push_str(value);
    Ok(())
}

/// For the dotenv libraries: in single quotes, or in double quotes if it contains a single one.
///
/// They agree about quotes and line feeds, and about little else: Python's and Ruby's interpret backslashes and
/// JavaScript's does not, Python's expands `${…}` in any quotes, JavaScript's turns carriage returns into line feeds.
///
/// # Errors
/// A value that one of them would read differently.
pub(super) fn dotenv(value: &str, into: &mut String) -> Result<(), Unfit> {
    let quote = match (value.contains('\''), value.contains(['"', '$', '`'])) {
        (false, _) => '\'',
        (true, false) => '"',
        (true, true) => return Err("contains quotation marks or $, which dotenv libraries treat differently"),
    };
    if value.contains('\\') {
        return Err("contains a backslash, which dotenv libraries treat differently");
    }
    if value.contains("${") {
        return Err("contains ${, which some dotenv libraries expand");
    }
    if value.contains('\r') {
        return Err("contains a carriage return, which some dotenv libraries replace");
    }
    into.push(quote);
    into.push_str(value);
    into.push(quote);
    Ok(())
}

#[cfg(test)]
mod tests;
