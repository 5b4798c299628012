//! A value as each reader takes it: the shells' quoting, and what can be had from readers that know none in common.
//!
//! Each function appends to the text it is given, so that no further copy of a secret is made.

use std::fmt::Write as _;

/// Why a format cannot carry a value, as the end of a sentence that begins with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unfit(pub(crate) &'static str);

/// For sh and its like (POSIX, XCU 2.2.2): nothing is special between single quotes but the quote itself. Without two
/// quotes side by side inside, zsh's option `RC_QUOTES` makes no difference.
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
/// It takes typographic quotes for plain ones, decodes what a program prints by the console's code page, and hands it
/// on line by line. So whatever is not printable ASCII is written by its number, as a unit of UTF-16.
pub(super) fn powershell(value: &str, into: &mut String) {
    into.push('\'');
    for unit in value.encode_utf16() {
        match u8::try_from(unit) {
            Ok(b'\'') => into.push_str("''"),
            Ok(byte @ b' '..=b'~') => into.push(char::from(byte)),
            // Writing into memory does not fail.
            _ => drop(write!(into, "' + [char]0x{unit:04x} + '")),
        }
    }
    into.push('\'');
}

/// As it is, for docker's `--env-file`, which takes the rest of the line, and for systemd's `EnvironmentFile=`
/// (systemd.exec(5)), which strips white space, takes a quote at the beginning for one, and a backslash for an escape.
///
/// # Errors
/// A value that one of them would read as another.
pub(super) fn raw(value: &str, into: &mut String) -> Result<(), Unfit> {
    // A line feed ends the line; what holds any other control character but a tab, systemd ignores.
    if value.chars().any(|c| c.is_ascii_control() && c != '\t') {
        return Err(Unfit("holds a line break or another control character"));
    }
    if value.contains('\\') {
        return Err(Unfit("holds a backslash, which systemd takes for an escape"));
    }
    if value.starts_with(['"', '\'']) {
        return Err(Unfit("begins with a quotation mark, which systemd takes away"));
    }
    if value.starts_with([' ', '\t']) || value.ends_with([' ', '\t']) {
        return Err(Unfit("begins or ends with white space, which systemd takes away"));
    }
    into.push_str(value);
    Ok(())
}

/// For the libraries called dotenv: between single quotes, or double ones where it holds a single one.
///
/// They agree about quotes and line feeds, and about little else: Python's and Ruby's take a backslash for an escape
/// and JavaScript's does not, Python's replaces `${…}` between any quotes, JavaScript's makes line feeds of carriage
/// returns.
///
/// # Errors
/// A value that one of them would read as another.
pub(super) fn dotenv(value: &str, into: &mut String) -> Result<(), Unfit> {
    let quote = match (value.contains('\''), value.contains(['"', '$', '`'])) {
        (false, _) => '\'',
        (true, false) => '"',
        (true, true) => return Err(Unfit("holds quotation marks or `$`, which the readers do not take alike")),
    };
    if value.contains('\\') {
        return Err(Unfit("holds a backslash, which the readers do not take alike"));
    }
    if value.contains("${") {
        return Err(Unfit("holds `${`, which some readers replace"));
    }
    if value.contains('\r') {
        return Err(Unfit("holds a carriage return, which some readers replace"));
    }
    into.push(quote);
    into.push_str(value);
    into.push(quote);
    Ok(())
}

#[cfg(test)]
mod tests;
