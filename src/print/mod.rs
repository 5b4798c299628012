//! A session as text (`--print`).
//!
//! This module decides how the variables are written and quoted. `deliver::environment` decides which variables there
//! are. This module returns the text and writes nothing itself.

pub(crate) mod completions;
pub(crate) mod document;
mod format;
mod quote;

pub(crate) use document::ProfileSession;
pub(crate) use format::{Format, Syntax};
pub(crate) use quote::{flag_and_value, shell_word};

use crate::error::Error;
use crate::session::Session;
use quote::Unfit;
use std::ffi::{OsStr, OsString};
use zeroize::Zeroizing;

/// The initial capacity of the text, in bytes. The variables of a session need less, so the buffer never grows. Growing
/// would leave copies of the secrets in memory.
const ROOM: usize = 32 * 1024;

/// The change that turns any environment into the environment of the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EnvironmentChange {
    /// All names that must not be set. They include names that xassume has not inherited, because the change may be
    /// applied to another environment than that of xassume.
    pub(crate) removed: Vec<&'static str>,
    pub(crate) set: Vec<(OsString, OsString)>,
}

/// Returns the whole text, including the last line feed. Only JSON contains the sessions in `others`.
///
/// # Errors
/// The format cannot represent one of the variables. Such a variable is never left out or changed.
pub(crate) fn text(
    format: Format,
    (session, others): (&Session, &[ProfileSession<'_>]),
    region: Option<&str>,
    change: &EnvironmentChange,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let syntax = match format {
        Format::Json => return Ok(document::whole(session, region, others)),
        Format::CredentialProcess => return Ok(document::process(session)),
        Format::Variables(syntax) => syntax,
    };
    let mut text = Zeroizing::new(String::with_capacity(ROOM));
    unset(syntax, &change.removed, &mut text);
    for (name, value) in &change.set {
        set(syntax, name, value, &mut text).map_err(|reason| Error::Unprintable {
            name: name.to_string_lossy().into_owned(),
            format: format.name(),
            reason,
        })?;
    }
    Ok(Zeroizing::new(std::mem::take(&mut *text).into_bytes()))
}

/// Appends one line that unsets the names. They include names that are not set for xassume, because the shell that
/// reads the line may have another environment.
fn unset(syntax: Syntax, names: &[&str], into: &mut String) {
    let (before, between, after) = match syntax {
        // These formats are lists of variables with their values, which cannot say that a variable is unset.
        Syntax::Env | Syntax::Dotenv => return,
        Syntax::Export => ("unset ", " ", ""),
        // The line erases only global variables. A universal variable is shared by all shells of the user, so only the
        // user may erase it. Because fish still exports a universal variable after a global one with the same name is
        // erased, the line prints a warning. The line ends with success, so the exit status of the whole text is
        // success, too: `set -gx` does not change it.
        Syntax::Fish => (
            "begin; set -l name; for name in ",
            " ",
            "; set -eg $name; set -qUx $name; and echo \"xassume: warning: $name is still set: it is a universal variable, \
             which `set -eU $name` erases\" >&2; end; true; end",
        ),
        Syntax::PowerShell => ("Remove-Item -ErrorAction Ignore -Path Env:", ", Env:", ""),
    };
    into.push_str(before);
    into.push_str(&names.join(between));
    into.push_str(after);
    into.push('\n');
}

/// Appends one line that sets a variable. If the value has several lines, the text has several lines too.
fn set(syntax: Syntax, name: &OsStr, value: &OsStr, into: &mut String) -> Result<(), Unfit> {
    let name = name.to_str().filter(|name| is_name(name)).ok_or("has a name that is not valid in a shell")?;
    let value = value.to_str().ok_or("is not valid UTF-8")?;
    let (before, between) = match syntax {
        Syntax::Env | Syntax::Dotenv => ("", "="),
        Syntax::Export => ("export ", "="),
        Syntax::Fish => ("set -gx ", " "),
        Syntax::PowerShell => ("$Env:", " = "),
    };
    into.push_str(before);
    into.push_str(name);
    into.push_str(between);
    match syntax {
        Syntax::Env => quote::raw(value, into)?,
        Syntax::Export => quote::posix(value, into),
        Syntax::Fish => quote::fish(value, into),
        Syntax::PowerShell => quote::powershell(value, into),
        Syntax::Dotenv => quote::dotenv(value, into)?,
    }
    into.push('\n');
    Ok(())
}

/// Checks whether a name is valid in POSIX (XBD 3.216). A shell would not read any other text as the name of a
/// variable.
fn is_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

#[cfg(test)]
mod tests;
