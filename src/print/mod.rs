//! A session as text (`--print`).
//!
//! Decides what is written and how it is quoted; `deliver::environment` decides which variables there are. It writes
//! nothing itself.

pub(crate) mod document;
mod format;
mod quote;

pub(crate) use format::{Format, Syntax};

use crate::error::Error;
use crate::session::Session;
use quote::Unfit;
use std::ffi::{OsStr, OsString};
use zeroize::Zeroizing;

/// More than the variables of a session take: growing would leave copies of secrets.
const ROOM: usize = 32 * 1024;

/// The change that turns another environment into the command's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EnvironmentChange {
    /// All names that must not be set, inherited here or not: the environment that is changed may be another one.
    pub(crate) removed: Vec<&'static str>,
    pub(crate) set: Vec<(OsString, OsString)>,
}

/// The whole text, including the last line feed.
///
/// # Errors
/// A variable that the format cannot represent: none is left out or changed.
pub(crate) fn text(
    format: Format,
    session: &Session,
    region: Option<&str>,
    change: &EnvironmentChange,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let syntax = match format {
        Format::Json => return Ok(document::whole(session, region)),
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

/// One line that unsets the names, whether they are set or not: the shell that reads it may have another environment
/// than xassume.
fn unset(syntax: Syntax, names: &[&str], into: &mut String) {
    let (before, between, after) = match syntax {
        // A list of variables cannot unset one.
        Syntax::Env | Syntax::Dotenv => return,
        Syntax::Export => ("unset ", " ", ""),
        // Only globals. A universal variable is shared by all shells of the user, so only the user may erase it; fish
        // would also export it from behind a global one. The status is success, which `set -gx` keeps.
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

/// One line that sets a variable, or more if its value has more.
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

/// A name as POSIX defines it (XBD 3.216); a shell would read any other as something else.
fn is_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

#[cfg(test)]
mod tests;
